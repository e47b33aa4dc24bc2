"""A second judge whose verdicts are known, and a finished round as an import makes it: settled rows, real pictures."""

from __future__ import annotations

import json
from collections.abc import Callable
from io import StringIO
from typing import Any

import pytest
from django.core.management import call_command

from audits.models import Audit
from competition.models import Reign, Round, Submission
from judging.backends import JUDGES, JudgeKind, judge_named
from judging.backends.base import Answer, NoAnswer, Question
from judging.models import Duel, Match
from tests.dashboard.made_round import NOW, D, L, Maker, W

PROMPTS = 12
NAME = "known:second"
SCORES = {"challenger": 1.0, "draw": 0.0, "defender": -1.0}


class Killed(BaseException):
    """As after kill -9: nothing of the process runs any more."""


class KnownJudge:
    """Says what stands in `outcomes` by the hashes of both sides, else what the official judge said.

    `asked`: every question that it answered; `before`: is called first, and may raise.
    """

    name, version = NAME, "5ec0" * 16

    def __init__(self) -> None:
        self.outcomes: dict[tuple[str, str], str] = {}
        self.asked: list[tuple[str, str, str]] = []
        self.before: Callable[[Question], None] = lambda question: None

    def ask(self, question: Question) -> Answer:
        self.before(question)
        self.asked.append((question.kind, question.first.sha256, question.second.sha256))
        pair = (question.first.sha256, question.second.sha256)
        for left, right, sign in ((*pair, 1), (*pair[::-1], -1)):
            if outcome := self.outcomes.get((left, right)):
                return Answer(sign * SCORES[outcome])
        raise NoAnswer("unknown_pair", "Nobody told this judge what to say.")

    def as_official(self) -> None:
        for duel in Duel.objects.filter(state="judged"):
            self.outcomes[duel.left_sha256, duel.right_sha256] = duel.outcome

    def differs(self, match: Match, outcomes: dict[int, str]) -> None:
        """By the places of the duels."""
        for duel in match.duels.filter(position__in=outcomes):
            self.outcomes[duel.left_sha256, duel.right_sha256] = outcomes[duel.position]


JUDGE = KnownJudge()


def made(argument: str) -> KnownJudge:
    return JUDGE


@pytest.fixture
def second(monkeypatch: pytest.MonkeyPatch) -> KnownJudge:
    """The judge, in the table of judges; a lock of another connection is taken by nobody else."""
    kind = JudgeKind(made_by=f"{__name__}:made", label="a known one, for tests", is_model=False)
    monkeypatch.setitem(JUDGES, "known", kind)
    JUDGE.__init__()  # type: ignore[misc]
    judge_named.cache_clear()
    return JUDGE


def passed(entry: Submission) -> None:
    for kind in ("source", "generation"):
        Audit.objects.create(
            round=entry.round, submission=entry, kind=kind, state="passed", since=NOW, code="fine", reason="Fine."
        )


def finished_round(**rules: Any) -> tuple[Maker, Round, dict[str, Match]]:
    """Ann beats the leader by one duel of twelve, passed her audits and leads; Bob loses by one."""
    maker = Maker(slug="second", miners=3, prompts=PROMPTS, hostile="")
    round_ = maker.round(1, state="finished", defending=maker.first)
    round_.rules = {**round_.rules, "stop_early": False, **rules}
    round_.save()
    leader = maker.submission(round_, maker.miners[0], role="leader")
    maker.assets(leader, origin="generated")
    played = {}
    for name, miner, result in (("ann", maker.miners[1], W), ("bob", maker.miners[2], L)):
        entry = maker.submission(round_, miner)
        maker.assets(entry, origin="submitted")
        played[name] = maker.match(round_, leader, entry, kind="screen", results=[result, *[D] * (PROMPTS - 1)])
    ann = played["ann"].challenger
    passed(ann)
    crown = {"miner": ann.miner, "repo": ann.repo, "commit": ann.commit, "weight": "1", "effective_block": 2099}
    reign = Reign.objects.create(competition=maker.competition, sequence=2, won_in=round_, **crown)
    maker.round(2, state="open", defending=reign)
    return maker, round_, played


def shadow(*options: str, judge: str = NAME) -> dict[str, Any]:
    """The report of the command, as it prints it."""
    out = StringIO()
    call_command("shadow", "second", "1", "--judge", judge, "--json", *options, stdout=out, stderr=StringIO())
    report: dict[str, Any] = json.loads(out.getvalue())
    return report
