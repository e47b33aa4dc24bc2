"""Which answers does a verdict rest on?  The duel is thought through once more, from kept answers alone.

So the bundle of a round shows exactly these, whoever was quick and whatever was asked in vain.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from core import store
from judging import sides
from judging.backends.base import NoAnswer
from judging.decisions import silence
from judging.models import Answer, Duel
from judging.panel.answer_rows import reply_of
from judging.panel.answer_store import Reply
from judging.panel.questions.calls import Call
from judging.panel.questions.version import JudgeVersion
from judging.panel.vlm_panel import Deliberation


@dataclass
class Opened:
    """A book that is only read, and what was read in it."""

    read_so_far: dict[str, Answer] = field(default_factory=dict)

    def read(self, keys: Sequence[str]) -> dict[str, Reply]:
        wanted = [key for key in keys if key not in self.read_so_far]
        self.read_so_far |= {row.key: row for row in Answer.objects.filter(key__in=wanted)} if wanted else {}
        return {key: reply_of(self.read_so_far[key]) for key in keys if key in self.read_so_far}

    def write(self, key: str, reply: Reply, *, kind: str, judge: str) -> Reply:
        raise NotImplementedError("nothing is asked here")


class Nobody:
    """Whoever has no answer gets none."""

    def answer(self, calls: Iterable[Call]) -> list[Reply | NoAnswer]:
        return [NoAnswer("not_kept", f"The answer {call.key} ({call.kind}) is not kept.") for call in calls]


@dataclass(frozen=True)
class Retold(Deliberation):
    """`pale`: as it was found then; it matters only where gray was asked."""

    pale: bool = False

    def _pale(self) -> bool:
        return self.pale


def answers_of(duels: Iterable[Duel], *, version: JudgeVersion) -> dict[str, Answer]:
    """By key; a verdict on a silence rests on none.  Raises NoAnswer where one is not kept, and ValueError where the
    answers give another verdict."""
    book = Opened()
    for duel in duels:
        if asked_about(duel.detail) not in ([], [silence.KIND]):
            _retell(duel, book, version=version)
    return book.read_so_far


def resting_on(duels: Iterable[Duel], *, answer: Answer, version: JudgeVersion) -> list[Duel]:
    """The duels that rest on this answer."""
    return [duel for duel in duels if answer.key in answers_of([duel], version=version)]


def _retell(duel: Duel, book: Opened, *, version: JudgeVersion) -> None:
    match = duel.match
    left = sides.of(match.defender, match.defender_origin, duel.prompt)
    right = sides.of(match.challenger, match.challenger_origin, duel.prompt)
    if left is None or right is None:
        raise ValueError(f"{duel}: a side has no pictures any more")
    reference, pale = store.default().path(duel.prompt.sha256), "gray" in asked_about(duel.detail)
    verdict = Retold(version, Nobody(), book, reference, left, right, take=duel.asked_as, pale=pale).verdict()
    if (verdict.outcome, verdict.score_micro, verdict.detail()) != (duel.outcome, duel.score_micro, duel.detail):
        raise ValueError(f"{duel}: the kept answers give {verdict}")


def asked_about(detail: Mapping[str, Any]) -> list[str]:
    return [stage["kind"] for stage in detail.get("stages", [])]
