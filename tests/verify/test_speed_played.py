"""Whole rounds in which the time of code decides: what the platform publishes, the verifier confirms."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import rfc8785

from core import operator_key
from tests.verify import played_round
from tests.verify.conftest import once
from tests.verify.played_round import POOLS, by_worth
from verify.__main__ import examine_all
from verify.bundles import bundle

pytestmark = pytest.mark.long  # short ones: test_speed_differential, tests/competition/rulesets/test_speed_rule.py

TIEBREAK = {"mode": "tiebreak", "clear": 1, "slower": 0.25}
Pace = Callable[[Any], tuple[float, str] | None]


def pace(*, leader: tuple[float, str] = (2.0, "H200"), others: tuple[float, str] = (2.0, "H200")) -> Pace:
    return lambda run: leader if run.submission.role == "leader" else others


def beside(then: tuple[float, str] | None, *, before: tuple[float, str] = (2.0, "H200")) -> Pace:
    """The leader's code at another pace beside a winner's, whose own is 2.6 s."""
    paces = {"leader": before, "beside": then}
    return lambda run: paces.get(run.purpose, (2.6, "H200"))


PACES: dict[str, Pace] = {
    "beside": beside((2.0, "H200")),
    "quick while nobody judges": beside((1.0, "H200"), before=(2.5, "H200")),
    "judged on another card": beside((2.0, "H200"), before=(2.0, "H100")),
    "beside on another card": beside((2.0, "H100")),
    "beside without a time": beside(None),
    "alike": pace(),
    "slower": pace(others=(2.6, "H200")),
    "at the bound": pace(others=(2.5, "H200")),
    "on another card": pace(others=(9.0, "H100")),
    "on an unknown card": pace(others=(9.0, "")),
    "untimed": lambda run: None,
}
RULES: dict[str, dict[str, Any]] = {
    "tiebreak": TIEBREAK,
    "beside": {**TIEBREAK, "beside": True},
    "beside, reported": {"mode": "report", "beside": True},
    "report": {"mode": "report"},
    "limit": {"mode": "limit", "most_output_s": "5/2"},
}


@pytest.fixture
def played(db: None, monkeypatch: pytest.MonkeyPatch) -> Callable[..., Path]:
    """The bundle of one round, in which three challenge a leader."""

    def play(rule: str, how: str, *, ruleset: str = "margin-1") -> Path:
        def playing(folder: Path) -> None:
            with monkeypatch.context() as patch:
                stage = played_round.stage(seed=1, patch=patch, folder=folder, ruleset=ruleset, speed=RULES[rule])
                stage.honest, stage.pace = True, PACES[how]
                stage.reveal(1, by_worth(1, pool=POOLS[ruleset])[-3:])
                stage.play(1)

        return once(f"timed {rule} {how} {ruleset}", playing) / "bundles" / "played"

    return play


def audits(folder: Path) -> list[dict[str, Any]]:
    return [row for row in json.loads((folder / "1" / "audits.json").read_text()) if row["kind"] == "generation"]


def codes(folder: Path) -> set[str]:
    return {row["code"] for row in audits(folder)}


def no_errors(folder: Path) -> bool:
    report = examine_all(folder, operator=operator_key.keypair().ss58_address)
    assert report is not None and len(report.rounds) == 1
    assert [finding.line() for finding in report.findings if finding.severity == "error"] == []
    return True


def test_a_narrow_winner_with_slower_code_does_not_lead_and_the_verifier_confirms_it(played) -> None:
    folder = played("tiebreak", "slower")
    assert no_errors(folder)
    lost = [row for row in audits(folder) if row["code"] == "slower_than_leader"]
    assert lost and all(row["verdict"] == "rejected" and row["limits"]["slower_by"] == "1/4" for row in lost)
    assert all("slower_by" not in row["numbers"] and row["numbers"]["leader_margin"] for row in lost)
    assert not any("generated_s" in row["numbers"] or "output_s" in row["numbers"] for row in lost)


@pytest.mark.parametrize("how", ["alike", "at the bound", "on another card", "on an unknown card", "untimed"])
def test_without_a_basis_or_beyond_no_bound_what_the_duels_say_stands(played, how: str) -> None:
    folder = played("tiebreak", how)
    assert no_errors(folder) and codes(folder) == {"not_worse"}
    reasons = " ".join(row["reason"] for row in audits(folder))
    assert ("no basis" in reasons) == (how not in ("alike", "at the bound"))


@pytest.mark.parametrize(
    ("rule", "how", "code"),
    [
        ("limit", "slower", "output_too_slow"),
        ("limit", "at the bound", "not_worse"),
        ("report", "slower", "not_worse"),
    ],
)
def test_a_mean_is_a_limit_or_a_report(played, rule: str, how: str, code: str) -> None:
    folder = played(rule, how)
    assert no_errors(folder) and codes(folder) == {code}
    assert ("generation_s" in audits(folder)[0]["limits"]) == (rule == "limit")


@pytest.mark.parametrize("how", ["slower", "alike"])
def test_each_repeat_of_margin_2_is_held_against_the_leaders_time(played, how: str) -> None:
    folder = played("tiebreak", how, ruleset="margin-2")
    assert no_errors(folder)
    assert ("slower_than_leader" in codes(folder)) == (how == "slower")


def runs_beside(folder: Path) -> list[dict[str, Any]]:
    events = [json.loads(line) for line in (folder / "1" / "ledger.jsonl").read_text().splitlines()]
    return [e["body"] for e in events if e["kind"] == "podrun.done" and e["body"]["purpose"] == "beside"]


@pytest.mark.parametrize("ruleset", ["margin-1", "margin-2"])
def test_the_leaders_code_runs_beside_each_run_of_a_narrow_winner_and_both_are_compared(played, ruleset: str) -> None:
    folder = played("beside", "beside", ruleset=ruleset)
    assert no_errors(folder) and "slower_than_leader" in codes(folder)
    made = [(row["entry"], row["beside"]["purpose"]) for row in runs_beside(folder)]
    assert made and {entry for entry, _ in made} == {"leader"} and {p for _, p in made} >= {"audit"}
    narrow = {row["entry"] for row in audits(folder) if row["numbers"]["leader_margin"] != "1"}
    assert {row["beside"]["entry"] for row in runs_beside(folder)} == narrow


@pytest.mark.parametrize(
    "how", ["quick while nobody judges", "judged on another card", "beside on another card", "beside without a time"]
)
def test_a_run_beside_a_winner_that_is_no_basis_takes_no_win_away(played, how: str) -> None:
    folder = played("beside", how)
    assert no_errors(folder) and codes(folder) == {"not_worse"} and runs_beside(folder)


def test_where_it_is_reported_the_leaders_code_runs_beside_every_winner(played) -> None:
    folder = played("beside, reported", "beside")
    assert no_errors(folder) and codes(folder) == {"not_worse"}
    assert len(runs_beside(folder)) == len(audits(folder))


def test_without_the_rule_the_leaders_code_is_not_run_again(played) -> None:
    assert not runs_beside(played("tiebreak", "slower"))


def passed(rows: Any) -> None:
    next(row for row in rows if row["code"] == "slower_than_leader").update(verdict="passed", code="not_worse")


LIES: dict[str, tuple[str, Callable[[Any], None], str]] = {
    "a slow winner that passed": ("audits.json", passed, "wrong-audit"),
    "a wider bound": (
        "audits.json",
        lambda rows: [row["limits"].update(slower_by="1") for row in rows if "slower_by" in row["limits"]],
        "wrong-audit",
    ),
    "another margin": (
        "audits.json",
        lambda rows: [row["numbers"].update(leader_margin="1") for row in rows if "leader_margin" in row["numbers"]],
        "wrong-audit",
    ),
    "a rule that nobody announced": (
        "round.json",
        lambda d: d["rules"].update(speed={"mode": "report"}),
        "wrong-rules",
    ),
    "a rule that is not named": ("round.json", lambda d: d["rules"].pop("speed"), "wrong-rules"),
}


@pytest.mark.parametrize("lie", LIES)
def test_a_lie_about_speed_is_found(played, tmp_path: Path, lie: str) -> None:
    name, change, kind = LIES[lie]
    folder = shutil.copytree(played("tiebreak", "slower"), tmp_path / "copy") / "1"
    document = json.loads((folder / name).read_text())
    change(document)
    (folder / name).write_bytes(rfc8785.dumps(document))
    assert kind in {finding.kind for finding in bundle.examine(folder).log.findings}
