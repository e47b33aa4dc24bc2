"""Found a competition on a real chain, and announce its first round."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from competition.configuration import competition_setup
from competition.demo import demo_setting
from competition.rulesets import BadRules
from core import clock


class Command(BaseCommand):
    help = (
        "Found a competition on bittensor:<netuid> from a file as examples/subnet.json, and announce its first round."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("slug", help="its name in addresses")
        parser.add_argument(
            "file", type=Path, help="rules, edges and the first leader; start from examples/subnet.json"
        )
        parser.add_argument("prompts", type=Path, help="a folder of pictures: the pool")
        parser.add_argument("--opens", type=int, required=True, help="the first block whose reveals count")

    def handle(self, *args: Any, **options: Any) -> None:
        try:
            document = json.loads(options["file"].read_text())
            pictures = demo_setting.pictures_of(options["prompts"], option="PROMPTS")
            if not isinstance(document, dict):
                raise CommandError(f"{options['file']} is no JSON object; start from examples/subnet.json")
            made = competition_setup.create_competition(
                document, slug=options["slug"], pictures=pictures, opens=options["opens"], now=clock.now()
            )
        except (OSError, ValueError, demo_setting.BadPrompts) as error:
            what = "" if isinstance(error, BadRules) else f"{options['file']}: "
            raise CommandError(f"{what}{error}") from error
        first = made.rounds.get(number=1)
        self.stdout.write(
            f"competition {made.slug!r} on {made.chain}, {len(pictures)} prompts; reveals count from block "
            f"{first.earliest_reveal_block} to {first.latest_reveal_block}, the seed is drawn at {first.seed_block}. "
            "Start or restart `manage.py runchain`."
        )
