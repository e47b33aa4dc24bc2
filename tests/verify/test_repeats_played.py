"""Whole rounds of margin-2 on random plans: each winner is generated again, until a repeat fails or all have held."""

from __future__ import annotations

import hashlib
import itertools
import json
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import rfc8785
from django.test import Client

from competition.models import Round
from core import operator_key
from tests.verify.conftest import Played
from tests.verify.played_round import POOLS, Stage, ahead, by_worth
from verify.__main__ import examine_all
from verify.bundles import bundle
from verify.findings import errors

LATE = 198  # a plan in which the first winner's second regeneration takes too long


def told(folder: Path, name: str) -> Any:
    return json.loads((folder / name).read_text())


def two(stage: Stage, number: int) -> None:
    """One that is better than the leader, and then one that is better than both."""
    pool = POOLS["margin-2"]
    leader, *others = by_worth(stage.seed, pool=pool)

    def least(pair: tuple[str, str]) -> int:
        return min(ahead(pair[0], leader, pool=pool), ahead(pair[1], pair[0], pool=pool))

    stage.reveal(number, max(itertools.permutations(others, 2), key=least))


def look_at_the_pages() -> None:
    """Whoever was audited has a page with every repeat, and the round's page tells of its ladder, not of repeats."""
    round_ = Round.objects.get(number=1)
    at = f"/c/{round_.competition.slug}/r/1/"
    page = Client().get(at).content.decode()
    assert "again_1" not in page and 'id="sure"' in page
    for audit in round_.audits.filter(kind="generation"):
        told = Client().get(f"{at}audits/{audit.submission.key}.json").json()
        shown = Client().get(f"{at}audits/{audit.submission.key}/").content.decode()
        assert ("Every repeat" in shown) == (audit.code != "generation_too_long" and len(told["repeats"]) > 1)


@pytest.fixture
def chained(played: Played) -> Path:
    """The round in which a winner of all repeats is beaten by another, again three times."""
    return played(seed=2, rounds=(1,), ruleset="margin-2", reveals=two, honest=True, also=look_at_the_pages)


@pytest.mark.long
def test_a_published_round_of_margin_2_has_no_errors(chained: Path, played: Played) -> None:
    for folder in (chained, played(seed=LATE, rounds=(1,), ruleset="margin-2", reveals=two)):
        report = examine_all(folder, operator=operator_key.keypair().ss58_address)
        assert report is not None and not errors(report.findings)


@pytest.mark.long
def test_a_winner_meets_the_defender_of_its_rung_in_every_repeat(chained: Path) -> None:
    decision, matches = told(chained / "1", "decision.json"), told(chained / "1", "matches.json")
    *_, last = (rung for rung in decision["ladder"] if rung["verdict"] == "advanced")
    assert last["defender"] != "leader" and decision["winner"] == last["challenger"]
    again = [m for m in matches if m["kind"].startswith("again") and m["challenger"] == last["challenger"]]
    assert [(m["kind"], m["defender"]) for m in again] == [
        (k, last["defender"]) for k in ("again", "again_1", "again_2")
    ]
    assert [m["challenger_origin"] for m in again] == ["generated", "generated_1", "generated_2"]


@pytest.mark.long
def test_the_first_repeat_that_misses_a_bar_is_the_last(played: Played) -> None:
    folder = played(seed=LATE, rounds=(1,), ruleset="margin-2", reveals=two) / "1"
    (failed,) = [audit for audit in told(folder, "audits.json") if audit["code"] == "generation_too_long"]
    kinds = {m["kind"] for m in told(folder, "matches.json") if m["challenger"] == failed["entry"]}
    assert {"audit", "again", "audit_1"} < kinds and not kinds & {"again_1", "audit_2", "again_2"}
    assert failed["numbers"]["repeats"] == 2


@pytest.mark.long
def test_the_bundle_of_a_round_of_margin_2_does_not_depend_on_who_was_first(chained: Path, played: Played) -> None:
    other = played(seed=2, order=2, rounds=(1,), ruleset="margin-2", reveals=two, honest=True)
    hashes = {hashlib.sha256((folder / "1" / "manifest.json").read_bytes()).hexdigest() for folder in (chained, other)}
    assert len(hashes) == 1


def drop(kind: str) -> Callable[[Any], None]:
    return lambda rows: rows.remove(next(row for row in rows if row["kind"] == kind))


def passed(rows: Any) -> None:
    next(row for row in rows if row["code"] == "won_again").update(verdict="rejected", code="no_win_again")


LIES: dict[str, tuple[str, Callable[[Any], None], str]] = {
    "a repeat that was not played": ("matches.json", drop("audit_2"), "missing-match"),
    "a win that was not repeated": ("matches.json", drop("again_1"), "missing-match"),
    "a verdict against its repeats": ("audits.json", passed, "wrong-audit"),
    "fewer repeats": ("audits.json", lambda d: [a["numbers"].update(repeats=1) for a in d], "wrong-audit"),
    "a safer match": ("statistics.json", lambda d: d["matches"][0].update(flip_distance=9), "wrong-flips"),
    "a safer round": ("statistics.json", lambda d: d.update(flip_distance=9), "wrong-flips"),
    "a steadier judge": ("statistics.json", lambda d: d["repeatability"].update(same=7), "wrong-repeatability"),
    "other files": (
        "matches.json",
        lambda d: [m.update(challenger_origin="generated") for m in d if m["kind"] == "again_1"],
        "wrong-files",
    ),
    "outputs that were never made": (
        "assets.json",
        lambda d: d.remove(next(a for a in d if a["origin"] == "generated_2")),
        "wrong-assets",
    ),
}


@pytest.mark.long
def test_every_lie_about_a_repeat_is_named(chained: Path, tmp_path: Path) -> None:
    for name, (document, change, kind) in LIES.items():
        folder = tmp_path / name.replace(" ", "-")
        shutil.copytree(chained / "1", folder)
        value = told(folder, document)
        change(value)
        (folder / document).unlink()
        (folder / document).write_bytes(rfc8785.dumps(value))
        found = {finding.kind for finding in bundle.examine(folder).log.findings}
        assert kind in found, f"{name}: {found}"
