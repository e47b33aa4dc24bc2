"""A disturbed judge is asked again about all that the fault touched; both results stay, and both are recomputed."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from audits.models import Audit, PodRun
from competition.models import LedgerEvent, Reign, Round
from core import operator_key
from judging.models import Duel, Match
from tests.verify import played_round, rejudged_round, reviewed_round
from tests.verify.conftest import once
from tests.verify.lies_about_corrections import LIES
from tests.verify.played_round import POOLS, Stage, by_worth
from tests.verify.rejudged_round import apply, discard, ready, stage_duels, stems
from tests.verify.resigned import rewritten
from verify.__main__ import examine_all

Story = Callable[[Stage, Round], object]


@pytest.fixture
def rejudged(db: None, monkeypatch: pytest.MonkeyPatch) -> Callable[..., Path]:
    """Play round 1, under a disturbed judge or a sound one, do something about it, go on.  Each story once a run."""

    def play(
        story: Story, *, seed: int, ruleset: str = "margin-1", rounds: tuple[int, ...] = (1,), disturbed: bool = True
    ) -> Path:
        def playing(folder: Path) -> None:
            with monkeypatch.context() as patch:
                stage = played_round.stage(seed=seed, patch=patch, folder=folder, ruleset=ruleset)
                stage.honest = True
                stage.disturbed = rejudged_round.disturbed_on() if disturbed else rejudged_round.well
                if ruleset == "margin-1":
                    stage.reveal(1, by_worth(seed, pool=POOLS[ruleset])[-3:])  # as many as each story needs
                else:
                    stage.reveal_some(1)
                stage.play(1)
                stage.disturbed = rejudged_round.well
                story(stage, Round.objects.get(number=1))
                for number in rounds[1:]:
                    stage.reveal_some(number)
                    stage.play(number)

        about = f"rejudged {story.__name__} {seed} {ruleset} {rounds} {disturbed}"
        return once(about, playing) / "bundles" / "played"

    return play


def lines(folder: Path) -> list[str]:
    report = examine_all(folder, operator=operator_key.keypair().ss58_address)
    assert report is not None
    return [finding.line() for finding in report.findings if finding.severity == "error"]


def told(folder: Path, name: str) -> Any:
    return json.loads((folder / name).read_text())


def screens(folder: Path) -> dict[str, str]:
    return {m["challenger"]: m["margin"] for m in told(folder, "matches.json") if m["kind"] == "screen"}


def the_whole_round(stage: Stage, round_: Round) -> None:
    correction = stage_duels(stage, round_, what="round")
    first = {match.pk: match.margin_micro for match in round_.matches.all()}
    correction = ready(stage, correction)
    assert {match.pk: match.margin_micro for match in round_.matches.filter(pk__in=first)} == first  # it counts yet
    assert any(row["turned"] for row in correction.preview["matches"])
    apply(stage, correction)
    assert Match.objects.filter(pk__in=first).count() == len(first)


@pytest.mark.long
@pytest.mark.parametrize("rounds", [(1,), (1, 2)], ids=len)
def test_a_round_judged_again_is_confirmed_with_both_results(
    rounds: tuple[int, ...], rejudged: Callable[..., Any]
) -> None:
    folder = rejudged(the_whole_round, seed=6, rounds=rounds)
    assert "\n".join(lines(folder)) == ""
    before, after = told(folder / "1", "decision.json"), told(folder / "1.2", "decision.json")
    document = told(folder / "1.2", "correction.json")
    assert before["winner"] == document["before"]["winner"] != after["winner"]
    aside = {m["challenger"]: m["margin"] for m in document["matches"] if m["kind"] == "screen"}
    assert aside == screens(folder / "1") != screens(folder / "1.2")


def test_the_judge_is_really_asked_again(rejudged: Callable[..., Any]) -> None:
    """Nothing that was answered before serves: with a sound judge the answers are the contrary of the first."""
    folder = rejudged(the_whole_round, seed=6)
    first = {m["challenger"]: m for m in told(folder / "1.2", "correction.json")["matches"] if m["kind"] == "screen"}
    compared = 0
    for match in (m for m in told(folder / "1.2", "matches.json") if m["kind"] == "screen"):
        was = {duel["prompt"]: duel for duel in first[match["challenger"]]["duels"]}
        for duel in (duel for duel in match["duels"] if duel["state"] == "judged"):
            old = was[duel["prompt"]]
            if old["state"] == "judged" and duel["left"] != duel["right"]:
                assert duel["take"] == 2 and "take" not in old
                assert duel["detail"]["stages"][0]["score"] == -old["detail"]["stages"][0]["score"]
                compared += 1
    assert compared > 5


def one_prompt(stage: Stage, round_: Round) -> None:
    apply(stage, ready(stage, stage_duels(stage, round_, what="prompt", prompt=stems(round_)[0])))


def test_one_prompt_is_judged_again_over_all_matches_and_nothing_else(rejudged: Callable[..., Any]) -> None:
    folder = rejudged(one_prompt, seed=6)
    assert "\n".join(lines(folder)) == ""
    stem = told(folder / "1", "round.json")["prompts"][0]["stem"]
    again = [d for m in told(folder / "1.2", "matches.json") for d in m["duels"] if d.get("take") == 2]
    assert again and {duel["prompt"] for duel in again} == {stem}


def two_in_turn(stage: Stage, round_: Round) -> None:
    """First one match, discarded; then a time, applied; then the whole round, applied."""
    named = " ".join(rejudged_round.first_match(round_))
    dropped = stage_duels(stage, round_, what="match", match=named)
    assert not Match.objects.filter(attempt__number=2, state="decided").exists()
    discard(stage, dropped)
    assert set(Match.objects.filter(attempt__number=2).values_list("state", flat=True)) == {"dropped"}
    told_ = Duel.objects.filter(match__round=round_, state="judged").order_by("since")
    since, until = (row.since.isoformat() for row in (told_[0], told_[len(told_) // 2]))
    apply(stage, ready(stage, stage_duels(stage, round_, what="time", since=since, until=until)))
    apply(stage, ready(stage, stage_duels(stage, round_, what="round")))


@pytest.mark.long
def test_corrections_follow_each_other_and_a_discarded_one_leaves_nothing(rejudged: Callable[..., Any]) -> None:
    folder = rejudged(two_in_turn, seed=6)
    assert sorted(p.name for p in folder.iterdir() if not p.name.startswith(".")) == ["1", "1.2", "1.3"]
    assert "\n".join(lines(folder)) == ""
    versions = {m.get("version", 1) for m in told(folder / "1.3", "matches.json")}
    assert 4 in versions and 2 not in versions


def code_generated_again(stage: Stage, round_: Round) -> None:
    correction = rejudged_round.stage_generation(stage, round_)
    was = Audit.objects.filter(round=round_, kind="generation", correction=None).count()
    correction = ready(stage, correction)
    assert correction.audits.count() == was > 0
    assert PodRun.objects.filter(purpose="audit_1").count() == was
    apply(stage, correction)


@pytest.mark.long
@pytest.mark.parametrize(("ruleset", "seed"), [("margin-1", 6), ("title-1", 6)])
def test_code_is_generated_again_on_another_pod_and_both_outputs_are_told(
    ruleset: str, seed: int, rejudged: Callable[..., Any]
) -> None:
    folder = rejudged(code_generated_again, seed=seed, ruleset=ruleset, disturbed=False)
    assert "\n".join(lines(folder)) == ""
    audits = told(folder / "1.2", "audits.json")
    assert {a["version"] for a in audits if a["kind"] == "generation"} == {2}
    entries = {a["entry"] for a in audits if a["kind"] == "generation"}
    origins = {(row["entry"], row["origin"]) for row in told(folder / "1.2", "assets.json")}
    assert {(entry, origin) for entry in entries for origin in ("generated", "generated_1")} <= origins


@pytest.mark.long
@pytest.mark.parametrize("seed", [1, 2, 6])
def test_a_round_of_title_1_is_judged_again_as_a_whole(seed: int, rejudged: Callable[..., Any]) -> None:
    folder = rejudged(the_whole_round, seed=seed, ruleset="title-1")
    assert "\n".join(lines(folder)) == ""
    document = told(folder / "1.2", "correction.json")
    assert document["matches"] and document["before"]["headline"] == told(folder / "1", "decision.json")["headline"]


def an_appeal_was_upheld(stage: Stage, round_: Round) -> None:
    """The winner's licence is objected to; whoever is next plays for the title on fresh prompts."""
    reviewed_round.correct(stage, round_)


@pytest.mark.long
def test_a_title_that_is_taken_back_goes_to_the_next(rejudged: Callable[..., Any]) -> None:
    folder = rejudged(an_appeal_was_upheld, seed=6, ruleset="title-1", rounds=(1, 2), disturbed=False)
    assert "\n".join(lines(folder)) == ""
    first, second = told(folder / "1", "decision.json"), told(folder / "1.2", "decision.json")
    assert first["winner"] != "leader" and second["leader"] != first["leader"]


@pytest.mark.long
def test_the_leaders_pod_gives_the_fresh_outputs_that_only_the_corrected_round_asks_for(
    rejudged: Callable[..., Any],
) -> None:
    """Nobody had come to play for the title; judged again, somebody does, and plays to the last fresh prompt."""
    folder = rejudged(the_whole_round, seed=1, ruleset="title-1")

    def of_the_leader(name: str) -> int:
        fresh = {row["stem"] for row in told(folder / name, "title.json")["fresh"]}
        rows = [row for row in told(folder / name, "assets.json") if row["entry"] == "leader"]
        return len([row for row in rows if row["prompt"] in fresh and row["state"] == "stored"])

    assert of_the_leader("1") == 0 < of_the_leader("1.2")


def test_rewritten_as_it_was_it_is_still_confirmed(rejudged: Callable[..., Any], tmp_path: Path) -> None:
    folder = rejudged(one_prompt, seed=6) / "1.2"
    assert "\n".join(lines(rewritten(folder, tmp_path / "same", lambda documents, events: None))) == ""


@pytest.mark.parametrize("lie", LIES, ids=lambda lie: lie.__name__)
def test_a_lie_about_judging_again_is_named(lie: Any, rejudged: Callable[..., Any], tmp_path: Path) -> None:
    found = lines(rewritten(rejudged(one_prompt, seed=6) / "1.2", tmp_path / "lie", lie))
    assert any(f"[{LIES[lie]}]" in line for line in found), found


def nothing_yet(stage: Stage, round_: Round) -> None:
    reigns, events = Reign.objects.count(), LedgerEvent.objects.count()
    correction = ready(stage, stage_duels(stage, round_, what="round"))
    assert Reign.objects.count() == reigns and LedgerEvent.objects.count() > events
    discard(stage, correction, code="nothing_changes")
    assert Reign.objects.count() == reigns and not Match.objects.filter(attempt__isnull=False, counts=True).exists()


@pytest.mark.long
def test_a_discarded_judging_again_is_told_and_counts_for_nothing(rejudged: Callable[..., Any]) -> None:
    folder = rejudged(nothing_yet, seed=6)
    assert "\n".join(lines(folder)) == ""
    assert not (folder / "1.2").exists()
