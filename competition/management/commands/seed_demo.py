"""Create the demo competition, if it is not there yet."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError, CommandParser

from competition.demo import demo_setting
from competition.models import Competition
from core import clock

OWN_JUDGE = "the judge compares images on the CPU"
"""As the descriptions of the demos' files say it; true of no other judge."""


class Command(BaseCommand):
    help = "Create the demo competition: a simulated chain, a pool of prompts, a first leader, and a round 1 to enter."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--slug", default="demo", help="the competition's name in addresses (demo)")
        parser.add_argument("--prompts", type=Path, help="a folder of pictures to use in place of the demo's own")
        parser.add_argument(
            "--competition", type=Path, help="a file of rules and cast to use in place of the demo's own"
        )
        parser.add_argument("--judge", help="its judge, in place of the file's own")
        parser.add_argument(
            "--hosting", default=f"http://127.0.0.1:{demo_setting.HOSTING_PORT}", help="where miners' files are"
        )

    def handle(self, *args: Any, **options: Any) -> None:
        there = Competition.objects.filter(slug=options["slug"]).first()
        if there:
            self.refuse_another(there, file=options["competition"])
            self.refuse_another_judge(there, judge=options["judge"])
            self.stdout.write(f"competition {options['slug']!r} is there already")
            return
        folder = options["prompts"] or Path(settings.BASE_DIR) / "examples" / "prompts"
        try:
            pictures, document = (
                demo_setting.pictures_of(folder),
                demo_setting.read_setting(options["competition"] or demo_setting.DEFAULT_FILE),
            )
            if judge := options["judge"]:
                description = document["description"].replace(OWN_JUDGE, f"the judge is {judge}")
                document |= {"judge": judge, "description": description}
            made = demo_setting.create(
                slug=options["slug"], pictures=pictures, hosting=options["hosting"], now=clock.now(), document=document
            )
        except (demo_setting.BadPrompts, demo_setting.BadCompetition) as error:
            raise CommandError(str(error)) from error
        self.stdout.write(f"competition {made.slug!r} with {len(pictures)} prompts; round 1 opens in a few seconds")

    def refuse_another_judge(self, there: Competition, *, judge: str | None) -> None:
        if judge and judge != there.judge:
            raise CommandError(
                f"{settings.VAR_DIR} holds a demo before {there.judge}, not before {judge}: name another folder "
                "(GAUNTLET_VAR=var/judged), or take this one away with `make clean`"
            )

    def refuse_another(self, there: Competition, *, file: Path | None) -> None:
        """A demo that asks for another format than the file is no answer to who named the file."""
        try:
            wanted = demo_setting.read_setting(file)["config"].get("format") if file else None
        except demo_setting.BadCompetition as error:
            raise CommandError(str(error)) from error
        played = there.config.get("format")
        if wanted not in (None, played):
            raise CommandError(
                f"{settings.VAR_DIR} holds a demo of {played}, not of {wanted}: name another folder "
                f"(GAUNTLET_VAR=var/{wanted}), or take this one away with `make clean`"
            )
