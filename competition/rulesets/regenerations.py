"""Has a winner, generated again by the platform, held what it submitted?  Pure: the same duels give the same verdict,
for ever.

`passed` and `failed` are about the miner; `unknown` is about us: something of ours is missing, so the audit is to be
run again, and nobody is rejected for it.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from fractions import Fraction
from typing import Any, Protocol

from competition.rulesets.tally import DuelResult

PASSED, FAILED, UNKNOWN = "passed", "failed", "unknown"


class TallyLike(Protocol):
    """The regenerated outputs as challenger against the submitted ones as defender."""

    @property
    def won(self) -> int: ...
    @property
    def drawn(self) -> int: ...
    @property
    def lost(self) -> int: ...
    @property
    def void(self) -> int: ...
    @property
    def forfeits_challenger(self) -> int: ...
    @property
    def forfeits_defender(self) -> int: ...


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
    """

    win_margin: Fraction
    least_counted: int
    generation_s: int
    worse: bool | None = None


@dataclass(frozen=True, kw_only=True)
class Regeneration:
    """One repeat: against the submitted outputs, and, once that is not worse, against the defender of the rung.

    `results`: the duels that `submitted` counts; `failure`: (class, code, sentence) of a run that came to no end.
    """

    submitted: TallyLike
    generated_s: int
    defender: TallyLike | None = None
    results: Sequence[DuelResult] = ()
    failure: tuple[str, str, str] | None = None


def verdict(rows: Sequence[Regeneration], *, repeats: int, rules: GenerationRules) -> AuditVerdict | None:
    """The first repeat that misses a bar rejects; passing takes all.  None: the next match, or repeat, is wanted."""
    for number, one in enumerate(rows):
        result = generation(one.submitted, generated_s=one.generated_s, rules=rules, failure=one.failure)
        if result.outcome == PASSED and one.defender is None:
            return None
        if result.outcome == PASSED and one.defender is not None:
            result = _against(one.defender, result, rules=rules)
        if result.outcome != PASSED or number + 1 == repeats:
            before = (
                f"All {repeats} hold. The last: " if result.outcome == PASSED else f"Time {number + 1} of {repeats}: "
            )
            numbers = {**result.numbers, "repeats": number + 1}
            limits = {**result.limits, "repeats": repeats, "least_defender_margin": str(rules.win_margin)}
            return replace(result, sentence=before + result.sentence, numbers=numbers, limits=limits)
    return None


def first_verdict(rows: Sequence[Regeneration], *, rules: GenerationRules) -> AuditVerdict:
    """Of outputs that are generated again once, and held against what was submitted only."""
    one = rows[0]
    return generation(one.submitted, generated_s=one.generated_s, rules=rules, failure=one.failure)


def _against(tally: TallyLike, result: AuditVerdict, *, rules: GenerationRules) -> AuditVerdict:
    wins, losses = tally.won + tally.forfeits_defender, tally.lost + tally.forfeits_challenger
    counted = wins + tally.drawn + losses
    if counted < max(1, rules.least_counted):
        sentence = f"{counted} duels against the defender count: too few to decide. We run it again."
        return replace(result, outcome=UNKNOWN, reason="too_few_duels", sentence=sentence)
    margin = Fraction(wins - losses, counted)
    numbers = {**result.numbers, "defender_margin": str(margin)}
    comparison = (
        f"The platform's own run won {wins}, drew {tally.drawn}, lost {losses} against the defender: a margin of "
        f"{percent(margin)}, at least {percent(rules.win_margin)} is needed."
    )
    if margin < rules.win_margin:
        return replace(result, outcome=FAILED, reason="no_win_again", sentence=comparison, numbers=numbers)
    return replace(result, reason="won_again", sentence=f"{result.sentence} {comparison}", numbers=numbers)


def result_of_missing(failure_class: str) -> str:
    """What is a duel whose regenerated file is missing?  The result's name, as a tally counts it."""
    return "forfeit_challenger" if failure_class == "miner" else "void"


def generation(
    tally: TallyLike, *, generated_s: int, rules: GenerationRules, failure: tuple[str, str, str] | None = None
) -> AuditVerdict:
    """Are the regenerated outputs not worse than the submitted ones, and were they made in time?

    `failure`: (class, code, sentence) of a run that came to no end.  A margin exactly at the limit passes.
    """
    counted = _counted(tally)
    numbers = {
        "won": tally.won,
        "drawn": tally.drawn,
        "lost": tally.lost,
        "void": tally.void,
        "forfeits_challenger": tally.forfeits_challenger,
        "forfeits_defender": tally.forfeits_defender,
        "counted": counted,
        "margin": str(Fraction(_net(tally), counted)) if counted else "0",
        "generation_s": generated_s,
    }
    limits = {
        "least_margin": str(-rules.win_margin),
        "least_counted": rules.least_counted,
        "generation_s": rules.generation_s,
    }
    outcome, reason, sentence = _generation(tally, generated_s=generated_s, rules=rules, failure=failure)
    return AuditVerdict(outcome=outcome, reason=reason, sentence=sentence, numbers=numbers, limits=limits)


def _generation(
    tally: TallyLike, *, generated_s: int, rules: GenerationRules, failure: tuple[str, str, str] | None
) -> tuple[str, str, str]:
    if failure is not None:
        failure_class, code, sentence = failure
        return (FAILED if failure_class == "miner" else UNKNOWN), code, sentence
    if generated_s > rules.generation_s:
        return (
            FAILED,
            "generation_too_long",
            f"Generation took {generated_s} s; at most {rules.generation_s} s are allowed.",
        )
    counted = _counted(tally)
    if counted < max(1, rules.least_counted):
        return (
            UNKNOWN,
            "too_few_duels",
            f"{counted} duels count, {tally.void} are void: too few to decide. We run it again.",
        )
    return _compared(tally, counted=counted, rules=rules)


def _compared(tally: TallyLike, *, counted: int, rules: GenerationRules) -> tuple[str, str, str]:
    net, allowed = _net(tally), -rules.win_margin
    missing = f", {tally.forfeits_challenger} of them not delivered" if tally.forfeits_challenger else ""
    counts = f"regenerated against submitted: {_wins(tally)} won, {tally.drawn} drawn, {_losses(tally)} lost{missing}"
    margin = f"margin {percent(Fraction(net, counted))}, at least {percent(allowed)} is needed"
    if rules.worse is not None:
        margin = "by the bankroll, reversed: a submitted output staked against each regenerated one"
    if not rules.worse and (rules.worse is False or Fraction(net, counted) >= allowed):
        return PASSED, "not_worse", f"The platform's own run is not worse than what was submitted ({counts}; {margin})."
    return (
        FAILED,
        "worse_than_submitted",
        f"The platform's own run is worse than what was submitted ({counts}; {margin}).",
    )


def _wins(tally: TallyLike) -> int:
    return tally.won + tally.forfeits_defender


def _losses(tally: TallyLike) -> int:
    return tally.lost + tally.forfeits_challenger


def _counted(tally: TallyLike) -> int:
    return _wins(tally) + tally.drawn + _losses(tally)


def _net(tally: TallyLike) -> int:
    return _wins(tally) - _losses(tally)


def percent(share: Fraction) -> str:
    """Two decimals tell any margin of up to 500 duels from a limit in whole percents; the fraction is a number too."""
    hundredths = round(share * 10000)
    sign = "-" if hundredths < 0 else "+" if hundredths > 0 else ""
    return f"{sign}{abs(hundredths) // 100}.{abs(hundredths) % 100:02} %"
