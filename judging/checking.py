"""How often is a judge right where everybody knows the answer?

A case is a good asset and a broken copy of it.  Only a win of the good one is right: a draw is a miss, and so is a
case without an answer.  Each is judged with the good asset defending and again with it challenging, so that a liking
for either side cannot hide; and each good asset meets itself, which must come to nothing.
"""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from fractions import Fraction
from pathlib import Path
from typing import Any

import numpy as np

from judging.asking import verdict_of
from judging.backends import silhouettes
from judging.backends.base import Judge, NoAnswer, Side
from judging.decisions.ballots import MICRO, Verdict
from judging.questions import QUESTIONS

BAR = Fraction(95, 100)
LEVELS = 16  # of 255: a pixel that changed by more than this has visibly changed
LEAST_VISIBLE = 0.03  # share of the object's pixels, from the front or around


@dataclass(frozen=True)
class Case:
    name: str
    breakage: str
    reference: Path
    reference_sha256: str
    good: Side
    broken: Side


@dataclass
class Row:
    """`unseen`: cases left out because the breakage changed nothing that can be seen."""

    right: int = 0
    wrong: int = 0
    draws: int = 0
    void: int = 0
    unseen: int = 0

    @property
    def pairs(self) -> int:
        return self.right + self.wrong + self.draws + self.void


@dataclass
class Report:
    judge: str
    version: str
    rows: dict[str, Row] = field(default_factory=dict)
    missed: list[str] = field(default_factory=list)
    self_duels: int = 0
    self_zero: int = 0
    swaps: int = 0
    swaps_negated: int = 0

    @property
    def pairs(self) -> int:
        return sum(row.pairs for row in self.rows.values())

    @property
    def share(self) -> Fraction:
        return Fraction(sum(row.right for row in self.rows.values()), max(1, self.pairs))

    @property
    def passed(self) -> bool:
        return self.pairs > 0 and self.share >= BAR and self.self_zero == self.self_duels


def checked(judge: Judge, cases: Iterable[Case], *, tell: Callable[[str], None] = lambda line: None) -> Report:
    report = Report(judge.name, judge.version)
    met: set[str] = set()
    for case in cases:
        row = report.rows.setdefault(case.breakage, Row())
        if not visible(case.good.views, case.broken.views):
            row.unseen += 1
            continue
        if case.good.sha256 not in met:
            met.add(case.good.sha256)
            _against_itself(judge, case, report)
        tell(f"{case.name} {case.breakage}: {_take(judge, case, row, report)}")
    return report


def visible(good: Mapping[str, Path], broken: Mapping[str, Path]) -> bool:
    """Whether the two differ by more than a glance would miss, from the front or around."""
    return any(
        float(np.mean([_changed(good[name], broken[name]) for name in QUESTIONS[kind].shows])) >= LEAST_VISIBLE
        for kind in ("front", "around")
    )


def _changed(one: Path, other: Path) -> float:
    """The share of the pixels that either object covers, that has visibly changed."""
    first, second = (silhouettes.read(path).astype(np.int16) for path in (one, other))
    covered = ((first != first[0, 0]) | (second != second[0, 0])).any(axis=2)
    changed = (np.abs(first - second) > LEVELS).any(axis=2)
    return float(changed.sum() / max(1, covered.sum()))


def _asked(judge: Judge, case: Case, *, defender: Side, challenger: Side) -> Verdict | None:
    try:
        return verdict_of(
            judge,
            reference=case.reference,
            reference_sha256=case.reference_sha256,
            defender=defender,
            challenger=challenger,
        )
    except NoAnswer:
        return None


def _against_itself(judge: Judge, case: Case, report: Report) -> None:
    verdict = _asked(judge, case, defender=case.good, challenger=case.good)
    report.self_duels += 1
    report.self_zero += verdict is not None and verdict.score_micro == 0 and verdict.outcome == "draw"


def _take(judge: Judge, case: Case, row: Row, report: Report) -> str:
    defending = _asked(judge, case, defender=case.good, challenger=case.broken)
    challenging = _asked(judge, case, defender=case.broken, challenger=case.good)
    if defending is None or challenging is None:
        row.void += 1
        result = "void"
    else:
        report.swaps += 1
        report.swaps_negated += defending.score_micro == -challenging.score_micro
        result = _result(defending, challenging)
        setattr(row, result, getattr(row, result) + 1)
    if result != "right":
        report.missed.append(f"{case.name} {case.breakage}: {result}")
    return result


def _result(defending: Verdict, challenging: Verdict) -> str:
    """`right` only if the good asset wins from either side."""
    wins = [defending.outcome == "defender", challenging.outcome == "challenger"]
    losses = [defending.outcome == "challenger", challenging.outcome == "defender"]
    return "right" if all(wins) else "wrong" if any(losses) else "draws"


def as_json(report: Report) -> dict[str, Any]:
    """Without floats: the share in millionths."""
    return {
        "judge": report.judge,
        "version": report.version,
        "breakages": {name: {"pairs": row.pairs, **vars(row)} for name, row in report.rows.items()},
        "pairs": report.pairs,
        "right_micro": round(report.share * MICRO),
        "self_duels": report.self_duels,
        "self_zero": report.self_zero,
        "swaps": report.swaps,
        "swaps_negated": report.swaps_negated,
        "missed": report.missed,
        "passed": report.passed,
    }
