"""Does everything in a round's bundle follow from what lies beside it?

No platform code: each rule is written here a second time, from its description, so that a mistake would have to be made
twice to go unseen.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from verify.bundles import (
    assets,
    audits,
    checks,
    correction,
    events,
    judging,
    ladder,
    ledger,
    matches,
    reigns,
    reveals,
    round,
    rulings,
    stages,
    statistics,
    title,
    versions,
)
from verify.bundles.files import Bundle, read
from verify.bundles.shapes import SHAPES
from verify.findings import Signer

EXAMINATIONS: tuple[Callable[[Bundle], None], ...] = (
    stages.check,
    round.check,
    reveals.check,
    assets.check,
    matches.check,
    judging.check,
    ladder.check,
    title.check,
    statistics.check,
    audits.check,
    checks.check,
    rulings.check,
    correction.check,
    versions.check,
    reigns.check,
    events.check,
)
BROKEN = (KeyError, TypeError, ValueError, AttributeError, IndexError, ArithmeticError, RecursionError)


def examine(folder: Path, *, operator: str | None = None, prefix: str = "", draft: bool = False) -> Bundle:
    """The bundle with all that was found in its book.  `draft`: before anybody has signed it."""
    bundle = read(folder, prefix=prefix, draft=draft)
    if bundle.manifest:
        ledger.check(bundle, operator=operator)
    else:
        bundle.book.signers.append(Signer("", good=None, pinned=None))
    if all(name in bundle.documents for name in SHAPES):
        for check in EXAMINATIONS:
            _guarded(bundle, check)
        headline = bundle.document("decision.json")["headline"]
        bundle.book.rounds.append(f"{bundle.manifest['competition']} round {bundle.round}: {headline}")
    elif not bundle.book.report().errors:  # nothing is ever good for not having been looked at
        bundle.note("malformed-document", "manifest.json", sentence="There is nothing here that could be examined.")
    played = bundle.documents.get("matches.json", [])
    bundle.book.count("files", by=len(bundle.manifest.get("files", [])))
    bundle.book.count("events", by=len(bundle.events))
    bundle.book.count("matches", by=len(played))
    bundle.book.count("duels", by=sum(len(match["duels"]) for match in played))
    return bundle


def _guarded(bundle: Bundle, check: Callable[[Bundle], None]) -> None:
    """A value that no examination expects is a finding, not a crash; the other examinations go on."""
    try:
        check(bundle)
    except BROKEN as error:
        name = check.__module__.rpartition(".")[2]
        bundle.note(
            "malformed-document", name, found=repr(error)[:150], sentence="This examination could not be finished."
        )
