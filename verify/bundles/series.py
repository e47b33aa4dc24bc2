"""Do the bundles of one competition tell one history?  Each part of the ledger goes on where the one before was."""

from __future__ import annotations

from collections.abc import Sequence

from verify.bundles.events import entered
from verify.bundles.files import Bundle
from verify.bundles.ledger import NAME, TEXT
from verify.findings import Book


def check(bundles: Sequence[Bundle]) -> Book:
    """What disagrees between each round's bundle and the next one's."""
    book = Book()
    whole = [bundle for bundle in bundles if bundle.events and "decision.json" in bundle.documents]
    for slug in sorted({bundle.manifest["competition"] for bundle in whole}):
        of_it = [bundle for bundle in whole if bundle.manifest["competition"] == slug]
        ordered = sorted(of_it, key=_place)
        _histories(ordered, book=book)
        _heads(ordered, book=book)
        for place, after in enumerate(ordered[1:], 1):
            _joined(max(ordered[:place], key=_last), after, book=book)
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
        book.note(
            "wrong-prompts",
            file=bundle.book.prefix + "title.json",
            field="seen",
            sentence=said,
            found=sorted(wrong)[0],
            expected=len(wrong),
            round=bundle.round,
        )


def _gave_up(bundle: Bundle) -> bool:
    """A correction that was discarded may have shown prompts that no bundle tells of."""
    return any(event["kind"] == "correction.discarded" for event in bundle.events)


def shown_by(bundle: Bundle) -> set[str]:
    """The round's prompts, and the fresh ones of every batch that its title matches asked for."""
    doc, fresh = bundle.documents["round.json"], bundle.fresh
    reached = [m["stopped_after"] for m in (*bundle.documents["matches.json"], *bundle.aside()) if m["kind"] == "title"]
    batch = doc["rules"].get("title", {}).get("batch", 1)
    asked = -(-max(reached, default=0) // batch) * batch
    return {row["sha256"] for row in doc["prompts"]} | {row["sha256"] for row in fresh[:asked]}


def _histories(bundles: Sequence[Bundle], *, book: Book) -> None:
    """Wherever two parts of the ledger tell of one event, it is the same.  `bundles` in the order of their rounds."""
    known: dict[int, tuple[str, Bundle]] = {}
    for bundle in bundles:
        for event in bundle.events:
            told, teller = known.setdefault(event["seq"], (event["hash"], bundle))
            if told != event["hash"]:
                said = f"Round {teller.round}'s bundle has another event here: the history was written twice."
                file, field = bundle.book.prefix + NAME, f"event {event['seq']}"
                values = {"found": event["hash"], "expected": told, "round": bundle.round}
                book.note("series-broken", file=file, field=field, sentence=said, **values)
                break


def _heads(bundles: Sequence[Bundle], *, book: Book) -> None:
    """Two signed heads of one place are a proof that two histories were signed."""
    known: dict[int, Bundle] = {}
    for bundle in bundles:
        head = bundle.events[-1]
        other = known.setdefault(head["seq"], bundle)
        if other.events[-1]["hash"] != head["hash"]:
            said = (
                f"{other.book.prefix}{TEXT}, signed by {other.signed_by}, has another head here than this one, signed "
                f"by {bundle.signed_by}: two histories were signed. Keep both files, they prove it."
            )
            values = {"found": head["hash"], "expected": other.events[-1]["hash"], "round": bundle.round}
            file, field = bundle.book.prefix + TEXT, f"event {head['seq']}"
            book.note("two-heads", file=file, field=field, sentence=said, **values)


def _joined(before: Bundle, after: Bundle, *, book: Book) -> None:
    """Parts overlap, or touch.  Where a round's bundle is not here, it is told what could not be compared."""
    first, last = after.events[0], before.events[-1]
    apart = first["seq"] - last["seq"] - 1
    if apart < 0 or (apart == 0 and first["previous"] == last["hash"]):
        return
    file, between = after.book.prefix + NAME, range((before.round or 0) + 1, after.round or 0)
    if apart == 0 or not between:
        said = f"Between this and round {before.round}'s bundle events are missing, or it follows from another history."
        values = {"found": first["seq"], "expected": last["seq"] + 1, "round": after.round}
        book.note("series-broken", file=file, field="first event", sentence=said, **values)
        return
    missing = f"round {between[0]}" if len(between) == 1 else f"rounds {between[0]} to {between[-1]}"
    said = (
        f"Nothing could be compared between round {before.round} (up to event {last['seq']}) and round {after.round} "
        f"(from event {first['seq']}): they may be of two histories. The bundle of {missing} would tell."
    )
    field = f"events {last['seq'] + 1} to {first['seq'] - 1}"
    book.note("series-not-joined", file=file, field=field, sentence=said, round=after.round)


def edition_of(bundle: Bundle) -> int:
    return int(bundle.documents.get("correction.json", {}).get("edition", 1))


def _last(bundle: Bundle) -> int:
    return int(bundle.events[-1]["seq"])


def _place(bundle: Bundle) -> tuple[int, int]:
    return (bundle.round or 0, edition_of(bundle))


def _hand_over(editions: Sequence[Bundle], after: Bundle, *, book: Book) -> None:
    """As one edition of the round before says: a correction may have come before this round was played, or after."""
    found = [_differences(before, after) for before in sorted(editions, key=edition_of)]
    if not found or not all(found):
        return
    for field, seen, expected, number in found[-1]:
        said = f"Round {number} says otherwise."
        book.note(
            "series-differs",
            file=after.book.prefix + "decision.json",
            field=field,
            sentence=said,
            found=seen,
            expected=expected,
            round=after.round,
        )


def _differences(before: Bundle, after: Bundle) -> list[tuple[str, object, object, int | None]]:
    corrected = after.documents.get("correction.json")
    reigns = after.documents["decision.json"]["reigns"][: corrected["defended"] + 1 if corrected else None]
    old, new = before.documents["decision.json"], after.documents["round.json"]
    announced = entered(after, "round.open", of_round=after.round)
    schedule = announced[0].get("schedule") if announced else new["schedule"]  # before it was lengthened by a pause
    pairs = {
        "schedule": (schedule, old["next_schedule"]),
        "reigns": (reigns[:-1], old["reigns"]),
        "operator": (after.signed_by, before.signed_by),
    }
    return [(field, seen, wanted, before.round) for field, (seen, wanted) in pairs.items() if seen != wanted]
