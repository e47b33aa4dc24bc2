"""Do the bundles of one competition tell one history?  Each part of the ledger goes on where the one before was."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from verify.bundles.events import entered
from verify.bundles.files import ExaminedBundle
from verify.bundles.ledger import NAME, TEXT
from verify.findings import FindingLog

Disagreement = tuple[str, object, object, int | None]
"""(field, what is there, what should be there, by which round)."""


def check(bundles: Sequence[ExaminedBundle]) -> FindingLog:
    """What disagrees between each round's bundle and the next one's."""
    log = FindingLog()
    whole = [bundle for bundle in bundles if bundle.events and "decision.json" in bundle.documents]
    for slug in sorted({bundle.manifest["competition"] for bundle in whole}):
        of_it = [bundle for bundle in whole if bundle.manifest["competition"] == slug]
        with log.finishing(slug, sentence="The bundles could not all be held against each other."):
            one_competition(of_it, log=log)
    return log


def one_competition(bundles: Sequence[ExaminedBundle], *, log: FindingLog) -> None:
    ordered = sorted(bundles, key=lambda bundle: (bundle.round or 0, edition_of(bundle)))
    one_history(ordered, log=log)
    for place, after in enumerate(ordered[1:], 1):
        joined(max(ordered[:place], key=lambda bundle: int(bundle.events[-1]["seq"])), after, log=log)
    for after in bundles:
        hand_over([one for one in bundles if one.round == (after.round or 0) - 1], after, log=log)
    fresh_prompts(ordered, log=log)


def edition_of(bundle: ExaminedBundle) -> int:
    return int(bundle.documents.get("correction.json", {}).get("edition", 1))


def one_history(bundles: Sequence[ExaminedBundle], *, log: FindingLog) -> None:
    """Wherever two parts of the ledger tell of one event, it is the same; and two signed heads of one place are a proof
    that two histories were signed.  `bundles` in the order of their rounds."""
    known: dict[int, tuple[str, ExaminedBundle]] = {}
    heads: dict[int, ExaminedBundle] = {}
    for bundle in bundles:
        for event in bundle.events:
            expected, other = known.setdefault(event["seq"], (event["hash"], bundle))
            if expected != event["hash"]:
                sentence = f"Round {other.round}'s bundle has another event here: the history was written twice."
                at = {"field": f"event {event['seq']}", "found": event["hash"], "expected": expected}
                log.note("series-broken", file=bundle.log.prefix + NAME, sentence=sentence, round=bundle.round, **at)
                break
        head = bundle.events[-1]
        other = heads.setdefault(head["seq"], bundle)
        if other.events[-1]["hash"] != head["hash"]:
            sentence = (
                f"{other.log.prefix}{TEXT}, signed by {other.signed_by}, has another head here than this one, signed "
                f"by {bundle.signed_by}: two histories were signed. Keep both files, they prove it."
            )
            at = {"field": f"event {head['seq']}", "found": head["hash"], "expected": other.events[-1]["hash"]}
            log.note("two-heads", file=bundle.log.prefix + TEXT, sentence=sentence, round=bundle.round, **at)


def joined(before: ExaminedBundle, after: ExaminedBundle, *, log: FindingLog) -> None:
    """Parts overlap, or touch.  Where a round's bundle is not here, it is told what could not be compared."""
    first, last = after.events[0], before.events[-1]
    apart = first["seq"] - last["seq"] - 1
    if apart < 0 or (apart == 0 and first["previous"] == last["hash"]):
        return
    file, between = after.log.prefix + NAME, range((before.round or 0) + 1, after.round or 0)
    if apart == 0 or not between:
        sentence = f"Events are missing after round {before.round}'s bundle, or this follows from another history."
        at = {"field": "first event", "found": first["seq"], "expected": last["seq"] + 1}
        log.note("series-broken", file=file, sentence=sentence, round=after.round, **at)
        return
    missing = f"round {between[0]}" if len(between) == 1 else f"rounds {between[0]} to {between[-1]}"
    sentence = (
        f"Nothing could be compared between round {before.round} (up to event {last['seq']}) and round {after.round} "
        f"(from event {first['seq']}): they may be of two histories. The bundle of {missing} would tell."
    )
    field = f"events {last['seq'] + 1} to {first['seq'] - 1}"
    log.note("series-not-joined", file=file, field=field, sentence=sentence, round=after.round)


def hand_over(editions: Sequence[ExaminedBundle], after: ExaminedBundle, *, log: FindingLog) -> None:
    """As one edition of the round before says: a correction may have come before this round was played, or after."""
    rows = [disagreements(before, after) for before in sorted(editions, key=edition_of)]
    if not rows or not all(rows):
        return
    file = after.log.prefix + "decision.json"
    for field, seen, expected, number in rows[-1]:
        sentence = f"Round {number} says otherwise."
        log.compare("series-differs", file, seen, expected, field=field, sentence=sentence, round=after.round)


def disagreements(before: ExaminedBundle, after: ExaminedBundle) -> list[Disagreement]:
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


def fresh_prompts(bundles: Sequence[ExaminedBundle], *, log: FindingLog) -> None:
    """No prompt of a title match was shown by an earlier round; and none was left out that nobody was shown.

    A correction that was discarded may have shown prompts that no bundle tells of.
    """
    gave_up = any(event["kind"] == "correction.discarded" for bundle in bundles for event in bundle.events)
    readable = [b for b in bundles if {"round.json", "matches.json"} <= set(b.documents)]
    shown, rounds = set[str](), list[int]()
    for number in sorted({bundle.round or 0 for bundle in readable}):
        editions = [bundle for bundle in readable if (bundle.round or 0) == number]
        whole = rounds == list(range(1, number)) and not gave_up
        for bundle in (bundle for bundle in editions if "title.json" in bundle.documents):
            stated, pool = set(bundle.documents["title.json"]["seen"]), set(bundle.documents["round.json"]["pool"])
            wrong = sorted((shown & pool) - stated | (stated - shown if whole else set()))
            if wrong:
                sentence = "Earlier rounds showed it, or did not, and this one says otherwise."
                at: dict[str, Any] = {"field": "seen", "found": wrong[0], "expected": len(wrong), "sentence": sentence}
                log.note("wrong-prompts", file=bundle.log.prefix + "title.json", round=bundle.round, **at)
        shown |= {sha256 for bundle in editions for sha256 in shown_by(bundle)}
        rounds.append(number)


def shown_by(bundle: ExaminedBundle) -> set[str]:
    """The round's prompts, and the fresh ones of every batch that its title matches asked for."""
    doc, fresh = bundle.documents["round.json"], bundle.fresh
    reached = [m["stopped_after"] for m in (*bundle.documents["matches.json"], *bundle.aside()) if m["kind"] == "title"]
    batch = doc["rules"].get("title", {}).get("batch", 1)
    shown = -(-max(reached, default=0) // batch) * batch
    return {row["sha256"] for row in doc["prompts"]} | {row["sha256"] for row in fresh[:shown]}
