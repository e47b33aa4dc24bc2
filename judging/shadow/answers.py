"""Where are the answers of the second judge stored?  Each once a run, so that a run that was killed asks nothing twice.

Answers to official questions are neither read nor added to: the second judge is asked everything itself, also where it
is the official one.
"""

from __future__ import annotations

import hashlib
import time
from collections.abc import Sequence
from dataclasses import dataclass

import rfc8785

from judging.backends.base import Answer, Judge, Question
from judging.panel.answer_rows import let_go
from judging.panel.answer_store import Reply
from judging.panel.duel_verdict import require_sound
from judging.shadow.models import ShadowAnswer, ShadowRun


@dataclass(frozen=True)
class ShadowAnswerStore:
    """The `AnswerStore` of one run.  `in_threads`: so many ask at once that none keeps a database connection."""

    run: ShadowRun
    in_threads: bool = False

    def read(self, keys: Sequence[str]) -> dict[str, Reply]:
        rows = ShadowAnswer.objects.filter(run=self.run, key__in=keys)
        replies = {row.key: Reply(row.probabilities, row.mass, row.text, row.raw, row.latency_ms) for row in rows}
        self._rest()
        return replies

    def write(self, key: str, reply: Reply, *, kind: str, judge: str) -> Reply:
        """Two duels may have asked the same at once: the first answer stands for both."""
        values = {name: getattr(reply, name) for name in ("mass", "text", "latency_ms", "attempt")}
        values |= {"probabilities": dict(reply.probabilities), "raw": dict(reply.raw), "kind": kind}
        row, _ = ShadowAnswer.objects.get_or_create(run=self.run, key=key, defaults=values)
        self._rest()
        return Reply(row.probabilities, row.mass, row.text, row.raw, row.latency_ms, row.attempt)

    def _rest(self) -> None:
        if self.in_threads:
            let_go()


class StoredScores:
    """A judge that computes, whose scores are stored, too: it is asked about two files in one order once."""

    def __init__(self, judge: Judge, answers: ShadowAnswerStore) -> None:
        self.judge, self.answers = judge, answers
        self.name, self.version = judge.name, judge.version

    def ask(self, question: Question) -> Answer:
        """Raises NoAnswer, nothing else."""
        shown = [question.reference_sha256, question.first.sha256, question.second.sha256]
        named = {"judge": self.version, "kind": question.kind, "pictures": shown}
        key = hashlib.sha256(rfc8785.dumps(named)).hexdigest()
        stored = self.answers.read([key]).get(key)
        if stored is None:
            began = time.monotonic()
            answer = require_sound(self.judge.ask(question))
            took_ms = round(1000 * (time.monotonic() - began))
            reply = Reply({}, answer.mass, raw={"score": answer.score}, latency_ms=took_ms)
            stored = self.answers.write(key, reply, kind=question.kind, judge=self.version)
        return Answer(stored.raw["score"], stored.mass)
