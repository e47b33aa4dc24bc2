"""Where are a round's answers kept?  In the database, once, whoever asks and however often a duel is taken up again."""

from __future__ import annotations

from collections.abc import Sequence

from django.db import connection
from django.db.models import QuerySet

from competition.models import Round
from judging.backends.base import Judge
from judging.models import Answer, DescribedJudge, Duel
from judging.panel.answer_store import Reply
from judging.panel.vlm_panel import Deliberates


class Kept:
    """The book of one duel.  Answers of all duels are read; what is new is counted for this one."""

    def __init__(self, duel: Duel) -> None:
        self.duel = duel

    def read(self, keys: Sequence[str]) -> dict[str, Reply]:
        found = {row.key: reply_of(row) for row in Answer.objects.filter(key__in=keys)}
        let_go()
        return found

    def write(self, key: str, reply: Reply, *, kind: str, judge: str) -> Reply:
        """Two workers may have asked at the same time: the first answer stands for both."""
        values = {name: getattr(reply, name) for name in ("mass", "text", "latency_ms", "attempt")}
        values |= {"probabilities": dict(reply.probabilities), "raw": dict(reply.raw)}
        row, _ = Answer.objects.get_or_create(
            key=key, defaults={"judge": judge, "kind": kind, "asked_for": self.duel, **values}
        )
        return reply_of(row)

    def wanted(self) -> bool:
        """Is the duel still ours to judge?  A match that was decided, or another worker, took it away."""
        return Duel.objects.filter(pk=self.duel.pk, state="judging", lease=self.duel.lease).exists()


def let_go() -> None:
    """A model may take its time: the connection goes back to the pool meanwhile, so threads can outnumber it."""
    if not connection.in_atomic_block:
        connection.close()


def reply_of(row: Answer) -> Reply:
    return Reply(row.probabilities, row.mass, row.text, row.raw, row.latency_ms, row.attempt)


def keep_described(judge: Judge) -> None:
    """What a judge that deliberates consists of, under the version that its matches name."""
    if isinstance(judge, Deliberates):
        described = {"described": judge.judge_version.described()}
        DescribedJudge.objects.get_or_create(version=judge.version, defaults=described)


def asked_in(round_: Round) -> QuerySet[Answer]:
    """The answers a round paid for; what it took from earlier rounds cost it nothing."""
    return Answer.objects.filter(asked_for__match__round=round_)
