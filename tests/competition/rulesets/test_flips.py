"""How narrow was a round?  Tables, and the same by trying every single match."""

from __future__ import annotations

from fractions import Fraction

from hypothesis import given
from hypothesis import strategies as st

from competition.decisions.repeatability import Judged, Repeatability, of_copies
from competition.rulesets import MARGIN_1, flips, ladder
from competition.rulesets.flips import AuditBar
from competition.rulesets.ladder import LadderEntry
from competition.rulesets.tally import Tally, clears, flip_distance

A, B = (LadderEntry(key=name, hotkey=name, reveal_block=block) for block, name in enumerate("ab", 1))
WON, LOST = Tally(won=20, drawn=90, lost=10), Tally(won=10, drawn=90, lost=20)  # 8.3 %, 4 duels from missing 5 %
PASSED = {"a": "passed", "b": "passed"}


def distance(**given: object) -> int | None:
    told = {"entries": (A, B), "screen": {}, "met": {}, "audits": {}, "gates": {}, "rules": MARGIN_1, **given}
    return flips.of_round(**told)  # type: ignore[arg-type]


def test_a_winner_is_as_sure_as_the_match_it_won() -> None:
    d = flip_distance(WON, win_margin=Fraction(1, 20))
    assert distance(screen={"a": WON, "b": Tally(lost=100)}, audits=PASSED) == d


def test_a_leader_that_defends_is_as_sure_as_its_closest_challenger() -> None:
    close = Tally(won=5, drawn=95)  # 5 of 100 clear the bar
    narrowly = Tally(won=4, drawn=96)
    assert distance(screen={"a": LOST, "b": narrowly}) == 1 and distance(screen={"a": LOST, "b": LOST}) > 1
    assert clears(close, rules=MARGIN_1)


def test_an_audit_that_hangs_on_one_duel_makes_the_round_hang_on_it() -> None:
    barely = AuditBar(tally=Tally(drawn=95, lost=5), bar=Fraction(-1, 20))
    given = {"screen": {"a": Tally(won=100), "b": Tally(lost=100)}, "audits": PASSED}
    assert distance(**given, gates={"a": [barely]}) == 1
    assert distance(**given, gates={"a": [AuditBar(tally=Tally(won=100), bar=Fraction(-1, 20)), barely]}) == 1


def test_the_last_gate_failed_an_audit_that_failed() -> None:
    fine, failed = (
        AuditBar(tally=Tally(won=9), bar=Fraction(1, 20)),
        AuditBar(tally=Tally(drawn=1), bar=Fraction(1, 20)),
    )
    assert flips.turns([fine, failed], least=1) == 1 and flips.turns([], least=1) is None


TALLIES = st.builds(Tally, won=st.integers(0, 6), drawn=st.integers(0, 6), lost=st.integers(0, 6))


@given(TALLIES, TALLIES, TALLIES)
def test_nothing_closer_than_the_flip_distance_changes_the_leader(one: Tally, other: Tally, between: Tally) -> None:
    """Turning any match whose own distance is smaller leaves the leader, and everything that is needed is there."""
    screen, met = {"a": one, "b": other}, {("a", "b"): between}
    found = distance(screen=screen, met=met, audits=PASSED)
    before = ladder.climb((A, B), screen=screen, met=met, audits=PASSED, rules=MARGIN_1)
    for key, tally in screen.items():
        own = flip_distance(tally, win_margin=MARGIN_1.win_margin)
        turned = Tally(lost=1) if clears(tally, rules=MARGIN_1) else Tally(won=1)
        after = ladder.climb((A, B), screen={**screen, key: turned}, met=met, audits=PASSED, rules=MARGIN_1)
        if own is not None and (found is None or own < found):
            assert after.leader == before.leader and after.complete


def test_only_other_files_of_a_further_copy_say_something_about_the_judge() -> None:
    def duel(right: str, outcome: str, *, prompt: str = "cup") -> Judged:
        return Judged(
            kind="screen", defender="leader", commit="c", prompt=prompt, left="l", right=right, outcome=outcome
        )

    told = [duel("x", "challenger"), duel("x", "challenger"), duel("y", "challenger"), duel("z", "defender")]
    assert of_copies([*told, duel("y", "draw", prompt="tree")]) == Repeatability(pairs=2, same=1, opposite=1)
