"""What does a bundle say about a judge that is a model?  What it consists of, its answers, and what its controls gave.

Only what follows from the round is told: of the answers those that a published duel rests on, reckoned in whole
billionths.  How long an answer took, at which attempt it came and under which number a server filed it is luck; that
stands in `calls.jsonl` beside the bundle, and nothing rests on it.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from competition.decisions.attempts import number_of
from competition.models import Round
from judging.backends import is_model
from judging.models import Control, DescribedJudge, Duel, StoredAnswer
from judging.panel import cited_answers
from judging.panel.questions.calls import shares_of
from judging.panel.questions.version import versions_of


def by_model(round_: Round) -> bool:
    return is_model(round_.competition.judge)


def document(round_: Round, duels: Iterable[Duel]) -> dict[str, Any]:
    """`duels`: those that the bundle tells of."""
    judged = [duel for duel in duels if duel.state == "judged"]
    versions = {duel.match.judge for duel in judged} or set(round_.matches.values_list("judge", flat=True)) - {""}
    described = DescribedJudge.objects.filter(version__in=versions).order_by("version").first()
    answers = cited_by(round_, judged)
    return {
        "name": round_.competition.judge,
        "version": described.version if described else "",
        "described": described.described if described else {},
        "answers": [_answer(row.key, row.kind, vars(row)) for _, row in sorted(answers.items())],
        "controls": [
            {
                "take": number_of(control.attempt),
                "kind": control.kind,
                "prompt": control.prompt.stem,
                "variant": control.variant,
                "state": control.state,
                "score_micro": control.score_micro,
                "before_micro": control.before_micro,
                "left": control.left_sha256,
                "right": control.right_sha256,
                "views": control.views,
                "detail": control.detail,
                "answers": [_answer(key, reply["kind"], reply) for key, reply in sorted(control.answers.items())],
            }
            for control in controls(round_)
        ],
    }


def cited_by(round_: Round, judged: Iterable[Duel]) -> dict[str, StoredAnswer]:
    """By key, each answer on which one of these duels rests."""
    answers: dict[str, StoredAnswer] = {}
    by_version: dict[str, list[Duel]] = {}
    for duel in judged:
        by_version.setdefault(duel.match.judge, []).append(duel)
    for row in DescribedJudge.objects.filter(version__in=by_version):
        versions = versions_of(round_.competition.judge.partition(":")[2], row.described)
        answers |= cited_answers.answers_of(by_version[row.version], versions=versions)
    return answers


def controls(round_: Round) -> list[Control]:
    rows = list(round_.controls.select_related("prompt", "attempt"))
    return sorted(rows, key=lambda c: (number_of(c.attempt), c.kind, c.prompt.stem, c.variant))


def blobs(round_: Round) -> set[str]:
    """Doctored pictures, so that everybody can see what the judge was shown."""
    return {sha256 for control in controls(round_) for sha256 in control.views.values()}


def calls(round_: Round, judged: Iterable[Duel]) -> Iterator[str]:
    """A line for each answer, as it came: not hashed, and nothing rests on it."""
    for key, row in sorted(cited_by(round_, judged).items()):
        yield _line("duel", key, vars(row) | {"made_at": row.made_at.isoformat()})
    for control in controls(round_):
        for key, reply in sorted(control.answers.items()):
            yield _line("control", key, reply)


def _line(purpose: str, key: str, answer: Mapping[str, Any]) -> str:
    names = ("attempt", "latency_ms", "made_at")
    plain = {"asked_for": purpose, "key": key, **{name: answer[name] for name in names if name in answer}}
    return json.dumps(plain | {"raw": answer["raw"]}, sort_keys=True)


def _answer(key: str, kind: str, answer: Mapping[str, Any]) -> dict[str, Any]:
    raw = answer["raw"]
    return {
        "key": key,
        "kind": kind,
        "model": raw.get("model", ""),
        "text": answer["text"],
        "shares": shares_of(answer["probabilities"]),
        "top": [{"token": token, "micro": micro} for token, micro in raw.get("top_micro", [])],
    }
