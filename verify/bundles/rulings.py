"""Did two people sign each decision of people, and was each appeal the miner's own, in time, and carried out?

Each event by people is written again from those before it.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from verify.bundles.files import ExaminedBundle, canonical
from verify.bundles.ledger import NAME, is_wallet_signed

Event = dict[str, Any]
Table = dict[tuple[Any, ...], Event]
ROLES = {
    "audit": {"reviewer", "lead", "operator"},
    "appeal": {"reviewer", "lead", "operator"},
    "correction": {"lead", "operator"},
}
REASONS: dict[str, tuple[str, ...]] = {
    "passed": ("licence_allows", "author_agreed", "false_alarm", "harmless"),
    "rejected": (
        "licence_forbids",
        "not_reproducible",
        "foreign_work",
        "network_at_run_time",
        "embedded_outputs",
        "hidden_behaviour",
    ),
    "upheld": ("fact_was_wrong", "rule_was_misread", "evidence_was_faulty", "new_evidence"),
    "dismissed": ("fact_stands", "rule_stands", "no_evidence"),
    "applied": ("fault_confirmed", "appeal_upheld"),
    "discarded": ("no_fault", "nothing_changes", "overtaken", "cannot_be_done"),
}
OUTCOMES = {"audit": ("passed", "rejected"), "appeal": ("upheld", "dismissed"), "correction": ("applied", "discarded")}
WHO = ("round", "entry", "audit", "version", "appellant", "correction")
FORMAT = "gauntlet-appeal/1"
TURNED = {"passed": "rejected", "rejected": "passed"}
KINDS = {"rulings": "wrong-ruling", "appeals": "wrong-appeal"}


@dataclass
class PriorEvents:
    """Bodies of the events of people so far."""

    proposed: Table = field(default_factory=dict)
    confirmed: Table = field(default_factory=dict)
    lodged: Table = field(default_factory=dict)


def check(bundle: ExaminedBundle) -> None:
    """Everything the ledger tells of this round, in its order."""
    actual: dict[str, Event] = {case: {} for case in KINDS}
    expected: dict[str, Event] = {case: {} for case in KINDS}
    before = PriorEvents()
    for event in (event for event in bundle.events if event["body"].get("round") == bundle.round):
        place, stated = f"event {event['seq']} {event['kind']}", event["body"]
        if is_by_people(event):  # the outcome of what was decided is in its event's name
            stated = stated | {"outcome": event["kind"].partition(".")[2]}
        for case, rewritten in write(bundle, event, before).items():
            actual[case][place], expected[case][place] = {name: stated.get(name) for name in rewritten}, rewritten
    bundle.compare(KINDS, NAME, actual, expected)


def write(bundle: ExaminedBundle, event: Event, before: PriorEvents) -> dict[str, Event]:
    """case -> what of the event's body follows from the events before it."""
    body, kind = event["body"], event["kind"]
    if kind == "ruling.proposed":
        before.proposed[str(body.get("ruling")), *who(body)] = body
    elif kind == "ruling.confirmed":
        before.confirmed[(body.get("case"), *who(body))] = body
        return {"rulings": confirmed(body, before.proposed.get((str(body.get("ruling")), *who(body)), {}))}
    elif kind == "appeal.lodged":
        first = before.lodged.setdefault(who(body), body) is body
        before.lodged[who(body)] = body
        return {"appeals": lodged(bundle, body, first=first)}
    elif is_by_people(event):
        return carried_out(event, before)
    return {}


def who(body: Event) -> tuple[str, ...]:
    return tuple(str(body.get(name, "")) for name in WHO)


def is_by_people(event: Event) -> bool:
    """An audit that waited for a person or was turned by an appeal; whatever becomes of appeals and corrections."""
    kind, _, to = event["kind"].partition(".")
    if kind == "audit" and to in OUTCOMES["audit"]:
        return event["body"].get("from") == "reviewing" or "by" in event["body"]
    return kind in ("appeal", "correction") and to in OUTCOMES[kind]


def confirmed(body: Event, proposal: Event) -> Event:
    """Two different people, in their roles; the second signed what the first proposed."""
    stated = body.get("by")
    by: list[Any] = stated if isinstance(stated, list) else []
    people, roles = {str(one.get("name")) for one in by}, {one.get("role") for one in by}
    case, outcome, code = str(body.get("case")), proposal.get("outcome"), proposal.get("code")
    may, outcomes = ROLES.get(case, set()), OUTCOMES.get(case, ())
    allowed = len(by) == len(people) == 2 and roles <= may and bool(case != "appeal" or roles & {"lead", "operator"})
    return {
        "outcome": outcome if outcome in outcomes else list(outcomes),
        "code": code if code in REASONS.get(str(outcome), ()) else list(REASONS.get(str(outcome), ())),
        "because": proposal.get("because"),
        "by": [*proposal.get("by", []), *by[1:]]
        if allowed
        else f"two different people, each {' or '.join(sorted(may))}",
    }


def lodged(bundle: ExaminedBundle, body: Event, *, first: bool) -> Event:
    """Signed by the appellant, about this verdict, once, and in time.

    A rejection is objected to by whom it rejects, a pass by another miner of the round.
    """
    document, by, signature = body.get("document"), body.get("appellant"), str(body.get("signature"))
    document = document if isinstance(document, dict) else {}
    named = {
        **{name: body.get(name) for name in ("round", "entry", "audit", "appellant")},
        "version": body.get("version", 1),
        "competition": bundle.manifest["competition"],
        "format": FORMAT,
    }
    message, last = f"{FORMAT}\n".encode() + (canonical(document) or b""), body.get("last_block")
    signed = is_wallet_signed(by=str(by), message=message, signature=signature) is not False
    entries = {row["entry"]: row["miner"] for row in bundle.document("submissions.json")}
    own = entries.get(body.get("entry")) == by
    may = own if body.get("verdict") == "rejected" else not own and by in entries.values()
    return {
        "document": document | named,
        "block": body.get("block") if last is None or body["block"] <= last else f"up to {last}",
        "signature": body.get("signature") if signed else "the appellant's",
        "appellant": by if may and first else "who may object to this verdict, and had not done so before",
    }


def carried_out(event: Event, before: PriorEvents) -> dict[str, Event]:
    """What two people signed, and nothing else, was done; an upheld appeal turns the verdict that it was about, into
    its next version."""
    body, kind = event["body"], event["kind"].partition(".")[0]
    if kind == "audit" and body.get("code") == "appeal_upheld":
        turned = [
            turned_by(body, appeal, before.confirmed.get(("appeal", *key))) for key, appeal in before.lodged.items()
        ]
        return {"appeals": {"to": body.get("to") if body.get("to") in turned else "as an upheld appeal turned it"}}
    ruling = before.confirmed.get((kind, *who(body)), {})
    rewritten = {"rulings": {name: ruling.get(name) for name in ("outcome", "code", "by", "because")}}
    if kind == "appeal" and who(body) not in before.lodged:
        rewritten["appeals"] = {"appellant": "somebody who had lodged this appeal"}
    return rewritten


def turned_by(body: Event, appeal: Event, ruling: Event | None) -> str | None:
    """What became of the verdict by this appeal; None where it was not upheld, or was about another."""
    same = all(appeal.get(name) == body.get(name) for name in ("entry", "audit", "appellant"))
    upheld = bool(ruling) and ruling is not None and ruling["outcome"] == "upheld" and ruling["by"] == body.get("by")
    later = appeal.get("version", 1) < body.get("version", 1)
    return TURNED.get(str(appeal.get("verdict"))) if same and later and upheld else None
