"""What is shown of an exam of a judge: which damages it sees from which strength on, and what misleads it?"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from fractions import Fraction
from typing import Any

from judging.decisions.ballots import MICRO
from judging.decisions.exam import SEEN, STRENGTHS
from judging.exam.models import JudgeExam


@dataclass(frozen=True, kw_only=True)
class ExamRate:
    """`share` is null where nothing was judged; `low`, `high`: Wilson's 95 % interval."""

    hits: int
    of: int
    share: Fraction | None
    low: Fraction
    high: Fraction


@dataclass(frozen=True, kw_only=True)
class ExamPoint:
    """One strength of one damage.  `dose` is in the damage's unit."""

    strength: int
    dose: str
    right: ExamRate
    wrong: int
    draws: int


@dataclass(frozen=True, kw_only=True)
class ExamCurve:
    """One damage.  `threshold`: the strength that is seen three times of four, null where none is; `picture`: SHA-256
    of a strip, the good asset and then its damaged copies, of `asset`."""

    kind: str
    words: str
    unit: str
    points: tuple[ExamPoint, ...]
    right: ExamRate
    threshold: Fraction | None
    picture: str
    asset: str

    def cells(self) -> tuple[tuple[int, ExamPoint | None], ...]:
        """Of a table's row: a strength without a pair has an empty one."""
        by_strength = {point.strength: point for point in self.points}
        return tuple((strength, by_strength.get(strength)) for strength in STRENGTHS)

    def wrong(self) -> int:
        return sum(point.wrong for point in self.points)


@dataclass(frozen=True, kw_only=True)
class ExamBin:
    """Verdicts whose score's size is from `low` to `high`: how often they claim to be right, and how often they are."""

    low: Fraction
    high: Fraction
    claimed: Fraction
    right: ExamRate


@dataclass(frozen=True, kw_only=True)
class ShownExam:
    """`place_bias_micro`: what the second place is worth beyond the asset there; `answers_a_second` and `tokens_a_duel`
    are null where they were not measured."""

    judge: str
    version: str
    made_at: datetime
    pairs: int
    assets: int
    right: ExamRate
    curves: tuple[ExamCurve, ...]
    place_bias_micro: int
    same_place: ExamRate
    repeatability: ExamRate
    injection_gained: ExamRate
    injection_worst_micro: int
    calibration_error: Fraction
    calibration: tuple[ExamBin, ...]
    answers_a_second: Fraction | None
    tokens_a_duel: int | None
    seen: Fraction = SEEN


def shown_exam(row: JudgeExam) -> ShownExam:
    report = row.report
    pictures = {each["kind"]: each for each in row.pictures}
    speed = report["cost"]["answers_a_second_micro"]
    return ShownExam(
        judge=row.judge_name,
        version=row.version,
        made_at=row.made_at,
        pairs=report["pairs"],
        assets=report["assets"],
        right=exam_rate(report["overall"]),
        curves=tuple(exam_curve(curve, picture=pictures.get(curve["kind"], {})) for curve in report["curves"]),
        place_bias_micro=report["place_bias"]["mean_micro"],
        same_place=exam_rate(report["place_bias"]["same_place"]),
        repeatability=exam_rate(report["repeatability"]),
        injection_gained=exam_rate(report["injection"]["gained"]),
        injection_worst_micro=report["injection"]["worst_micro"],
        calibration_error=Fraction(report["calibration"]["error_micro"], MICRO),
        calibration=exam_bins(report["calibration"]["bins"]),
        answers_a_second=None if speed is None else Fraction(speed, MICRO),
        tokens_a_duel=report["cost"]["tokens_a_duel"],
    )


def exam_rate(row: Mapping[str, Any]) -> ExamRate:
    return ExamRate(
        hits=row["hits"],
        of=row["of"],
        share=Fraction(row["hits"], row["of"]) if row["of"] else None,
        low=Fraction(row["low_micro"], MICRO),
        high=Fraction(row["high_micro"], MICRO),
    )


def exam_curve(curve: Mapping[str, Any], *, picture: Mapping[str, str]) -> ExamCurve:
    points = [
        ExamPoint(
            strength=point["strength"],
            dose=point["dose"],
            right=exam_rate(point["right"]),
            wrong=point["wrong"],
            draws=point["draws"],
        )
        for point in curve["points"]
    ]
    threshold = curve["threshold_micro"]
    return ExamCurve(
        kind=curve["kind"],
        words=curve["words"],
        unit=curve["unit"],
        points=tuple(points),
        right=exam_rate(curve["right"]),
        threshold=None if threshold is None else Fraction(threshold, MICRO),
        picture=picture.get("sha256", ""),
        asset=picture.get("asset", ""),
    )


def exam_bins(rows: Sequence[Mapping[str, Any]]) -> tuple[ExamBin, ...]:
    return tuple(
        ExamBin(
            low=Fraction(row["low_micro"], MICRO),
            high=Fraction(row["high_micro"], MICRO),
            claimed=Fraction(row["claimed_micro"], MICRO),
            right=exam_rate(row["right"]),
        )
        for row in rows
    )
