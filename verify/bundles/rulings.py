"""Did two people sign each decision of people, and was each appeal the miner's own, in time, and carried out?"""

from __future__ import annotations

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


def check(bundle: ExaminedBundle) -> None:
    """Everything the ledger tells of this round, in its order."""
    proposed: Table = {}
    confirmed: Table = {}
    lodged: Table = {}
    for event in bundle.events:
        body, kind = event["body"], event["kind"]
        if body.get("round") != bundle.round:
            continue
        if kind == "ruling.proposed":
            proposed[str(body.get("ruling")), *who(body)] = event
        elif kind == "ruling.confirmed":
            proposal_confirmed(bundle, event, proposed.get((str(body.get("ruling")), *who(body))))
            confirmed[(body.get("case"), *who(body))] = event
        elif kind == "appeal.lodged":
            appeal_lodged(bundle, event, lodged)
            lodged[who(body)] = event
        elif is_by_people(event):
            carried_out(bundle, event, confirmed, lodged)


def who(body: Event) -> tuple[str, ...]:
    return tuple(str(body.get(name, "")) for name in WHO)


def is_by_people(event: Event) -> bool:
    """An audit that waited for a person or was turned by an appeal; whatever becomes of appeals and corrections."""
    kind, _, to = event["kind"].partition(".")
    if kind == "audit" and to in OUTCOMES["audit"]:
        return event["body"].get("from") == "reviewing" or "by" in event["body"]
    return kind in ("appeal", "correction") and to in OUTCOMES[kind]


def _wrong(bundle: ExaminedBundle, kind: str, event: Event, sentence: str, *, found: object = None) -> None:
    bundle.note(kind, NAME, field=f"event {event['seq']} {event['kind']}", found=found, sentence=sentence)


def _same(bundle: ExaminedBundle, kind: str, event: Event, sentence: str, *, found: Event, expected: Event) -> None:
    """Does an event say what it must?"""
    stated = {name: found.get(name) for name in expected}
    bundle.compare(kind, NAME, stated, expected, field=f"event {event['seq']} {event['kind']}", sentence=sentence)


def proposal_confirmed(bundle: ExaminedBundle, event: Event, proposal: Event | None) -> None:
    """Two different people, in their roles; the second signed what the first proposed."""
    body = event["body"]
    by = body.get("by") if isinstance(body.get("by"), list) else []
    people, roles = [str(one.get("name")) for one in by], [one.get("role") for one in by]
    case, outcome = str(body.get("case")), str(body.get("outcome"))
    if len(people) != 2 or len(set(people)) != 2:
        _wrong(bundle, "wrong-ruling", event, "Not two different people.", found=people)
    if not set(roles) <= ROLES.get(case, set()) or (case == "appeal" and not set(roles) & {"lead", "operator"}):
        _wrong(bundle, "wrong-ruling", event, "Somebody had not the role for it.", found=roles)
    if outcome not in OUTCOMES.get(case, ()) or body.get("code") not in REASONS.get(outcome, ()):
        _wrong(bundle, "wrong-ruling", event, "No such outcome, or reason.", found=[outcome, body.get("code")])
    first = {**{name: body.get(name) for name in ("outcome", "code", "because")}, "by": by[:1]}
    stated = proposal["body"] if proposal else {}
    _same(bundle, "wrong-ruling", event, "Nobody had proposed exactly this.", found=stated, expected=first)


def appeal_lodged(bundle: ExaminedBundle, event: Event, earlier: Table) -> None:
    """Signed by the appellant, about this verdict, once, and in time.

    A rejection is objected to by whom it rejects, a pass by another miner of the round.
    """
    body, document = event["body"], event["body"].get("document")
    document, by = document if isinstance(document, dict) else {}, body.get("appellant")
    named = {
        **{name: body.get(name) for name in ("round", "entry", "audit", "appellant")},
        "version": body.get("version", 1),
        "competition": bundle.manifest["competition"],
        "format": FORMAT,
    }
    _same(bundle, "wrong-appeal", event, "Signed about another verdict.", found=document, expected=named)
    if who(body) in earlier:
        _wrong(bundle, "wrong-appeal", event, "This miner had objected to this verdict before.")
    if body.get("last_block") is not None and body["block"] > body["last_block"]:
        _wrong(bundle, "wrong-appeal", event, "Too late.", found=body["block"])
    message, signature = f"{FORMAT}\n".encode() + (canonical(document) or b""), str(body.get("signature"))
    if is_wallet_signed(by=str(by), message=message, signature=signature) is False:
        _wrong(bundle, "wrong-appeal", event, "Not signed by the miner who is said to object.")
    entries = {row["entry"]: row["miner"] for row in bundle.document("submissions.json")}
    own = entries.get(body.get("entry")) == by
    if not (own if body.get("verdict") == "rejected" else not own and by in entries.values()):
        _wrong(bundle, "wrong-appeal", event, "Not who may object to this verdict.", found=by)


def carried_out(bundle: ExaminedBundle, event: Event, confirmed: Table, lodged: Table) -> None:
    """What two people signed, and nothing else, was done; an upheld appeal turns the verdict that it was about, into
    its next version."""
    body, (kind, _, to) = event["body"], event["kind"].partition(".")
    if kind == "audit" and body.get("code") == "appeal_upheld":
        if not any(is_upheld(body, appeal, confirmed.get(("appeal", *key))) for key, appeal in lodged.items()):
            _wrong(bundle, "wrong-appeal", event, "No upheld appeal leads to this verdict.", found=body.get("to"))
        return
    ruling = confirmed.get((kind, *who(body)), {"body": {}})["body"]
    expected = {name: ruling.get(name) for name in ("outcome", "code", "by", "because")}
    _same(
        bundle,
        "wrong-ruling",
        event,
        "Two people signed no such thing.",
        found=body | {"outcome": to},
        expected=expected,
    )
    if kind == "appeal" and who(body) not in lodged:
        _wrong(bundle, "wrong-appeal", event, "Nobody had lodged this appeal.")


def is_upheld(body: Event, appeal: Event, ruling: Event | None) -> bool:
    """Is this the appeal by which a verdict was turned?"""
    about, decided = appeal["body"], ruling["body"] if ruling else {}
    same = all(about.get(name) == body.get(name) for name in ("entry", "audit", "appellant"))
    upheld = bool(decided) and decided["outcome"] == "upheld" and decided["by"] == body.get("by")
    later = about.get("version", 1) < body.get("version", 1)
    return same and later and upheld and TURNED.get(about.get("verdict")) == body.get("to")
