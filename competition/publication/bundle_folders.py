"""In which folder does a round's bundle lie, and which edition of it counts?"""

from __future__ import annotations

from pathlib import Path

from django.conf import settings

from competition.models import Round


def folder_of(round_: Round, *, edition: int = 1) -> Path:
    """`<slug>/6`, and `<slug>/6.2` for its second edition."""
    name = str(round_.number) if edition == 1 else f"{round_.number}.{edition}"
    return Path(settings.BUNDLE_DIR) / round_.competition.slug / name


def newest_edition(round_: Round) -> int:
    """The edition that counts, published or not: 1, and one more for each correction in the ledger."""
    applied = round_.competition.events.filter(kind="correction.applied", body__round=round_.number)
    return 1 + int(applied.count())
