"""Do the bundles of one competition tell one history?  Each part of the ledger goes on where the one before was."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise

from verify.bundle_entries import fresh_of
from verify.bundle_files import Bundle
from verify.bundle_ledger import NAME
from verify.findings import Book


def check(bundles: Sequence[Bundle]) -> Book:
    """What disagrees between each round's bundle and the next one's."""
    book = Book()
    whole = [bundle for bundle in bundles if bundle.events and "decision.json" in bundle.documents]
    for slug in sorted({bundle.manifest["competition"] for bundle in whole}):
        of_it = [bundle for bundle in whole if bundle.manifest["competition"] == slug]
        for before, after in pairwise(sorted(of_it, key=_place)):
            _ledgers(before, after, book=book)
        for after in of_it:
            _hand_over([one for one in of_it if one.round == (after.round or 0) - 1], after, book=book)
        _fresh(sorted(of_it, key=lambda bundle: bundle.round or 0), book=book)
    return book


def _fresh(bundles: Sequence[Bundle], *, book: Book) -> None:
    """No prompt of a title match was shown by an earlier round; and none was left out that nobody was shown."""
    readable = [b for b in bundles if {"round.json", "matches.json"} <= set(b.documents)]
    shown, rounds = set[str](), list[int]()
    for number in sorted({bundle.round or 0 for bundle in readable}):
        editions = [bundle for bundle in readable if (bundle.round or 0) == number]
        whole = rounds == list(range(1, number)) and not any(map(_gave_up, bundles))
        for bundle in (bundle for bundle in editions if "title.json" in bundle.documents):
            _seen(bundle, shown, whole=whole, book=book)
        shown |= {sha256 for bundle in editions for sha256 in shown_by(bundle)}
        rounds.append(number)


def _seen(bundle: Bundle, shown: set[str], *, whole: bool, book: Book) -> None:
    told, pool = set(bundle.documents["title.json"]["seen"]), set(bundle.documents["round.json"]["pool"])
    wrong = (shown & pool) - told | (told - shown if whole else set())
    if wrong:
        said = "Earlier rounds showed it, or did not, and this one says otherwise."
        book.note("wrong-prompts", file=bundle.book.prefix + "title.json", field="seen", sentence=said,
                  found=sorted(wrong)[0], expected=len(wrong), round=bundle.round)  # fmt: skip


def _gave_up(bundle: Bundle) -> bool:
    """A correction that was discarded may have shown prompts that no bundle tells of."""
    return any(event["kind"] == "correction.discarded" for event in bundle.events)


def shown_by(bundle: Bundle) -> set[str]:
    """The round's prompts, and the fresh ones of every batch that its title matches asked for."""
    doc, fresh = bundle.documents["round.json"], fresh_of(bundle)
    reached = [m["stopped_after"] for m in (*bundle.documents["matches.json"], *bundle.aside()) if m["kind"] == "title"]
    batch = doc["rules"].get("title", {}).get("batch", 1)
    asked = -(-max(reached, default=0) // batch) * batch
    return {row["sha256"] for row in doc["prompts"]} | {row["sha256"] for row in fresh[:asked]}


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


def edition_of(bundle: Bundle) -> int:
    return int(bundle.documents.get("correction.json", {}).get("edition", 1))


def _place(bundle: Bundle) -> tuple[int, int]:
    return (bundle.round or 0, edition_of(bundle))


def _hand_over(editions: Sequence[Bundle], after: Bundle, *, book: Book) -> None:
    """As one edition of the round before says: a correction may have come before this round was played, or after."""
    found = [_differences(before, after) for before in sorted(editions, key=edition_of)]
    if not found or not all(found):
        return
    for field, seen, expected, number in found[-1]:
        said = f"Round {number} says otherwise."
        book.note("series-differs", file=after.book.prefix + "decision.json", field=field, sentence=said,
                  found=seen, expected=expected, round=after.round)  # fmt: skip


def _differences(before: Bundle, after: Bundle) -> list[tuple[str, object, object, int | None]]:
    corrected = after.documents.get("correction.json")
    reigns = after.documents["decision.json"]["reigns"][: corrected["defended"] + 1 if corrected else None]
    old, new = before.documents["decision.json"], after.documents["round.json"]
    pairs = {
        "schedule": (new["schedule"], old["next_schedule"]),
        "reigns": (reigns[:-1], old["reigns"]),
        "operator": (after.signed_by, before.signed_by),
    }
    return [(field, seen, wanted, before.round) for field, (seen, wanted) in pairs.items() if seen != wanted]
