"""Whose code was faster, and what follows from it?

Observed: of each run the time that it generated, the outputs it brought, and where and when the platform started it;
of an entry its margin against the leader.
Derived: everything else, exactly, from the mean: a service's own reports move time between outputs, and never the sum.
Two runs are compared on the same kind of card, begun within the same hour; anything else is shown, and no basis of a
decision: what the duels say stands.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from fractions import Fraction
from typing import Any

from competition.rulesets.values import BadRules, exact, kind_of, share

LIMIT, REPORT, TIEBREAK = "limit", "report", "tiebreak"
MODES = (LIMIT, REPORT, TIEBREAK)
MOST_SLOWER = 100

SAME_HOUR_S = 3600
UNTIMED, CARD_UNKNOWN, CARDS_DIFFER, HOURS_APART = "untimed", "card_unknown", "cards_differ", "hours_apart"
UNJUDGED = "unjudged"
WHY_NOT = {
    UNTIMED: "one of them was not timed output by output",
    CARD_UNKNOWN: "it is not known that each ran on one kind of card",
    CARDS_DIFFER: "they ran on different kinds of card",
    HOURS_APART: "they were begun more than an hour apart",
    UNJUDGED: "the run of the leader's code whose outputs were judged was not timed on this kind of card",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class SpeedRule:
    """What the time of a winner's code decides, generated again by the platform."""

    mode: str = field(
        default=LIMIT,
        metadata={
            "means": "limit: more than `pods.generation_s` for all outputs, or than `most_output_s`, is a rejection; "
            "report: nothing follows; tiebreak: as limit, and a narrow winner whose code is slower than the leader's "
            "does not take the lead",
        },
    )
    most_output_s: Fraction | None = field(
        default=None,
        metadata={
            "type": "number, exact",
            "unit": "seconds",
            "means": "limit and tiebreak: so long an output may take on average; empty: no such limit",
        },
    )
    clear: Fraction | None = field(
        default=None,
        metadata={
            "type": "number, exact",
            "unit": "share",
            "means": "tiebreak: from this margin against the leader on speed decides nothing",
        },
    )
    slower: Fraction | None = field(
        default=None,
        metadata={
            "type": "number, exact",
            "unit": "share",
            "means": f"tiebreak: of the leader's mean; so much slower a narrow winner may be, at most {MOST_SLOWER}",
        },
    )
    beside: bool = field(
        default=False,
        metadata={
            "means": "report and tiebreak: the leader's code runs once more beside a winner's that is audited, on the "
            "same kind of card, and the two are compared; with tiebreak only beside a narrow winner's",
        },
    )

    def to_json(self) -> dict[str, Any]:
        """Without floats, so that it can be hashed, and without what is not bounded."""
        values = {each.name: getattr(self, each.name) for each in dataclasses.fields(self) if each.name != "beside"}
        plain: dict[str, Any] = {name: str(value) for name, value in values.items() if value is not None}
        return {**plain, "beside": True} if self.beside else plain


def read_speed(name: str, value: Any) -> SpeedRule:
    """The rule that a mode or a JSON object asks for: `"report"`, or `{"mode": "tiebreak", "clear": "1/10", "slower":
    "1/4"}`.  Raises BadRules, which names the field and the fix."""
    given = {"mode": value} if isinstance(value, str) else value
    if not isinstance(given, Mapping):
        problem = f"a mode or an object is needed, not {kind_of(value)}"
        raise BadRules(name, problem, fix=f"Write one of: {', '.join(MODES)}")
    known = [each.name for each in dataclasses.fields(SpeedRule)]
    if unknown := sorted(set(given) - set(known), key=str):
        raise BadRules(f"{name}.{unknown[0]}", "there is no such rule", fix=f"Use some of: {', '.join(known)}")
    mode = given.get("mode", LIMIT)
    if mode not in MODES:
        raise BadRules(f"{name}.mode", f"{mode!r} is no mode", fix=f"Use one of: {', '.join(MODES)}")
    bounds = {bound: _READERS[bound](f"{name}.{bound}", given[bound]) for bound in known[1:] if bound in given}
    bounds = {bound: value for bound, value in bounds.items() if value is not False}
    may, must = BOUNDS[mode]
    if idle := sorted(set(bounds) - may - must):
        raise BadRules(f"{name}.{idle[0]}", f"{mode} does not use it", fix="Leave it out, or name another mode")
    if lacking := sorted(must - set(bounds)):
        raise BadRules(f"{name}.{lacking[0]}", f"{mode} needs it", fix='Write "clear": "1/10", "slower": "1/4"')
    return SpeedRule(mode=mode, **bounds)


def _seconds(name: str, value: Any) -> Fraction:
    if (seconds := exact(name, value)) == 0:
        raise BadRules(name, "no output takes no time", fix="Write more than 0, as 60")
    return seconds


def _slower(name: str, value: Any) -> Fraction:
    if (part := exact(name, value)) > MOST_SLOWER:
        raise BadRules(name, f"{value!r} bounds nothing", fix=f"Write a number from 0 to {MOST_SLOWER}, as 1/4")
    return part


def _yes_or_no(name: str, value: Any) -> bool:
    if not isinstance(value, bool):
        raise BadRules(name, f"true or false is needed, not {kind_of(value)}", fix="Write true, or leave it out")
    return value


_READERS: Mapping[str, Callable[[str, Any], Any]] = {
    "most_output_s": _seconds,
    "clear": share,
    "slower": _slower,
    "beside": _yes_or_no,
}
BOUNDS: Mapping[str, tuple[set[str], set[str]]] = {
    LIMIT: ({"most_output_s"}, set()),
    REPORT: ({"beside"}, set()),
    TIEBREAK: ({"most_output_s", "beside"}, {"clear", "slower"}),
}
"""Mode -> the bounds that it may have, and those that it must."""


@dataclass(frozen=True, slots=True, kw_only=True)
class TimedRun:
    """`generated_ms`: all that it generated, lost attempts included; `card`: "" where its pods had several kinds, or
    nobody said; `begun_s`: when its first pod was started, in seconds since 1970."""

    generated_ms: int
    outputs: int
    card: str
    begun_s: int

    @property
    def mean_s(self) -> Fraction | None:
        """Seconds an output; None where it brought none."""
        return Fraction(self.generated_ms, 1000 * self.outputs) if self.outputs > 0 else None


def why_incomparable(one: TimedRun, other: TimedRun) -> str:
    """A key of `WHY_NOT`; "" where the two may be compared."""
    if not one.mean_s or not other.mean_s:
        return UNTIMED
    if not one.card or not other.card:
        return CARD_UNKNOWN
    if one.card != other.card:
        return CARDS_DIFFER
    return HOURS_APART if abs(one.begun_s - other.begun_s) > SAME_HOUR_S else ""


def faster_by(one: TimedRun, other: TimedRun) -> Fraction | None:
    """The share of the other's mean that the first one saves, below zero where it is slower; None where either brought
    nothing.  Whether anything may rest on it says `why_incomparable`."""
    return 1 - one.mean_s / other.mean_s if one.mean_s is not None and other.mean_s else None


def nearest(run: TimedRun, others: Sequence[TimedRun]) -> TimedRun | None:
    """The one to compare with: on the same kind of card before any other, then begun nearest, then earliest."""
    return min(
        others,
        key=lambda other: (other.card != run.card, abs(other.begun_s - run.begun_s), other.begun_s),
        default=None,
    )


def too_slow(rule: SpeedRule, run: TimedRun | None, *, generated_s: int, generation_s: int) -> tuple[str, str] | None:
    """Reason and sentence of a rejection by the limits of time; None where there is none.

    `generated_s`: what the run took in all, of at most `generation_s`.  A run that brought nothing has no mean: what
    is missing loses its duels.
    """
    if rule.mode == REPORT:
        return None
    if generated_s > generation_s:
        return "generation_too_long", f"Generation took {generated_s} s; at most {generation_s} s are allowed."
    mean = run.mean_s if run else None
    if mean is None or rule.most_output_s is None or mean <= rule.most_output_s:
        return None
    most = float(rule.most_output_s)
    return "output_too_slow", f"An output took {float(mean):.2f} s on average; at most {most:.2f} s are allowed."


@dataclass(frozen=True, slots=True, kw_only=True)
class Tiebreak:
    """What speed decides of a win.  `slower_by`: than the leader's code, as a share of its mean, None where there is no
    basis; `lost`: does the win not count?"""

    slower_by: Fraction | None = None
    lost: bool = False
    sentence: str = ""


def wants_leader_beside(rule: SpeedRule, *, margin: Fraction | None) -> bool:
    """Does the leader's code run once more beside that of an entry which won by `margin`?  Where something may follow
    from it, or it is to be reported."""
    narrow = margin is not None and rule.clear is not None and margin < rule.clear
    return rule.beside and (rule.mode == REPORT or narrow)


def leaders_time(
    rule: SpeedRule, *, run: TimedRun, leaders: Sequence[TimedRun], beside: TimedRun | None
) -> tuple[TimedRun | None, str]:
    """The run of the leader's code that `run` is held against, and a key of `WHY_NOT`, "" where it is a basis.

    Where the leader's code ran beside it, that is the one, unless the leader's run whose outputs were judged was slower
    on the same kind of card: what its code leaves out while nobody judges it makes a leader no faster.
    """
    if not rule.beside:
        leader = nearest(run, leaders)
        return leader, why_incomparable(run, leader) if leader else UNTIMED
    if beside is None or (reason := why_incomparable(run, beside)):
        return beside, UNTIMED if beside is None else reason
    judged = nearest(beside, leaders)
    if judged is None or judged.card != beside.card or not judged.mean_s:
        return beside, UNJUDGED
    return max(beside, judged, key=lambda one: one.mean_s or 0), ""


def tiebreak(
    rule: SpeedRule,
    *,
    margin: Fraction | None,
    run: TimedRun | None,
    leaders: Sequence[TimedRun],
    beside: TimedRun | None = None,
) -> Tiebreak:
    """Of an entry that won by `margin` against the leader of the round; `leaders`: the runs of that leader's code whose
    outputs were judged, `beside`: the one that was made beside `run`.

    Without a basis what the duels say stands: neither side can be made to pay for where and when we ran its code.
    """
    if rule.clear is None or rule.slower is None or margin is None or margin >= rule.clear:
        return Tiebreak()
    narrow = f"It is ahead of the leader by {float(margin):.2%}, less than {float(rule.clear):.2%}"
    leader, reason = leaders_time(rule, run=run, leaders=leaders, beside=beside) if run else (None, UNTIMED)
    if run is None or leader is None or reason:
        return Tiebreak(sentence=f"{narrow}; speed is no basis here: {WHY_NOT[reason]}.")
    slower = -(faster_by(run, leader) or Fraction(0))
    how = f"{float(abs(slower)):.2%} {'slower' if slower > 0 else 'faster'} than the leader's"
    sentence = f"{narrow}, and its code is {how} on the same kind of card; at most {float(rule.slower):.2%} slower is"
    lost = slower > rule.slower
    end = "allowed of a narrow winner." if lost else "allowed: that is kept."
    return Tiebreak(slower_by=slower, lost=lost, sentence=f"{sentence} {end}")
