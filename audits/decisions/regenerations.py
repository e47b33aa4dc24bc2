"""margin-2: has a winner, generated again several times, won against its defender each time?  Pure."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from fractions import Fraction

from audits.decisions import verdicts
from audits.decisions.verdicts import GenerationRules, TallyLike, Verdict


@dataclass(frozen=True, kw_only=True)
class Regenerated:
    """One repeat: against the submitted outputs, and, once that is not worse, against the defender of the rung.

    `failure`: (class, code, sentence) of a run that came to no end.
    """

    submitted: TallyLike
    generated_s: int
    defender: TallyLike | None = None
    failure: tuple[str, str, str] | None = None


def verdict(found: Sequence[Regenerated], *, repeats: int, rules: GenerationRules) -> Verdict | None:
    """The first repeat that misses a bar rejects; passing takes all.  None: the next match, or repeat, is wanted."""
    for number, one in enumerate(found):
        said = verdicts.generation(one.submitted, generated_s=one.generated_s, rules=rules, failure=one.failure)
        if said.outcome == verdicts.PASSED and one.defender is None:
            return None
        if said.outcome == verdicts.PASSED and one.defender is not None:
            said = _against(one.defender, said, rules=rules)
        if said.outcome != verdicts.PASSED or number + 1 == repeats:
            return _told(said, number=number, repeats=repeats, rules=rules)
    return None


def _against(tally: TallyLike, said: Verdict, *, rules: GenerationRules) -> Verdict:
    wins, losses = tally.won + tally.forfeits_defender, tally.lost + tally.forfeits_challenger
    counted = wins + tally.drawn + losses
    if counted < max(1, rules.least_counted):
        sentence = f"{counted} duels against the defender count: too few to decide. We run it again."
        return replace(said, outcome=verdicts.UNKNOWN, reason="too_few_duels", sentence=sentence)
    margin = Fraction(wins - losses, counted)
    numbers = {**said.numbers, "defender_margin": str(margin)}
    told = (
        f"The platform's own run won {wins}, drew {tally.drawn}, lost {losses} against the defender: a margin of "
        f"{verdicts.percent(margin)}, at least {verdicts.percent(rules.win_margin)} is needed."
    )
    if margin < rules.win_margin:
        return replace(said, outcome=verdicts.FAILED, reason="no_win_again", sentence=told, numbers=numbers)
    return replace(said, reason="won_again", sentence=f"{said.sentence} {told}", numbers=numbers)


def _told(said: Verdict, *, number: int, repeats: int, rules: GenerationRules) -> Verdict:
    """The deciding repeat's numbers."""
    before = (
        f"All {repeats} hold. The last: " if said.outcome == verdicts.PASSED else f"Time {number + 1} of {repeats}: "
    )
    numbers = {**said.numbers, "repeats": number + 1}
    limits = {**said.limits, "repeats": repeats, "least_defender_margin": str(rules.win_margin)}
    return replace(said, sentence=before + said.sentence, numbers=numbers, limits=limits)
