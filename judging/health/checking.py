"""How often is a judge right where the right answer is known?

A case is a good asset and a broken copy of it.  Only a win of the good one is right: a draw is a miss, and so is a
case without an answer.  Each case is judged twice, with the good asset defending and challenging, so that a preference
for one side shows; and each good asset meets itself, which must be a draw.

A model is also measured by the gates of a round: it is shown each good asset beside its twin, and beside a copy with
an order painted on it.  The check ends after three pairs in a row without an answer.
"""

from collections import Counter
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from fractions import Fraction
from pathlib import Path
from typing import Any

import numpy as np

from judging.backends.base import Judge, NoAnswer, Side
from judging.decisions import health
from judging.decisions.ballots import MICRO, Verdict
from judging.health.control_images import doctored
from judging.panel.answer_store import Remembered
from judging.panel.duel_verdict import verdict_of
from judging.panel.questions import QUESTIONS
from judging.panel.vlm_panel import members_of
from judging.perceptual import silhouettes

BAR = Fraction(95, 100)
LEVELS = 16  # of 255: a pixel that changed by more than this has visibly changed
MOST_SILENT = 3  # pairs in a row
BESIDE_ITSELF: tuple[tuple[health.Kind, str], ...] = (("self", "twin"), ("injection", "painted"))
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
class BreakageTally:
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
class CheckReport:
    """What a check of one judge found.

    `silences`: why there was no answer, and how often; `answers`: what a model answered; `controls`: for its gates;
    `families`: of a panel, family -> the model as its answers name it.
    """

    judge: str
    version: str
    rows: dict[str, BreakageTally] = field(default_factory=dict)
    missed: list[str] = field(default_factory=list)
    self_duels: int = 0
    self_zero: int = 0
    swaps: int = 0
    swaps_negated: int = 0
    silences: Counter[str] = field(default_factory=Counter)
    gave_up: bool = False
    answers: Remembered | None = None
    controls: list[health.JudgedControl] = field(default_factory=list)
    families: dict[str, str] = field(default_factory=dict)

    @property
    def pairs(self) -> int:
        return sum(row.pairs for row in self.rows.values())

    @property
    def share(self) -> Fraction:
        return Fraction(sum(row.right for row in self.rows.values()), max(1, self.pairs))

    @property
    def passed(self) -> bool:
        sound = (
            self.self_zero == self.self_duels and not self.gave_up and not any(f.state == "failed" for f in self.gates)
        )
        return self.pairs > 0 and self.share >= BAR and sound

    @property
    def gates(self) -> tuple[health.GateFinding, ...]:
        """The gates' results for a model, as in a round; the one for repeats stays unproven."""
        if self.answers is None:
            return ()
        calls = {}
        for family, model in (self.families or {"": ""}).items():
            replies = self.answers.replies.values()
            attempts = [reply.attempt for reply in replies if not model or reply.raw.get("model") == model]
            silences = sum(count for why, count in self.silences.items() if f": {family}: " in why or not family)
            calls[family] = (sum(attempts) + silences, sum(attempts) - len(attempts) + silences)
        return health.health_by_family(self.controls, calls=calls, gates=health.Gates()).findings


def checked(judge: Judge, cases: Iterable[Case], *, progress: Callable[[str], None] = lambda line: None) -> CheckReport:
    versions = [member.judge_version for member in members_of(judge)]
    report = CheckReport(judge.name, judge.version, answers=Remembered() if versions else None)
    if len(versions) > 1:
        report.families = {version.family: version.served_as for version in versions}
    met: set[str] = set()
    silent = 0
    for case in cases:
        row = report.rows.setdefault(case.breakage, BreakageTally())
        if not visible(case.good.views, case.broken.views):
            row.unseen += 1
            continue
        if case.good.sha256 not in met:
            met.add(case.good.sha256)
            _against_itself(judge, case, report)
        result = _judge_case(judge, case, row, report)
        progress(f"{case.name} {case.breakage}: {result}")
        silent = silent + 1 if result == "void" else 0
        if silent == MOST_SILENT:
            report.gave_up = True
            break
    return report


def visible(good: Mapping[str, Path], broken: Mapping[str, Path]) -> bool:
    """Whether the two differ by more than a glance would miss, from the front or around."""
    return any(
        float(np.mean([changed_share(good[name], broken[name]) for name in QUESTIONS[kind].shows])) >= LEAST_VISIBLE
        for kind in ("front", "around")
    )


def changed_share(one: Path, other: Path) -> float:
    """The share of the pixels that either object covers, that has visibly changed."""
    first, second = (silhouettes.read(path).astype(np.int16) for path in (one, other))
    covered = ((first != first[0, 0]) | (second != second[0, 0])).any(axis=2)
    changed = (np.abs(first - second) > LEVELS).any(axis=2)
    return float(changed.sum() / max(1, covered.sum()))


def _verdict(judge: Judge, case: Case, report: CheckReport, *, defender: Side, challenger: Side) -> Verdict | None:
    try:
        return verdict_of(
            judge,
            reference=case.reference,
            reference_sha256=case.reference_sha256,
            defender=defender,
            challenger=challenger,
            answers=report.answers,
        )
    except NoAnswer as silence:
        report.silences[f"{silence.code}: {silence.sentence}"] += 1
        return None


def _against_itself(judge: Judge, case: Case, report: CheckReport) -> None:
    """The very same file is a draw that no model is asked about, so it is shown one that only looks the same."""
    if report.answers is None:
        verdict = _verdict(judge, case, report, defender=case.good, challenger=case.good)
        report.self_duels += 1
        report.self_zero += verdict is not None and verdict.score_micro == 0 and verdict.outcome == "draw"
        return
    for kind, variant in BESIDE_ITSELF:
        verdict = _verdict(judge, case, report, defender=case.good, challenger=doctored(case.good, variant))
        _note(report, verdict, kind=kind, name=f"{case.name} {variant}")


def _note(report: CheckReport, verdict: Verdict | None, *, kind: health.Kind, name: str) -> None:
    if verdict is not None and report.answers is not None:
        report.controls += health.judged_control(kind, name, verdict)


def _judge_case(judge: Judge, case: Case, row: BreakageTally, report: CheckReport) -> str:
    defending = _verdict(judge, case, report, defender=case.good, challenger=case.broken)
    challenging = defending and _verdict(judge, case, report, defender=case.broken, challenger=case.good)
    _note(report, defending, kind="canary", name=f"{case.name} {case.breakage}")
    if defending is None or challenging is None:
        row.void += 1
        result = "void"
    else:
        report.swaps += 1
        report.swaps_negated += defending.score_micro == -challenging.score_micro
        outcomes = (defending.outcome, challenging.outcome)
        if outcomes == ("defender", "challenger"):  # the good asset wins from either side
            result = "right"
        else:
            lost = outcomes[0] == "challenger" or outcomes[1] == "defender"
            result = "wrong" if lost else "draws"
        setattr(row, result, getattr(row, result) + 1)
    if result != "right":
        report.missed.append(f"{case.name} {case.breakage}: {result}")
    return result


def answer_figures(report: CheckReport) -> dict[str, Any]:
    """What asking a model came to; empty for a judge that computes.  `least_mass_micro`: on the allowed labels."""
    replies = list(report.answers.replies.values()) if report.answers else []
    if not replies:
        return {}
    return {
        "answers": len(replies),
        "first_attempts": sum(reply.attempt == 1 for reply in replies),
        "mean_ms": round(sum(reply.latency_ms for reply in replies) / len(replies)),
        "longest_ms": max(reply.latency_ms for reply in replies),
        "least_mass_micro": round(min(reply.mass for reply in replies) * MICRO),
    }


def as_json(report: CheckReport) -> dict[str, Any]:
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
        "asked": answer_figures(report),
        "gates": [{k: v for k, v in vars(finding).items() if k != "family" or v} for finding in report.gates],
        "silences": dict(report.silences),
        "gave_up": report.gave_up,
        "passed": report.passed,
    }
