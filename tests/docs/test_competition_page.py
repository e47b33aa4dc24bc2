"""docs/competition.md is what the readers of a competition's configuration declare, and what they refuse is refused."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from competition import configuration
from competition.configuration import page as configuration_page
from competition.rulesets import BadRules

ROOT = Path(__file__).resolve().parents[2]
FILES = sorted((ROOT / "examples").glob("*.json"))


def subnet() -> dict[str, Any]:
    return dict(json.loads((ROOT / "examples" / "subnet.json").read_text()))


def test_the_page_is_what_the_readers_declare() -> None:
    written = configuration_page.PAGE.read_text()
    assert written == configuration_page.page(), "write it anew: .venv/bin/python manage.py competition_docs"


@pytest.mark.parametrize("file", FILES, ids=lambda file: file.stem)
def test_every_example_is_what_its_readers_take(file: Path) -> None:
    given = json.loads(file.read_text())
    configuration.check(given["config"], ruleset=given["ruleset"])


@pytest.mark.parametrize(
    ("part", "value", "named"),
    [
        ("signed_reveal", True, "config.signed_reveal"),
        ("signed_reveals", "yes", "signed_reveals"),
        ("beacon", "lottery", "beacon"),
        ("prompts_per_round", -1, "prompts_per_round"),
        ("poll_s", "often", "poll_s"),
        ("pods", {"warmup_s": 5}, "pods.warmup_s"),
        ("pods", {"warm_up_s": "long"}, "pods.warm_up_s"),
        ("pods", [], "config.pods"),
        ("fetch", {"total_s": -1}, "fetch.total_s"),
        ("fetch", {"idle_s": float("nan")}, "fetch.idle_s"),
        ("appeals", {"decide_hours": True}, "appeals.decide_hours"),
        ("entry", {"alpha": 1}, "entry.alpha"),
        ("rules", {"win_margn": "1/20"}, "win_margn"),
        ("rig", {"views": []}, "config.rig"),
        ("blocks", {"round_blocks": 1}, "open_blocks"),
    ],
)
def test_a_field_that_no_reader_knows_or_can_use_is_refused_by_name(part: str, value: Any, named: str) -> None:
    with pytest.raises(BadRules) as refused:
        configuration.check({**subnet()["config"], part: value}, ruleset="title-1")
    assert refused.value.field == named


@pytest.mark.parametrize("part", ["blocks", "rig", "prompts_per_round"])
def test_a_part_that_every_round_needs_is_missed_before_the_first_one(part: str) -> None:
    config = {name: value for name, value in subnet()["config"].items() if name != part}
    with pytest.raises(BadRules):
        configuration.check(config, ruleset="title-1")
