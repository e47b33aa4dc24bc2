"""A leader has no veto: rounds whose leader delivers little or nothing are decided, and verify."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from django.test import Client

from competition.models import Round
from core import operator_key
from tests.verify.conftest import Played
from tests.verify.played_round import POOLS, Stage, by_worth
from verify.__main__ import examine_all
from verify.bundles import judging as bundle_judging
from verify.findings import errors

RULESETS = ("margin-1", *(pytest.param(ruleset, marks=pytest.mark.long) for ruleset in ("margin-2", "title-1")))


def told(folder: Path, name: str) -> Any:
    return json.loads((folder / "1" / name).read_text())


def challenged(stage: Stage, number: int) -> None:
    """By two, neither of which is the leader's commit."""
    _, *others = by_worth(stage.seed, pool=POOLS["title-1"])
    stage.reveal(number, others[:2])


def some(stem: str) -> str:
    return ("missing", "unreadable", "")[hashlib.sha256(stem.encode()).digest()[0] % 3]


def everything(stem: str) -> str:
    return "missing"


def nothing_readable(stem: str) -> str:
    return "unreadable"


def look_at_the_pages() -> None:
    """Forfeits of the leader stand apart from duels that were judged."""
    round_ = Round.objects.get(number=1)
    match = round_.matches.filter(kind="screen", forfeits_defender__gt=0).first()
    page = Client().get(f"/c/{round_.competition.slug}/r/1/leader-vs-{match.challenger.key}/").content.decode()
    assert f"{match.forfeits_defender} forfeited by the defender" in page
    assert f"({match.forfeits_defender} by the defender&#x27;s forfeit)" in page
    assert "Forfeited by the leader" in Client().get(f"/c/{round_.competition.slug}/r/1/").content.decode()


@pytest.mark.parametrize("fails", [everything, pytest.param(nothing_readable, marks=pytest.mark.long)])
@pytest.mark.parametrize("ruleset", RULESETS)
def test_a_leader_that_delivers_nothing_loses_by_forfeits(
    ruleset: str, fails: Callable[[str], str], played: Played
) -> None:
    folder = played(seed=3, rounds=(1,), ruleset=ruleset, reveals=challenged, honest=True, leader_fails=fails)
    report = examine_all(folder, operator=operator_key.keypair().ss58_address)
    assert report is not None and not errors(report.findings), [f.line() for f in report.findings]
    assert told(folder, "decision.json")["winner"] != "leader"
    screens = [match for match in told(folder, "matches.json") if match["kind"] == "screen"]
    assert screens and all(match["tally"]["won"] == 0 < match["tally"]["forfeits_defender"] for match in screens)


@pytest.mark.long
@pytest.mark.parametrize("ruleset", RULESETS)
def test_what_a_leader_does_not_deliver_is_its_forfeit_by_prompt(ruleset: str, played: Played) -> None:
    folder = played(
        seed=3,
        rounds=(1, 2),
        ruleset=ruleset,
        reveals=challenged,
        honest=True,
        leader_fails=some,
        also=look_at_the_pages,
    )
    report = examine_all(folder, operator=operator_key.keypair().ss58_address)
    assert report is not None and not errors(report.findings), [f.line() for f in report.findings]
    assert {"leader-forfeit"} <= {finding.kind for finding in report.findings}
    for match in told(folder, "matches.json"):
        for duel in (d for d in match["duels"] if match["defender"] == "leader" and d["state"] != "unneeded"):
            forfeited = bool(some(duel["prompt"]))
            assert (duel["state"] == "forfeited") == forfeited
            assert not forfeited or duel["outcome"] == "challenger"


@pytest.mark.parametrize(
    ("rendering", "allowed"), [(None, True), ({"state": "refused"}, True), ({"state": "rendered"}, False)]
)
def test_a_control_of_an_older_bundle_is_left_out_exactly_where_the_leader_delivered_nothing_to_ask_about(
    rendering: Any, allowed: bool
) -> None:
    asset = {"entry": "leader", "origin": "generated", "prompt": "chair", "rendering": rendering}
    documents = {"assets.json": [asset], "judging.json": {"controls": []}}
    bundle: Any = SimpleNamespace(document=documents.__getitem__)
    row = {"kind": "canary", "prompt": "chair", "state": "unneeded", "take": 1}
    assert bundle_judging.may_be_unneeded(bundle, row) == allowed
