"""Compare every stored file and every published bundle with its hash."""

from __future__ import annotations

import json
import time
from argparse import ArgumentParser
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from competition.stored_files.scrubbing import ScrubReport, scrub
from core import clock

EVERY_S = 2.0
MOST_SHOWN = 200


class Command(BaseCommand):
    help = (
        "Compare every stored file and every published bundle with its hash, and say what is rotten, missing or known "
        "to nobody. Exit 1 where the operator must act."
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--repair", action="store_true", help="put the same bytes back where somebody has them")
        parser.add_argument("--json", action="store_true", help="the whole result as JSON; progress goes to stderr")

    def handle(self, *args: Any, **options: Any) -> None:
        shown_at = time.monotonic()

        def progress(report: ScrubReport) -> None:
            nonlocal shown_at
            if time.monotonic() - shown_at >= EVERY_S:
                shown_at = time.monotonic()
                self.stderr.write(f"{report.files} files, {report.bundles} bundles compared")

        report = scrub(repair=options["repair"], clock=clock.now, progress=progress)
        if options["json"]:
            self.stdout.write(json.dumps(report.to_dict(), sort_keys=True, indent=1))
        else:
            for name in ("rotten", "missing", "mended", "unknown"):
                for line in getattr(report, name)[:MOST_SHOWN]:
                    self.stdout.write(f"{name}  {line}")
            names = ("rotten", "missing", "unknown", "mended")
            counts = ", ".join(f"{len(getattr(report, name))} {name}" for name in names)
            self.stdout.write(f"{report.files} files of {report.bytes} bytes, {report.bundles} bundles: {counts}")
        if not report.well:
            raise CommandError(
                "infrastructure, STORED_FILE: put what is rotten or missing back from a backup, or run scrub --repair; "
                "rounds that need it are paused and go on by themselves"
            )
