"""Has a winner, generated again by the platform, held what it submitted?  Pure: the same duels give the same verdict,
for ever.

`passed` and `failed` are about the miner; `unknown` is about us: something of ours is missing, so the audit is to be
run again, and nobody is rejected for it.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from fractions import Fraction
from typing import Any

from competition.rulesets import speed
from competition.rulesets.speed import SpeedRule, TimedRun
from competition.rulesets.tally import DuelResult, Tally

PASSED, FAILED, UNKNOWN = "passed", "failed", "unknown"
TIMES = ("generation_s", "output_s", "slower_by")
"""Numbers of a verdict that another run would measure otherwise: the ledger tells them, the bundle's rows do not."""


@dataclass(frozen=True, kw_only=True)
class AuditVerdict:
    """`numbers` and `limits` are what the sentence speaks of: integers and "n/d", so that they can be hashed."""

    outcome: str
    reason: str
    sentence: str
    numbers: Mapping[str, Any] = field(default_factory=dict)
    limits: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, kw_only=True)
class GenerationRules:
    """`win_margin`: how much worse regenerated outputs may be; `least_counted`: fewer duels decide nothing.

    `worse`: what a stricter test than the margin found, where the ruleset has one (title-1: the reversed bankroll).
    `speed`: what the time of the code decides.
    """

    win_margin: Fraction
    least_counted: int
    generation_s: int
    worse: bool | None = None
    speed: SpeedRule = field(default_factory=SpeedRule)


@dataclass(frozen=True, kw_only=True)
class Regeneration:
    """One repeat: the regenerated outputs as challenger, against the submitted ones, and, once they are not worse than
    those, against the defender of the rung.

    `results`: the duels that `submitted` counts; `failure`: (class, code, sentence) of a run that came to no end.
    `timed`: how fast the run was, `leaders` the runs of the leader's code in the same round whose outputs were judged,
    `beside` the one that was made beside this run, `ahead` the entry's margin against the leader; none of them where
    nobody knows.
    """

    submitted: Tally
    generated_s: int
    defender: Tally | None = None
    results: Sequence[DuelResult] = ()
    failure: tuple[str, str, str] | None = None
    timed: TimedRun | None = None
    leaders: Sequence[TimedRun] = ()
    beside: TimedRun | None = None
    ahead: Fraction | None = None


def verdict(rows: Sequence[Regeneration], *, repeats: int, rules: GenerationRules) -> AuditVerdict | None:
    """The first repeat that misses a bar rejects; passing takes all.  None: the next match, or repeat, is wanted."""
    for number, one in enumerate(rows):
        held = first_verdict([one], rules=rules)
        if held.outcome == PASSED and one.defender is None:
            return None
        if held.outcome == PASSED and one.defender is not None:
            held = _against(one.defender, held, rules=rules)
        if held.outcome != PASSED or number + 1 == repeats:
            before = (
                f"All {repeats} hold. The last: " if held.outcome == PASSED else f"Time {number + 1} of {repeats}: "
            )
            numbers = {**held.numbers, "repeats": number + 1}
            limits = {**held.limits, "repeats": repeats, "least_defender_margin": str(rules.win_margin)}
            return replace(held, sentence=before + held.sentence, numbers=numbers, limits=limits)
    return None


def first_verdict(rows: Sequence[Regeneration], *, rules: GenerationRules) -> AuditVerdict:
    """Of outputs that are generated again once, and held against what was submitted only."""
    one = rows[0]
    held = generation(one.submitted, generated_s=one.generated_s, rules=rules, failure=one.failure, timed=one.timed)
    return _fast_enough(one, held, rules=rules)


def _fast_enough(one: Regeneration, held: AuditVerdict, *, rules: GenerationRules) -> AuditVerdict:
    """The verdict once it is known whether speed takes a narrow win away."""
    if rules.speed.mode != speed.TIEBREAK:
        return held
    numbers: dict[str, Any] = {} if one.ahead is None else {"leader_margin": str(one.ahead)}
    limits = {**held.limits, "slower_by": str(rules.speed.slower)}
    held = replace(held, numbers={**held.numbers, **numbers}, limits=limits)
    if held.outcome != PASSED:
        return held
    broken = speed.tiebreak(rules.speed, margin=one.ahead, run=one.timed, leaders=one.leaders, beside=one.beside)
    if broken.slower_by is not None:
        held = replace(held, numbers={**held.numbers, "slower_by": str(broken.slower_by)})
    if broken.lost:
        return replace(held, outcome=FAILED, reason="slower_than_leader", sentence=broken.sentence)
    return replace(held, sentence=f"{held.sentence} {broken.sentence}".strip())


def _against(tally: Tally, held: AuditVerdict, *, rules: GenerationRules) -> AuditVerdict:
    if tally.counted < max(1, rules.least_counted):
        sentence = f"{tally.counted} duels against the defender count: too few to decide. We run it again."
        return replace(held, outcome=UNKNOWN, reason="too_few_duels", sentence=sentence)
    numbers = {**held.numbers, "defender_margin": str(tally.margin)}
    result = (
        f"The platform's own run won {tally.wins}, drew {tally.drawn}, lost {tally.losses} against the defender: a "
        f"margin of {percent(tally.margin)}, at least {percent(rules.win_margin)} is needed."
    )
    if tally.margin < rules.win_margin:
        return replace(held, outcome=FAILED, reason="no_win_again", sentence=result, numbers=numbers)
    return replace(held, reason="won_again", sentence=f"{held.sentence} {result}", numbers=numbers)


def generation(
    tally: Tally,
    *,
    generated_s: int,
    rules: GenerationRules,
    failure: tuple[str, str, str] | None = None,
    timed: TimedRun | None = None,
) -> AuditVerdict:
    """Are the regenerated outputs not worse than the submitted ones, and were they made in time?

    `failure`: (class, code, sentence) of a run that came to no end.  A margin exactly at the limit passes.
    """
    numbers: dict[str, Any] = {
        "won": tally.won,
        "drawn": tally.drawn,
        "lost": tally.lost,
        "void": tally.void,
        "forfeits_challenger": tally.forfeits_challenger,
        "forfeits_defender": tally.forfeits_defender,
        "counted": tally.counted,
        "margin": str(tally.margin),
        "generation_s": generated_s,
    }
    limits: dict[str, Any] = {"least_margin": str(-rules.win_margin), "least_counted": rules.least_counted}
    if rules.speed.mode != speed.REPORT:
        limits["generation_s"] = rules.generation_s
    if rules.speed.most_output_s is not None:
        limits["output_s"] = str(rules.speed.most_output_s)
        if timed is not None and timed.mean_s is not None:
            numbers["output_s"] = str(timed.mean_s)
    slow = speed.too_slow(rules.speed, timed, generated_s=generated_s, generation_s=rules.generation_s)
    if failure is not None:
        failure_class, reason, sentence = failure
        outcome = FAILED if failure_class == "miner" else UNKNOWN
    elif slow is not None:
        outcome, (reason, sentence) = FAILED, slow
    elif tally.counted < max(1, rules.least_counted):
        outcome, reason = UNKNOWN, "too_few_duels"
        sentence = f"{tally.counted} duels count, {tally.void} are void: too few to decide. We run it again."
    else:
        outcome, reason, sentence = _compared(tally, rules=rules)
    return AuditVerdict(outcome=outcome, reason=reason, sentence=sentence, numbers=numbers, limits=limits)


def _compared(tally: Tally, *, rules: GenerationRules) -> tuple[str, str, str]:
    """Outcome, reason and sentence, where enough duels count."""
    allowed = -rules.win_margin
    missing = f", {tally.forfeits_challenger} of them not delivered" if tally.forfeits_challenger else ""
    result = f"regenerated against submitted: {tally.wins} won, {tally.drawn} drawn, {tally.losses} lost{missing}"
    margin = f"margin {percent(tally.margin)}, at least {percent(allowed)} is needed"
    if rules.worse is not None:
        margin = "by the bankroll, reversed: a submitted output staked against each regenerated one"
    if not rules.worse and (rules.worse is False or tally.margin >= allowed):
        return PASSED, "not_worse", f"The platform's own run is not worse than what was submitted ({result}; {margin})."
    sentence = f"The platform's own run is worse than what was submitted ({result}; {margin})."
    return FAILED, "worse_than_submitted", sentence


def percent(share: Fraction) -> str:
    """Two decimals tell any margin of up to 500 duels from a limit in whole percents; the fraction is a number too."""
    hundredths = round(share * 10000)
    sign = "-" if hundredths < 0 else "+" if hundredths > 0 else ""
    return f"{sign}{abs(hundredths) // 100}.{abs(hundredths) % 100:02} %"
