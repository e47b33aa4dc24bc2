"""Lies about people, appeals and corrections: the change, and the kind of finding that must name it."""

from __future__ import annotations

from typing import Any

Documents = dict[str, Any]
Events = list[dict[str, Any]]


def last(events: Events, kind: str, **named: Any) -> dict[str, Any]:
    """The event's body."""
    found = [e["body"] for e in events if e["kind"] == kind and all(e["body"].get(n) == v for n, v in named.items())]
    body: dict[str, Any] = found[-1]
    return body


def drop(events: Events, kind: str, **named: Any) -> None:
    body = last(events, kind, **named)
    events[:] = [event for event in events if event["body"] is not body]


def one_person_signed_twice(documents: Documents, events: Events) -> None:
    for kind, case in (("ruling.confirmed", "correction"), ("correction.applied", None)):
        body = last(events, kind, **({"case": case} if case else {}))
        body["by"] = [body["by"][0], body["by"][0]]


def one_person_let_a_licence_pass(documents: Documents, events: Events) -> None:
    body = last(events, "audit.passed", audit="source")
    audit = next(a for a in documents["audits.json"] if (a["entry"], a["kind"]) == (body["entry"], "source"))
    audit["people"] = audit["people"][:1]
    body["by"] = body["by"][:1]


def nobody_had_proposed_it(documents: Documents, events: Events) -> None:
    drop(events, "ruling.proposed", case="correction")


def the_second_signed_something_else(documents: Documents, events: Events) -> None:
    last(events, "ruling.confirmed", case="appeal")["because"] = "For quite another reason than was proposed."


def a_reviewer_applied_a_correction(documents: Documents, events: Events) -> None:
    for body in (last(events, "ruling.confirmed", case="correction"), last(events, "correction.applied")):
        body["by"] = [body["by"][0], {**body["by"][1], "role": "reviewer"}]


def nobody_signed_the_correction(documents: Documents, events: Events) -> None:
    drop(events, "ruling.confirmed", case="correction")


def the_reason_is_none_of_the_list(documents: Documents, events: Events) -> None:
    for body in (
        last(events, "ruling.proposed", case="correction"),
        last(events, "ruling.confirmed", case="correction"),
        last(events, "correction.applied"),
    ):
        body["code"] = "we_like_it"


def the_miner_said_something_else(documents: Documents, events: Events) -> None:
    last(events, "appeal.lodged")["document"]["statement"] = "We have nothing against the verdict at all."


def the_appeal_was_never_lodged(documents: Documents, events: Events) -> None:
    drop(events, "appeal.lodged")


def the_appeal_came_too_late(documents: Documents, events: Events) -> None:
    body = last(events, "appeal.lodged")
    body["block"] = body["last_block"] + 1


def the_appeal_was_dismissed(documents: Documents, events: Events) -> None:
    for kind in ("ruling.proposed", "ruling.confirmed"):
        last(events, kind, case="appeal").update(outcome="dismissed", code="fact_stands")
    place = next(n for n, event in enumerate(events) if event["kind"] == "appeal.upheld")
    events[place]["kind"] = "appeal.dismissed"
    events[place]["body"].update(to="dismissed", code="fact_stands")


def the_first_winner_was_another(documents: Documents, events: Events) -> None:
    documents["correction.json"]["before"]["winner"] = "leader"


def the_first_verdict_is_hidden(documents: Documents, events: Events) -> None:
    aside = documents["correction.json"]["set_aside"]
    next(audit for audit in aside if audit["verdict"] == "passed")["verdict"] = "rejected"


def the_first_ladder_was_another(documents: Documents, events: Events) -> None:
    documents["correction.json"]["before"]["ladder"][0]["verdict"] = "held"


def it_replaces_another_bundle(documents: Documents, events: Events) -> None:
    documents["correction.json"]["corrects"] = "0" * 64


def it_was_opened_for_another_reason(documents: Documents, events: Events) -> None:
    documents["correction.json"]["reason"] = "Nobody remembers."


def the_correction_was_never_applied(documents: Documents, events: Events) -> None:
    drop(events, "correction.applied")


def another_reign_was_superseded(documents: Documents, events: Events) -> None:
    documents["correction.json"]["supersedes"] = 1
    last(events, "correction.applied")["supersedes"] = 1
    last(events, "reign")["supersedes"] = 1


def it_is_paid_earlier(documents: Documents, events: Events) -> None:
    decision = documents["decision.json"]
    decision["reigns"][-1]["effective_block"] -= 1
    decision["effective_block"] -= 1
    decision["weights_block"] -= 1
    last(events, "reign")["effective_block"] -= 1


LIES = {
    one_person_signed_twice: "wrong-ruling",
    one_person_let_a_licence_pass: "wrong-ruling",
    nobody_had_proposed_it: "wrong-ruling",
    the_second_signed_something_else: "wrong-ruling",
    a_reviewer_applied_a_correction: "wrong-ruling",
    nobody_signed_the_correction: "wrong-ruling",
    the_reason_is_none_of_the_list: "wrong-ruling",
    the_miner_said_something_else: "wrong-appeal",
    the_appeal_was_never_lodged: "wrong-appeal",
    the_appeal_came_too_late: "wrong-appeal",
    the_appeal_was_dismissed: "wrong-appeal",
    the_first_winner_was_another: "wrong-correction",
    the_first_verdict_is_hidden: "ledger-differs",
    the_first_ladder_was_another: "wrong-correction",
    it_replaces_another_bundle: "wrong-correction",
    it_was_opened_for_another_reason: "wrong-correction",
    the_correction_was_never_applied: "wrong-correction",
    another_reign_was_superseded: "wrong-reign",
    it_is_paid_earlier: "wrong-reign",
}
