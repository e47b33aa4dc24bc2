"""The ladder of margin-2: a winner must win again, against the defender of that rung and nobody else."""

from __future__ import annotations

import pytest

from competition.decisions.ladder import LEADER, Audited, Entry, Key, Ladder
from competition.decisions.repeats import Repeat, climb_again, shortfall, verdict, wanted_repeats
from competition.decisions.rulesets import MARGIN_2
from competition.decisions.tally import Tally

WIN, EVEN, SHORT, WORSE = Tally(won=10, drawn=118), Tally(drawn=128), Tally(won=6, drawn=122), Tally(lost=7, drawn=121)
AT_LIMIT = Tally(lost=5, drawn=95)
HOLDS = Repeat(submitted=EVEN, defender=WIN)
KEYS: list[Key] = ["a", "b", "c"]
QUEUE = [Entry(key=key, hotkey=f"5{key}", reveal_block=n) for n, key in enumerate(KEYS)]
READ: dict[Key, Audited] = dict.fromkeys(KEYS, "passed")
SCREEN: dict[Key, Tally | None] = dict.fromkeys(KEYS, WIN)


def climbed(
    met: dict[tuple[Key, Key], Tally], repeats: dict[tuple[Key, Key], list[Repeat]], screen: dict[Key, Tally | None]
) -> Ladder:
    return climb_again(QUEUE, screen=screen, met=met, repeats=repeats, sources=READ, rules=MARGIN_2)


@pytest.mark.parametrize(
    ("repeats", "expected"),
    [
        ([], None),
        ([HOLDS, HOLDS], None),
        ([HOLDS] * 3, "passed"),
        ([HOLDS, HOLDS, Repeat(submitted=WORSE, defender=WIN)], "rejected"),
        ([Repeat(submitted=EVEN, defender=SHORT)], "rejected"),  # one repeat that misses is enough
        ([Repeat(submitted=AT_LIMIT, defender=WIN)] * 3, "passed"),  # -5 % exactly is not worse
        ([Repeat(submitted=EVEN, defender=Tally(won=5, drawn=95))] * 3, "passed"),  # +5 % exactly wins
    ],
)
def test_each_repeat_must_hold_both_bars(repeats: list[Repeat], expected: Audited) -> None:
    assert verdict(repeats, source="passed", rules=MARGIN_2) == expected


def test_the_source_audit_counts_too() -> None:
    assert verdict([HOLDS] * 3, source="rejected", rules=MARGIN_2) == "rejected"
    assert verdict([HOLDS] * 3, source=None, rules=MARGIN_2) is None
    assert shortfall([HOLDS], rules=MARGIN_2) is None


def test_three_repeats_are_wanted_of_the_lowest_open_rung() -> None:
    ladder = climbed({("a", "b"): WIN}, {(LEADER, "a"): [HOLDS]}, {"a": WIN, "b": WIN, "c": SHORT})
    wanted = wanted_repeats(ladder, repeats={(LEADER, "a"): [HOLDS]}, rules=MARGIN_2)
    assert wanted == ((LEADER, "a", 1), (LEADER, "a", 2))


def test_a_winner_that_holds_advances() -> None:
    ladder = climbed({}, {(LEADER, "a"): [HOLDS] * 3}, {"a": WIN, "b": SHORT, "c": SHORT})
    assert ladder.complete and ladder.leader == "a"


def test_a_rejected_winner_does_not_advance_the_chain() -> None:
    fails = [Repeat(submitted=WORSE, defender=WIN)]
    ladder = climbed({}, {(LEADER, "a"): fails, (LEADER, "b"): [HOLDS] * 3}, {"a": WIN, "b": WIN, "c": SHORT})
    assert ladder.complete and ladder.leader == "b"
    assert [(r.defender, r.challenger, r.verdict) for r in ladder.rungs] == [
        (LEADER, "a", "rejected"),
        (LEADER, "b", "advanced"),
    ]


def test_a_margin_counts_against_the_defender_it_was_reached_against_only() -> None:
    """b beat a, and was generated again against a; then a was rejected: b's repeats against a say nothing."""
    repeats = {(LEADER, "a"): [Repeat(submitted=WORSE, defender=WIN)], ("a", "b"): [HOLDS] * 3}
    ladder = climbed({("a", "b"): WIN}, repeats, {"a": WIN, "b": WIN, "c": SHORT})
    assert not ladder.complete and ladder.wanted_audits == ("b",)
    assert wanted_repeats(ladder, repeats=repeats, rules=MARGIN_2)[0] == (LEADER, "b", 0)


def test_winning_against_the_defender_of_the_moment_is_enough() -> None:
    """c beats b who beat a; c never met a."""
    repeats = {(LEADER, "a"): [HOLDS] * 3, ("a", "b"): [HOLDS] * 3, ("b", "c"): [HOLDS] * 3}
    ladder = climbed({("a", "b"): WIN, ("b", "c"): WIN}, repeats, SCREEN)
    assert ladder.complete and ladder.leader == "c"


def test_the_next_match_is_against_the_defender_of_the_moment() -> None:
    assert climbed({}, {(LEADER, "a"): [HOLDS] * 3}, SCREEN).wanted_matches == (("a", "b"),)
    assert climbed({}, {(LEADER, "a"): [Repeat(submitted=EVEN, defender=SHORT)]}, SCREEN).wanted_audits == ("b",)
