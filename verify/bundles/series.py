"""Do the bundles of one competition tell one history?  Each part of the ledger goes on where the one before was."""

from __future__ import annotations

from collections.abc import Sequence

from verify.bundles.events import entered
from verify.bundles.files import ExaminedBundle, Row
from verify.bundles.ledger import NAME, TEXT
from verify.findings import FindingLog


def check(bundles: Sequence[ExaminedBundle]) -> FindingLog:
    """What disagrees between each round's bundle and the next one's."""
    log = FindingLog()
    whole = [bundle for bundle in bundles if bundle.events and "decision.json" in bundle.documents]
    for slug in sorted({bundle.manifest["competition"] for bundle in whole}):
        of_it = [bundle for bundle in whole if bundle.manifest["competition"] == slug]
        ordered = sorted(of_it, key=lambda bundle: (bundle.round or 0, edition_of(bundle)))
        with log.finishing(slug, sentence="The bundles could not all be held against each other."):
            one_history(ordered, log=log)
            for place, after in enumerate(ordered[1:], 1):
                joined(max(ordered[:place], key=lambda bundle: int(bundle.events[-1]["seq"])), after, log=log)
            for after in of_it:
                hand_over([one for one in of_it if one.round == (after.round or 0) - 1], after, log=log)
            fresh_prompts(ordered, log=log)
    return log


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
            sentence = f"Round {other.round}'s bundle has another event here: the history was written twice."
            about: Row = {"field": f"event {event['seq']}", "sentence": sentence, "round": bundle.round}
            if not log.compare("series-broken", bundle.log.prefix + NAME, event["hash"], expected, **about):
                break
        head = bundle.events[-1]
        other = heads.setdefault(head["seq"], bundle)
        sentence = (
            f"{other.log.prefix}{TEXT}, signed by {other.signed_by}, has another head here than this one, signed "
            f"by {bundle.signed_by}: two histories were signed. Keep both files, they prove it."
        )
        about = {"field": f"event {head['seq']}", "sentence": sentence, "round": bundle.round}
        log.compare("two-heads", bundle.log.prefix + TEXT, head["hash"], other.events[-1]["hash"], **about)


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
    pairs = [handed_over(before, after) for before in sorted(editions, key=edition_of)]
    if pairs and all(stated != expected for stated, expected in pairs):
        stated, expected = pairs[-1]
        for field in expected:
            about: Row = {"field": field, "round": after.round}
            log.compare("series-differs", after.log.prefix + "decision.json", stated[field], expected[field], **about)


def handed_over(before: ExaminedBundle, after: ExaminedBundle) -> tuple[Row, Row]:
    """What a round begins with, as it says itself and as the one before says."""
    corrected = after.documents.get("correction.json")
    reigns = after.documents["decision.json"]["reigns"][: corrected["defended"] + 1 if corrected else None]
    old, new = before.documents["decision.json"], after.documents["round.json"]
    announced = entered(after, "round.open", of_round=after.round)
    schedule = announced[0].get("schedule") if announced else new["schedule"]  # before it was lengthened by a pause
    expected = {"schedule": old["next_schedule"], "reigns": old["reigns"], "operator": before.signed_by}
    return {"schedule": schedule, "reigns": reigns[:-1], "operator": after.signed_by}, expected


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
                at: Row = {"field": "seen", "found": wrong[0], "expected": len(wrong), "round": bundle.round}
                sentence = "Earlier rounds showed it, or did not, and this one says otherwise."
                log.note("wrong-prompts", bundle.log.prefix + "title.json", sentence=sentence, **at)
        shown |= {sha256 for bundle in editions for sha256 in shown_by(bundle)}
        rounds.append(number)


def shown_by(bundle: ExaminedBundle) -> set[str]:
    """The round's prompts, and the fresh ones of every batch that its title matches asked for."""
    doc, fresh = bundle.documents["round.json"], bundle.fresh
    reached = [m["stopped_after"] for m in (*bundle.documents["matches.json"], *bundle.aside()) if m["kind"] == "title"]
    batch = doc["rules"].get("title", {}).get("batch", 1)
    shown = -(-max(reached, default=0) // batch) * batch
    return {row["sha256"] for row in doc["prompts"]} | {row["sha256"] for row in fresh[:shown]}
