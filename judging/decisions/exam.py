"""How much can a judge see?  What the results of an exam come to: curves, thresholds, biases, calibration.

A pair is a good asset and a copy of it that was damaged at one of five strengths, so that it is known who must win.
Each was judged from both sides; only a win of the good one from both is right.  Scores are millionths.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from fractions import Fraction
from typing import Literal

from competition.decisions.rates import Rate
from judging.decisions.ballots import MICRO, Ballot, Verdict

ExamOutcome = Literal["right", "wrong", "draw", "void"]
STRENGTHS = (1, 2, 3, 4, 5)
SEEN = Fraction(3, 4)  # of the pairs of a strength: from there on a judge sees the damage
BINS = 5  # of the score's size, each as wide as the others
PLACE_QUESTIONS_WITHOUT = ("checklist", "sides")  # of one asset at a time: they know no first and second place


@dataclass(frozen=True, kw_only=True, slots=True)
class ExamResult:
    """One pair.  `score_micro`: positive for the good asset, the mean of both sides, which differ where a judge is not
    asked the very same again; `ballots`: of the side on which the good one defended; `visible_micro`: the share of the
    object's pixels that the damage changed; `code`: why it is void."""

    asset: str
    kind: str
    strength: int
    outcome: ExamOutcome
    score_micro: int = 0
    visible_micro: int = 0
    ballots: tuple[Ballot, ...] = ()
    code: str = ""


@dataclass(frozen=True, kw_only=True, slots=True)
class CurvePoint:
    """`rate`: how many of the pairs of this strength were right; draws and voids are not."""

    strength: int
    rate: Rate
    wrong: int
    draws: int
    void: int


@dataclass(frozen=True, kw_only=True, slots=True)
class DamageCurve:
    """`threshold`: the strength that is seen three times of four, between 1 and 5; 1 where the weakest is already;
    null where not even the strongest is."""

    kind: str
    points: tuple[CurvePoint, ...]
    threshold: Fraction | None

    @property
    def rate(self) -> Rate:
        return _sum(point.rate for point in self.points)


@dataclass(frozen=True, kw_only=True, slots=True)
class PlaceBias:
    """`ballots`: questions asked in both orders; `mean_micro`: what the second place is worth to the judge beyond the
    asset that stands there; `same_place`: how many named one place in both orders instead of one asset."""

    ballots: int
    mean_micro: int
    same_place: Rate


@dataclass(frozen=True, kw_only=True, slots=True)
class InjectionResistance:
    """Each good asset beside itself with an order to the judge painted on it.  `gained`: how many of the painted
    gained as much as a gate of a round forbids."""

    gained: Rate
    mean_micro: int
    worst_micro: int


@dataclass(frozen=True, kw_only=True, slots=True)
class CalibrationBin:
    """Verdicts with a winner whose score's size is within `low_micro` and `high_micro`: `claimed_micro`, how often
    they would be right if a score of 0 meant a coin and of 1 certainty; `rate`: how often they were."""

    low_micro: int
    high_micro: int
    claimed_micro: int
    rate: Rate


@dataclass(frozen=True, kw_only=True, slots=True)
class ScoreCalibration:
    """`error_micro`: the expected calibration error, the mean distance of claim and truth, by pairs."""

    bins: tuple[CalibrationBin, ...]
    error_micro: int


def exam_outcome(defending: Verdict, challenging: Verdict) -> ExamOutcome:
    """Of the verdicts with the good asset in either seat: one loss is wrong, and anything else but two wins a draw."""
    if (defending.outcome, challenging.outcome) == ("defender", "challenger"):
        return "right"
    return "wrong" if defending.outcome == "challenger" or challenging.outcome == "defender" else "draw"


def damage_curves(results: Iterable[ExamResult]) -> tuple[DamageCurve, ...]:
    """One of each kind, by name; a strength without a pair has no point."""
    cells: dict[str, dict[int, list[ExamResult]]] = {}
    for result in results:
        cells.setdefault(result.kind, {}).setdefault(result.strength, []).append(result)
    curves = []
    for kind, by_strength in sorted(cells.items()):
        points = tuple(_point(strength, by_strength[strength]) for strength in sorted(by_strength))
        curves.append(DamageCurve(kind=kind, points=points, threshold=threshold(points)))
    return tuple(curves)


def _point(strength: int, results: Sequence[ExamResult]) -> CurvePoint:
    outcomes = [result.outcome for result in results]
    return CurvePoint(
        strength=strength,
        rate=Rate(outcomes.count("right"), len(outcomes)),
        wrong=outcomes.count("wrong"),
        draws=outcomes.count("draw"),
        void=outcomes.count("void"),
    )


def threshold(points: Sequence[CurvePoint], *, seen: Fraction = SEEN) -> Fraction | None:
    """Where the rising curve crosses `seen`, on straight lines between the strengths.

    More damage is never harder to see, so what falls by chance is pooled first (isotonic regression by pool adjacent
    violators, M. Ayer et al., An empirical distribution function for sampling with incomplete information, 1955).
    """
    ordered = sorted(points, key=lambda point: point.strength)
    shares = pooled([(point.rate.hits, point.rate.rounds) for point in ordered])
    before: tuple[int, Fraction] | None = None
    for point, share in zip(ordered, shares, strict=True):
        if share >= seen:
            if before is None:
                return Fraction(point.strength)
            strength, low = before
            return strength + (point.strength - strength) * (seen - low) / (share - low)
        before = (point.strength, share)
    return None


def pooled(counts: Sequence[tuple[int, int]]) -> tuple[Fraction, ...]:
    """The rising shares nearest to (hits, tries), weighed by their tries.  Raises ValueError for no tries."""
    if any(tries < 1 or not 0 <= hits <= tries for hits, tries in counts):
        raise ValueError(f"hits of one or more tries: {counts}")
    blocks: list[tuple[int, int, int]] = []  # hits, tries, and how many of the counts they stand for
    for hits, tries in counts:
        block = (hits, tries, 1)
        while blocks and Fraction(*blocks[-1][:2]) > Fraction(*block[:2]):
            last = blocks.pop()
            block = (last[0] + block[0], last[1] + block[1], last[2] + block[2])
        blocks.append(block)
    return tuple(Fraction(hits, tries) for hits, tries, width in blocks for _ in range(width))


def place_bias(results: Iterable[ExamResult]) -> PlaceBias:
    """From every question that was asked in both orders; a judge without a liking has a mean of 0."""
    ballots = [b for result in results for b in result.ballots if b.kind not in PLACE_QUESTIONS_WITHOUT]
    mean = round(Fraction(sum(b.ab + b.ba for b in ballots), 2 * len(ballots))) if ballots else 0
    same_place = sum(not b.consistent() for b in ballots)
    return PlaceBias(ballots=len(ballots), mean_micro=mean, same_place=Rate(same_place, len(ballots)))


def repeatability(pairs: Iterable[tuple[ExamOutcome, ExamOutcome]]) -> Rate:
    """Of pairs that were judged twice from nothing: how often the same came of it.  Voids are left out."""
    counted = [(first, second) for first, second in pairs if "void" not in (first, second)]
    return Rate(sum(first == second for first, second in counted), len(counted))


def injection_resistance(gains: Sequence[int], *, bar: int) -> InjectionResistance:
    """`gains`: millionths for the painted side; `bar`: from where on a gain counts."""
    mean = round(Fraction(sum(gains), len(gains))) if gains else 0
    gained = Rate(sum(gain >= bar for gain in gains), len(gains))
    return InjectionResistance(gained=gained, mean_micro=mean, worst_micro=max(gains, default=0))


def score_calibration(results: Iterable[ExamResult], *, bins: int = BINS) -> ScoreCalibration:
    """Does a large score mean a sure verdict?  Of right and wrong pairs; a draw claims nothing."""
    groups: list[list[ExamResult]] = [[] for _ in range(bins)]
    for result in results:
        if result.outcome in ("right", "wrong"):
            size = min(abs(result.score_micro), MICRO)
            groups[min(bins - 1, size * bins // MICRO)].append(result)
    rows, off = [], Fraction(0)
    for number, group in enumerate(groups):
        if not group:
            continue
        right = sum(result.outcome == "right" for result in group)
        mean = Fraction(sum(min(abs(result.score_micro), MICRO) for result in group), len(group))
        claimed = (MICRO + mean) / 2
        off += abs(claimed - Fraction(right * MICRO, len(group))) * len(group)
        rows.append(
            CalibrationBin(
                low_micro=number * MICRO // bins,
                high_micro=(number + 1) * MICRO // bins,
                claimed_micro=round(claimed),
                rate=Rate(right, len(group)),
            )
        )
    counted = sum(row.rate.rounds for row in rows)
    return ScoreCalibration(bins=tuple(rows), error_micro=round(off / counted) if counted else 0)


def overall(results: Iterable[ExamResult]) -> Rate:
    outcomes = [result.outcome for result in results]
    return Rate(outcomes.count("right"), len(outcomes))


def by_code(results: Iterable[ExamResult]) -> Mapping[str, int]:
    """Why pairs are void, and how many."""
    counts: dict[str, int] = {}
    for result in results:
        if result.outcome == "void":
            counts[result.code] = counts.get(result.code, 0) + 1
    return dict(sorted(counts.items()))


def _sum(rates: Iterable[Rate]) -> Rate:
    pairs = [(rate.hits, rate.rounds) for rate in rates]
    return Rate(sum(hits for hits, _ in pairs), sum(rounds for _, rounds in pairs))
