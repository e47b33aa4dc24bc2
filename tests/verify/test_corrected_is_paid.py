"""Paid is what the newest edition of a round says, and that edition is the one that was verified."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest
from pytest_django import DjangoDbBlocker

from competition import weights
from competition.chain.simulated import Simulated
from competition.models import Reign, Round
from competition.publication.bundle_folders import folder_of, newest_edition
from tests.verify import reviewed_round
from tests.verify.conftest import once, own_bundles, until_the_module_s_last_test
from tests.verify.played_round import Stage


@pytest.fixture(scope="module")
def once_corrected(
    django_db_setup: None, django_db_blocker: DjangoDbBlocker, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[tuple[Stage, Round]]:
    folder = tmp_path_factory.mktemp("corrected")
    with until_the_module_s_last_test(django_db_blocker) as patch:
        stage, round_ = reviewed_round.corrected(patch=patch, folder=folder)
        once(reviewed_round.CORRECTED, lambda kept: shutil.copytree(folder, kept, dirs_exist_ok=True))
        last = Reign.objects.order_by("-sequence")[0]
        Simulated("played").skip_to(last.effective_block + 1, now=stage.at)
        yield stage, round_


@pytest.fixture
def corrected(
    once_corrected: tuple[Stage, Round], db: None, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> Iterator[tuple[Stage, Round]]:
    """A round whose second edition gives the lead to somebody else, at a block at which that is paid."""
    stage, round_ = once_corrected
    monkeypatch.setattr(weights, "_good", {})
    with own_bundles(stage, tmp_path / "bundles"):
        yield stage, round_


def refusal(stage: Stage) -> str:
    return weights.unverified(stage.competition, weights.proven(stage.competition, now=stage.at))


def test_the_leader_of_the_second_edition_is_paid_and_that_edition_is_verified(
    corrected: tuple[Stage, Round], monkeypatch: pytest.MonkeyPatch
) -> None:
    stage, round_ = corrected
    first, last = Reign.objects.filter(won_in=round_).order_by("sequence")
    assert first.miner != last.miner and newest_edition(round_) == 2
    assert weights.proven(stage.competition, now=stage.at).leader == last.miner.hotkey
    shutil.rmtree(folder_of(round_, edition=1))  # nobody looks at it any more
    assert refusal(stage) == ""


@pytest.mark.parametrize(
    "name",
    ["matches.json", *(pytest.param(name, marks=pytest.mark.long) for name in ("ledger.jsonl", "checkpoint.sig.json"))],
)
def test_a_broken_second_edition_pays_nothing_new_and_says_so(corrected: tuple[Stage, Round], name: str) -> None:
    stage, round_ = corrected
    path = folder_of(round_, edition=2) / name
    changed = path.read_bytes().replace(b"a", b"b", 1)
    path.unlink()
    path.write_bytes(changed)
    assert refusal(stage).startswith("verify refuses round 1, edition 2: ")


@pytest.mark.long
def test_a_second_edition_that_is_not_published_yet_pays_nothing_new(corrected: tuple[Stage, Round]) -> None:
    stage, round_ = corrected
    shutil.rmtree(folder_of(round_, edition=2))
    assert refusal(stage) == "the bundle of round 1, edition 2 is not published yet"


@pytest.mark.long
def test_a_reign_that_the_verified_bundle_does_not_tell_of_is_not_paid(corrected: tuple[Stage, Round]) -> None:
    stage, round_ = corrected
    Reign.objects.filter(won_in=round_).update(won_in=None)
    assert refusal(stage) == "no round is known that led to reign 3"
