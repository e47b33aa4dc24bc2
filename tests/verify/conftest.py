"""Rounds that the platform played and published, each play once for all tests of the process."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
from django.db import transaction

from tests.verify import played_round

Played = Callable[..., Path]
Reveals = Callable[[played_round.Stage, int], None]
PLAYS: dict[tuple[object, ...], Path] = {}


class Undone(Exception):
    """Takes a whole play out of the database again."""


def at_random(stage: played_round.Stage, number: int) -> None:
    """And before the third round the operator adds some prompts."""
    if number == 3:
        stage.enlarge(number)
    stage.reveal_some(number)


def nothing() -> None:
    pass


@pytest.fixture
def played(db: None, tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch) -> Played:
    """Play a competition into a folder of its own; the database is as before."""

    def play(
        *, seed: int, order: int = 0, rounds: tuple[int, ...] = (1, 2, 3), ruleset: str = "title-1",
        also: Callable[[], None] = nothing, reveals: Reveals = at_random, honest: bool = False, bar: int = 3,
    ) -> Path:  # fmt: skip
        """`reveals` lets miners reveal in a round; `also` looks at the rows while they are there."""
        about = (seed, order, rounds, ruleset, also, reveals, honest, bar)
        if about in PLAYS:
            return PLAYS[about]
        folder = tmp_path_factory.mktemp(f"{seed}-{order}")
        try:
            with transaction.atomic(), monkeypatch.context() as patch:
                given = {"seed": seed, "order": order, "ruleset": ruleset, "bar": bar}
                stage = played_round.stage(patch=patch, folder=folder, **given)
                stage.honest = honest
                for number in rounds:
                    reveals(stage, number)
                    stage.play(number)
                also()
                raise Undone
        except Undone:
            return PLAYS.setdefault(about, folder / "bundles" / "played")

    return play
