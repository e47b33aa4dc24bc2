"""Whole rounds of title-1 on random plans: what the platform publishes, the verifier confirms, whoever was first."""

from __future__ import annotations

import hashlib
import json
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import rfc8785

from competition import rulesets
from competition.rulesets.bankroll import BankrollTally, credits
from core import operator_key
from tests.verify.conftest import Played
from tests.verify.played_round import POOLS, Stage, ahead, by_worth
from verify.__main__ import examine_all
from verify.bundles import bundle
from verify.findings import errors

ROUNDS = (1, 2, 3)
PLAYS = [(6, (1, 2)), *(pytest.param(seed, ROUNDS, marks=pytest.mark.long) for seed in (1, 2, 6))]


def told(folder: Path, name: str) -> Any:
    return json.loads((folder / name).read_text())


@pytest.mark.parametrize(("seed", "rounds"), PLAYS)
def test_published_title_rounds_have_no_errors(seed: int, rounds: tuple[int, ...], played: Played) -> None:
    report = examine_all(played(seed=seed, rounds=rounds), operator=operator_key.keypair().ss58_address)
    assert report is not None and len(report.rounds) == len(rounds)
    assert [finding.line() for finding in report.findings if finding.severity == "error"] == []


@pytest.mark.long
def test_the_bundle_of_a_title_round_does_not_depend_on_who_was_first(played: Played) -> None:
    def manifests(folder: Path) -> list[str]:
        return [hashlib.sha256((folder / str(n) / "manifest.json").read_bytes()).hexdigest() for n in (1, 2)]

    assert manifests(played(seed=2)) == manifests(played(seed=2, order=2, rounds=(1, 2)))


@pytest.mark.parametrize(("seed", "rounds"), PLAYS)
def test_no_prompt_of_a_title_match_was_ever_shown_before(seed: int, rounds: tuple[int, ...], played: Played) -> None:
    folder, shown = played(seed=seed, rounds=rounds), set[str]()
    for number in rounds:
        drawn = {prompt["sha256"] for prompt in told(folder / str(number), "round.json")["prompts"]}
        fresh = [prompt["sha256"] for prompt in told(folder / str(number), "title.json")["fresh"]]
        assert not shown & {*fresh}
        reached = [m["stopped_after"] for m in told(folder / str(number), "matches.json") if m["kind"] == "title"]
        shown |= drawn | set(fresh[: max(reached, default=0)])
    assert len(shown) > 5 * len(rounds)


def test_a_series_gives_away_a_prompt_that_is_called_fresh_again(played: Played, tmp_path: Path) -> None:
    folder = tmp_path / "series"
    shutil.copytree(played(seed=6, rounds=(1, 2)), folder)
    edit(folder / "2", "title.json", lambda title: title["seen"].pop())
    report = examine_all(folder)
    assert report is not None
    found = [f for f in report.findings if f.file == "2/title.json" and f.kind == "wrong-prompts"]
    assert any("Earlier rounds" in f.sentence for f in found)


def edit(folder: Path, name: str, change: Callable[[Any], None]) -> None:
    """What an operator could do who signs whatever was published: the documents alone must give it away."""
    value = told(folder, name)
    change(value)
    (folder / name).unlink()
    (folder / name).write_bytes(rfc8785.dumps(value))


def again(stage: Stage, number: int) -> None:
    """The same miner with the same commit, which the judge likes much better than the leader's, in every round."""
    leader, *others = by_worth(stage.seed, pool=POOLS["title-1"])
    stage.reveal(number, [max(others, key=lambda commit: ahead(commit, leader, pool=POOLS["title-1"]))])


@pytest.fixture
def returned(played: Played) -> Path:
    """30 credits cannot be won in one round of 8 prompts; two rounds do."""
    return played(seed=49, rounds=(1, 2), bar=30, reveals=again, honest=True)


@pytest.mark.long
def test_what_a_bankroll_left_is_there_when_the_same_commits_meet_again(returned: Path) -> None:
    (first,), (second,) = (told(returned / str(n), "title.json")["bankrolls"] for n in (1, 2))
    assert first["commit"] == second["commit"] and first["ending"] == "exhausted"
    assert second["carried"] == first["left"] and second["carried"]["won"] > 0
    assert second["ending"] == "title" and told(returned / "2", "decision.json")["winner"] == second["entry"]
    alone = BankrollTally(won=second["left"]["won"] - first["left"]["won"], lost=second["left"]["lost"])
    assert credits(alone, title=rulesets.read(told(returned / "2", "round.json")["rules"]).title) < 30
    assert not errors(examine_all(returned).findings)


@pytest.mark.long
def test_a_bankroll_that_was_forgotten_or_bettered_is_found(returned: Path, tmp_path: Path) -> None:
    for change in ({"won": 0, "drawn": 0, "lost": 0}, {"won": 9}):
        folder = tmp_path / str(len(change))
        shutil.copytree(returned / "2", folder)
        edit(folder, "title.json", lambda title, change=change: title["bankrolls"][0]["carried"].update(change))
        found = {(f.kind, f.field.rpartition(" ")[2]) for f in bundle.examine(folder).log.findings}
        fields = {field for kind, field in found if kind == "ledger-differs" and field.startswith("carried.")}
        assert {field.rpartition(".")[2] for field in fields} >= {*change} & {"won", "drawn"}


LIES: dict[str, tuple[str, Callable[[Any], None], str]] = {
    "another finalist": (
        "title.json",
        lambda d: d["finalists"].append("x"),
        "wrong-ladder",
    ),
    "a richer bankroll": ("title.json", lambda d: d["bankrolls"][0].update(credits="99"), "wrong-tally"),
    "a head start": ("title.json", lambda d: d["bankrolls"][0]["carried"].update(won=9), "ledger-differs"),
    "another fresh prompt": ("title.json", lambda d: d["fresh"].reverse(), "wrong-prompts"),
    "a copy as an entry": ("title.json", lambda d: d["entries"].pop(), "wrong-copy"),
    "a canary": ("title.json", lambda d: d["canaries"].append("x"), "wrong-copy"),
    "a narrower interval": ("statistics.json", lambda d: d["matches"][0].update(sign_p_micro=3), "wrong-margin"),
    "a safer round": ("statistics.json", lambda d: d.update(flip_distance=9), "wrong-flips"),
    "another winner": ("decision.json", lambda d: d.update(winner="leader", leader="x"), "wrong-winner"),
}


@pytest.fixture
def titled(played: Played) -> Path:
    """A round in which somebody earned the title."""
    folder = played(seed=6, rounds=(1, 2)) / "1"
    assert told(folder, "decision.json")["winner"] != "leader"
    return folder


def test_every_lie_about_a_title_is_named(titled: Path, tmp_path: Path) -> None:
    for name, (document, change, kind) in LIES.items():
        folder = tmp_path / name.replace(" ", "-")
        shutil.copytree(titled, folder)
        edit(folder, document, change)
        found = {finding.kind for finding in bundle.examine(folder).log.findings}
        assert kind in found, f"{name}: {found}"
