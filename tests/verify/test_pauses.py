"""A round that was paused and resumed verifies like any other, whatever paused it and wherever."""

from __future__ import annotations

import ast
import importlib
import json
from collections.abc import Callable, Iterator
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from django.db import transaction

from competition import chain, prompts
from competition.chain.simulated import Simulated
from competition.models import Prompt, Round
from competition.publication.bundle_folders import folder_of
from competition.reveals import signed_reveals
from competition.steps import pause, resume
from competition.stored_files import damage, mending
from core import operator_key
from core.machine import engine
from core.machine.outcomes import Move, Outcome, Retry, StepFailure
from core.machine.stateful import FailureClass
from dashboard.facts import page_queries
from judging.backends.base import NoAnswer, Question
from tests.verify import played_round
from tests.verify.played_round import MOST_LOOKS, Judge, Renderer, Stage, by_worth
from verify.__main__ import examine_all

ROOT = Path(__file__).resolve().parents[2]
WHERE = {
    "POOL": "open",
    "WORKER_DIED": "open",
    "PODS": "miner_generation",
    "DOWNLOADS": "downloading",
    "STORED_FILE": "downloading",
    "NO_LEADER": "duels",
    "RENDERER": "duels",
    "MEASUREMENT": "duels",
    "JUDGE": "duels",
    "JUDGE_HEALTH": "duels",
    "ROWS_EDITED": "finalizing",
    "AUDIT": "finalizing",
    "BUNDLE_REFUSED": "finished",
}
"""Each code with which a round pauses, and a stage in which it does."""


def test_every_pause_of_the_code_is_played_here() -> None:
    apps = ("competition", "judging", "audits", "dashboard")
    paths = [path for app in apps for path in (ROOT / app).rglob("*.py") if "pause(" in path.read_text()]
    named = {code for path in paths for code in codes(path, ast.parse(path.read_text()))}
    assert named == set(WHERE), "play each pause with its resume, and verify the bundle"


def codes(path: Path, tree: ast.Module) -> Iterator[str]:
    """The codes of the calls of `pause`; one that is a name is looked up in the module that the file has it from."""
    module = importlib.import_module(".".join(path.relative_to(ROOT).with_suffix("").parts)) if calls(tree) else None
    for call in calls(tree):
        given = next((word.value for word in call.keywords if word.arg == "code"), None)
        if given is not None:
            yield str(eval(ast.unparse(given), vars(module)))


def calls(tree: ast.Module) -> list[ast.Call]:
    found = [node for node in ast.walk(tree) if isinstance(node, ast.Call)]
    return [call for call in found if getattr(call.func, "id", getattr(call.func, "attr", "")) == "pause"]


TITLE = pytest.param("title-1", marks=pytest.mark.long)  # the same rule over a round that takes its time


@pytest.fixture
def ruleset() -> str:
    return "title-1"


@pytest.fixture
def stage(db: None, ruleset: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[Stage]:
    with monkeypatch.context() as patch:
        stage = played_round.stage(seed=2, patch=patch, folder=tmp_path, ruleset=ruleset)
        stage.honest = True
        yield stage


def enter(stage: Stage, ruleset: str) -> None:
    """Whoever comes; of `margin-1`, which is the short case, the two who are best."""
    if ruleset == "margin-1":
        stage.reveal(1, by_worth(stage.seed, pool=played_round.POOLS[ruleset])[-2:])
    else:
        stage.reveal_some(1)


def errors(folder: Path) -> list[str]:
    report = examine_all(folder, operator=operator_key.keypair().ss58_address)
    assert report is not None
    return [finding.line() for finding in report.findings if finding.severity == "error"]


def paused(stage: Stage, number: int = 1) -> Round:
    for _ in range(MOST_LOOKS):
        round_ = stage.turn(number)
        if round_.state == "paused":
            return round_
        assert not folder_of(round_).exists(), "it never paused"
        if not stage.busy:
            stage.at += timedelta(seconds=30)  # whatever failed is tried again after a while, and nothing else is left
    raise AssertionError(f"neither paused nor published: {round_.state}, {round_.waiting_for}")


@pytest.mark.parametrize("ruleset", ["margin-1", TITLE])
def test_a_round_paused_by_each_code_in_turn_ends_in_the_bundle_of_one_that_never_was(
    stage: Stage, ruleset: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    waiting = dict(WHERE)

    def interrupted(state: str, step: Any) -> Callable[[Any, datetime], Outcome]:
        def look(row: Any, now: datetime) -> Outcome:
            round_ = row if isinstance(row, Round) else row.round
            code = next((code for code, where in waiting.items() if where == state == round_.state), None)
            if code is None or round_.number > 1:
                outcome: Outcome = step(row, now)
                return outcome
            del waiting[code]
            move = pause(round_, f"{code} is tried.", code=code, now=now)
            if row is round_:
                return move
            assert engine.move(Round.objects.get(pk=round_.pk), move, now=now)
            failure = StepFailure(FailureClass.INFRASTRUCTURE, code, "tried")
            return Retry(engine.backoff(1), failure)

        return look

    for key, step in list(engine.STEPS.items()):
        if key[0] == "competition.Round":
            monkeypatch.setitem(engine.STEPS, key, interrupted(key[1], step))
    publishing = ("dashboard.Publication", "publishing")
    monkeypatch.setitem(engine.STEPS, publishing, interrupted("finished", engine.STEPS[publishing]))
    enter(stage, ruleset)
    for _ in WHERE:
        round_ = paused(stage)
        assert resume(round_, why="mended", now=stage.at)
    assert not waiting
    folder = stage.play(1)
    assert errors(folder) == []
    kinds = [json.loads(line)["kind"] for line in (folder / "ledger.jsonl").read_text().splitlines()]
    assert kinds.count("round.paused") == len(WHERE)
    stage.reveal_some(2)
    stage.play(2)
    assert errors(folder.parent) == []


def _block(round_: Round, now: datetime) -> int:
    return chain.of(round_.competition).block(now=now)


class Cause:
    """Something outside that fails until it is mended."""

    def __init__(self) -> None:
        self.broken = True


def judge_silent(stage: Stage, cause: Cause, patch: pytest.MonkeyPatch) -> None:
    answer = Judge.ask

    def ask(self: Judge, question: Question) -> Any:
        if cause.broken:
            raise NoAnswer("down", "The judge's host is down.")
        return answer(self, question)

    patch.setattr(Judge, "ask", ask)


def hosts_out_of_reach(stage: Stage, cause: Cause, patch: pytest.MonkeyPatch) -> None:
    fails_at(stage, cause, patch, ("competition.Asset", "downloading"))


def renderer_broken(stage: Stage, cause: Cause, patch: pytest.MonkeyPatch) -> None:
    render = Renderer.render

    def broken(self: Renderer, data: Path, **how: Any) -> Any:
        if cause.broken:
            raise OSError("no space left on device")
        return render(self, data, **how)

    patch.setattr(Renderer, "render", broken)


def auditor_broken(stage: Stage, cause: Cause, patch: pytest.MonkeyPatch) -> None:
    fails_at(stage, cause, patch, ("audits.Audit", "gathering"))


def fails_at(stage: Stage, cause: Cause, patch: pytest.MonkeyPatch, key: tuple[str, str]) -> None:
    step = engine.STEPS[key]

    def look(row: Any, now: datetime) -> Outcome:
        if cause.broken:
            failure = StepFailure(FailureClass.INFRASTRUCTURE, "OURS", "Our own disk is full.")
            return Retry(engine.backoff(1), failure)
        outcome: Outcome = step(row, now)
        return outcome

    patch.setitem(engine.STEPS, key, look)


def pods_lost(stage: Stage, cause: Cause, patch: pytest.MonkeyPatch) -> None:
    from audits.pods import runs

    key = ("audits.PodRun", "warming")
    step = engine.STEPS[key]

    def look(run: Any, now: datetime) -> Outcome:
        if cause.broken:
            failure = StepFailure(FailureClass.INFRASTRUCTURE, "provider", "The provider has no machine.")
            return Move("failed", because="lost", failure=failure, also=lambda: runs._pause(run, failure))
        outcome: Outcome = step(run, now)
        return outcome

    patch.setitem(engine.STEPS, key, look)


def workers_die(stage: Stage, cause: Cause, patch: pytest.MonkeyPatch) -> None:
    """At the round itself, while its window is open: each takes the row up and is gone."""
    work = engine._work

    def gone(row: Any, *, now: datetime) -> bool:
        return False if cause.broken and isinstance(row, Round) and row.state == "open" else work(row, now=now)

    patch.setattr(engine, "_work", gone)


CAUSES = {
    "WORKER_DIED": workers_die,
    "JUDGE": judge_silent,
    "DOWNLOADS": hosts_out_of_reach,
    "RENDERER": renderer_broken,
    "AUDIT": auditor_broken,
    "PODS": pods_lost,
}


@pytest.mark.long
@pytest.mark.parametrize(("code", "ruleset"), [("JUDGE", "margin-1"), *((code, "title-1") for code in CAUSES)])
def test_a_cause_that_is_mended_leaves_a_round_that_verifies(
    code: str, stage: Stage, ruleset: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    cause = Cause()
    CAUSES[code](stage, cause, monkeypatch)
    enter(stage, ruleset)
    round_ = paused(stage)
    assert round_.failure_code == code
    cause.broken = False
    assert resume(round_, why="mended", now=stage.at)
    assert errors(stage.play(1)) == []


@pytest.mark.long
def test_a_round_that_waits_for_prompts_takes_reveals_and_its_window_is_longer_by_the_pause(stage: Stage) -> None:
    stage.reveal_some(1)
    stage.play(1)
    with transaction.atomic():  # too few are left that nobody has seen
        Prompt.objects.filter(draws=None, fresh_draws=None).delete()
        prompts.commit_to(stage.competition, now=stage.at, block=_block(Round.objects.get(number=2), stage.at))
    stage.reveal_some(2)
    round_ = paused(stage, 2)
    announced, simulated = round_.latest_reveal_block, Simulated("played")
    assert (round_.failure_code, round_.paused_from) == ("POOL", "open")
    assert "Reveals are taken meanwhile" in round_.failure_reason
    since = round_.paused_at_block
    assert since is not None

    simulated.skip_to(announced + 100, now=stage.at)  # the window would have closed long ago
    late = stage.named("late")
    payload = {"repo": "played/late", "commit": "5" * 40, "cdn_url": "https://late.example.org/"}
    block = _block(round_, stage.at)
    assert signed_reveals.open_round(stage.competition, block=block) == round_
    simulated.reveal(late, json.dumps(payload).encode(), block=block)
    engine.reconcile(now=stage.at)
    page = page_queries.round_page(round_, now=stage.at)
    assert page.takes_reveals and "reveals are taken meanwhile" in page.tracker.sentence
    assert page.schedule["latest_reveal_block"] >= block and "takes reveals" in page.headline
    assert late.ss58_address in {entry.miner.hotkey for entry in page.entries}

    with transaction.atomic():
        more = {f"more {n}": f"more picture {n}".encode() for n in range(30)}
        assert prompts.add_before_the_draw(stage.competition, more, block=block, now=stage.at) == 30
    resumed_at = _block(round_, stage.at)
    assert resume(round_, why="thirty prompts were added", now=stage.at)
    round_.refresh_from_db()
    assert round_.latest_reveal_block == announced + resumed_at - min(since, announced) >= resumed_at
    assert round_.seed_block > resumed_at
    folder = stage.play(2)
    entries = json.loads((folder / "submissions.json").read_text())
    assert late.ss58_address in {entry["miner"] for entry in entries}
    stage.reveal_some(3)
    stage.play(3)
    assert errors(folder.parent) == []


@pytest.mark.long
def test_a_window_that_a_damaged_file_pauses_is_longer_by_the_pause(stage: Stage) -> None:
    round_ = stage.competition.rounds.get(number=1)
    while round_.state != "open":
        stage.at += timedelta(seconds=5)
        engine.reconcile(now=stage.at)
        stage.look()
        round_.refresh_from_db()
    paused_at, before = _block(round_, stage.at), round_.latest_reveal_block
    row = damage.report(
        stage.competition.pool.order_by("pk")[0].sha256, problem="missing", now=stage.at, rounds=[round_]
    )
    mending.pause_rounds(row, mending.failure_of(row), now=stage.at)
    Simulated(stage.competition.slug).skip_to(before + 40, now=stage.at)
    stage.reveal_some(1)
    round_.refresh_from_db()
    assert (round_.state, round_.paused_at_block) == ("paused", paused_at)
    while (round_ := stage.turn(1)).state == "paused":
        pass
    assert round_.latest_reveal_block >= before + before + 40 - paused_at
    assert errors(stage.play(1)) == []


@pytest.mark.parametrize("ruleset", ["margin-1", TITLE])
def test_prompts_added_after_the_draw_are_not_in_the_round_s_bundle(stage: Stage, ruleset: str) -> None:
    enter(stage, ruleset)
    round_ = stage.play_until(1, "finished")
    stage.enlarge(2)
    assert errors(stage.play(1)) == []
    assert len(json.loads((folder_of(round_) / "round.json").read_text())["pool"]) == played_round.POOLS[ruleset]
