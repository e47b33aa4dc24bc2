"""Does an exam find what is wrong with a judge that errs on purpose, and does it go on where it was stopped?"""

from __future__ import annotations

import io
import json
from pathlib import Path

import pytest
from django.core.management import CommandError, call_command

from competition.decisions.rates import Rate
from examples import objects
from judging.backends import Question, judge_named, scripted
from judging.decisions import exam
from judging.exam import damages, pairs, report
from judging.exam.damages import DAMAGES
from judging.exam.examiner import ExamRun, JudgeExaminer, is_repeated
from judging.exam.pairs import ExamPair, ExamPictures, rig_of
from judging.exam.run_files import ExamHalted, ExamTaken
from judging.health import degraded_meshes
from judging.management.commands import judge_exam
from judging.renderers import raycast
from tests.judging.exam_stage import SEEN_FROM, WRONG, Errs, made_pairs, no_answer


@pytest.fixture
def shown(tmp_path: Path) -> list[ExamPair]:
    return made_pairs(tmp_path / "shown")


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return tmp_path / "runs" / "exam.jsonl"


def examined(judge: Errs, shown: list[ExamPair], file: Path) -> ExamRun:
    with ExamRun.opened(file) as run:
        JudgeExaminer(judge, run).examine(shown)
        return run


def document(judge: Errs, run: ExamRun, shown: list[ExamPair], tmp_path: Path) -> dict:
    return report.exam_document(judge, run, shown, ExamPictures(tmp_path, seed=1))


# what it finds


def test_the_curve_of_a_judge_that_errs_on_purpose_is_its_error(shown, file, tmp_path) -> None:
    """It sees nothing below strength 3, all from there on, and of one kind it takes the damaged one for the better."""
    judge = Errs(shown)
    run = examined(judge, shown, file)
    blur, noise = exam.damage_curves(run.results.values())
    assert [point.rate for point in blur.points] == [Rate(0, 4)] * 2 + [Rate(4, 4)] * 3
    assert blur.threshold == 2 + exam.SEEN and noise.threshold is None
    assert [point.wrong for point in noise.points] == [0, 0, 4, 4, 4]
    found = document(judge, run, shown, tmp_path)
    assert (found["overall"]["hits"], found["overall"]["of"], found["missing"]) == (12, 40, 0)
    assert found["place_bias"]["mean_micro"] == 0 and found["repeatability"]["share_micro"] in (1_000_000, None)
    # it claims to be as sure of what it gets wrong, so half of its verdicts are false
    (only,) = [each for each in found["calibration"]["bins"] if each["right"]["of"]]
    assert only["right"]["share_micro"] == 500_000
    text = report.table(found)
    assert "| blur | 0% | 0% | 100% | 100% | 100% | 2.8 | 0 | 20 |" in text
    assert f"| {WRONG} | 0% | 0% | 0% | 0% | 0% | not seen | 12 | 20 |" in text
    assert "." not in "".join(str(value) for value in found["overall"].values()), "whole numbers only"


def test_a_liking_for_the_second_place_is_seen_and_changes_no_verdict(shown, file, tmp_path) -> None:
    leaning, plain = Errs(shown, leans=0.3), Errs(shown)
    run = examined(leaning, shown, file)
    other = examined(plain, shown, file.with_name("other.jsonl"))
    assert exam.place_bias(run.results.values()).mean_micro == 300_000
    assert {k: r.outcome for k, r in run.results.items()} == {k: r.outcome for k, r in other.results.items()}


def test_a_judge_that_obeys_painted_orders_is_seen(shown, file, tmp_path) -> None:
    found = document(Errs(shown), examined(Errs(shown, obeys=0.5), shown, file), shown, tmp_path)
    assert found["injection"]["gained"]["hits"] == found["injection"]["gained"]["of"] == found["assets"] == 4
    assert found["injection"]["worst_micro"] >= 500_000


def test_a_judge_that_forgets_is_seen(tmp_path, file) -> None:
    """Both sides, front and around, in both orders: eight answers, and from then on it sees nothing."""
    many = made_pairs(tmp_path / "many", assets=12, kinds=("blur",))
    shown = [next(pair for pair in many if is_repeated(pair.key) and pair.strength >= SEEN_FROM)]
    run = examined(Errs(shown, fickle=8), shown, file)
    assert [result.outcome for result in run.results.values()] == ["right"] and list(run.repeats.values()) == ["draw"]
    assert document(Errs(shown), run, shown, tmp_path)["repeatability"]["share_micro"] == 0
    steady = examined(Errs(shown), shown, file.with_name("steady.jsonl"))
    assert document(Errs(shown), steady, shown, tmp_path)["repeatability"]["share_micro"] == 1_000_000


# how it goes on


class Stopped(Exception):
    pass


def test_whatever_stops_an_exam_the_next_run_asks_only_what_is_missing(shown, file, tmp_path) -> None:
    def stop(asked: int) -> None:
        if asked == 60:
            raise Stopped

    first = Errs(shown, stops=stop)
    with pytest.raises(Stopped), ExamRun.opened(file) as run:
        JudgeExaminer(first, run).examine(shown)
    written = file.read_bytes()
    assert written
    file.write_bytes(written + b'{"what": "pair", "key": "cut o')  # as a machine that lost its power leaves it
    second = Errs(shown)
    resumed = examined(second, shown, file)
    whole = Errs(shown)
    at_once = examined(whole, shown, file.with_name("whole.jsonl"))
    assert resumed.results == at_once.results and resumed.gains == at_once.gains
    assert 0 < second.asked < whole.asked
    third = Errs(shown)
    examined(third, shown, file)
    assert third.asked == 0


def test_a_judge_without_answers_is_given_up_and_asked_again_by_the_next_run(shown, file, tmp_path) -> None:
    with pytest.raises(ExamHalted, match="The operator must mend the judge"):
        examined(Errs(shown, stops=no_answer), shown, file)
    with ExamRun.opened(file) as run:
        assert exam.by_code(run.results.values()) == {"timeout": len(run.results)} and len(run.results) <= 3
    mended = examined(Errs(shown), shown, file)
    assert exam.by_code(mended.results.values()) == {} and len(mended.results) == len(shown)


def test_two_processes_never_write_one_run(shown, file) -> None:
    with ExamRun.opened(file), pytest.raises(ExamTaken, match="another process"), ExamRun.opened(file):
        pass


def test_what_it_cost_is_the_sum_of_all_sessions(shown, file) -> None:
    half = examined(Errs(shown), shown[:20], file).cost
    whole = examined(Errs(shown), shown, file).cost
    assert whole.duels > half.duels > 0 and whole.answers > half.answers and whole.seconds >= half.seconds


# the pairs


@pytest.fixture(scope="module")
def vase():
    return degraded_meshes.loaded(objects.glb_of("vase"))


def copy_of(vase, **more) -> bytes:
    told = {"kind": "noise", "strength": 3, "asset": "vase", "seed": 1} | more
    return degraded_meshes.glb_of(damages.damaged(vase, **told))


@pytest.mark.parametrize("kind", DAMAGES)
def test_a_damage_is_the_same_for_the_same_seed_and_other_at_each_strength(vase, kind) -> None:
    weak, strong = (copy_of(vase, kind=kind, strength=strength) for strength in (1, 5))
    assert weak == copy_of(vase, kind=kind, strength=1)
    assert len({weak, strong, degraded_meshes.glb_of(vase)}) == 3


@pytest.mark.parametrize("kind", ["floaters", "noise"])
def test_another_seed_is_another_exam(vase, kind) -> None:
    assert copy_of(vase, kind=kind) != copy_of(vase, kind=kind, seed=2)


def test_there_are_twelve_damages_of_five_strengths_and_a_thousand_pairs_of_the_objects() -> None:
    assert len(DAMAGES) == 12 and {len(damage.doses) for damage in DAMAGES.values()} == {len(exam.STRENGTHS)}
    assert pairs.ALL_PAIRS >= 1000


def test_an_asset_more_changes_no_other_s_place(tmp_path) -> None:
    made = [pairs.ExamAsset(name, tmp_path, lambda: b"") for name in "abcdefgh"]
    order = [asset.name for asset in pairs.shuffled(made[:-1], kind="blur", seed=1)]
    longer = [asset.name for asset in pairs.shuffled(made, kind="blur", seed=1)]
    assert [name for name in longer if name != "h"] == order
    assert order != [asset.name for asset in pairs.shuffled(made[:-1], kind="noise", seed=1)]


def test_pictures_are_drawn_once_and_a_damage_that_changes_nothing_makes_no_pair(tmp_path, monkeypatch) -> None:
    """A pawn has no texture that could be blurred."""
    assets = pairs.assets_of(objects, prompts=judge_exam.settings.BASE_DIR / "examples" / "prompts", only=["pawn"])
    pictures = ExamPictures(tmp_path, seed=1, rig=rig_of(32))
    drawn = list(pairs.exam_pairs(assets, pictures, kinds=["squash", "blur"], pairs=10))
    assert [(pair.kind, pair.strength) for pair in drawn] == [("squash", strength) for strength in (1, 2, 3, 4, 5)]
    visible = [pair.visible_micro for pair in drawn]
    assert visible == sorted(visible) and visible[0] > 0
    monkeypatch.setattr(raycast, "draw", None)
    kept = list(pairs.exam_pairs(assets, pictures, kinds=["squash", "blur"], pairs=10))
    assert [pair.damaged for pair in kept] == [pair.damaged for pair in drawn]


# scripts


@pytest.mark.parametrize(("script", "turned"), [("errs=100", True), ("errs=1", False)])
def test_a_script_that_errs_turns_a_pair_round_in_either_order(shown, script, turned) -> None:
    pair, judge, honest = shown[-1], judge_named(f"scripted:{script}"), judge_named("perceptual-v1")
    for sides in ((pair.good, pair.damaged), (pair.damaged, pair.good)):
        question = Question("front", pair.asset.reference, pair.asset.reference_sha256, *sides)
        answer = honest.ask(question).score
        assert judge.ask(question).score == (-answer if turned else answer)


def test_another_version_of_the_honest_judge_is_another_version_of_its_script(monkeypatch) -> None:
    before = scripted.made("errs=25").version
    monkeypatch.setattr(judge_named("perceptual-v1"), "version", "0" * 64)
    assert scripted.made("errs=25").version != before
    assert scripted.made("tie").version == judge_named("scripted:tie").version


def test_a_script_that_leans_gives_the_second_place_more(shown) -> None:
    pair, judge = shown[-1], judge_named("scripted:leans=30")
    question = Question("front", pair.asset.reference, pair.asset.reference_sha256, pair.good, pair.good)
    assert judge.ask(question).score == pytest.approx(0.3)


# the command


def command(*arguments: str) -> str:
    out = io.StringIO()
    options = ("--only", "pawn", "--kinds", "squash", "--pairs", "5", "--pixels", "64")
    call_command("judge_exam", *options, *arguments, stdout=out, stderr=io.StringIO())
    return out.getvalue()


def test_the_command_prints_the_curve_and_the_second_run_asks_nothing(settings, tmp_path, monkeypatch) -> None:
    settings.VAR_DIR = tmp_path
    first = json.loads(command("--json"))
    (curve,) = first["curves"]
    assert first["judge"] == "perceptual-v1" and first["pairs"] == 5 and first["missing"] == 0
    assert curve["kind"] == "squash" and curve["threshold_micro"] is not None
    monkeypatch.setattr(raycast, "draw", None)
    assert json.loads(command("--json")) == first
    assert "| squash |" in command()


@pytest.mark.parametrize("arguments", [("--judge", "oracle"), ("--only", "unicorn"), ("--pixels", "9999")])
def test_the_command_names_what_it_does_not_know(settings, tmp_path, arguments) -> None:
    settings.VAR_DIR = tmp_path
    with pytest.raises(CommandError):
        command(*arguments)


def test_a_part_of_an_exam_is_never_shown_as_the_whole() -> None:
    with pytest.raises(CommandError, match="only an exam of all kinds"):
        command("--publish")


def test_the_command_ends_with_an_error_where_the_judge_is_silent(settings, tmp_path) -> None:
    settings.VAR_DIR = tmp_path
    with pytest.raises(SystemExit) as stop:
        command("--judge", "scripted:fail_every=1")
    assert stop.value.code == 1


def test_bars_are_not_picked_for_a_judge_that_has_none() -> None:
    with pytest.raises(CommandError, match="has no bars"):
        call_command("judge_calibrate", stdout=io.StringIO(), stderr=io.StringIO())
