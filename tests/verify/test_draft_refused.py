"""A row that somebody edited past the application is found before the operator's key signs what follows from it."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from django.db import transaction

from audits.models import Audit, Correction
from competition.models import (
    Asset,
    Bankroll,
    Checkpoint,
    FreshPrompt,
    Miner,
    Prompt,
    Reign,
    Reveal,
    Round,
    RoundPrompt,
    Submission,
)
from competition.publication.bundle_folders import folder_of
from competition.steps import resume
from core import operator_key
from dashboard.bundles import publish
from dashboard.models import Publication, Reissue
from judging.models import Duel, Match, Rendering
from tests.verify import played_round, reviewed_round
from tests.verify.conftest import Undone
from tests.verify.played_round import POOLS, Stage, by_worth
from verify.__main__ import examine_all

Edit = Callable[[Round], Any]


def first(rows: Any, **columns: Any) -> Any:
    """Edit one row, as an administrator with psql would."""
    row = rows.order_by("pk").first()
    assert row is not None, "there is nothing of this kind to edit"
    return type(row).objects.filter(pk=row.pk).update(**columns)


def other(outcome: str) -> str:
    return {"defender": "challenger", "challenger": "defender", "draw": "defender"}[outcome]


def duel_outcome(round_: Round) -> None:
    duel = Duel.objects.filter(match__round=round_, state="judged").order_by("position", "pk")[0]
    Duel.objects.filter(pk=duel.pk).update(outcome=other(duel.outcome))


EDITS: dict[str, Edit] = {
    "duel outcome": duel_outcome,
    "duel score": lambda r: first(Duel.objects.filter(match__round=r, state="judged"), score_micro=1),
    "duel forfeited": lambda r: first(Duel.objects.filter(match__round=r, state="judged"), state="forfeited"),
    "duel side": lambda r: first(Duel.objects.filter(match__round=r, state="judged"), left_sha256="f" * 64),
    "match outcome": lambda r: first(r.matches.filter(state="decided"), won=5, lost=0, drawn=0, margin_micro=10**6),
    "match dropped": lambda r: first(r.matches.filter(kind="screen"), counts=False),
    "match length": lambda r: first(r.matches.filter(state="decided", kind="title"), stopped_after=1),
    "entry commit": lambda r: first(r.submissions.filter(role="challenger", objection=""), commit="e" * 40),
    "entry objection": lambda r: first(r.submissions.filter(role="challenger", objection=""), objection="no"),
    "entry place": lambda r: first(r.submissions.filter(role="challenger", objection=""), reveal_block=1),
    "reveal": lambda r: first(Reveal.objects.filter(block__gte=r.earliest_reveal_block), payload=b"{}"),
    "prompt": lambda r: first(Prompt.objects.filter(draws__round=r), sha256="d" * 64),
    "drawn prompt": lambda r: first(
        RoundPrompt.objects.filter(round=r), prompt=FreshPrompt.objects.filter(round=r)[0].prompt
    ),
    "prompt of an earlier round": lambda r: first(
        RoundPrompt.objects.filter(round__number=1), prompt=FreshPrompt.objects.filter(round=r).last().prompt
    ),
    "asset": lambda r: first(
        Asset.objects.filter(submission__round=r, state="stored"),
        sha256=Asset.objects.filter(submission__round=r, state="stored").order_by("-pk")[0].sha256,
    ),
    "asset size": lambda r: first(Asset.objects.filter(submission__round=r, state="stored"), bytes=1),
    "asset lost": lambda r: first(
        Asset.objects.filter(submission__round=r, state="stored"), state="failed", sha256="", failure_class="miner"
    ),
    "rendering": lambda r: first(
        Rendering.objects.filter(sha256__in=Asset.objects.filter(submission__round=r).values("sha256")), state="refused"
    ),
    "seed": lambda r: Round.objects.filter(pk=r.pk).update(seed="b" * 64),
    "measure": lambda r: Round.objects.filter(pk=r.pk).update(measure=""),
    "rules": lambda r: Round.objects.filter(pk=r.pk).update(rules={**r.rules, "win_margin": "1/1000"}),
    "schedule": lambda r: Round.objects.filter(pk=r.pk).update(latest_reveal_block=r.latest_reveal_block + 1),
    "decision": lambda r: Round.objects.filter(pk=r.pk).update(
        decision={**r.decision, "winner": "leader", "leader": "x"}
    ),
    "headline": lambda r: Round.objects.filter(pk=r.pk).update(headline="Somebody else takes the lead."),
    "rung": lambda r: Round.objects.filter(pk=r.pk).update(
        decision={**r.decision, "ladder": [{**rung, "reason": "for no reason"} for rung in r.decision["ladder"]]}
    ),
    "reign weight": lambda r: first(Reign.objects.filter(won_in=r), weight="1/2"),
    "reign leader": lambda r: first(
        Reign.objects.filter(won_in=r),
        miner=Miner.objects.exclude(pk__in=Reign.objects.filter(won_in=r).values("miner"))[0],
    ),
    "reign block": lambda r: first(Reign.objects.filter(won_in=r), effective_block=1),
    "first reign": lambda r: first(Reign.objects.filter(sequence=1), weight="1/3"),
    "audit": lambda r: first(Audit.objects.filter(round=r, state="passed"), state="rejected"),
    "audit reason": lambda r: first(Audit.objects.filter(round=r, state="passed"), reason="It is all right."),
    "audit people": lambda r: first(Audit.objects.filter(round=r), people=["ann"]),
    "bankroll": lambda r: first(Bankroll.objects.filter(round=r), won=40),
    "bankroll of an earlier round": lambda r: first(Bankroll.objects.filter(round__number__lt=r.number), out=True),
    "config": lambda r: type(r.competition).objects.update(config={**r.competition.config, "prompts_per_round": 4}),
    "pool": lambda r: first(Prompt.objects.filter(draws=None, fresh_draws=None), sha256="a" * 64),
}


OF_TITLES = ("match length", "drawn prompt", "prompt of an earlier round", "bankroll", "bankroll of an earlier round")


@pytest.fixture
def ruleset() -> str:
    return "title-1"


@pytest.fixture
def decided(db: None, ruleset: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[tuple[Stage, Round]]:
    """A round that is decided and not published yet; one of title-1 after one that is, another one with a winner."""
    with monkeypatch.context() as patch:
        stage = played_round.stage(seed=2, patch=patch, folder=tmp_path, ruleset=ruleset)
        if ruleset == "title-1":
            stage.reveal_some(1)
            stage.play(1)
            stage.reveal_some(2)
            round_ = stage.play_until(2, "finished")
        else:
            stage.honest = True
            stage.reveal(1, by_worth(stage.seed, pool=POOLS[ruleset])[-3:])
            round_ = stage.play_until(1, "finished")
        stage.measure_all()
        publish.want_publications(stage.at)
        yield stage, round_


@pytest.mark.parametrize(
    ("ruleset", "every"),
    [("margin-1", 4), *(pytest.param(name, 1, marks=pytest.mark.long) for name in ("margin-1", "title-1"))],
)
def test_any_row_edited_before_publication_pauses_the_round_and_nothing_is_signed(
    ruleset: str, every: int, decided: tuple[Stage, Round]
) -> None:
    stage, round_ = decided
    missed, signed = [], Checkpoint.objects.count()
    for name, edit in [*EDITS.items()][::every]:
        if ruleset != "title-1" and name in OF_TITLES:
            continue
        try:
            with transaction.atomic():
                edit(round_)
                publish.write(Publication.objects.get(round=round_), stage.at)
                found = Round.objects.get(pk=round_.pk)
                missed += [] if found.state == "paused" else [name]
                if found.state == "paused":
                    assert (found.failure_class, found.failure_code) == ("infrastructure", "BUNDLE_REFUSED"), name
                    assert f"manage.py resume played {round_.number}" in found.failure_reason, name
                raise Undone
        except Undone:
            pass
    assert not missed
    assert Checkpoint.objects.count() == signed and not folder_of(round_).exists()


def errors(folder: Path) -> list[str]:
    report = examine_all(folder, operator=operator_key.keypair().ss58_address)
    assert report is not None
    return [finding.line() for finding in report.findings if finding.severity == "error"]


@pytest.mark.long
def test_the_pause_names_the_duel_and_once_it_is_mended_resume_publishes(decided: tuple[Stage, Round]) -> None:
    stage, round_ = decided
    duel = Duel.objects.filter(match__round=round_, match__kind="screen", state="judged").order_by("pk")[0]
    Duel.objects.filter(pk=duel.pk).update(outcome=other(duel.outcome))
    while stage.turn(2).state != "paused":
        pass
    round_.refresh_from_db()
    assert duel.prompt.stem in round_.failure_reason and duel.match.challenger.key in round_.failure_reason
    assert not folder_of(round_).exists()
    for _ in range(50):
        assert stage.turn(2).state == "paused" and not folder_of(round_).exists()
    Duel.objects.filter(pk=duel.pk).update(outcome=duel.outcome)
    assert resume(round_, why="the row says again what the ledger says", now=stage.at)
    assert errors(stage.play(2)) == []
    assert errors(folder_of(round_).parent) == []


@pytest.mark.long
def test_a_row_edited_between_announcement_and_signature_is_found_before_the_key_is_used(
    decided: tuple[Stage, Round],
) -> None:
    stage, round_ = decided
    publication = Publication.objects.get(round=round_)
    while publication.state != "signing":
        stage.turn(2)
        publication.refresh_from_db()
        assert publication.state != "published"
    draft = publish._draft_of(round_, edition=1)
    (draft / "matches.json").unlink()
    (draft / "matches.json").write_text("[]")
    publish.sign(publication, stage.at)
    round_.refresh_from_db()
    assert round_.state == "paused" and "matches.json" in round_.failure_reason
    assert resume(round_, why="the disk was mended", now=stage.at)
    assert errors(stage.play(2)) == []


@pytest.mark.long
def test_a_corrected_edition_is_read_before_it_is_signed_as_the_first_was(
    db: None, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    with monkeypatch.context() as patch:
        stage = played_round.stage(seed=6, patch=patch, folder=tmp_path)
        patch.setattr("tests.verify.played_round.severity", lambda *_: "person")
        stage.reveal_some(1)
        reviewed_round.play(stage, 1)
        round_ = Round.objects.get(number=1)
        look = stage.look
        broken: list[Any] = []

        def broken_look() -> bool:
            for reissue in Reissue.objects.filter(state="publishing")[: 0 if broken else 1]:
                broken.append(Submission.objects.filter(round=reissue.round, role="challenger").order_by("pk")[0])
                Submission.objects.filter(pk=broken[0].pk).update(commit="e" * 40)
            return look()

        stage.look = broken_look  # type: ignore[method-assign]
        with pytest.raises(AssertionError, match="does not come to an end"):
            reviewed_round.correct(stage, round_)
        round_.refresh_from_db()
        assert (round_.state, round_.failure_code) == ("paused", "BUNDLE_REFUSED")
        assert "Edition 2" in round_.failure_reason and not folder_of(round_, edition=2).exists()
        Submission.objects.filter(pk=broken[0].pk).update(commit=broken[0].commit)
        assert resume(round_, why="the row says again what the ledger says", now=stage.at)
        reviewed_round.until(stage, lambda: (folder_of(round_, edition=2) / "manifest.json").exists())
        assert errors(folder_of(round_).parent) == []
        assert Correction.objects.get().state == "applied"
        assert Match.objects.exists()
