"""A round of title-1: who plays for the title, what is wanted next, and who leads."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from hypothesis import given
from hypothesis import strategies as st

from competition.rulesets import TITLE_1
from competition.rulesets.bankroll import BankrollTally
from competition.rulesets.entries import Candidate, field
from competition.rulesets.ladder import LEADER, Audited, Key, LadderEntry
from competition.rulesets.tally import DuelResult, Tally
from competition.rulesets.title_1 import Title, settle

W, D, L = DuelResult.WON, DuelResult.DRAWN, DuelResult.LOST
BEST, GOOD, FAIR, SHORT = (Tally(won=n, drawn=128 - n) for n in (30, 20, 10, 6))
KEYS = ("a", "b", "c", "d")
WON, LOST_IT, DREW = [W] * 17, [L] * 9, [D] * 320


def candidate(key: str, commit: str = "") -> Candidate:
    entry = LadderEntry(key=key, hotkey=key, reveal_block=ord(key[0]) * 10 + len(key))
    return Candidate(entry=entry, commit=commit or f"commit {key}", outputs={})


def settled(
    screen: Mapping[Key, Tally | None],
    *,
    audits: Mapping[Key, Audited] | None = None,
    duels: Mapping[Key, Sequence[DuelResult | None]] | None = None,
    carried: Mapping[Key, BankrollTally] | None = None,
    candidates: Sequence[Candidate] | None = None,
) -> Title:
    entered = candidates if candidates is not None else [candidate(str(key)) for key in screen]
    return settle(
        field(entered, leader_commit="leading"),
        screen=screen,
        audits=audits or {},
        carried=carried or {},
        duels=duels or {},
        rules=TITLE_1,
    )


def test_nobody_entered_the_leader_defends() -> None:
    title = settled({})
    assert title.complete and title.leader == LEADER


def test_every_screen_comes_before_any_audit() -> None:
    title = settled({"a": BEST, "b": None})
    assert title.wanted_screens == ("b",) and title.finalists == () and not title.complete


def test_the_two_best_margins_are_audited() -> None:
    assert settled({"a": FAIR, "b": BEST, "c": GOOD, "d": SHORT}).wanted_audits == ("b", "c")


def test_equal_margins_go_by_reveal() -> None:
    assert settled({"b": FAIR, "a": FAIR, "c": FAIR}).finalists == ("a", "b")


def test_a_rejected_finalist_gives_its_place_to_the_next() -> None:
    title = settled({"a": FAIR, "b": BEST, "c": GOOD}, audits={"b": "rejected", "c": "passed"})
    assert title.finalists == ("c", "a") and title.wanted_audits == ("a",) and title.wanted_matches == ("c",)


def test_passing_the_screen_alone_decides_nothing() -> None:
    title = settled({"a": BEST}, audits={"a": "passed"})
    assert title.leader == LEADER and title.wanted_matches == ("a",)


def test_the_title_makes_the_leader() -> None:
    title = settled({"a": BEST}, audits={"a": "passed"}, duels={"a": WON})
    assert title.complete and title.leader == "a"


def test_out_or_exhausted_the_leader_defends() -> None:
    passed: dict[Key, Audited] = {"a": "passed", "b": "passed"}
    title = settled({"a": BEST, "b": GOOD}, audits=passed, duels={"a": LOST_IT, "b": DREW})
    assert title.complete and title.leader == LEADER
    assert [s.ending for s in title.standings.values()] == ["out", "exhausted"]


def test_of_two_titles_the_larger_margin_takes_it_then_the_earlier_reveal() -> None:
    passed: dict[Key, Audited] = {"a": "passed", "b": "passed"}
    both = settled({"a": GOOD, "b": BEST}, audits=passed, duels={"a": [D, *WON], "b": WON})
    assert both.leader == "b"
    assert settled({"a": GOOD, "b": BEST}, audits=passed, duels={"a": WON, "b": WON}).leader == "a"


def test_who_is_out_against_this_leader_is_no_finalist_again() -> None:
    assert settled({"a": BEST, "b": FAIR}, carried={"a": BankrollTally(out=True)}).finalists == ("b",)


def test_a_canary_is_screened_and_never_a_finalist() -> None:
    candidates = [candidate("a", "leading"), candidate("b")]
    title = settled({"b": BEST}, candidates=candidates)
    assert title.wanted_screens == ("a",)
    title = settled({"a": BEST, "b": SHORT}, candidates=candidates)
    assert title.complete and title.finalists == ()


TALLIES = st.sampled_from([BEST, GOOD, FAIR, SHORT])
DUELS = st.sampled_from([WON, [D, *WON], LOST_IT, DREW])
AUDITS: st.SearchStrategy[Audited] = st.sampled_from(["passed", "rejected"])


@given(
    st.fixed_dictionaries(dict.fromkeys(KEYS, TALLIES)),
    st.fixed_dictionaries(dict.fromkeys(KEYS, AUDITS)),
    st.fixed_dictionaries(dict.fromkeys(KEYS, DUELS)),
    st.lists(st.sampled_from(KEYS), max_size=6),
)
def test_clones_of_an_entry_never_change_who_leads(
    screen: dict[Key, Tally], audits: dict[Key, Audited], duels: dict[Key, list[DuelResult]], cloned: list[str]
) -> None:
    """Whatever the clones' own screens and title duels would have said."""
    originals = [candidate(str(key)) for key in KEYS]
    clones = [candidate(f"{key}{'x' * (n + 1)}", f"commit {key}") for n, key in enumerate(cloned)]
    lucky: dict[Key, Tally | None] = {**screen, **{clone.key: BEST for clone in clones}}
    luckier: dict[Key, Sequence[DuelResult | None]] = {**duels, **{clone.key: WON for clone in clones}}
    alone = settled(dict(screen), audits=audits, duels=dict(duels), candidates=originals)
    crowd = settled(lucky, audits=audits, duels=luckier, candidates=[*clones, *originals])
    assert crowd.complete and (crowd.leader, crowd.finalists) == (alone.leader, alone.finalists)


@given(st.fixed_dictionaries(dict.fromkeys(KEYS, TALLIES)), st.permutations(KEYS))
def test_the_order_in_which_entries_are_looked_at_changes_nothing(screen: dict[Key, Tally], keys: list[str]) -> None:
    one = settled(dict(screen), candidates=[candidate(key) for key in keys])
    assert one == settled(dict(screen), candidates=[candidate(key) for key in KEYS])


@given(
    st.fixed_dictionaries(dict.fromkeys(KEYS, TALLIES)),
    st.fixed_dictionaries(dict.fromkeys(KEYS, AUDITS)),
    st.fixed_dictionaries(dict.fromkeys(KEYS, DUELS)),
)
def test_it_always_progresses(
    screens: dict[Key, Tally], verdicts: dict[Key, Audited], duels: dict[Key, list[DuelResult]]
) -> None:
    screen: dict[Key, Tally | None] = dict.fromkeys(KEYS)
    audits: dict[Key, Audited] = {}
    played: dict[Key, Sequence[DuelResult | None]] = {}
    for _ in range(20):
        title = settled(screen, audits=audits, duels=played)
        if title.complete:
            break
        screen |= {key: screens[key] for key in title.wanted_screens}
        audits |= {key: verdicts[key] for key in title.wanted_audits}
        played |= {key: duels[key] for key in title.wanted_matches}
    assert title.complete and len(played) <= 2
