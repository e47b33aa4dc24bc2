"""The ladder of margin-1: who met whom, who leads, and what is still wanted."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from competition.rulesets import MARGIN_1
from competition.rulesets.ladder import LEADER, Audited, ClimbedLadder, Key, LadderEntry, climb, in_reveal_order
from competition.rulesets.tally import DuelResult, Tally, clears

WIN, SHORT = Tally(won=10, drawn=118), Tally(won=6, drawn=122)
KEYS = ["a", "b", "c", "d", "e"]
A, B, C, D, E = (LadderEntry(key=key, hotkey=f"5{key}", reveal_block=100 + n) for n, key in enumerate(KEYS))
TALLIES = st.lists(st.sampled_from(list(DuelResult)), max_size=12).map(Tally.of)


def climbed(
    entries: list[LadderEntry],
    screen: dict[Key, Tally | None],
    met: dict[tuple[Key, Key], Tally] | None = None,
    audits: dict[Key, Audited] | None = None,
) -> ClimbedLadder:
    return climb(entries, screen=screen, met=met or {}, audits=audits or {}, rules=MARGIN_1)


def steps(ladder: ClimbedLadder) -> list[tuple[Key, Key, str]]:
    return [(rung.defender, rung.challenger, rung.verdict) for rung in ladder.rungs]


def test_nobody_entered_the_leader_defends() -> None:
    ladder = climbed([], {})
    assert ladder.complete and ladder.leader == LEADER and ladder.rungs == ()


def test_nobody_qualified_the_leader_defends() -> None:
    ladder = climbed([A, B], {"a": SHORT, "b": Tally(void=128)})
    assert ladder.complete and ladder.leader == LEADER and ladder.rungs == ()


def test_a_challenger_that_meets_the_leader_is_taken_at_its_screen() -> None:
    ladder = climbed([A], {"a": WIN}, audits={"a": "passed"})
    assert ladder.complete and ladder.leader == "a"
    assert steps(ladder) == [(LEADER, "a", "advanced")] and ladder.rungs[0].tally is WIN


def test_the_first_to_reveal_is_met_first_whatever_the_input_order() -> None:
    late_but_first = replace(C, reveal_block=50)
    ladder = climbed([A, B, late_but_first], {"a": WIN, "b": SHORT, "c": WIN}, {("c", "a"): SHORT}, {"c": "passed"})
    assert steps(ladder) == [(LEADER, "c", "advanced"), ("c", "a", "held")]
    assert ladder.complete and ladder.leader == "c"


def test_ties_of_a_block_go_by_extrinsic_then_hotkey() -> None:
    one = LadderEntry(key=1, hotkey="5b", reveal_block=7, extrinsic_index=2)
    two = LadderEntry(key=2, hotkey="5a", reveal_block=7, extrinsic_index=3)
    three = LadderEntry(key=3, hotkey="5c", reveal_block=7, extrinsic_index=2)
    assert [entry.key for entry in in_reveal_order([two, three, one])] == [1, 3, 2]


def test_only_the_match_against_the_defender_of_the_moment_is_wanted() -> None:
    ladder = climbed([A, B, C], {"a": WIN, "b": WIN, "c": WIN}, audits={"a": "passed"})
    assert ladder.wanted_matches == (("a", "b"),) and ladder.wanted_audits == () and not ladder.complete
    ladder = climbed([A, B, C], {"a": WIN, "b": WIN, "c": WIN}, {("a", "b"): WIN}, {"a": "passed"})
    assert ladder.wanted_matches == (("b", "c"),) and ladder.wanted_audits == ("b",)
    ladder = climbed([A, B, C], {"a": WIN, "b": WIN, "c": WIN}, {("a", "b"): SHORT}, {"a": "passed"})
    assert ladder.wanted_matches == (("a", "c"),)


def test_the_ladder_goes_on_while_an_audit_is_open_but_is_not_complete() -> None:
    ladder = climbed([A, B], {"a": WIN, "b": WIN}, {("a", "b"): SHORT})
    assert steps(ladder) == [(LEADER, "a", "pending"), ("a", "b", "held")]
    assert ladder.leader == "a" and ladder.wanted_audits == ("a",) and not ladder.complete


def test_a_rejected_winner_does_not_advance_the_chain() -> None:
    ladder = climbed([A, B], {"a": WIN, "b": WIN}, {("a", "b"): SHORT}, {"a": "rejected", "b": "passed"})
    assert steps(ladder) == [(LEADER, "a", "rejected"), (LEADER, "b", "advanced")]
    assert ladder.complete and ladder.leader == "b"


def test_all_winners_rejected_the_leader_defends() -> None:
    ladder = climbed([A, B], {"a": WIN, "b": WIN}, audits={"a": "rejected", "b": "rejected"})
    assert ladder.complete and ladder.leader == LEADER


def test_a_screen_that_is_open_holds_the_ladder_there() -> None:
    ladder = climbed([A, B, C], {"a": WIN, "b": None}, audits={"a": "passed"})
    assert ladder.wanted_screens == ("b", "c") and ladder.leader == "a" and not ladder.complete


def test_an_open_screen_of_a_later_entry_lets_the_earlier_ones_go_on() -> None:
    ladder = climbed([A, B, C], {"a": WIN, "b": WIN})
    assert ladder.wanted_matches == (("a", "b"),) and ladder.wanted_screens == ("c",) and ladder.wanted_audits == ("a",)


def test_a_ruleset_without_audits_wants_none() -> None:
    ladder = climb([A], screen={"a": WIN}, met={}, audits={}, rules=replace(MARGIN_1, audits=()))
    assert ladder.complete and ladder.leader == "a"


def test_a_rung_says_why() -> None:
    tally = Tally(won=9, drawn=110, lost=3, void=2, forfeits_challenger=4, forfeits_defender=2)
    ladder = climbed([A, B], {"a": WIN, "b": WIN}, {("a", "b"): tally}, {"a": "passed"})
    assert ladder.rungs[1].reason == (
        "Won 11, drew 110, lost 7 of 128 against 5a (2 void, 6 by forfeit): "
        "a margin of 3.125 % is short of the bar of 5 %. The defender stays."
    )


@pytest.mark.parametrize("entries", [[A, A], [replace(A, key=LEADER)]])
def test_keys_are_of_one_entry_each(entries: list[LadderEntry]) -> None:
    with pytest.raises(ValueError, match="a key of its own"):
        climbed(entries, {})


@st.composite
def worlds(
    draw: st.DrawFn,
) -> tuple[list[LadderEntry], dict[Key, Tally], dict[tuple[Key, Key], Tally], dict[Key, Audited]]:
    """Everything that could be known about a round, whether or not it is ever asked."""
    entries = draw(st.permutations([A, B, C, D, E]))[: draw(st.integers(0, 5))]
    keys = [entry.key for entry in entries]
    screen: dict[Key, Tally] = {key: draw(TALLIES | st.just(WIN)) for key in keys}
    met = {(d, c): draw(TALLIES | st.just(WIN)) for d in keys for c in keys if d != c}
    audits: dict[Key, Audited] = {key: draw(st.sampled_from(["passed", "rejected"])) for key in keys}
    return list(entries), screen, met, audits


def plainly(
    entries: list[LadderEntry],
    screen: dict[Key, Tally],
    met: dict[tuple[Key, Key], Tally],
    audits: dict[Key, Audited],
) -> Key:
    """The rule as its sentence says it, when everything is known."""
    defender: Key = LEADER
    for entry in sorted(entries, key=lambda entry: entry.reveal_block):
        if not clears(screen[entry.key], rules=MARGIN_1):
            continue
        tally = screen[entry.key] if defender == LEADER else met[defender, entry.key]
        if clears(tally, rules=MARGIN_1) and audits[entry.key] == "passed":
            defender = entry.key
    return defender


@given(worlds(), st.randoms(use_true_random=False))
def test_it_always_progresses_to_the_one_answer(
    world: tuple[list[LadderEntry], dict, dict, dict], chance: object
) -> None:  # type: ignore[type-arg]
    """Answer one wanted thing at a time, in any order: every step wants something new, and all end alike."""
    entries, screen, met, audits = world
    known: tuple[dict, dict, dict] = ({}, {}, {})  # type: ignore[type-arg]
    for _ in range(100):
        ladder = climb(entries, screen=known[0], met=known[1], audits=known[2], rules=MARGIN_1)
        wanted = [(0, key) for key in ladder.wanted_screens]
        wanted += [(1, pair) for pair in ladder.wanted_matches] + [(2, key) for key in ladder.wanted_audits]
        if ladder.complete:
            break
        assert wanted and not any(key in known[kind] for kind, key in wanted)
        kind, key = chance.choice(wanted)  # type: ignore[attr-defined]
        known[kind][key] = (screen, met, audits)[kind][key]
    assert ladder.complete
    assert ladder.leader == plainly(entries, screen, met, audits)
    assert ladder == climb(
        entries, screen=screen, met=met, audits=audits, rules=MARGIN_1
    )  # more knowledge, same answer


@given(worlds())
def test_the_rungs_tell_the_story_of_the_leader(world: tuple[list[LadderEntry], dict, dict, dict]) -> None:  # type: ignore[type-arg]
    entries, screen, met, audits = world
    ladder = climb(entries, screen=screen, met=met, audits=audits, rules=MARGIN_1)
    defender: Key = LEADER
    for rung in ladder.rungs:
        assert rung.defender == defender and clears(screen[rung.challenger], rules=MARGIN_1)
        defender = rung.challenger if rung.verdict == "advanced" else defender
    assert ladder.leader == defender
    places = [next(e.place for e in entries if e.key == rung.challenger) for rung in ladder.rungs]
    assert places == sorted(places)
