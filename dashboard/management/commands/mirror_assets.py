"""Copy the pictures of imported rounds from the hosts that still have them."""

from __future__ import annotations

import sys
from collections import Counter
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from competition.models import Competition
from core import clock
from dashboard.records.mirroring import Came, addresses, mirror

MOST_REASONS = 10


class Command(BaseCommand):
    help = (
        "Copy the pictures that an imported competition's rounds show into the store, by the guarded fetch: prompts, "
        "then both sides of each duel. Each address is tried once; pages show what came, and link the rest."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("competition", help="the competition's slug, such as mesh")
        parser.add_argument("--round", type=int, help="of this round only")
        parser.add_argument("--prompts", action="store_true", help="the prompts' pictures only")
        parser.add_argument("--again", action="store_true", help="try again what failed before")
        parser.add_argument("--most", type=int, help="at most so many addresses")

    def handle(self, *args: Any, **options: Any) -> None:
        competition = Competition.objects.filter(slug=options["competition"]).first()
        if competition is None or "records" not in competition.config:
            raise CommandError(f"There is no imported competition {options['competition']!r}.")
        urls = addresses(competition, number=options["round"], prompts_only=options["prompts"])[: options["most"]]
        came: Counter[str] = Counter()

        def count_result(one: Came) -> None:
            came[one.failure] += 1
            if sys.stderr.isatty():
                self.stderr.write(f"\r{came.total()} of at most {len(urls)}, {came['']} copied ", ending="")

        mirror(urls, retry_failed=options["again"], now=clock.now(), on_result=count_result)
        self.stdout.write(f"{competition.slug}: {len(urls)} addresses, {came.total()} tried, {came['']} copied")
        for reason, number in [pair for pair in came.most_common() if pair[0]][:MOST_REASONS]:
            self.stdout.write(f"{number:6} {reason}")
