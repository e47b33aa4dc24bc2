"""margin-2: a winner must win again, against the defender of its rung and nobody else."""

from __future__ import annotations

import pytest

from competition.rulesets import MARGIN_1, MARGIN_2, RoundDecision, ruleset
from competition.rulesets.base import KnownRound, Pairing
from competition.rulesets.ladder import LEADER, Audited, Key, LadderEntry
from competition.rulesets.regenerations import Regeneration
from competition.rulesets.tally import Tally

WIN, EVEN, SHORT, WORSE = Tally(won=10, drawn=118), Tally(drawn=128), Tally(won=6, drawn=122), Tally(lost=7, drawn=121)
AT_LIMIT = Tally(lost=5, drawn=95)
KEYS: list[Key] = ["a", "b", "c"]
QUEUE = [LadderEntry(key=key, hotkey=f"5{key}", reveal_block=n) for n, key in enumerate(KEYS)]
SCREENS: dict[Key, Tally] = dict.fromkeys(KEYS, WIN)


def row(submitted: Tally, defender: Tally | None) -> Regeneration:
    return Regeneration(submitted=submitted, generated_s=1, defender=defender)


HOLDS = row(EVEN, WIN)


def decided(met: dict[Pairing, Tally], audits: dict[Key, Audited], screens: dict[Key, Tally]) -> RoundDecision:
    tallies: dict[Pairing, Tally] = {("screen", LEADER, key): tally for key, tally in screens.items()}
    known = KnownRound(entries=QUEUE, tallies=tallies | met, audits=audits)
    return ruleset(MARGIN_2).decide(known)


@pytest.mark.parametrize(
    ("rows", "expected"),
    [
        ([], None),
        ([HOLDS, HOLDS], None),
        ([row(EVEN, None)], None),  # not worse: the match against the defender is wanted
        ([HOLDS] * 3, "passed"),
        ([HOLDS, HOLDS, row(WORSE, None)], "failed"),
        ([row(EVEN, SHORT)], "failed"),  # one that misses is enough
        ([row(AT_LIMIT, WIN)] * 3, "passed"),  # -5 % exactly is not worse
        ([row(EVEN, Tally(won=5, drawn=95))] * 3, "passed"),  # +5 % exactly wins
    ],
)
def test_each_regeneration_must_hold_both_bars(rows: list[Regeneration], expected: str | None) -> None:
    verdict = ruleset(MARGIN_2).regeneration_verdict(rows, generation_s=100)
    assert (verdict.outcome if verdict else None) == expected


def test_margin_1_asks_for_one_regeneration_and_no_further_win() -> None:
    margin_1 = ruleset(MARGIN_1)
    verdict = margin_1.regeneration_verdict([row(EVEN, None)], generation_s=100)
    assert verdict is not None and verdict.outcome == "passed"
    assert (margin_1.regenerations, margin_1.wins_again) == (1, False)
    assert (ruleset(MARGIN_2).regenerations, ruleset(MARGIN_2).wins_again) == (3, True)


def test_the_lowest_open_rung_is_audited_first() -> None:
    decision = decided({("ladder", "a", "b"): WIN}, {}, {"a": WIN, "b": WIN, "c": SHORT})
    assert (decision.wanted_audits, decision.defender_of("a")) == (("a",), LEADER)


def test_a_winner_that_holds_advances() -> None:
    decision = decided({}, {"a": "passed"}, {"a": WIN, "b": SHORT, "c": SHORT})
    assert decision.complete and decision.leader == "a"


def test_a_rejected_winner_does_not_advance_the_chain() -> None:
    decision = decided({}, {"a": "rejected", "b": "passed"}, {"a": WIN, "b": WIN, "c": SHORT})
    assert decision.complete and decision.leader == "b"
    assert [(s.defender, s.challenger, s.verdict) for s in decision.steps] == [
        (LEADER, "a", "rejected"),
        (LEADER, "b", "advanced"),
    ]


def test_a_margin_counts_against_the_defender_it_was_reached_against_only() -> None:
    """b beat a; then a was rejected: b is audited against the leader."""
    decision = decided({("ladder", "a", "b"): WIN}, {"a": "rejected"}, {"a": WIN, "b": WIN, "c": SHORT})
    assert not decision.complete and decision.wanted_audits == ("b",)
    assert decision.defender_of("b") == LEADER


def test_winning_against_the_defender_of_the_moment_is_enough() -> None:
    """c beats b who beat a; c never met a."""
    met: dict[Pairing, Tally] = {("ladder", "a", "b"): WIN, ("ladder", "b", "c"): WIN}
    decision = decided(met, dict.fromkeys(KEYS, "passed"), SCREENS)
    assert decision.complete and decision.leader == "c"


def test_the_next_match_is_against_the_defender_of_the_moment() -> None:
    assert decided({}, {"a": "passed"}, SCREENS).wanted_matches == (("ladder", "a", "b"),)
    assert decided({}, {"a": "rejected"}, SCREENS).wanted_audits == ("b",)
