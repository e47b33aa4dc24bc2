"""Add pictures to a competition's pool."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.db import transaction

from competition import chain, prompts
from competition.demo import demo_setting
from competition.models import Competition
from core import clock


class Command(BaseCommand):
    help = (
        "Add a folder's pictures to the pool and commit to it again, before the seed of the announced round is known. "
        "Title matches use up prompts: what a round has shown is never fresh again."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("competition", help="the competition's slug, such as demo")
        parser.add_argument("folder", type=Path, help=".png, .jpg or .webp pictures; their names become the prompts'")

    def handle(self, *args: Any, **options: Any) -> None:
        competition = Competition.objects.filter(slug=options["competition"], active=True).first()
        if competition is None:
            raise CommandError(f"there is no running competition {options['competition']!r}")
        try:
            pictures = demo_setting.pictures_of(options["folder"], option="FOLDER")
        except demo_setting.BadPrompts as error:
            raise CommandError(str(error)) from error
        taken = competition.pool.filter(stem__in=pictures).values_list("stem", flat=True)
        if taken:
            raise CommandError(f"the pool has a prompt called {taken[0]!r} already; give the picture another name")
        try:
            with transaction.atomic():
                now = clock.now()
                block = chain.of(competition).block(now=now)
                new = prompts.add_before_the_draw(competition, pictures, block=block, now=now)
        except prompts.TooLate as error:
            raise CommandError(f"not now: {error}") from error
        self.stdout.write(f"{new} new prompts; the pool holds {competition.pool.count()}")
