"""Do the bundles of one competition tell one history?  Each part of the ledger goes on where the one before was."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise

from verify.bundle_files import Bundle
from verify.bundle_ledger import NAME
from verify.findings import Book


def check(bundles: Sequence[Bundle]) -> Book:
    """What disagrees between each round's bundle and the next one's."""
    book = Book()
    whole = [bundle for bundle in bundles if bundle.events and "decision.json" in bundle.documents]
    for slug in sorted({bundle.manifest["competition"] for bundle in whole}):
        of_it = [bundle for bundle in whole if bundle.manifest["competition"] == slug]
        for before, after in pairwise(sorted(of_it, key=lambda bundle: bundle.round or 0)):
            _ledgers(before, after, book=book)
            _hand_over(before, after, book=book)
    return book


def _ledgers(before: Bundle, after: Bundle, *, book: Book) -> None:
    """Parts overlap, or touch; where they overlap they are the same."""
    known = {event["seq"]: event["hash"] for event in before.events}
    other = next((e for e in after.events if known.get(e["seq"], e["hash"]) != e["hash"]), None)
    if other is not None:
        said = f"Round {before.round}'s bundle has another event here: the history was written twice."
        book.note("series-broken", file=after.book.prefix + NAME, field=f"event {other['seq']}", sentence=said,
                  found=other["hash"], expected=known[other["seq"]], round=after.round)  # fmt: skip
    first, last = after.events[0], before.events[-1]
    touches = first["seq"] == last["seq"] + 1 and first["previous"] == last["hash"]
    if first["seq"] > last["seq"] and not touches and after.round == (before.round or 0) + 1:
        said = f"Between this and round {before.round}'s bundle events are missing."
        book.note("series-broken", file=after.book.prefix + NAME, field="first event", sentence=said,
                  found=first["seq"], expected=last["seq"] + 1, round=after.round)  # fmt: skip


def _hand_over(before: Bundle, after: Bundle, *, book: Book) -> None:
    if after.round != (before.round or 0) + 1:
        return
    reigns = after.documents["decision.json"]["reigns"]
    old, new = before.documents["decision.json"], after.documents["round.json"]
    pairs = {
        "schedule": (new["schedule"], old["next_schedule"]),
        "reigns": (reigns[:-1], old["reigns"]),
        "operator": (after.signed_by, before.signed_by),
    }
    for field, (found, expected) in pairs.items():
        if found != expected:
            said = f"Round {before.round} says otherwise."
            book.note("series-differs", file=after.book.prefix + "decision.json", field=field, sentence=said,
                      found=found, expected=expected, round=after.round)  # fmt: skip
