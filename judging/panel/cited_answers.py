"""Which stored answers does a verdict rest on?  Works out the duel once more, from stored answers alone.

So the bundle of a round shows exactly these answers, whichever worker was first and whatever was asked in vain.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from core import store
from judging import sides
from judging.backends.base import NoAnswer
from judging.decisions import silence
from judging.integrity_outcomes import judges_own
from judging.models import Duel, StoredAnswer
from judging.panel.answer_rows import reply_of
from judging.panel.answer_store import Reply
from judging.panel.duel_verdict import verdict_together
from judging.panel.questions.calls import Call
from judging.panel.questions.version import JudgeVersion
from judging.panel.vlm_panel import Deliberation


@dataclass
class Opened:
    """An answer store that is only read, and what was read from it."""

    read_so_far: dict[str, StoredAnswer] = field(default_factory=dict)

    def read(self, keys: Sequence[str]) -> dict[str, Reply]:
        wanted = [key for key in keys if key not in self.read_so_far]
        self.read_so_far |= {row.key: row for row in StoredAnswer.objects.filter(key__in=wanted)} if wanted else {}
        return {key: reply_of(self.read_so_far[key]) for key in keys if key in self.read_so_far}

    def write(self, key: str, reply: Reply, *, kind: str, judge: str) -> Reply:
        raise NotImplementedError("nothing is asked here")


class Nobody:
    """Whoever has no answer gets none."""

    def answer(self, calls: Iterable[Call]) -> list[Reply | NoAnswer]:
        return [NoAnswer("not_kept", f"The answer {call.key} ({call.kind}) is not kept.") for call in calls]


@dataclass(frozen=True)
class Retold(Deliberation):
    """`low_contrast`: as it was found then; it matters only where gray was asked."""

    low_contrast: bool = False

    def _low_contrast(self) -> bool:
        return self.low_contrast


def answers_of(duels: Iterable[Duel], *, versions: Sequence[JudgeVersion]) -> dict[str, StoredAnswer]:
    """The answers that the verdicts rest on, by key; a verdict on a silence rests on none.

    `versions`: what the judge consists of, two of a panel.

    Raises NoAnswer where one is not stored, and ValueError where the answers give another verdict.
    """
    answers = Opened()
    for duel in duels:
        by_version = duel.detail.get("families") or [duel.detail]
        kinds = [kind for row in by_version for kind in question_kinds(row)]
        if kinds in ([], [silence.KIND]):
            continue
        if len(by_version) != len(versions):
            raise ValueError(f"{duel}: judged by {len(by_version)} models, not by {len(versions)}")
        match = duel.match
        left = sides.of(match.defender, match.defender_origin, duel.prompt)
        right = sides.of(match.challenger, match.challenger_origin, duel.prompt)
        if left is None or right is None:
            raise ValueError(f"{duel}: a side has no pictures any more")
        verdicts = [
            Retold(
                version,
                Nobody(),
                answers,
                store.default().path(duel.prompt.sha256),
                left,
                right,
                answer_namespace=duel.answer_namespace,
                low_contrast="gray" in question_kinds(row),
            ).verdict()
            for version, row in zip(versions, by_version, strict=True)
        ]
        verdict = verdict_together(versions, verdicts)
        outcome, detail = judges_own(duel.outcome, duel.detail)
        if (verdict.outcome, verdict.score_micro, verdict.detail()) != (outcome, duel.score_micro, detail):
            raise ValueError(f"{duel}: the stored answers give {verdict}")
    return answers.read_so_far


def duels_citing(duels: Iterable[Duel], *, answer: StoredAnswer, versions: Sequence[JudgeVersion]) -> list[Duel]:
    """The duels that rest on this answer."""
    return [duel for duel in duels if answer.key in answers_of([duel], versions=versions)]


def question_kinds(detail: Mapping[str, Any]) -> list[str]:
    return [stage["kind"] for stage in detail.get("stages", [])]
