"""How are a model's answers stored in the database?  Each once, for every duel that asks the same question."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from django.db import connection
from django.db.models import QuerySet

from competition.models import Round
from judging.backends.base import Fitness, Judge
from judging.models import DescribedJudge, Duel, StoredAnswer
from judging.panel.answer_store import Reply
from judging.panel.questions.version import described_together
from judging.panel.vlm_panel import members_of


class DuelAnswerStore:
    """The answer store of one duel.  Reads the answers of all duels; counts what is new for this one."""

    def __init__(self, duel: Duel) -> None:
        self.duel = duel

    def read(self, keys: Sequence[str]) -> dict[str, Reply]:
        replies = {row.key: reply_of(row) for row in StoredAnswer.objects.filter(key__in=keys)}
        let_go()
        return replies

    def write(self, key: str, reply: Reply, *, kind: str, judge: str) -> Reply:
        """Two workers may have asked at the same time: the first answer stands for both."""
        values = {name: getattr(reply, name) for name in ("mass", "text", "latency_ms", "attempt")}
        values |= {"probabilities": dict(reply.probabilities), "raw": dict(reply.raw)}
        row, _ = StoredAnswer.objects.get_or_create(
            key=key, defaults={"judge": judge, "kind": kind, "asked_for": self.duel, **values}
        )
        return reply_of(row)

    def wanted(self) -> bool:
        """Is the duel still ours to judge?  False once its match is decided, or another worker has it."""
        return Duel.objects.filter(pk=self.duel.pk, state="judging", lease=self.duel.lease).exists()


def let_go() -> None:
    """Gives the database connection back while a model answers, so that threads can outnumber connections."""
    if not connection.in_atomic_block:
        connection.close()


def reply_of(row: StoredAnswer) -> Reply:
    return Reply(row.probabilities, row.mass, row.text, row.raw, row.latency_ms, row.attempt)


def keep_described(judge: Judge) -> None:
    """What a judge that deliberates consists of, under the version that its matches name."""
    if members_of(judge):
        DescribedJudge.objects.get_or_create(version=judge.version, defaults={"described": description_of(judge)})


def description_of(judge: Judge) -> dict[str, Any]:
    """What makes up the version of a judge that is a model, or a panel of them; empty for one that computes."""
    return described_together([member.judge_version for member in members_of(judge)])


def keep_examined(judge: Judge, server: Fitness) -> None:
    """What the server of a judge that deliberates can do, for its page; the newest examination counts."""
    keep_described(judge)
    DescribedJudge.objects.filter(version=judge.version).update(server=server.to_dict())


def answers_paid_by(round_: Round) -> QuerySet[StoredAnswer]:
    """The answers a round paid for; what it took from earlier rounds cost it nothing."""
    return StoredAnswer.objects.filter(asked_for__match__round=round_)
