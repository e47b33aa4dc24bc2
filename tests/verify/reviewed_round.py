"""A round as reviewers and a miner leave it: borderline findings decided by two, an appeal upheld, a reign replaced."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from audits.models import Audit, Correction, Ruling
from audits.reviews import rulings
from audits.reviews.appeals import lodge, message, unsigned
from competition.models import Competition, Reign, Round
from competition.publication.bundle_folders import folder_of
from core.machine import engine
from tests.audits.reviewing import person
from tests.verify import played_round
from tests.verify.played_round import Stage

CORRECTED = "a round whose second edition gives the lead to somebody else"
WHY = "The licence file forbids this use, as its second paragraph says."


def corrected(*, patch: pytest.MonkeyPatch, folder: Path) -> tuple[Stage, Round]:
    """Every licence is borderline; the winner's is objected to, and another one leads by the second edition."""
    stage = played_round.stage(seed=6, patch=patch, folder=folder)
    patch.setattr("tests.verify.played_round.severity", lambda *_: "person")
    stage.reveal_some(1)
    play(stage, 1)
    round_ = Round.objects.get(number=1)
    correct(stage, round_)
    assert Reign.objects.order_by("-sequence")[0].supersedes is not None
    return stage, round_


def decide(case: Any, outcome: str, code: str, *, first: str, second: str, role: str, now: Any) -> None:
    made = rulings.propose(case, signer=person(first, role), outcome=outcome, code=code, sentence=WHY, now=now)
    rulings.confirm(Ruling.objects.get(pk=made.pk), signer=person(second, role), now=now)


def review_all(stage: Stage) -> None:
    """Two reviewers let every borderline licence pass."""
    for audit in Audit.objects.filter(state="reviewing"):
        decide(audit, "passed", "licence_allows", first="ann", second="bob", role="reviewer", now=stage.at)


def play(stage: Stage, number: int) -> Path:
    """As `Stage.play`, with reviewers."""
    look = stage.look

    def looked() -> bool:
        review_all(stage)
        return look()

    stage.look = looked  # type: ignore[method-assign]
    try:
        return stage.play(number)
    finally:
        stage.look = look  # type: ignore[method-assign]


def appeal(stage: Stage, round_: Round) -> Any:
    """Another miner of the round objects to the winner's licence."""
    winner = (round_.decision or {})["winner"]
    audit = round_.audits.get(submission__miner__hotkey=winner, kind="source")
    entered = round_.submissions.filter(role="challenger", objection="").exclude(miner__hotkey=winner)
    rival = entered.order_by("pk").first().miner.hotkey
    key = next(k for n in range(1, 13) if (k := stage.named(f"miner {n}")).ss58_address == rival)
    document = unsigned(
        audit,
        appellant=rival,
        ground="overlooked",
        statement="The second paragraph of LICENSE forbids any commercial use.",
    )
    return lodge(document, signature=bytes(key.sign(message(document))).hex(), now=stage.at)


def correct(stage: Stage, round_: Round) -> Correction:
    """The appeal is upheld by two, the round decided anew, and two more people apply it."""
    lodged = appeal(stage, round_)
    decide(lodged, "upheld", "rule_was_misread", first="bob", second="lea", role="lead", now=stage.at)
    correction = Correction.objects.get(round=round_)
    until(stage, lambda: Correction.objects.get(pk=correction.pk).state == "ready")
    decide(
        Correction.objects.get(pk=correction.pk),
        "applied",
        "appeal_upheld",
        first="lea",
        second="otto",
        role="operator",
        now=stage.at,
    )
    until(stage, lambda: (folder_of(round_, edition=2) / "manifest.json").exists())
    return Correction.objects.get(pk=correction.pk)


def until(stage: Stage, done: Any, *, most: int = 400) -> None:
    for _ in range(most):
        if done():
            return
        review_all(stage)
        stage.work(seconds=1 if stage.busy else 5)  # the next round takes reveals from block 1005 on
    rows = [
        (m.__name__, r.pk, r.state, r.waiting_for)
        for m in engine.stateful_models()
        for r in m.objects.filter(state__in=m.graph.active())
    ]
    raise AssertionError(f"it does not come to an end: {rows[:20]}")


def current(competition: Competition) -> Round:
    return Round.objects.filter(competition=competition).order_by("-number")[0]
