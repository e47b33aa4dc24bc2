"""Who wins?  One file per ruleset, and its row in the table here.  Stdlib only, pure.

The interface is `base.Ruleset`.  What its rulesets share lies beside: `tally`, `ladder`, `bankroll`, `regenerations`.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from competition.rulesets.base import (
    LADDER_WORDS,
    FreshPrompts,
    MatchKind,
    MatchWords,
    Observation,
    RoundDecision,
    Ruleset,
    StepWords,
)
from competition.rulesets.integrity import IntegrityRule
from competition.rulesets.margin_1 import MARGIN_1, Margin1
from competition.rulesets.margin_2 import MARGIN_2, Margin2
from competition.rulesets.rules import PAID_FROM, Rules, TitleRules, replaced
from competition.rulesets.speed import SpeedRule
from competition.rulesets.title_1 import TITLE_1, Title1
from competition.rulesets.values import BadRules, count, kind_of, share

__all__ = [
    "MARGIN_1",
    "MARGIN_2",
    "NESTED",
    "PAID_FROM",
    "RULESETS",
    "TITLE_1",
    "BadRules",
    "FreshPrompts",
    "IntegrityRule",
    "MatchKind",
    "MatchWords",
    "Observation",
    "RoundDecision",
    "Rules",
    "Ruleset",
    "SpeedRule",
    "StepWords",
    "TitleRules",
    "count",
    "match_kind",
    "match_words",
    "read",
    "ruleset",
    "share",
    "step_words",
]

RULESETS: dict[str, type[Ruleset]] = {
    "margin-1": Margin1,
    "margin-2": Margin2,
    "title-1": Title1,
}

NESTED: Mapping[str, type] = {"title": TitleRules, "integrity": IntegrityRule, "speed": SpeedRule}
"""The values of rules that are objects themselves, by their field."""


def read(value: Mapping[str, Any]) -> Rules:
    """The rules a JSON object asks for: `name` picks a ruleset, every other field replaces one of its values.

    Raises BadRules, which names the field and the fix.
    """
    if not isinstance(value, Mapping):
        raise BadRules("rules", f"an object is needed, not {kind_of(value)}", fix='Write {"name": "margin-1"}')
    name = value.get("name")
    if not isinstance(name, str) or name not in RULESETS:
        raise BadRules("name", f"there is no ruleset {name!r}", fix=f"Use one of: {', '.join(sorted(RULESETS))}")
    return replaced(RULESETS[name].defaults, value)


def ruleset(rules: Rules) -> Ruleset:
    """The ruleset with these values."""
    return RULESETS[rules.name](rules)


def step_words(stored: Mapping[str, Any]) -> StepWords:
    """How a page speaks of the steps of a round that stores these rules; of rules that are not ours as of a ladder."""
    known = RULESETS.get(str(stored.get("name")))
    return known.words if known else LADDER_WORDS


def match_kind(stored: Mapping[str, Any], kind: str) -> MatchKind:
    """How a kind of match is played under the rules that a round stores; of rules that are not ours as most are."""
    known = RULESETS.get(str(stored.get("name")))
    return known.kind(kind) if known else MatchKind()


def match_words(kind: str) -> MatchWords:
    """What a page shows of a kind of match, by whatever ruleset it is played."""
    for each in RULESETS.values():
        if kind in each.match_words:
            return each.match_words[kind]
    return MatchWords()
