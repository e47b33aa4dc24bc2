"""Rounds that the platform played and published, each play once for all tests of the run."""

from __future__ import annotations

import hashlib
import shutil
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import pytest
from django.conf import settings
from django.db import transaction
from pytest_django import DjangoDbBlocker

from tests.databases import once_a_run
from tests.verify import played_round

Played = Callable[..., Path]
Reveals = Callable[[played_round.Stage, int], None]


class Undone(Exception):
    """Takes a whole play out of the database again."""


def once(told: str, playing: Callable[[Path], object]) -> Path:
    """The folder into which somebody has played; the database is as before.  Nobody changes what is in there."""
    with once_a_run(f"played-{hashlib.sha256(told.encode()).hexdigest()[:16]}") as folder:
        if not (folder / "done").exists():
            shutil.rmtree(folder / "play", ignore_errors=True)
            (folder / "play").mkdir()
            with suppress(Undone), transaction.atomic():
                playing(folder / "play")
                raise Undone
            (folder / "done").touch()
        return folder / "play"


@contextmanager
def until_the_module_s_last_test(blocker: DjangoDbBlocker) -> Iterator[pytest.MonkeyPatch]:
    """For a fixture of a module: its rows and patches stay for all tests, each of which leaves the rows as they are;
    the database is as before once the module is over."""
    with blocker.unblock(), pytest.MonkeyPatch.context() as patch, suppress(Undone), transaction.atomic():
        yield patch
        raise Undone


@contextmanager
def own_bundles(stage: played_round.Stage, folder: Path) -> Iterator[None]:
    """The stage goes on from here with bundles of its own, and is afterwards where it was."""
    at, order = stage.at, stage.order.getstate()
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(settings, "BUNDLE_DIR", shutil.copytree(settings.BUNDLE_DIR, folder))
        yield
    stage.at = at
    stage.order.setstate(order)


def at_random(stage: played_round.Stage, number: int) -> None:
    """And before the third round the operator adds some prompts."""
    if number == 3:
        stage.enlarge(number)
    stage.reveal_some(number)


def nothing() -> None:
    pass


def never(stem: str) -> str:
    return ""


@pytest.fixture
def played(db: None, monkeypatch: pytest.MonkeyPatch) -> Played:
    """Play a competition into a folder of its own; the database is as before."""

    def play(
        *,
        seed: int,
        order: int = 0,
        rounds: tuple[int, ...] = (1, 2, 3),
        ruleset: str = "title-1",
        also: Callable[[], None] = nothing,
        reveals: Reveals = at_random,
        honest: bool = False,
        bar: int = 3,
        leader_fails: Callable[[str], str] = never,
        file_format: str = "glb",
    ) -> Path:
        """`reveals` lets miners reveal in a round; `also` looks at the rows while they are there; `leader_fails` says
        of which prompts the leader's code makes nothing, or nothing readable."""
        given = {"seed": seed, "order": order, "ruleset": ruleset, "bar": bar, "file_format": file_format}

        def playing(folder: Path) -> None:
            with monkeypatch.context() as patch:
                stage = played_round.stage(patch=patch, folder=folder, **given)
                stage.honest, stage.leader_fails = honest, leader_fails
                for number in rounds:
                    reveals(stage, number)
                    stage.play(number)
                also()

        told = (
            *given.values(),
            *rounds,
            honest,
            *(f"{way.__module__}.{way.__qualname__}" for way in (reveals, also, leader_fails)),
        )
        return once(" ".join(map(str, told)), playing) / "bundles" / "played"

    return play
