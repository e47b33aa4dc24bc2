"""Does everything that is done more than once point to its attempt, and do rows of before find theirs?"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime
from types import SimpleNamespace
from typing import Any

import pytest
from django.core.management import call_command
from django.db import IntegrityError, connection, transaction
from django.db.migrations.executor import MigrationExecutor

from competition import attempts
from competition.decisions.attempts import number_document, number_of, numbered, outputs_of, plain, repeat_of
from competition.models import Attempt, Miner, Round
from judging.models import Match
from tests import databases
from tests.competition import made

NOW = datetime(2026, 3, 1, tzinfo=UTC)
BEFORE = (
    ("audits", "0008_corrections_again"),
    ("judging", "0009_match_versions"),
    ("competition", "0013_channels_are_a_table"),
)
CORRECTION = Attempt.Cause.CORRECTION


def test_a_first_attempt_has_no_number_in_documents_and_later_ones_have_theirs() -> None:
    third = SimpleNamespace(number=3)
    assert (number_of(None), number_of(third)) == (1, 3)
    assert (repeat_of(None), repeat_of(third)) == (0, 2)
    assert (number_document("version", None), number_document("version", third)) == ({}, {"version": 3})


def test_each_regeneration_has_names_of_its_own() -> None:
    assert [numbered("audit", n) for n in (0, 1, 2)] == ["audit", "audit_1", "audit_2"]
    assert {plain(name) for name in ("again", "again_1", "again_2")} == {"again"}
    runs = ("leader", "title", "audit", "audit_1")
    assert [outputs_of(run) for run in runs] == ["generated", "generated", "generated", "generated_1"]


@pytest.fixture
def round_(db: None) -> Round:
    return made.first_round(made.competition(slug="small"))


def test_two_workers_that_want_an_attempt_have_the_same_row(round_: Round) -> None:
    first, second = (attempts.later(round_, 2, of="decision", cause=CORRECTION) for _ in range(2))
    assert first == second and Attempt.objects.count() == 1
    assert attempts.nth(round_, 1, of="decision", cause=CORRECTION) is None
    with pytest.raises(IntegrityError), transaction.atomic():
        Attempt.objects.create(round=round_, of="decision", number=2, cause=CORRECTION)


def test_a_pair_has_one_match_of_an_attempt_and_one_that_counts(round_: Round) -> None:
    entry = round_.submissions.create(miner=Miner.objects.create(hotkey="5Ann"), role="challenger")
    sides = {"round": round_, "kind": "audit", "defender": entry, "challenger": entry, "state": "waiting", "since": NOW}
    again = attempts.later(round_, 2, of="decision", cause=CORRECTION)
    Match.objects.create(**sides)
    Match.objects.create(**sides, attempt=again, counts=False)
    for doubled in ({"counts": False}, {"attempt": again, "counts": False}, {"attempt": None}):
        with pytest.raises(IntegrityError), transaction.atomic():
            Match.objects.create(**sides, **doubled)


@pytest.fixture
def database_of_before(django_db_setup: None, django_db_blocker: Any) -> Iterator[None]:
    """A database of its own, as the migrations before attempts leave it."""
    with django_db_blocker.unblock():
        databases.make("gauntlet_attempts", like=databases.template())
        with databases.connected_to("gauntlet_attempts"):
            for app, migration in BEFORE:
                call_command("migrate", app, migration, verbosity=0)
            yield


def apps_at(*targets: tuple[str, str]) -> Any:
    loader = MigrationExecutor(connection).loader
    return loader.project_state(list(targets or loader.graph.leaf_nodes())).apps


def test_rows_of_before_find_their_attempts_and_get_their_numbers_back(database_of_before: None) -> None:
    old = apps_at(*BEFORE)
    fill(old)
    numbers = numbers_of(old)
    call_command("migrate", verbosity=0)
    new = apps_at()
    pointed = {
        name: sorted((row.attempt.number, row.attempt.of, row.attempt.cause) for row in rows)
        for name, rows in (
            (name, new.get_model(name)._base_manager.exclude(attempt=None).select_related("attempt")) for name in NUMBERED
        )
    }
    decision = (2, "decision", "correction")
    assert pointed == {
        "judging.Match": [decision],
        "judging.Duel": [decision],
        "judging.Control": [(2, "controls", "health")],
        "audits.Audit": [(2, "source", "appeal")],
        "audits.PodRun": [(2, "run audit_1", "pod")],
        "competition.Bankroll": [(2, "bankroll", "correction")],
    }
    assert new.get_model("audits.Correction")._base_manager.get().attempt.number == 2
    for app, migration in BEFORE:
        call_command("migrate", app, migration, verbosity=0)
    assert numbers_of(old) == numbers


NUMBERED = {
    "judging.Match": "version",
    "judging.Duel": "take",
    "judging.Control": "take",
    "audits.Audit": "version",
    "audits.PodRun": "repeat",
    "competition.Bankroll": "edition",
}


def numbers_of(apps: Any) -> dict[str, list[int]]:
    return {
        name: list(apps.get_model(name)._base_manager.order_by("pk").values_list(field, flat=True))
        for name, field in NUMBERED.items()
    }


def fill(apps: Any) -> None:
    """One of each that was done once, and one that was done again."""

    def add(model: str, **values: Any) -> Any:
        return apps.get_model(model)._base_manager.create(**values)

    edges = dict.fromkeys(("ruleset", "judge", "renderer", "chain", "pods"), "x")
    competition = add("competition.Competition", slug="old", name="Old", created_at=NOW, **edges)
    blocks = ("earliest_reveal_block", "latest_reveal_block", "seed_block", "generation_deadline_block")
    moved = {"state": "finished", "since": NOW}
    round_ = add("competition.Round", competition=competition, number=1, **dict.fromkeys(blocks, 1), **moved)
    entry = add(
        "competition.Submission", round=round_, miner=add("competition.Miner", hotkey="5Ann"), role="challenger"
    )
    prompt = add("competition.Prompt", competition=competition, stem="cup", sha256="a" * 64)
    sides = {"round": round_, "kind": "audit", "defender": entry, "challenger": entry, **moved}
    for number in (1, 2):
        match = add("judging.Match", **sides, version=number, counts=number == 2)
        add("judging.Duel", match=match, prompt=prompt, position=0, take=number, **moved)
        add("judging.Control", round=round_, kind="self", prompt=prompt, variant="twin", take=number, **moved)
        code = "appeal_upheld" if number == 2 else "licence"
        add("audits.Audit", round=round_, submission=entry, kind="source", version=number, code=code, **moved)
        run = {"submission": entry, "purpose": "audit_1", "seed": 1, "provider": "local"}
        add("audits.PodRun", **run, repeat=number - 1, **moved)
        add("competition.Bankroll", round=round_, commit="c" * 40, leader_commit="d" * 40, edition=number)
    add("audits.Correction", round=round_, number=1, scope="duels", code="x", sentence="x", opened_by="x", **moved)
