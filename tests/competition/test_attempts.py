"""Does everything that is done more than once point to its attempt, and do rows of before find theirs?"""

from __future__ import annotations

import os
import re
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
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


def test_one_file_spells_the_names_of_regenerations() -> None:
    spelled = re.compile(r"""startswith(\(|=|": )"(audit|again|generated)"|\.partition\("_"\)""")
    root = Path(__file__).resolve().parents[2]
    wrong = [
        f"{path.relative_to(root)}:{number}"
        for app in ("competition", "judging", "audits", "dashboard")
        for path in sorted((root / app).rglob("*.py"))
        if "migrations" not in path.parts and path.name != "attempts.py"
        for number, line in enumerate(path.read_text().splitlines(), 1)
        if spelled.search(line)
    ]
    assert not wrong, f"ask competition/decisions/attempts.py: {wrong}"


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
    """A database of its own, as the migrations before attempts leave it: they are undone once a run."""
    with django_db_blocker.unblock():
        with databases.once_a_run("gauntlet_before_attempts") as folder:
            if not (folder / "done").exists():
                databases.make("gauntlet_before_attempts", like=databases.template())
                with databases.connected_to("gauntlet_before_attempts"):
                    for app, migration in BEFORE:
                        call_command("migrate", app, migration, verbosity=0)
                (folder / "done").touch()
            name = f"gauntlet_attempts_{os.getpid()}"
            databases.make(name, like="gauntlet_before_attempts")
        with databases.connected_to(name):
            yield


def apps_at(*targets: tuple[str, str]) -> Any:
    loader = MigrationExecutor(connection).loader
    return loader.project_state(list(targets or loader.graph.leaf_nodes())).apps


@pytest.mark.long
def test_rows_of_before_find_their_attempts_and_keep_their_numbers(database_of_before: None) -> None:
    old = apps_at(*BEFORE)
    world = begun(old)
    for number in (1, 2):
        add_each(old, world, number=number)
    call_command("migrate", verbosity=0)
    assert pointed(apps_at()) == ATTEMPTS | {"audits.Audit": [(2, "source", "appeal")]}
    for app, migration in BEFORE:
        call_command("migrate", app, migration, verbosity=0)
    assert numbers_of(old) == numbers(2)


@pytest.mark.long
def test_the_release_before_may_still_write_and_reads_what_the_new_one_wrote(database_of_before: None) -> None:
    old = apps_at(*BEFORE)
    call_command("migrate", verbosity=0)
    new, world = apps_at(), begun(old)
    for number in (1, 2):
        add_each(old, world, number=number)
    assert pointed(new) == ATTEMPTS
    for name in NUMBERED:
        row = new.get_model(name)._base_manager.exclude(attempt=None).get()
        of = {field: getattr(row.attempt, field) for field in ("round_id", "of", "entry_id", "cause")}
        row.pk, row.attempt = None, new.get_model("competition.Attempt").objects.get_or_create(**of, number=3)[0]
        if name == "judging.Match":
            row.counts = False
        elif name == "judging.Duel":
            row.match = new.get_model("judging.Match")._base_manager.get(attempt=row.attempt)
        row.save(force_insert=True)
    assert numbers_of(old) == numbers(3)


ATTEMPTS = {
    "judging.Match": [(2, "decision", "correction")],
    "judging.Duel": [(2, "decision", "correction")],
    "judging.Control": [(2, "controls", "health")],
    "audits.Audit": [(2, "source", "correction")],
    "audits.PodRun": [(2, "run audit_1", "pod")],
    "audits.Correction": [(2, "decision", "correction")],
    "competition.Bankroll": [(2, "bankroll", "correction")],
}
NUMBERED = {
    "judging.Match": "version",
    "judging.Duel": "take",
    "judging.Control": "take",
    "audits.Audit": "version",
    "audits.PodRun": "repeat",
    "competition.Bankroll": "edition",
}


def numbers(most: int) -> dict[str, list[int]]:
    """Of each the first and all later ones, as the release before counts them."""
    return {
        name: list(range(most)) if field == "repeat" else list(range(1, most + 1)) for name, field in NUMBERED.items()
    }


def pointed(apps: Any) -> dict[str, list[tuple[int, str, str]]]:
    rows = {name: apps.get_model(name)._base_manager.exclude(attempt=None) for name in ATTEMPTS}
    fields = ("attempt__number", "attempt__of", "attempt__cause")
    return {name: list(of_name.values_list(*fields)) for name, of_name in rows.items()}


def numbers_of(apps: Any) -> dict[str, list[int]]:
    return {
        name: list(apps.get_model(name)._base_manager.order_by("pk").values_list(field, flat=True))
        for name, field in NUMBERED.items()
    }


def begun(apps: Any) -> dict[str, Any]:
    """A round with one entry, as the release before wrote it."""

    def add(model: str, **values: Any) -> Any:
        return apps.get_model(model)._base_manager.create(**values)

    edges = dict.fromkeys(("ruleset", "judge", "renderer", "chain", "pods"), "x")
    competition = add("competition.Competition", slug="old", name="Old", created_at=NOW, **edges)
    blocks = ("earliest_reveal_block", "latest_reveal_block", "seed_block", "generation_deadline_block")
    round_ = add("competition.Round", competition=competition, number=1, **dict.fromkeys(blocks, 1), **MOVED)
    miner = add("competition.Miner", hotkey="5Ann")
    entry = add("competition.Submission", round=round_, miner=miner, role="challenger")
    prompt = add("competition.Prompt", competition=competition, stem="cup", sha256="a" * 64)
    return {"round": round_, "entry": entry, "prompt": prompt}


def add_each(apps: Any, world: dict[str, Any], *, number: int) -> None:
    """What the release before writes when everything is done for the first, or the second, time."""

    def add(model: str, **values: Any) -> Any:
        return apps.get_model(model)._base_manager.create(**values, **MOVED if model not in UNMOVED else {})

    round_, entry, prompt = world["round"], world["entry"], world["prompt"]
    if number == 2:
        add("audits.Correction", round=round_, number=1, scope="duels", code="x", sentence="x", opened_by="x")
    sides = {"round": round_, "kind": "audit", "defender": entry, "challenger": entry}
    match = add("judging.Match", **sides, version=number, counts=number == 1)
    add("judging.Duel", match=match, prompt=prompt, position=0, take=number)
    add("judging.Control", round=round_, kind="self", prompt=prompt, variant="twin", take=number)
    code = "appeal_upheld" if number == 2 else "licence"
    add("audits.Audit", round=round_, submission=entry, kind="source", version=number, code=code)
    run = {"submission": entry, "purpose": "audit_1", "seed": 1, "provider": "local"}
    add("audits.PodRun", **run, repeat=number - 1)
    add("competition.Bankroll", round=round_, commit="c" * 40, leader_commit="d" * 40, edition=number)


MOVED = {"state": "finished", "since": NOW}
UNMOVED = {"competition.Bankroll"}
