"""Bundles that are good one by one must also tell one history."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from verify.bundles import series as bundle_series
from verify.bundles.files import ExaminedBundle

SCHEDULE = {"earliest_reveal_block": 603}
REIGNS = [{"hotkey": "5a"}, {"hotkey": "5b"}]


def events(first: int, last: int, *, tale: str = "") -> list[dict[str, Any]]:
    blank: dict[str, Any] = {"kind": "weights", "body": {}}
    return [{**blank, "seq": n, "hash": f"{n}{tale}", "previous": f"{n - 1}{tale}"} for n in range(first, last + 1)]


def bundle(number: int, told: list[dict[str, Any]], **changes: Any) -> ExaminedBundle:
    """As much of a bundle as is looked at."""
    made = ExaminedBundle(Path("nowhere"), prefix=f"{number}/")
    made.log.round, made.manifest, made.events, made.signed_by = number, {"competition": "made"}, told, "5operator"
    decision = {"next_schedule": SCHEDULE, "reigns": REIGNS[: number + 1]}
    made.documents = {"decision.json": decision, "round.json": {"schedule": SCHEDULE}}
    for name, value in changes.items():
        setattr(made, name, value)
    return made


def kinds(*bundles: ExaminedBundle) -> list[str]:
    return [finding.kind for finding in bundle_series.check(bundles).findings]


def test_parts_of_one_ledger_overlap_or_touch() -> None:
    assert kinds(bundle(1, events(1, 20)), bundle(2, events(15, 40))) == ["series-differs"]  # a reign too few
    second = bundle(2, events(21, 40))
    second.documents["decision.json"]["reigns"] = [*REIGNS, {"hotkey": "5b"}]
    assert kinds(bundle(1, events(1, 20)), second) == []


def grown(number: int, told: list[dict[str, Any]], **changes: Any) -> ExaminedBundle:
    made = bundle(number, told, **changes)
    made.documents["decision.json"]["reigns"] = [*REIGNS, {"hotkey": "5b"}][: number + 1]
    return made


def test_two_histories_are_told_apart() -> None:
    assert kinds(grown(1, events(1, 20)), grown(2, events(15, 40, tale="x"))) == ["series-broken"]


def test_a_gap_between_two_rounds_is_told() -> None:
    assert kinds(grown(1, events(1, 20)), grown(2, events(22, 40))) == ["series-broken"]


def test_where_a_round_is_not_here_it_is_told_what_could_not_be_compared() -> None:
    """The two parts may be of two histories: only the bundle between them would tell."""
    (found,) = bundle_series.check([grown(1, events(1, 20)), grown(3, events(60, 80, tale="x"))]).findings
    assert (found.severity, found.kind, found.field) == ("notable", "series-not-joined", "events 21 to 59")
    assert "between round 1 (up to event 20) and round 3 (from event 60)" in found.sentence
    assert "The bundle of round 2 would tell" in found.sentence
    (found,) = bundle_series.check([grown(1, events(1, 20)), grown(5, events(90, 99))]).findings
    assert "The bundle of rounds 2 to 4 would tell" in found.sentence


def test_with_the_bundle_between_them_the_second_history_is_found_out() -> None:
    true = grown(2, events(15, 70))
    assert "series-broken" in kinds(grown(1, events(1, 20)), true, grown(3, events(60, 80, tale="x")))


def test_rounds_whose_parts_touch_or_overlap_without_the_one_between_are_joined() -> None:
    assert kinds(grown(1, events(1, 20)), grown(3, events(15, 80))) == []
    assert kinds(grown(1, events(1, 20)), grown(3, events(21, 80))) == []
    follows_another = events(21, 80, tale="x")
    assert kinds(grown(1, events(1, 20)), grown(3, follows_another)) == ["series-broken"]


def test_any_two_parts_are_compared_and_not_only_neighbours() -> None:
    far, short = grown(1, events(1, 90)), grown(2, events(15, 40))
    assert "series-broken" in kinds(far, short, grown(3, events(60, 95, tale="x")))


def test_two_signed_heads_of_one_place_are_named() -> None:
    one, other = grown(1, events(1, 20)), grown(1, events(1, 20, tale="x"))
    found = bundle_series.check([one, other]).findings
    (heads,) = [finding for finding in found if finding.kind == "two-heads"]
    assert (heads.severity, heads.field, heads.found, heads.expected) == ("error", "event 20", "20x", "20")
    assert heads.sentence.count("5operator") == 2


def test_a_round_begins_as_the_one_before_says() -> None:
    other = grown(2, events(15, 40))
    other.documents["round.json"] = {"schedule": {"earliest_reveal_block": 604}}
    assert kinds(grown(1, events(1, 20)), other) == ["series-differs"]


def test_another_operator_signs() -> None:
    assert kinds(grown(1, events(1, 20)), grown(2, events(15, 40), signed_by="5other")) == ["series-differs"]


def test_two_competitions_are_two_histories() -> None:
    assert kinds(grown(1, events(1, 20)), grown(2, events(15, 40, tale="x"), manifest={"competition": "b"})) == []


def test_rules_that_cannot_be_are_a_finding_and_no_crash() -> None:
    one, two = bundle(1, events(1, 20)), bundle(2, events(21, 40))
    for made in (one, two):
        made.documents |= {"matches.json": [], "title.json": {"fresh": [], "seen": []}}
        made.documents["round.json"] |= {"prompts": [], "pool": [], "rules": {"title": {"batch": 0}}}
    assert "malformed-document" in kinds(one, two)
