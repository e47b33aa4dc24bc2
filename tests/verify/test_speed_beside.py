"""The leader's code ran beside each audited winner's where the rules ask for that: what the verifier reads of it."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from competition.rulesets.speed import TimedRun
from tests.verify import made_bundle, made_files
from tests.verify.made_files import Made, hotkey
from verify.bundles import bundle
from verify.findings import LoggedFinding

BOUNDS = {"clear": "1", "slower": "1/4"}
RULES = {"tiebreak": {"mode": "tiebreak", **BOUNDS, "beside": True}, "report": {"mode": "report", "beside": True}}


def timed(mean_ms: int, *, begun_s: int) -> dict[str, Any]:
    return dataclasses.asdict(TimedRun(generated_ms=10 * mean_ms, outputs=10, card="H200", begun_s=begun_s))


def made_with(mode: str, *, beside_ms: int = 1900) -> Made:
    """The leader's code took 1.9 s an output while its outputs were judged, that of both audited winners 2 s."""
    made = made_bundle.make()
    made.documents["competition.json"]["config"]["rules"]["speed"] = dict(RULES[mode])
    for rules in (made.documents["round.json"]["rules"], made.event("round.open", round=1)["rules"]):
        rules["speed"] = dict(RULES[mode])
    made.event("podrun.done", purpose="leader")["timed"] = timed(1900, begun_s=0)
    for repeat, name in enumerate(("ash", "birch")):
        run = made.event("podrun.done", entry=hotkey(name), purpose="audit")
        run["timed"] = timed(2000, begun_s=50_000)
        about = {name: run[name] for name in ("entry", "purpose", "repeat")}
        body = {**run, "entry": "leader", "purpose": "beside", "repeat": repeat, "beside": about}
        place = next(n for n, (_, other) in enumerate(made.events) if other is run)
        warming = {**body, "from": "warming", "to": "generating"}
        del warming["timed"]
        ended = body | {"timed": timed(beside_ms, begun_s=50_060)}
        made.events[place + 1 : place + 1] = [("podrun.generating", warming), ("podrun.done", ended)]
        tell_of_the_rule(made, name, mode)
    return made


def tell_of_the_rule(made: Made, name: str, mode: str) -> None:
    """In the verdict on a winner, and in its event."""
    verdict = next(a for a in made.documents["audits.json"] if (a["entry"], a["kind"]) == (hotkey(name), "generation"))
    event = made.event(f"audit.{verdict['verdict']}", entry=hotkey(name), audit="generation")
    for row in (verdict, event):
        row["limits"], row["numbers"] = dict(row["limits"]), dict(row["numbers"])
        if mode == "report":
            del row["limits"]["generation_s"]
        else:
            row["limits"]["slower_by"] = BOUNDS["slower"]
            row["numbers"]["leader_margin"] = made.match("screen", "leader", name)["margin"]


def errors(made: Made, folder: Path) -> list[LoggedFinding]:
    examined = bundle.examine(made.write(folder), operator=made_files.hotkey("operator"))
    return [finding for finding in examined.log.findings if finding.severity == "error"]


@pytest.mark.parametrize("mode", RULES)
def test_a_round_in_which_the_leaders_code_ran_beside_each_winner_has_no_errors(mode: str, tmp_path: Path) -> None:
    assert [finding.line() for finding in errors(made_with(mode), tmp_path)] == []


def runs_beside(made: Made) -> list[dict[str, Any]]:
    return [body for kind, body in made.events if kind == "podrun.done" and body["purpose"] == "beside"]


def left_out(made: Made) -> None:
    made.events[:] = [event for event in made.events if event[1].get("purpose") != "beside"]


def beside_another_run(made: Made) -> None:
    for kind, body in made.events:
        if kind.startswith("podrun.") and body["purpose"] == "beside":
            body["beside"] = {**body["beside"], "repeat": 7}


def of_another_entry(made: Made) -> None:
    for kind, body in made.events:
        if kind.startswith("podrun.") and body["purpose"] == "beside":
            body["entry"] = hotkey("dropper")


@pytest.mark.parametrize("mode", RULES)
@pytest.mark.parametrize("lie", [left_out, beside_another_run, of_another_entry])
def test_a_winner_beside_whom_the_leaders_code_did_not_run_is_named(
    mode: str, lie: Callable[[Made], None], tmp_path: Path
) -> None:
    made = made_with(mode)
    lie(made)
    named = {(finding.kind, finding.field) for finding in errors(made, tmp_path)}
    winners = ["ash", *(["birch"] if mode == "report" else [])]  # birch won by as much as is clear
    assert {field for kind, field in named if kind == "wrong-audit"} == {f"{hotkey(name)} audit" for name in winners}


def test_a_winner_that_passed_though_the_leaders_code_beside_it_was_faster_is_named(tmp_path: Path) -> None:
    made = made_with("tiebreak")
    made.event("podrun.done", purpose="leader")["timed"] = timed(1500, begun_s=0)
    for body in runs_beside(made):
        body["timed"] = timed(1500, begun_s=50_060)
    named = {(finding.kind, finding.field) for finding in errors(made, tmp_path)}
    assert {("wrong-audit", f"{hotkey('ash')} generation {column}") for column in ("code", "verdict")} <= named


def quick_while_nobody_judges(made: Made) -> None:
    for body in runs_beside(made):
        body["timed"] = timed(500, begun_s=50_060)


def failed(made: Made) -> None:
    made.events[:] = [
        ("podrun.failed", {**body, "to": "failed", "failure": {"class": "miner", "code": "crashed"}})
        if kind == "podrun.done" and body["purpose"] == "beside"
        else (kind, body)
        for kind, body in made.events
    ]


@pytest.mark.parametrize("change", [quick_while_nobody_judges, failed])
def test_a_leader_gains_nothing_by_a_run_that_is_quicker_than_what_was_judged_or_that_fails(
    change: Callable[[Made], None], tmp_path: Path
) -> None:
    made = made_with("tiebreak")
    change(made)
    assert [finding.line() for finding in errors(made, tmp_path)] == []
