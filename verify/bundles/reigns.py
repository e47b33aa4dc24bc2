"""Who reigns after the round, from which block, with which weight, and was that paid?"""

from __future__ import annotations

from fractions import Fraction

from verify.bundles.events import bodies
from verify.bundles.files import ExaminedBundle, Row
from verify.bundles.ledger import NAME as LEDGER

NAME = "decision.json"
KINDS = {"": "wrong-reign", "weights": "wrong-weights", "weights_block": "wrong-weights", "uids": "wrong-weights"}


def check(bundle: ExaminedBundle) -> None:
    doc, defended = bundle.document(NAME), bundle.defended()
    reigns = doc["reigns"]
    if not 0 < defended < len(reigns):
        bundle.note("wrong-reign", NAME, field="reigns", found=len(reigns), expected=f"more than {max(1, defended)}")
        return
    expected = write(bundle, before=reigns[defended - 1])
    bundle.compare(KINDS, NAME, {name: doc[name] for name in expected}, expected)
    uids = list(doc["uids"].values())
    bundle.compare(
        "wrong-weights", NAME, sorted(uids), sorted(set(uids)), field="uids", sentence="One uid, two miners."
    )


def write(bundle: ExaminedBundle, *, before: Row) -> Row:
    """A defence costs the decay down to the floor; a new leader starts at 1; paid from the next round."""
    doc, rules = bundle.document(NAME), bundle.rules
    defended = doc["winner"] == "leader"
    reign = {
        "hotkey": before["hotkey"] if defended else doc["winner"],
        "weight": str(next_weight(Fraction(before["weight"]), defended=defended, rules=rules)),
        "effective_block": schedule_of(bundle)[rules["paid_from"].removeprefix("next_") + "_block"],
    }
    block = doc["reigns"][-1]["effective_block"]
    return {
        "leader": reign["hotkey"],
        "weight": reign["weight"],
        "effective_block": reign["effective_block"],
        "reigns": [*doc["reigns"][:-1], reign],
        "weights_block": block,
        "weights": shares(doc["reigns"], block=block, uids=doc["uids"], owner=doc["owner_uid"]),
    }


def schedule_of(bundle: ExaminedBundle) -> Row:
    """The schedule by whose blocks a reign is paid: the next round's; of one that supersedes, of the round that took
    reveals then."""
    schedule: Row = bundle.document(NAME)["next_schedule"]
    applied = [b for b in bodies(bundle, "correction.applied", of_round=bundle.round) if b["supersedes"] is not None]
    if not applied or "correction.json" not in bundle.documents:
        return schedule
    for event in bundle.events:
        if event["body"] is applied[-1]:
            break
        if event["kind"] == "round.open":
            schedule = event["body"].get("schedule", schedule)
    return schedule


def next_weight(before: Fraction, *, defended: bool, rules: Row) -> Fraction:
    if not defended:
        return Fraction(1)
    return max(Fraction(rules["weight_floor"]), before - Fraction(rules["weight_decay"]))


def superseded(bundle: ExaminedBundle) -> None:
    """The reign that is taken back was this round's, stays where it was, and is named by the one that replaces it."""
    corrected, reigns = bundle.documents.get("correction.json"), bundle.document(NAME)["reigns"]
    if not corrected or corrected["supersedes"] is None:
        return
    events = {body.get("sequence"): body for body in bodies(bundle, "reign")}
    old, before = corrected["supersedes"], corrected["before"]["leader"]
    bundle.compare("wrong-reign", NAME, events.get(len(reigns), {}).get("supersedes"), old, field="supersedes")
    if not corrected["defended"] < old < len(reigns):
        bundle.note("wrong-reign", NAME, field="supersedes", found=old, sentence="Not a reign that this round began.")
    else:
        bundle.compare("wrong-reign", NAME, reigns[old - 1]["hotkey"], before, field="supersedes")


def announced(bundle: ExaminedBundle) -> None:
    """The reigns that this part of the ledger tells of, the new one among them, with the winner's code."""
    events = {body.get("sequence"): body for body in bodies(bundle, "reign")}
    winner, reigns = bundle.document(NAME)["winner"], bundle.document(NAME)["reigns"]
    entries = {row["entry"]: row for row in bundle.document("submissions.json")}
    for sequence in (len(reigns) - 1, len(reigns)):
        reign, event = reigns[sequence - 1], events.get(sequence) or {}
        row = {"leader": reign["hotkey"], "weight": reign["weight"], "effective_block": reign["effective_block"]}
        if sequence == len(reigns) and winner in entries:
            code = {name: entries[winner][name] for name in ("repo", "commit")}
            row |= {**code, "defence": winner == "leader"}
        bundle.compare("ledger-differs", NAME, row, {name: event.get(name) for name in row}, field=f"reign {sequence}")


def paid(bundle: ExaminedBundle) -> None:
    """What was paid while these reigns were known and no later one; and what was set on a real chain, by the reign and
    the uids that the event names: uids change hands there."""
    doc, named, later = bundle.document(NAME), dict[int, Row](), False
    reigns = doc["reigns"]
    for event in bundle.events:
        body, field = event["body"], f"event {event['seq']}"
        if event["kind"] == "reign":
            named[event["seq"]] = body
            later = later or body.get("sequence", 0) > len(reigns)
        elif event["kind"] == "weights" and not later:
            expected = shares(reigns, block=body["block"], uids=doc["uids"], owner=doc["owner_uid"])
            bundle.compare("wrong-weights", LEDGER, body["weights"], expected, field=field)
            if body.get("read_back") != "agrees":
                bundle.note("not-read-back", LEDGER, field=field)
        elif event["kind"] == "chain.weights" and body.get("reign") in named:
            row = named[body["reign"]]
            reign = {"hotkey": row["leader"], "weight": row["weight"], "effective_block": row["effective_block"]}
            expected = shares([reign], block=body["block"], uids=body["uids"], owner=body["owner_uid"])
            bundle.compare("wrong-weights", LEDGER, body["weights"], expected, field=field)


def shares(reigns: list[Row], *, block: int, uids: dict[str, int], owner: int) -> dict[str, str]:
    """uid -> share at a block: the last reign in effect has its weight, the subnet's owner the rest."""
    reign = next((reign for reign in reversed(reigns) if reign["effective_block"] <= block), None)
    uid = uids.get(reign["hotkey"]) if reign else None
    if reign is None or uid is None or uid == owner:
        return {str(owner): "1"}
    weight = Fraction(reign["weight"])
    return {str(u): str(share) for u, share in ((uid, weight), (owner, 1 - weight)) if share}
