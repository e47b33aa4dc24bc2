"""Where do the cases come from on which bars are picked?  A model is asked every question about every pair, once.

Beside each good asset's damaged copies stands its twin, which looks the same: without it the lowest bars would seem
the best.  What was answered is written at once, as in an exam.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

from judging.backends.base import NoAnswer, Side
from judging.decisions.ballots import Ballot
from judging.decisions.calibration import BarsMeasured, Calibrated, CalibrationCase
from judging.decisions.cascade import AnswersSoFar
from judging.exam.pairs import ExamPair
from judging.exam.report import rate_row, rate_words
from judging.exam.run_files import MOST_SILENT, add_row, as_they_come, halted, held_rows
from judging.health.control_images import doctored
from judging.panel.answer_store import Remembered
from judging.panel.vlm_panel import Deliberates, Deliberation

TWIN = "twin"


def calibration_cases(
    judge: Deliberates,
    pairs: Sequence[ExamPair],
    *,
    path: Path,
    at_once: int = 1,
    progress: Callable[[str], None] = lambda line: None,
) -> list[CalibrationCase]:
    """Asks what `path` does not hold yet.  Raises ExamHalted where the judge does not answer, ExamTaken where another
    process writes there."""
    shown = dict(_shown(pairs))

    def ask(key: str) -> tuple[str, CalibrationCase | NoAnswer]:
        try:
            return key, _case_of(judge, *shown[key])
        except NoAnswer as no_answer:
            return key, no_answer

    with held_rows(path) as rows:
        cases = {row["key"]: _stored(row) for row in rows if row["key"] in shown}
        left = [key for key in shown if key not in cases]
        progress(f"{len(left)} of {len(shown)} pairs are still to be asked about")
        silent = 0
        for key, case in as_they_come(ask, left, at_once=at_once):
            if isinstance(case, CalibrationCase):
                add_row(path, {"key": key, **_as_row(case)})
                cases[key], silent = case, 0
                progress(f"{len(cases)}/{len(shown)} {key}")
                continue
            silent += 1
            progress(f"{key}: {case}")
            if silent == MOST_SILENT:
                raise halted(judge.judge_version.name, str(case))
    return [cases[key] for key in shown if key in cases]


def _shown(pairs: Sequence[ExamPair]) -> Iterator[tuple[str, tuple[ExamPair, bool]]]:
    """By key: each pair, and each good asset once as a pair with its twin."""
    for pair in pairs:
        yield pair.key, (pair, False)
        yield f"{TWIN} {pair.asset.name}", (pair, True)


def _case_of(judge: Deliberates, pair: ExamPair, equal: bool) -> CalibrationCase:
    other: Side = doctored(pair.good, TWIN) if equal else pair.damaged
    deliberation = Deliberation(
        judge.judge_version, judge, Remembered(), pair.asset.reference, defender=pair.good, challenger=other
    )
    return CalibrationCase(asset=pair.asset.name, answers=deliberation.ask_everything(), equal=equal)


def _as_row(case: CalibrationCase) -> dict[str, Any]:
    answers = case.answers
    return {
        "asset": case.asset,
        "equal": case.equal,
        "ballots": [asdict(ballot) for ballot in answers.ballots.values()],
        "spoiled": dict(answers.spoiled),
        "low_contrast": answers.low_contrast,
    }


def _stored(row: dict[str, Any]) -> CalibrationCase:
    ballots = {each["kind"]: Ballot(**each) for each in row["ballots"]}
    answers = AnswersSoFar(ballots=ballots, spoiled=row["spoiled"], low_contrast=row["low_contrast"])
    return CalibrationCase(asset=row["asset"], answers=answers, equal=row["equal"])


def calibration_document(judge: Any, calibrated: Calibrated, *, cases: int, seed: int) -> dict[str, Any]:
    return {
        "judge": judge.name,
        "version": judge.version,
        "seed": seed,
        "cases": cases,
        "picked_on": calibrated.picked_on,
        "bars": asdict(calibrated.bars),
        "other_half": {"before": measured_row(calibrated.before), "after": measured_row(calibrated.after)},
    }


def measured_row(measured: BarsMeasured) -> dict[str, Any]:
    return {
        "right": rate_row(measured.right),
        "wrong": rate_row(measured.wrong),
        "equals_drawn": rate_row(measured.equals_drawn),
        "worth": measured.worth,
    }


def table(document: dict[str, Any], *, today: dict[str, int]) -> str:
    bars = [
        f"{name:<12}{today[name]:>10,}{value:>10,}{'' if value == today[name] else '  changed'}"
        for name, value in document["bars"].items()
    ]
    halves = [
        f"{name:<8}right {rate_words(row['right'])}; wrong {rate_words(row['wrong'])}; "
        f"equals drawn {rate_words(row['equals_drawn'])}"
        for name, row in document["other_half"].items()
    ]
    return "\n".join(
        [
            f"{document['judge']}: bars picked on {document['picked_on']} of {document['cases']} pairs (seed "
            f"{document['seed']}), measured on the others, which are of other assets",
            f"{'bar':<12}{'today':>10}{'picked':>10}",
            *bars,
            *halves,
            "Nothing is changed by this: copy the version's folder, write these bars into its judge.json, examine it.",
        ]
    )
