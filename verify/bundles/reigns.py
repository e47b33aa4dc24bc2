"""Who reigns after the round, from which block, with which weight, and was that paid?"""

from __future__ import annotations

from fractions import Fraction
from typing import Any

from verify.bundles.events import bodies
from verify.bundles.files import Bundle
from verify.bundles.ledger import NAME as LEDGER

NAME = "decision.json"
Row = dict[str, Any]


def check(bundle: Bundle) -> None:
    reigns = bundle.told(NAME)["reigns"]
    if len(reigns) < 2:
        bundle.note("wrong-reign", NAME, field="reigns", found=len(reigns), expected=2, say="A decision adds a reign.")
        return
    corrected = bundle.documents.get("correction.json")
    defended = bundle.defended()
    if not 0 < defended < len(reigns):
        bundle.note("wrong-reign", NAME, field="reigns", found=defended, say="There is no such reign to defend.")
        return
    _follows(bundle, before=reigns[defended - 1], after=reigns[-1], schedule=_paid_by(bundle, corrected))
    if corrected and corrected["supersedes"] is not None:
        _supersedes(bundle, corrected, reigns)
    _told(bundle, reigns)
    _weights(bundle, reigns)


def _paid_by(bundle: Bundle, corrected: Row | None) -> Row:
    """The schedule by whose blocks a reign is paid: the next round's; of one that supersedes, of the round that took
    reveals then."""
    schedule: Row = bundle.told(NAME)["next_schedule"]
    applied = [b for b in bodies(bundle, "correction.applied", of_round=bundle.round) if b["supersedes"] is not None]
    for event in bundle.events if corrected and applied else []:
        body = event["body"]
        if event["kind"] == "correction.applied" and body is applied[-1]:
            break
        schedule = body["schedule"] if event["kind"] == "round.open" and "schedule" in body else schedule
    return schedule


def _supersedes(bundle: Bundle, corrected: Row, reigns: list[Row]) -> None:
    """The reign that is taken back was this round's, stays where it was, and is named by the one that replaces it."""
    told = {body.get("sequence"): body for body in bodies(bundle, "reign")}
    new, old = told.get(len(reigns), {}), corrected["supersedes"]
    bundle.same(
        "wrong-reign",
        NAME,
        field="supersedes",
        found=new.get("supersedes"),
        expected=old,
        say="The ledger's reign takes the place of another.",
    )
    if not corrected["defended"] < old < len(reigns):
        bundle.note("wrong-reign", NAME, field="supersedes", found=old, say="Not a reign that this round began.")
    elif reigns[old - 1]["hotkey"] != corrected["before"]["leader"]:
        bundle.note(
            "wrong-reign",
            NAME,
            field="supersedes",
            found=reigns[old - 1]["hotkey"],
            expected=corrected["before"]["leader"],
            say="Not the leader of the decision before.",
        )


def _follows(bundle: Bundle, *, before: Row, after: Row, schedule: Row) -> None:
    """A defence costs the decay down to the floor; a new leader starts at 1; paid from the next round."""
    decision, rules = bundle.told(NAME), bundle.told("round.json")["rules"]
    defended = decision["winner"] == "leader"
    expected = {
        "hotkey": before["hotkey"] if defended else decision["winner"],
        "weight": str(next_weight(Fraction(before["weight"]), defended=defended, rules=rules)),
        "effective_block": schedule[rules["paid_from"].removeprefix("next_") + "_block"],
    }
    bundle.same("wrong-reign", NAME, field="reigns", found=after, expected=expected, say="Another reign follows.")
    told = {"hotkey": decision["leader"], "weight": decision["weight"], "effective_block": decision["effective_block"]}
    bundle.same("wrong-reign", NAME, field="leader", found=told, expected=expected, say="Another reign follows.")


def next_weight(before: Fraction, *, defended: bool, rules: Row) -> Fraction:
    if not defended:
        return Fraction(1)
    return max(Fraction(rules["weight_floor"]), before - Fraction(rules["weight_decay"]))


def _told(bundle: Bundle, reigns: list[Row]) -> None:
    """The reigns that this part of the ledger tells of, the new one among them, with the winner's code."""
    told = {body.get("sequence"): body for body in bodies(bundle, "reign")}
    winner = bundle.told(NAME)["winner"]
    entries = {row["entry"]: row for row in bundle.told("submissions.json")}
    for sequence in (len(reigns) - 1, len(reigns)):
        reign, event = reigns[sequence - 1], told.get(sequence)
        found = {"leader": reign["hotkey"], "weight": reign["weight"], "effective_block": reign["effective_block"]}
        if sequence == len(reigns) and winner in entries:
            found |= {
                "repo": entries[winner]["repo"],
                "commit": entries[winner]["commit"],
                "defence": winner == "leader",
            }
        expected = {name: (event or {}).get(name) for name in found}
        bundle.same(
            "ledger-differs",
            NAME,
            field=f"reign {sequence}",
            found=found,
            expected=expected,
            say="The ledger tells another reign.",
        )


def _weights(bundle: Bundle, reigns: list[Row]) -> None:
    decision = bundle.told(NAME)
    block = reigns[-1]["effective_block"]
    bundle.same(
        "wrong-weights",
        NAME,
        field="weights_block",
        found=decision["weights_block"],
        expected=block,
        say="Not the block from which the decision is paid.",
    )
    uids = sorted(decision["uids"].values())
    bundle.same("wrong-weights", NAME, field="uids", found=uids, expected=sorted(set(uids)), say="One uid, two miners.")
    expected = shares(reigns, block=block, uids=decision["uids"], owner=decision["owner_uid"])
    bundle.same(
        "wrong-weights", NAME, field="weights", found=decision["weights"], expected=expected, say="Not so paid."
    )
    for body in _paid(bundle, len(reigns)):
        wanted = shares(reigns, block=body["block"], uids=decision["uids"], owner=decision["owner_uid"])
        bundle.same(
            "wrong-weights",
            LEDGER,
            field=f"weights at block {body['block']}",
            found=body["weights"],
            expected=wanted,
            say="Not the shares of the reign in effect.",
        )
        if body.get("read_back") != "agrees":
            bundle.note("not-read-back", LEDGER, field=f"weights at block {body['block']}", say="The chain said else.")
    _on_chain(bundle)


def _on_chain(bundle: Bundle) -> None:
    """What was set on a real chain, by the reign and the uids that the event names: uids change hands there."""
    reigns = {event["seq"]: event["body"] for event in bundle.events if event["kind"] == "reign"}
    for event in bundle.events:
        body = event["body"]
        reign = reigns.get(body.get("reign")) if event["kind"] == "chain.weights" else None
        if reign is None:
            continue
        paid = {"hotkey": reign["leader"], "weight": reign["weight"], "effective_block": reign["effective_block"]}
        wanted = shares([paid], block=body["block"], uids=body["uids"], owner=body["owner_uid"])
        bundle.same(
            "wrong-weights",
            LEDGER,
            field=f"event {event['seq']}",
            found=body["weights"],
            expected=wanted,
            say="Not the shares of the reign it names.",
        )


def _paid(bundle: Bundle, known: int) -> list[Row]:
    """What was paid while these reigns were known and no later one."""
    paid: list[Row] = []
    for event in bundle.events:
        if event["kind"] == "reign" and event["body"].get("sequence", 0) > known:
            break
        paid += [event["body"]] if event["kind"] == "weights" else []
    return paid


def shares(reigns: list[Row], *, block: int, uids: dict[str, int], owner: int) -> dict[str, str]:
    """uid -> share at a block: the last reign in effect has its weight, the subnet's owner the rest."""
    reign = next((reign for reign in reversed(reigns) if reign["effective_block"] <= block), None)
    uid = uids.get(reign["hotkey"]) if reign else None
    if reign is None or uid is None or uid == owner:
        return {str(owner): "1"}
    weight = Fraction(reign["weight"])
    return {str(u): str(share) for u, share in ((uid, weight), (owner, 1 - weight)) if share}
