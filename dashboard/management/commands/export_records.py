"""Write competitions as public state repositories."""

from __future__ import annotations

import time
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from competition.models import Competition, Round
from competition.records import publishing
from competition.records.tree import write_repository
from dashboard.records import exporting


def _decided() -> set[tuple[int, str]]:
    """What an export depends on: which rounds there are, and in which stage."""
    return set(Round.objects.values_list("pk", "state"))


class Command(BaseCommand):
    help = (
        "Write every competition to PATH/<slug>, or one (--competition SLUG) to PATH itself. The same rows give the "
        "same bytes; only what changed is written, file by file, leader.json last."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("path", type=Path, metavar="PATH")
        parser.add_argument("--competition", metavar="SLUG", help="write this one only, to PATH itself")
        parser.add_argument("--commit", action="store_true", help="commit what changed to the git repository there")
        parser.add_argument("--push", metavar="REMOTE", help="commit, then push the branch to this remote or address")
        parser.add_argument(
            "--follow", type=float, metavar="SECONDS", help="stay, and write again whenever a round is decided"
        )

    def handle(self, *args: Any, **options: Any) -> None:
        self._write(options)
        decided = _decided()
        while options["follow"]:
            time.sleep(options["follow"])
            if _decided() != decided:
                decided = _decided()
                self._write(options)

    def _write(self, options: dict[str, Any]) -> None:
        path, slug = options["path"], options["competition"]
        rows = Competition.objects.order_by("slug")
        rows = rows.filter(slug=slug) if slug else rows
        if not rows:
            raise CommandError(f"There is no competition {slug!r}." if slug else "There is no competition to write.")
        for competition in rows:
            folder = path if slug else path / competition.slug
            changed = write_repository(folder, exporting.pieces(competition))
            self.stdout.write(f"{competition.slug}: {changed} files changed in {folder}")
        push = options["push"]
        if not (options["commit"] or push):
            return
        try:
            self.stdout.write(publishing.commit(path, message="Decisions as they stand"))
            if push:
                self.stdout.write(publishing.push(path, remote=push))
        except publishing.GitRefused as error:
            raise CommandError(str(error)) from error
