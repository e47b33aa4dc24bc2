"""Who won a duel, given what a vision-language model answered so far, and what must it still be asked?

Likeness first: all four front views of both assets at once, in both orders.  Where it is clear, it decides.  Where it
is not, three specialists vote (artifacts, checklist, detail): two that agree decide, unless the likeness leans the
other way.  Where they do not agree and the object is hard to see on white, the likeness is asked once more on gray.
Whoever won by then is looked at from the sides: much more spoiled there than the other, it wins nothing (side guard).

A question is asked only while its answer can still change the outcome, the score or what decided.  No verdict comes
from one angle of four: only `detail` is about one angle, and it needs a second specialist.  Answers that name the same
place in both orders contradict each other and count for nobody.  Scores are millionths, positive for the challenger.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal

from judging.decisions.ballots import MICRO, Ballot, Verdict, toward_zero

Place = Literal["defender", "challenger"]
Lead = tuple[int, str]  # score and what decided; (0, "draw_band") when nothing did

PLACES: tuple[Place, Place] = ("challenger", "defender")
SPECIALISTS = ("artifacts", "checklist", "detail")
NEEDED = 2  # specialists that must agree
SIDES: dict[Place, str] = {"defender": "sides:defender", "challenger": "sides:challenger"}
QUESTIONS = ("likeness", *SPECIALISTS, "gray", *SIDES.values())


@dataclass(frozen=True)
class Bars:
    """In millionths: from where on an answer counts.  `lean`: a likeness that forbids a verdict against it.
    `side_guard`: so much more spoiled than the other.  `least_mass`: below it there was no answer."""

    likeness: int = 450_000
    lean: int = 200_000
    artifacts: int = 300_000
    checklist: int = 150_000
    detail: int = 300_000
    gray: int = 350_000
    side_guard: int = 300_000
    least_mass: int = 900_000

    def __post_init__(self) -> None:
        for name, value in vars(self).items():
            if type(value) is not int or not 0 < value <= MICRO:
                raise ValueError(f"bar {name} must be a whole number of millionths above 0, not {value!r}")


@dataclass(frozen=True)
class AnswersSoFar:
    """The answers so far: `ballots` by question, `spoiled` by place in millionths (0: faultless from the sides).

    `low_contrast`: some of the object is hard to see on white.  A fact about the pictures, not an answer.
    """

    ballots: Mapping[str, Ballot] = field(default_factory=dict)
    spoiled: Mapping[Place, int] = field(default_factory=dict)
    low_contrast: bool = True


class StillOpen(Exception):
    """No verdict before this question is answered."""

    def __init__(self, question: str) -> None:
        super().__init__(question)
        self.question = question


def next_question(so_far: AnswersSoFar, *, bars: Bars) -> str | None:
    """A name of QUESTIONS; None when no answer could change the verdict any more."""
    try:
        verdict(so_far, bars=bars)
    except StillOpen as still_open:
        return still_open.question
    return None


def verdict(so_far: AnswersSoFar, *, bars: Bars) -> Verdict:
    """Raises StillOpen while a question is open.  Answers that were not needed change nothing but `stages`."""
    score, decided_by = _lead(so_far, bars=bars)
    if score:
        winner, other = PLACES if score > 0 else PLACES[::-1]
        own = _spoiled(so_far, winner)
        # the other side is asked about only if the winner's own faults could cost it the win
        if own >= bars.side_guard and own - _spoiled(so_far, other) >= bars.side_guard:
            score, decided_by = 0, "side_guard"
    outcome: Literal["challenger", "defender", "draw"] = (
        "challenger" if score > 0 else "defender" if score < 0 else "draw"
    )
    return Verdict(outcome, score, decided_by, stages(so_far))


def stages(so_far: AnswersSoFar) -> tuple[Ballot, ...]:
    """The ballots that were answered, in the order of the questions.

    The sides are one stage; a side that was not asked about counts as faultless, which is the worst case for the
    winner.
    """
    taken = [so_far.ballots[kind] for kind in QUESTIONS if kind in so_far.ballots]
    if so_far.spoiled:
        better = so_far.spoiled.get("defender", 0) - so_far.spoiled.get("challenger", 0)
        taken.append(Ballot("sides", ab=better, ba=-better))
    return tuple(taken)


def value_of(ballot: Ballot, *, bar: int) -> int:
    """The ballot's score; 0 where it is below the bar, or where its two orders contradict each other."""
    return ballot.score if abs(ballot.score) >= bar and ballot.consistent() else 0


def _lead(so_far: AnswersSoFar, *, bars: Bars) -> Lead:
    ballot = _taken(so_far, "likeness")
    if clear := value_of(ballot, bar=bars.likeness):
        return clear, "likeness"
    lean = value_of(ballot, bar=bars.lean)
    if agreed := _specialists(so_far, lean=lean, bars=bars):
        return agreed, "specialists"
    if so_far.low_contrast and not _against(rescue := value_of(_taken(so_far, "gray"), bar=bars.gray), lean) and rescue:
        return rescue, "gray"
    return 0, "draw_band"


def _specialists(so_far: AnswersSoFar, *, lean: int, bars: Bars) -> int:
    """The mean score of the first two that agree; 0 as soon as no two can, or only against the lean."""
    votes: list[int] = []
    for left, kind in zip(reversed(range(len(SPECIALISTS))), SPECIALISTS, strict=True):
        votes.append(value_of(_taken(so_far, kind), bar=getattr(bars, kind)))
        sides = {sign: [v for v in votes if v * sign > 0] for sign in (1, -1) if not _against(sign, lean)}
        for agreeing in sides.values():
            if len(agreeing) == NEEDED:
                return toward_zero(sum(agreeing), NEEDED)
        if max(map(len, sides.values())) + left < NEEDED:
            return 0
    return 0


def _against(value: int, lean: int) -> bool:
    return value * lean < 0


def _taken(so_far: AnswersSoFar, kind: str) -> Ballot:
    if kind not in so_far.ballots:
        raise StillOpen(kind)
    return so_far.ballots[kind]


def _spoiled(so_far: AnswersSoFar, place: Place) -> int:
    if place not in so_far.spoiled:
        raise StillOpen(SIDES[place])
    return so_far.spoiled[place]
