"""Did two people sign each decision of people, and was each appeal the miner's own, in time, and carried out?"""

from __future__ import annotations

from typing import Any

from verify.bundles.files import Bundle, canonical
from verify.bundles.ledger import NAME, is_signed

Event = dict[str, Any]
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


def check(bundle: Bundle) -> None:
    """Everything the ledger tells of this round, in its order."""
    proposed: dict[tuple[str, ...], Event] = {}
    confirmed: dict[tuple[str, ...], Event] = {}
    lodged: dict[tuple[str, ...], Event] = {}
    for event in bundle.events:
        body, kind = event["body"], event["kind"]
        if body.get("round") != bundle.round:
            continue
        if kind == "ruling.proposed":
            proposed[_ruling(body)] = event
        elif kind == "ruling.confirmed":
            _confirmed(bundle, event, proposed.get(_ruling(body)))
            confirmed[(body.get("case"), *who(body))] = event
        elif kind == "appeal.lodged":
            _lodged(bundle, event, lodged)
            lodged[who(body)] = event
        elif _by_people(event):
            _carried_out(bundle, event, confirmed, lodged)


def who(body: Event) -> tuple[str, ...]:
    return tuple(str(body.get(name, "")) for name in WHO)


def _ruling(body: Event) -> tuple[str, ...]:
    return (str(body.get("ruling")), *who(body))


def _by_people(event: Event) -> bool:
    """An audit that waited for a person or was turned by an appeal; whatever becomes of appeals and corrections."""
    kind, _, to = event["kind"].partition(".")
    if kind == "audit" and to in OUTCOMES["audit"]:
        return event["body"].get("from") == "reviewing" or "by" in event["body"]
    return kind in ("appeal", "correction") and to in OUTCOMES[kind]


def _note(bundle: Bundle, kind: str, event: Event, *, say: str, found: object = None, expected: object = None) -> None:
    field = f"event {event['seq']} {event['kind']}"
    bundle.note(kind, NAME, field=field, found=found, expected=expected, sentence=say)


def _confirmed(bundle: Bundle, event: Event, proposal: Event | None) -> None:
    """Two different people, in their roles; the second signed what the first proposed."""
    body = event["body"]
    by = body.get("by") if isinstance(body.get("by"), list) else []
    people = [str(one.get("name")) for one in by]
    roles = [one.get("role") for one in by]
    case, outcome = body.get("case"), body.get("outcome")
    if len(people) != 2 or len(set(people)) != 2:
        _note(bundle, "wrong-ruling", event, found=people, say="Not two different people.")
    if not set(roles) <= ROLES.get(str(case), set()) or (case == "appeal" and not set(roles) & {"lead", "operator"}):
        _note(bundle, "wrong-ruling", event, found=roles, say="Somebody had not the role for it.")
    if outcome not in OUTCOMES.get(str(case), ()) or body.get("code") not in REASONS.get(str(outcome), ()):
        _note(bundle, "wrong-ruling", event, found=[outcome, body.get("code")], say="No such outcome, or reason.")
    told = proposal["body"] if proposal else {}
    first = {**{name: body.get(name) for name in ("outcome", "code", "because")}, "by": by[:1]}
    if {name: told.get(name) for name in first} != first:
        _note(bundle, "wrong-ruling", event, found=first, expected=told, say="Nobody had proposed exactly this.")


def _lodged(bundle: Bundle, event: Event, earlier: dict[tuple[str, ...], Event]) -> None:
    """Signed by the appellant, about this verdict, once, and in time."""
    body, document = event["body"], event["body"].get("document")
    document = document if isinstance(document, dict) else {}
    named = {
        "round": body.get("round"),
        "entry": body.get("entry"),
        "audit": body.get("audit"),
        "version": body.get("version", 1),
        "appellant": body.get("appellant"),
        "competition": bundle.manifest["competition"],
        "format": FORMAT,
    }
    if {name: document.get(name) for name in named} != named:
        _note(bundle, "wrong-appeal", event, found=document, expected=named, say="Signed about another verdict.")
    if who(body) in earlier:
        _note(bundle, "wrong-appeal", event, say="This miner had objected to this verdict before.")
    if body.get("last_block") is not None and body["block"] > body["last_block"]:
        _note(bundle, "wrong-appeal", event, found=body["block"], expected=body["last_block"], say="Too late.")
    told = canonical(document)
    message = f"{FORMAT}\n".encode() + (told or b"")
    forms = [
        is_signed(by=str(body.get("appellant")), message=form, signature=str(body.get("signature")))
        for form in (message, b"<Bytes>" + message + b"</Bytes>")
    ]
    if None not in forms and not any(forms):
        _note(bundle, "wrong-appeal", event, say="Not signed by the miner who is said to object.")
    _may_object(bundle, event)


def _may_object(bundle: Bundle, event: Event) -> None:
    """A rejection is objected to by whom it rejects, a pass by another miner of the round."""
    body = event["body"]
    entries = {row["entry"]: row["miner"] for row in bundle.document("submissions.json")}
    own = entries.get(body.get("entry")) == body.get("appellant")
    good = own if body.get("verdict") == "rejected" else not own and body.get("appellant") in entries.values()
    if not good:
        _note(bundle, "wrong-appeal", event, found=body.get("appellant"), say="Not who may object to this verdict.")


def _carried_out(
    bundle: Bundle, event: Event, confirmed: dict[tuple[str, ...], Event], lodged: dict[tuple[str, ...], Event]
) -> None:
    """What two people signed, and nothing else, was done."""
    body, (kind, _, to) = event["body"], event["kind"].partition(".")
    if kind == "audit" and body.get("code") == "appeal_upheld":
        _turned(bundle, event, confirmed, lodged)
        return
    ruling = confirmed.get((kind, *who(body)))
    told = ruling["body"] if ruling else {}
    expected = {"outcome": told.get("outcome"), **{name: told.get(name) for name in ("code", "by", "because")}}
    found = {"outcome": to, **{name: body.get(name) for name in ("code", "by", "because")}}
    if found != expected:
        _note(bundle, "wrong-ruling", event, found=found, expected=expected, say="Two people signed no such thing.")
    if kind == "appeal" and who(body) not in lodged:
        _note(bundle, "wrong-appeal", event, say="Nobody had lodged this appeal.")


def _turned(
    bundle: Bundle, event: Event, confirmed: dict[tuple[str, ...], Event], lodged: dict[tuple[str, ...], Event]
) -> None:
    """An upheld appeal turns the verdict that it was about, into its next version."""
    body = event["body"]
    matches = [
        (appeal, confirmed.get(("appeal", *key)))
        for key, appeal in lodged.items()
        if all(appeal["body"].get(name) == body.get(name) for name in ("entry", "audit", "appellant"))
        and appeal["body"].get("version", 1) < body.get("version", 1)
    ]
    good = [
        appeal
        for appeal, ruling in matches
        if ruling
        and ruling["body"]["outcome"] == "upheld"
        and ruling["body"]["by"] == body.get("by")
        and TURNED.get(appeal["body"].get("verdict")) == body.get("to")
    ]
    if not good:
        _note(bundle, "wrong-appeal", event, found=body.get("to"), say="No upheld appeal leads to this verdict.")
