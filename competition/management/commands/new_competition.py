"""Found a competition on a real chain, and announce its first round."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from competition import prompts
from competition.configuration import competition_setup
from competition.demo import demo_setting
from competition.rulesets import BadRules
from core import clock

LEADER = {
    "hotkey": "who leads at the beginning",
    "repo": "owner/name of the leader's code",
    "commit": "40 hex digits",
    "weight": "with which the leader begins, as 1 or 4/5",
}


class Command(BaseCommand):
    help = (
        "Found a competition on bittensor:<netuid> from a file as examples/subnet.json, and announce its first round. "
        "The first leader stands in the file or is named here."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("slug", help="its name in addresses")
        parser.add_argument(
            "file", type=Path, help="rules, edges and the first leader; start from examples/subnet.json"
        )
        parser.add_argument("prompts", type=Path, help="a folder of pictures: the pool")
        parser.add_argument("--opens", type=int, required=True, help="the first block whose reveals count")
        for name, words in LEADER.items():
            parser.add_argument(f"--{name}", help=f"{words}, in place of the file's")

    def handle(self, *args: Any, **options: Any) -> None:
        try:
            document = json.loads(options["file"].read_text())
            pictures = demo_setting.pictures_of(options["prompts"], option="PROMPTS")
            if not isinstance(document, dict):
                raise CommandError(f"{options['file']} is no JSON object; start from examples/subnet.json")
            given = {name: options[name] for name in LEADER if options[name] is not None}
            if given and isinstance(document.get("leader", {}), dict):
                document["leader"] = document.get("leader", {}) | given
            made = competition_setup.create_competition(
                document, slug=options["slug"], pictures=pictures, opens=options["opens"], now=clock.now()
            )
        except (OSError, ValueError, demo_setting.BadPrompts) as error:
            what = "" if isinstance(error, BadRules) else f"{options['file']}: "
            raise CommandError(f"{what}{error}") from error
        first = made.rounds.get(number=1)
        fresh = prompts.fresh_prompts(first.rules)
        beside = f" and, for its title matches, {fresh.most} fresh ones at most" if fresh else ""
        drawn = f"of {made.pool.count()} prompts each round draws {made.config['prompts_per_round']}{beside}"
        self.stdout.write(
            f"competition {made.slug!r} on {made.chain}: {drawn}. Reveals count from block "
            f"{first.earliest_reveal_block} to {first.latest_reveal_block}, the seed is drawn at {first.seed_block}, "
            f"outputs must be up at {first.generation_deadline_block}. Start or restart `manage.py runchain`."
        )
