"""Whatever the ruleset: asked again and again, with what it wanted each time, it decides, and always the same."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from competition.rulesets import RULESETS, TITLE_1, RoundDecision, Ruleset, TitleRules, ruleset, step_words
from competition.rulesets.base import LADDER_WORDS, KnownRound, Pairing
from competition.rulesets.entries import Candidate, field
from competition.rulesets.ladder import LEADER, Audited, Key, LadderEntry
from competition.rulesets.tally import DuelResult, Tally

RESULTS = (DuelResult.WON, DuelResult.WON, DuelResult.LOST, DuelResult.DRAWN, DuelResult.VOID)
FRESH, DRAWN = 24, 12


def bound(name: str) -> Ruleset:
    """With a title match that a few duels decide."""
    rules = RULESETS[name].defaults
    title = rules.title and replace(rules.title, prompts=FRESH, bar=3, out=TITLE_1.win_margin)
    return ruleset(replace(rules, title=title))


class Played:
    """A round whose duels and audits are drawn from a seed, as they are asked for."""

    def __init__(self, rules: Ruleset, *, seed: int, entries: int) -> None:
        self.rules, self.seed = rules, seed
        self.entries = [LadderEntry(key=f"e{n}", hotkey=f"5{n}", reveal_block=n) for n in range(entries)]
        self.tallies: dict[Pairing, Tally] = {}
        self.duels: dict[Pairing, Sequence[DuelResult | None]] = {}
        self.audits: dict[Key, Audited] = {}

    def known(self) -> KnownRound:
        commits = [Candidate(entry=entry, commit=f"c{entry.key}", outputs={}) for entry in self.entries]
        return KnownRound(
            entries=self.entries,
            tallies=self.tallies,
            audits=self.audits,
            field=field(commits, leader_commit="leading"),
            fresh=FRESH,
            duels=self.duels,
        )

    def give(self, decision: RoundDecision) -> None:
        """What is wanted, and nothing that was there already."""
        for pairing in decision.wanted_matches:
            assert pairing not in self.tallies
            total = FRESH if self.rules.kind(pairing[0]).fresh else DRAWN
            random = Random(f"{self.seed} {pairing}")
            results: list[DuelResult | None] = [random.choice(RESULTS) for _ in range(total)]
            end = self.rules.match_end(pairing[0], results, total=total)
            assert end is not None and end.after <= total
            self.tallies[pairing], self.duels[pairing] = end.tally, results[: end.after]
        for key in decision.wanted_audits:
            assert key not in self.audits
            self.audits[key] = Random(f"{self.seed} audit {key}").choice(["passed", "rejected"])


@pytest.mark.parametrize("name", RULESETS)
@given(seed=st.integers(0, 10**6), entries=st.integers(0, 6))
def test_a_ruleset_decides_once_it_was_given_what_it_wanted(name: str, seed: int, entries: int) -> None:
    played = Played(bound(name), seed=seed, entries=entries)
    for _ in range(4 * entries + 1):
        decision = played.rules.decide(played.known())
        if decision.complete:
            break
        played.give(decision)
    assert decision.complete and not decision.screening
    assert decision == played.rules.decide(played.known())
    winners = [step.challenger for step in decision.steps if step.verdict == "advanced"]
    assert decision.leader == (winners[-1] if winners else LEADER)
    assert bool(decision.reason) == bool(winners)
    assert decision.rests_on <= played.tallies.keys() and decision.audited <= played.audits.keys()


@pytest.mark.parametrize("name", RULESETS)
def test_a_page_speaks_of_steps_in_the_words_of_their_ruleset(name: str) -> None:
    words = step_words({"name": name})
    assert words is RULESETS[name].words and all((words.heading, words.about, words.none_yet, words.matches))
    assert step_words({"name": "of another platform"}) is step_words({}) is LADDER_WORDS


def test_no_page_asks_whether_there_is_a_title() -> None:
    templates = Path(__file__).resolve().parents[3] / "templates"
    asking = [
        str(path) for path in templates.rglob("*.html") if re.search(r"rules\.title|ruleset [!=]=", path.read_text())
    ]
    assert not asking, f"a ruleset says what is shown (`StepWords`); do not ask which one it is: {asking}"


@pytest.mark.parametrize("name", RULESETS)
def test_a_ruleset_s_values_are_read_back_under_its_own_name(name: str) -> None:
    assert RULESETS[name].defaults.name == name and RULESETS[name].about
    assert isinstance(RULESETS[name].defaults.title, TitleRules | None)
