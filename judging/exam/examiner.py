"""How is a judge examined?  Pair by pair, each from both sides, some of them twice; what was judged is written at once.

A run is a file of lines that is only added to: whatever stops it, the same command goes on where it was.  A judge
without an answer to three pairs in a row is given up; pairs without an answer are asked about by the next run.
"""

from __future__ import annotations

import hashlib
import time
import uuid
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from judging.backends.base import Judge, NoAnswer, Side
from judging.decisions import exam
from judging.decisions.ballots import Ballot, Verdict
from judging.decisions.exam import ExamOutcome, ExamResult
from judging.decisions.health import judged_control
from judging.exam.pairs import ExamPair
from judging.exam.run_files import MOST_SILENT, add_row, as_they_come, halted, held_rows
from judging.health.control_images import doctored
from judging.panel.answer_store import Remembered
from judging.panel.duel_verdict import verdict_of
from judging.panel.vlm_panel import members_of

REPEATED = 10  # each so many-th pair is judged twice


@dataclass(frozen=True, kw_only=True)
class ExamCost:
    """What a run has asked so far.  `answers`: of a judge that computes, too; `tokens`: as the server told them;
    `seconds`: while asking, over all sessions."""

    duels: int = 0
    answers: int = 0
    tokens: int = 0
    seconds: float = 0.0


@dataclass(kw_only=True)
class ExamRun:
    """What was judged so far, by key.  `repeats`: what came of pairs that were judged a second time; `gains`: by asset,
    what a painted order gained."""

    path: Path
    results: dict[str, ExamResult] = field(default_factory=dict)
    repeats: dict[str, ExamOutcome] = field(default_factory=dict)
    gains: dict[str, int] = field(default_factory=dict)
    session: str = field(default_factory=lambda: uuid.uuid4().hex)
    _lines: list[dict[str, Any]] = field(default_factory=list)

    @classmethod
    @contextmanager
    def opened(cls, path: Path) -> Iterator[ExamRun]:
        """Raises ExamTaken where another process has it."""
        with held_rows(path) as rows:
            run = cls(path=path)
            for row in rows:
                run._note(row)
            yield run

    def add(self, row: dict[str, Any]) -> None:
        row = {**row, "session": self.session}
        add_row(self.path, row)
        self._note(row)

    def _note(self, row: dict[str, Any]) -> None:
        self._lines.append(row)
        if row["what"] == "pair":
            ballots = tuple(Ballot(**ballot) for ballot in row["result"].pop("ballots"))
            self.results[row["key"]] = ExamResult(ballots=ballots, **row["result"])
        elif row["what"] == "repeat":
            self.repeats[row["key"]] = row["outcome"]
        elif row["what"] == "injection":
            self.gains[row["key"]] = row["gain"]

    @property
    def cost(self) -> ExamCost:
        ended: dict[str, float] = {}
        for row in self._lines:
            ended[row["session"]] = max(ended.get(row["session"], 0.0), row["elapsed_s"])
        return ExamCost(
            duels=sum(row["duels"] for row in self._lines),
            answers=sum(row["answers"] for row in self._lines),
            tokens=sum(row["tokens"] for row in self._lines),
            seconds=sum(ended.values()),
        )

    def judged(self, key: str) -> bool:
        return key in self.results and self.results[key].outcome != "void"


@dataclass(frozen=True)
class ExamTask:
    """One thing to judge: `what` is `pair`, `repeat` or `injection`."""

    what: str
    key: str
    pair: ExamPair


@dataclass(frozen=True)
class JudgeExaminer:
    judge: Judge
    run: ExamRun
    at_once: int = 1
    progress: Callable[[str], None] = lambda line: None

    def examine(self, pairs: Sequence[ExamPair]) -> None:
        """Judges what is missing of the pairs.  Raises ExamHalted where the judge does not answer."""
        began, silent = time.monotonic(), 0
        tasks = [task for task in tasks_of(pairs) if not self._known(task)]
        self.progress(f"{len(tasks)} of {len(tasks_of(pairs))} things are still to be judged")
        for done, row in enumerate(as_they_come(self._judge, tasks, at_once=self.at_once), start=1):
            self.run.add({**row, "elapsed_s": round(time.monotonic() - began, 3)})
            silent = silent + 1 if row.get("code") else 0
            self.progress(f"{done}/{len(tasks)} {row['what']} {row['key']}: {row['words']}")
            if silent == MOST_SILENT:
                raise halted(self.judge.name, row["words"])

    def _known(self, task: ExamTask) -> bool:
        if task.what == "pair":
            return self.run.judged(task.key)
        return task.key in (self.run.repeats if task.what == "repeat" else self.run.gains)

    def _judge(self, task: ExamTask) -> dict[str, Any]:
        answers = Remembered() if members_of(self.judge) else None
        row: dict[str, Any] = {"what": task.what, "key": task.key}
        try:
            row |= self._injection(task, answers) if task.what == "injection" else self._pair(task, answers)
        except NoAnswer as silence:
            row |= {"code": silence.code, "words": str(silence), "duels": 0, "answers": 0}
            if task.what == "pair":
                row["result"] = as_row(void(task.pair, code=silence.code))
            else:
                row["what"] = f"no {task.what}"  # so that the next run asks it again
        tokens = 0
        if answers is not None:
            row["answers"] = len(answers.replies)
            tokens = sum(tokens_of(reply.raw) for reply in answers.replies.values())
        return {**row, "tokens": tokens}

    def _pair(self, task: ExamTask, answers: Remembered | None) -> dict[str, Any]:
        pair = task.pair
        defending = self._verdict(pair, pair.good, pair.damaged, answers)
        challenging = self._verdict(pair, pair.damaged, pair.good, answers)
        outcome = exam.exam_outcome(defending, challenging)
        row: dict[str, Any] = {"words": outcome, "outcome": outcome, "duels": 2}
        row["answers"] = 2 * (len(defending.ballots) + len(challenging.ballots))
        if task.what == "pair":
            result = ExamResult(
                asset=pair.asset.name,
                kind=pair.kind,
                strength=pair.strength,
                outcome=outcome,
                score_micro=round((challenging.score_micro - defending.score_micro) / 2),
                visible_micro=pair.visible_micro,
                ballots=defending.ballots,
            )
            row["result"] = as_row(result)
        return row

    def _injection(self, task: ExamTask, answers: Remembered | None) -> dict[str, Any]:
        good = task.pair.good
        verdict = self._verdict(task.pair, good, doctored(good, "painted"), answers)
        gain = max(control.score for control in judged_control("injection", task.key, verdict))
        words = f"gain {gain / 1_000_000:+.3f}"
        return {"gain": gain, "words": words, "duels": 1, "answers": 2 * len(verdict.ballots)}

    def _verdict(self, pair: ExamPair, left: Side, right: Side, answers: Remembered | None) -> Verdict:
        return verdict_of(
            self.judge,
            reference=pair.asset.reference,
            reference_sha256=pair.asset.reference_sha256,
            defender=left,
            challenger=right,
            answers=answers,
        )


def tasks_of(pairs: Sequence[ExamPair]) -> list[ExamTask]:
    """All pairs, each tenth of them again, and each asset once beside itself with an order painted on it."""
    tasks, assets = [], set()
    for pair in pairs:
        tasks.append(ExamTask("pair", pair.key, pair))
        if is_repeated(pair.key):
            tasks.append(ExamTask("repeat", pair.key, pair))
        if pair.asset.name not in assets:
            assets.add(pair.asset.name)
            tasks.append(ExamTask("injection", pair.asset.name, pair))
    return tasks


def is_repeated(key: str) -> bool:
    """By the pair's name, so that a larger exam repeats what a smaller one did."""
    return int.from_bytes(hashlib.sha256(key.encode()).digest()[:4], "big") % REPEATED == 0


def void(pair: ExamPair, *, code: str) -> ExamResult:
    return ExamResult(
        asset=pair.asset.name,
        kind=pair.kind,
        strength=pair.strength,
        outcome="void",
        visible_micro=pair.visible_micro,
        code=code,
    )


def as_row(result: ExamResult) -> dict[str, Any]:
    return {**asdict(result), "ballots": [asdict(ballot) for ballot in result.ballots]}


def tokens_of(raw: Any) -> int:
    """Of prompt and answer together, as the server told them; 0 where it told none."""
    usage = raw.get("usage") or {}
    return int(usage.get("prompt_tokens", 0)) + int(usage.get("completion_tokens", 0))
