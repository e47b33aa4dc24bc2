"""Bring public state repositories into the database."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.utils import timezone

from competition.records.sources import NoRepository, open_sources
from dashboard.records.importing import CannotImport, Outcome, import_source

BAR = 24
MOST_LINES = 50


class Command(BaseCommand):
    help = (
        "Import state repositories: folders, git checkouts or bare repositories (of git, the commit HEAD), or a folder "
        "of them. Again, only what changed is added. Exit 1 when a file could not be read; all others are imported."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("paths", nargs="+", type=Path, metavar="PATH")

    def handle(self, *args: Any, **options: Any) -> None:
        failed = False
        for path in options["paths"]:
            try:
                for source in open_sources(path):
                    failed |= self._one(source)
            except NoRepository as error:
                raise CommandError(str(error)) from error
        if failed:
            raise CommandError("Some files could not be read; everything else is imported.", returncode=1)

    def _one(self, source: Any) -> bool:
        """True when a file was reported."""
        try:
            outcome = import_source(source, now=timezone.now(), progress=self._progress)
        except CannotImport as error:
            self._clear()
            self.stderr.write(str(error))
            return True
        finally:
            source.close()
        self._clear()
        self._tell(outcome)
        return bool(outcome.troubles)

    def _progress(self, what: str, done: int, total: int) -> None:
        if sys.stderr.isatty():
            full = BAR * done // max(1, total)
            self.stderr.write(f"\r[{'#' * full}{'.' * (BAR - full)}] {done}/{total} files, {what}  ", ending="")

    def _clear(self) -> None:
        if sys.stderr.isatty():
            self.stderr.write("\r\033[K", ending="")

    def _tell(self, outcome: Outcome) -> None:
        for line in outcome.rounds:
            self.stdout.write(f"{outcome.slug} {line}")
        for path in outcome.unknown[:MOST_LINES]:
            self.stdout.write(f"{outcome.slug} {path}: nobody announced this file; it is kept as evidence")
        for trouble in outcome.troubles[:MOST_LINES]:
            self.stderr.write(f"{outcome.slug} {trouble}")
        if len(outcome.troubles) > MOST_LINES:
            self.stderr.write(f"{outcome.slug}: {len(outcome.troubles) - MOST_LINES} more; the findings page has them")
        self.stdout.write(
            f"{outcome.slug}: {outcome.files} files read, {len(outcome.rounds)} rounds written, {outcome.unchanged} "
            f"unchanged, {outcome.findings} findings"
        )
