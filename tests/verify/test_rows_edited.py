"""A verdict edited past the application becomes no match's and no round's outcome, and putting it right is enough."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from audits.models import Audit
from competition.models import Round
from competition.publication.bundle_folders import folder_of
from competition.steps import resume
from core import operator_key
from judging.models import Duel, Match
from tests.verify import played_round
from tests.verify.played_round import MOST_LOOKS, Stage
from verify.__main__ import examine_all

OTHER = {"defender": "challenger", "challenger": "defender", "draw": "defender"}


def edit_duels(kind: str) -> dict[Any, dict[str, Any]]:
    """As `change.sql` does: every verdict of an open match, until it is decided."""
    rows = Duel.objects.filter(match__kind=kind, match__state="judging", state="judged").order_by("pk")[:1]
    return {Duel.objects.filter(pk=row.pk): _change(row, outcome=OTHER[row.outcome]) for row in rows}


def edit_match() -> dict[Any, dict[str, Any]]:
    rows = Match.objects.filter(state="decided", kind="screen", round__state="finalizing").order_by("pk")[:1]
    return {Match.objects.filter(pk=row.pk): _change(row, margin_micro=-(10**6), lost=9, won=0) for row in rows}


def edit_audit() -> dict[Any, dict[str, Any]]:
    rows = Audit.objects.filter(state="passed", round__state="finalizing").order_by("pk")[:1]
    return {Audit.objects.filter(pk=row.pk): _change(row, state="rejected") for row in rows}


def _change(row: Any, **columns: Any) -> dict[str, Any]:
    """Edits the row; what it said before."""
    before = {name: getattr(row, name) for name in columns}
    type(row).objects.filter(pk=row.pk).update(**columns)
    return before


EDITS: dict[str, Callable[[], dict[Any, dict[str, Any]]]] = {
    "screen": lambda: edit_duels("screen"),
    "title": lambda: edit_duels("title"),
    "audit match": lambda: edit_duels("audit"),
    "match": edit_match,
    "audit": edit_audit,
}


@pytest.mark.long
@pytest.mark.parametrize("edit", [*EDITS])
def test_an_edited_verdict_pauses_the_round_before_it_decides_and_is_mended_by_putting_it_back(
    edit: str, db: None, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    with monkeypatch.context() as patch:
        stage = played_round.stage(seed=2, patch=patch, folder=tmp_path, ruleset="title-1")
        stage.honest = True
        stage.reveal_some(1)
        before = edited_until_paused(stage, EDITS[edit])
        round_ = Round.objects.get(number=1)
        assert (round_.failure_class, round_.failure_code) == ("infrastructure", "ROWS_EDITED"), round_.failure_reason
        assert "the row says" in round_.failure_reason and "manage.py resume played 1" in round_.failure_reason
        for rows, columns in before.items():
            rows.update(**columns)
        assert resume(round_, why="the rows say again what the ledger says", now=stage.at)
        stage.play(1)
        report = examine_all(folder_of(round_), operator=operator_key.keypair().ss58_address)
        assert report is not None
        assert [finding.line() for finding in report.findings if finding.severity == "error"] == []


def edited_until_paused(stage: Stage, edit: Callable[[], dict[Any, dict[str, Any]]]) -> dict[Any, dict[str, Any]]:
    """What the edited rows said before."""
    before: dict[Any, dict[str, Any]] = {}
    for _ in range(MOST_LOOKS):
        if not before:
            before = edit()
        state = stage.turn(1).state
        if state == "paused":
            return before
        assert state != "finished", "nobody saw it"
    raise AssertionError("it never paused")
