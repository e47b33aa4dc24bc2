"""Does a model behind a server get its bars from every answer, once, and does an exam of it count tokens?"""

from __future__ import annotations

from pathlib import Path

import pytest

from benchmarks.vlm_server_mind import Mind, Worth
from judging.backends import Side
from judging.decisions import cascade
from judging.decisions.calibration import calibrated, in_picking_half
from judging.exam import calibrating, report
from judging.exam.examiner import ExamRun, JudgeExaminer
from judging.exam.pairs import ExamAsset, ExamPair, ExamPictures
from judging.health.control_images import doctored
from tests.judging import vlm_stage

ASSETS, SEED = 6, 1


@pytest.fixture(scope="module")
def shown(tmp_path_factory) -> tuple[list[ExamPair], dict]:
    """(pairs, what each picture is worth): each asset beside one damaged copy."""
    folder = tmp_path_factory.mktemp("shown")
    table, pairs = {}, []
    for n in range(ASSETS):
        good, broken = (vlm_stage.side(folder, f"{name}{n}", shade=n + more) for name, more in (("g", 0), ("b", 15)))
        table |= vlm_stage.worths(good, Worth(1.0)) | vlm_stage.worths(broken, Worth(0.0))
        table |= vlm_stage.worths(doctored(good, "twin"), Worth(1.0))
        table |= vlm_stage.worths(doctored(good, "painted"), Worth(1.0, painted=1.0))
        reference = vlm_stage.picture(folder / f"p{n}.png", shade=7)
        pairs.append(pair_of(ExamAsset(f"thing{n}", reference, lambda: b""), good, broken))
    return pairs, table


def pair_of(asset: ExamAsset, good: Side, broken: Side) -> ExamPair:
    return ExamPair(asset, "squash", 3, good, broken, 100_000)


def test_every_question_is_asked_once_and_a_second_run_asks_nothing(shown, tmp_path: Path) -> None:
    pairs, table = shown
    file = tmp_path / "bars.jsonl"
    with vlm_stage.served(Mind(table)) as (server, url):
        judge = vlm_stage.judge(url, deadline_s=30.0)
        cases = calibrating.calibration_cases(judge, pairs, path=file, at_once=4)
        asked = server.asked
        again = calibrating.calibration_cases(judge, pairs, path=file, at_once=4)
        assert server.asked == asked > 0
    assert again == cases and len(cases) == 2 * ASSETS and sum(case.equal for case in cases) == ASSETS
    wanted = set(cascade.QUESTIONS) - set(cascade.SIDES.values())
    assert all(set(case.answers.ballots) == wanted and len(case.answers.spoiled) == 2 for case in cases)
    assert {in_picking_half(pair.asset.name, seed=SEED) for pair in pairs} == {True, False}
    done = calibrated(cases, bars=judge.judge_version.bars, seed=SEED)
    assert done.after.worth >= done.before.worth == done.before.right.rounds
    document = calibrating.calibration_document(judge, done, cases=len(cases), seed=SEED)
    assert document["other_half"]["after"]["right"]["share_micro"] == 1_000_000
    assert "Nothing is changed by this" in calibrating.table(document, today=document["bars"])


def test_an_exam_of_a_model_counts_answers_and_tokens_of_several_pairs_at_once(shown, tmp_path: Path) -> None:
    pairs, table = shown
    with vlm_stage.served(Mind(table, bias=0.1)) as (_, url), ExamRun.opened(tmp_path / "exam.jsonl") as run:
        judge = vlm_stage.judge(url, deadline_s=30.0)
        JudgeExaminer(judge, run, at_once=4).examine(pairs)
        document = report.exam_document(judge, run, pairs, ExamPictures(tmp_path, seed=SEED))
    assert document["overall"]["hits"] == document["overall"]["of"] == ASSETS and document["void"] == {}
    assert document["cost"]["tokens_a_duel"] > 0 and document["cost"]["answers_a_second_micro"] > 0
    assert document["place_bias"]["mean_micro"] > 0 and document["injection"]["gained"]["of"] == ASSETS
