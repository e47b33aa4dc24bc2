"""Bring public state repositories into the database."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from competition.records.sources import NoRepository, open_sources
from core import clock
from core.postgres.setup import ensure_tables
from dashboard.records.importing import CannotImport, import_source

BAR = 24
MOST_LINES = 50


class Command(BaseCommand):
    help = (
        "Import state repositories: folders, git checkouts or bare repositories (of git, the commit HEAD), or a folder "
        "of them. Again, only what changed is added. Makes the database where there is none. A copy older than what "
        "is here is refused (--go-back). Exit 1 when that was so, or a file could not be read; all else is imported."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("paths", nargs="+", type=Path, metavar="PATH")
        parser.add_argument(
            "--go-back", action="store_true", help="import a copy also where it is older than what is here"
        )

    def handle(self, *args: Any, **options: Any) -> None:
        if ensure_tables():
            self.stdout.write("database ready")
        unread = refused = 0
        for path in options["paths"]:
            try:
                sources = open_sources(path)
            except NoRepository as error:
                self.stderr.write(str(error))
                refused += 1
                continue
            for source in sources:
                try:
                    unread += self._one(source, go_back=options["go_back"])
                except (CannotImport, NoRepository) as error:
                    self._clear()
                    self.stderr.write(str(error))
                    refused += 1
                finally:
                    source.close()
        if refused or unread:
            left_out = f"{refused} not imported at all" if refused else "everything else is imported"
            files = "Some files could not be read" if unread else "All files could be read"
            raise CommandError(f"{files}; {left_out}: see above.", returncode=1)

    def _one(self, source: Any, *, go_back: bool) -> bool:
        """True when a file was reported.  Raises CannotImport."""
        outcome = import_source(source, now=clock.now(), progress=self._progress, go_back=go_back)
        self._clear()
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
        return bool(outcome.troubles)

    def _progress(self, what: str, done: int, total: int) -> None:
        if sys.stderr.isatty():
            full = BAR * done // max(1, total)
            self.stderr.write(f"\r[{'#' * full}{'.' * (BAR - full)}] {done}/{total} files, {what}  ", ending="")

    def _clear(self) -> None:
        if sys.stderr.isatty():
            self.stderr.write("\r\033[K", ending="")
