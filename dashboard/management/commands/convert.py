"""Write a copy of a published asset in another format, with where it comes from inside."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from core import store
from core.sandbox.outcomes import Refused, RendererFault
from dashboard.copies.conversions import NotHere, provenance_of, stored
from formats.conversion import convert
from formats.registry import FORMATS

TARGETS = "; ".join(f"of {name}: {' or '.join(row.targets)}" for name, row in FORMATS.items())


class Command(BaseCommand):
    help = (
        "Convert a stored asset, named by its SHA-256 (8 characters of it or more), to another format; "
        "who made it, in which round, from which commit and under which licence is written into the copy."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("sha256", help="of the asset, as its page names it")
        parser.add_argument("--to", required=True, help=TARGETS)
        parser.add_argument("--out", type=Path, help="where to write (default: <first 16 of the hash>.<format>)")

    def handle(self, *args: Any, **options: Any) -> None:
        try:
            asset = stored(options["sha256"])
            provenance = provenance_of(asset)
            made = convert(
                store.default().path(asset.sha256),
                file_format=provenance["format"],
                to=options["to"],
                provenance=provenance,
            )
        except (NotHere, Refused, RendererFault, ValueError) as reason:
            raise CommandError(str(reason)) from reason
        out = options["out"] or Path(f"{asset.sha256[:16]}.{options['to']}")
        out.write_bytes(made)
        self.stdout.write(f"{out}: {len(made)} bytes")
