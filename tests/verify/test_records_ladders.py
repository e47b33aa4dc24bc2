"""The rules of the ladder, one by one."""

from __future__ import annotations

from verify.records.winners import climb, decided, ladders, qualified
from verify.rounds import LEADER

BAR = 0.05
MARGINS = {
    (LEADER, "a"): 0.06,
    (LEADER, "b"): 0.2,
    (LEADER, "c"): 0.05,
    ("a", "b"): 0.01,
    ("a", "c"): 0.08,
    ("b", "c"): 0.0,
}


def test_the_screen_keeps_reveal_order_and_counts_the_bar_itself_as_reached() -> None:
    assert qualified(["c", "b", "d", "a"], MARGINS, win_margin=BAR) == ["c", "b", "a"]


def test_a_later_challenger_must_beat_whoever_defends_then() -> None:
    ladder = climb(["a", "b", "c"], MARGINS, win_margin=BAR, rejected=())
    assert ladder.winners == ["a", "c"]
    assert [(rung.defender, rung.challenger) for rung in ladder.rungs] == [(LEADER, "a"), ("a", "b"), ("a", "c")]


def test_a_rejected_challenger_does_not_advance_the_ladder() -> None:
    assert climb(["a", "b", "c"], MARGINS, win_margin=BAR, rejected={"a"}).winners == ["b"]


def test_a_match_that_was_not_played_leaves_the_defender_and_is_told() -> None:
    ladder = climb(["b", "a"], MARGINS, win_margin=BAR, rejected=())
    assert ladder.winners == ["b"]
    assert [(rung.defender, rung.challenger) for rung in ladder.missing] == [("b", "a")]


def test_each_rejection_makes_the_ladder_be_climbed_anew() -> None:
    steps = ladders(["a", "b", "c"], MARGINS, win_margin=BAR, rejected={"a", "b"})
    assert [step.winners for step in steps] == [["a", "c"], ["b"], ["c"]]


def test_who_never_won_a_rung_costs_no_climb() -> None:
    assert len(ladders(["a", "b"], MARGINS, win_margin=BAR, rejected={"b"})) == 1


def test_the_last_winner_with_passed_audits_leads() -> None:
    ladder = climb(["a", "b", "c"], MARGINS, win_margin=BAR, rejected=())
    assert decided(ladder, passed={"a", "c"}) == "c"
    assert decided(ladder, passed={"a"}) == "a"


def test_without_a_passed_audit_the_leader_defends() -> None:
    ladder = climb(["a", "b", "c"], MARGINS, win_margin=BAR, rejected=())
    assert decided(ladder, passed=()) == LEADER
