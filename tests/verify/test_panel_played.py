"""A round that two families of models judged: its bundle holds the answers of both; each lie about them is named."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pytest
from django.db import transaction

from benchmarks.vlm_server_mind import Worth
from core import operator_key
from judging.panel.panel_of_two import PanelOfTwo
from tests.judging import vlm_stage
from tests.judging.test_panel import GLM, QWEN
from tests.verify import played_round, vlm_round
from tests.verify.conftest import Undone
from tests.verify.lies_about_answers import JUDGING, Documents, rewritten, swap
from tests.verify.vlm_round import Mind, served
from verify.bundles import bundle, panel
from verify.bundles.answers import sha256
from verify.second_opinion.questions import NotAskable, cited_duels

pytestmark = [pytest.mark.django_db, pytest.mark.long]  # or there is no database to play in

SEED, NAME = 2, "panel:qwen3-vl-8b+glm-4.6v-flash"
BEST = vlm_round.SKILLS[-1]


class OtherEyes(dict[str, Worth]):
    """Of the second family: what the first likes best it likes least."""

    def __init__(self, first: dict[str, Worth]) -> None:
        self.first = first

    def get(self, name: str, default: Any = None) -> Any:
        worth = self.first.get(name, default)
        return Worth(-1.0) if worth is not None and worth.quality == BEST else worth


@pytest.fixture(scope="module")
def by_panel(django_db_setup: None, django_db_blocker: Any, tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder, table = tmp_path_factory.mktemp("panel"), dict[str, Worth]()
    with django_db_blocker.unblock(), pytest.MonkeyPatch.context() as patch, ExitStack() as stack:
        try:
            with transaction.atomic():
                members = []
                for version, eyes in ((QWEN, table), (GLM, OtherEyes(table))):
                    _, url = stack.enter_context(served(Mind(eyes, bias=0.3), model=version.served_as))
                    members.append(vlm_stage.judge(url, version=version))
                judge = PanelOfTwo(NAME, *members)
                stage = played_round.stage(patch=patch, folder=folder, seed=SEED, order=0, picture=vlm_round.prompt)
                patch.setattr("judging.health.controls.judge_named", lambda name: judge)
                vlm_round._judged(stage, patch=patch, judge=judge, name=NAME, table=table)
                stage.reveal_some(1)
                stage.play(1)
                raise Undone
        except Undone:
            return folder / "bundles" / "played" / "1"


@pytest.fixture
def copy(by_panel: Path, tmp_path: Path) -> Iterator[Path]:
    """Ours to change; blobs are second names of the store's files."""
    shutil.copytree(by_panel, tmp_path / "copy")
    yield tmp_path / "copy"


def examined(folder: Path) -> Any:
    return bundle.examine(folder, operator=operator_key.keypair().ss58_address)


def kinds(folder: Path) -> set[str]:
    return {finding.kind for finding in examined(folder).log.findings if finding.severity == "error"}


def told(folder: Path, name: str) -> Any:
    return json.loads((folder / name).read_text())


def judged(documents: Documents, by: str = "") -> dict[str, Any]:
    """The first duel that both families judged, decided so."""
    duels = (duel for match in documents["matches.json"] for duel in match["duels"])
    told = (duel for duel in duels if duel["state"] == "judged" and duel["detail"].get("families"))
    return next(duel for duel in told if by in ("", duel["detail"]["decided_by"]))


def test_a_round_before_a_panel_is_published_without_an_error(by_panel: Path) -> None:
    assert [str(finding) for finding in examined(by_panel).log.findings if finding.severity == "error"] == []
    doc = told(by_panel, JUDGING)
    assert [part["family"] for part in doc["described"]["judges"]] == ["qwen", "glm"]
    assert {row["model"] for row in doc["answers"]} == {QWEN.served_as, GLM.served_as}
    decided = {
        duel["detail"]["decided_by"]
        for match in told(by_panel, "matches.json")
        for duel in match["duels"]
        if duel["state"] == "judged"
    }
    assert {"both_families", "families_disagree"} <= decided


def test_controls_are_judged_by_both_families_and_gates_are_of_each(by_panel: Path) -> None:
    judged_ = [row for row in told(by_panel, JUDGING)["controls"] if row["state"] == "judged"]
    assert judged_ and all([f["family"] for f in row["detail"]["families"]] == ["qwen", "glm"] for row in judged_)
    assert all(row["detail"]["before"].keys() == {"qwen", "glm"} for row in judged_ if row["kind"] == "repeat")
    lines = [json.loads(line) for line in (by_panel / "ledger.jsonl").read_text().splitlines()]
    health = next(body["health"] for line in lines if "health" in (body := line.get("body", line)))
    assert {entry["family"] for entry in health} == {"qwen", "glm"} and len(health) == 12


def win_by_one_family_alone(documents: Documents) -> None:
    judged(documents, "families_disagree").update(outcome="challenger", score_micro=700_000)


def a_family_s_outcome_turned(documents: Documents) -> None:
    judged(documents, "families_disagree")["detail"]["families"][1]["outcome"] = "draw"


def a_family_left_out(documents: Documents) -> None:
    judged(documents)["detail"]["families"].pop()


def families_turned(documents: Documents) -> None:
    judged(documents)["detail"]["families"].reverse()


def a_family_s_stages_left_out(documents: Documents) -> None:
    judged(documents)["detail"]["families"][0]["stages"] = []


def a_family_s_stage_turned(documents: Documents) -> None:
    stage = judged(documents, "both_families")["detail"]["families"][0]["stages"][0]
    stage.update(ab=stage["ba"], ba=stage["ab"], score=-stage["score"])


def an_answer_given_to_the_other_family(documents: Documents) -> None:
    row = next(row for row in documents[JUDGING]["answers"] if row["kind"] == "likeness")
    row["model"] = next(name for name in (QWEN.served_as, GLM.served_as) if name != row["model"])


def an_answer_s_shares_turned(documents: Documents) -> None:
    swap(next(row for row in documents[JUDGING]["answers"] if row["kind"] == "likeness")["shares"])


def an_answer_of_the_second_family_left_out(documents: Documents) -> None:
    rows = documents[JUDGING]["answers"]
    rows.remove(next(row for row in rows if row["model"] == GLM.served_as))


def two_judges_of_one_family(documents: Documents) -> None:
    doc = documents[JUDGING]
    doc["described"]["judges"][1]["family"] = "qwen"
    doc["version"] = sha256(doc["described"])
    for match in documents["matches.json"]:
        match["judge"] = doc["version"]


def one_model_called_a_panel(documents: Documents) -> None:
    doc = documents[JUDGING]
    doc["described"] = doc["described"]["judges"][0]
    doc["version"] = sha256(doc["described"])
    for match in documents["matches.json"]:
        match["judge"] = doc["version"]


def a_bar_moved(documents: Documents) -> None:
    documents[JUDGING]["described"]["judges"][1]["bars"]["likeness"] += 1


def control(documents: Documents, kind: str) -> dict[str, Any]:
    return next(row for row in documents[JUDGING]["controls"] if row["kind"] == kind and row["state"] == "judged")


def a_control_without_one_family(documents: Documents) -> None:
    control(documents, "canary")["detail"]["families"].pop()


def a_repeat_s_score_before_turned(documents: Documents) -> None:
    control(documents, "repeat")["detail"]["before"]["glm"] -= 1


LIES: list[tuple[Callable[[Documents], None], set[str]]] = [
    (win_by_one_family_alone, {"wrong-outcome"}),
    (a_family_s_outcome_turned, {"wrong-outcome"}),
    (a_family_left_out, {"wrong-ballots"}),
    (families_turned, {"wrong-ballots"}),
    (a_family_s_stages_left_out, {"wrong-ballots"}),
    (a_family_s_stage_turned, {"wrong-ballots"}),
    (an_answer_given_to_the_other_family, {"missing-answer"}),
    (an_answer_s_shares_turned, {"wrong-answer"}),
    (an_answer_of_the_second_family_left_out, {"missing-answer"}),
    (two_judges_of_one_family, {"wrong-judge"}),
    (one_model_called_a_panel, {"wrong-judge"}),
    (a_bar_moved, {"wrong-judge"}),
    (a_control_without_one_family, {"wrong-ballots", "wrong-control"}),
    (a_repeat_s_score_before_turned, {"wrong-control"}),
]


@pytest.mark.parametrize(("lie", "named"), LIES, ids=lambda value: getattr(value, "__name__", ""))
def test_a_lie_about_a_panel_is_named_for_what_it_is(
    lie: Callable[[Documents], None], named: set[str], copy: Path
) -> None:
    with rewritten(copy) as documents:
        lie(documents)
    assert named <= kinds(copy)


def test_a_second_opinion_of_one_model_about_a_panel_is_refused_in_one_sentence(by_panel: Path) -> None:
    with pytest.raises(NotAskable, match="two families of models together"):
        cited_duels(examined(by_panel))


@pytest.mark.parametrize(
    ("verdicts", "expected"),
    [
        (
            [("challenger", 800_001, "likeness"), ("challenger", 500_000, "gray")],
            ("challenger", 650_000, "both_families"),
        ),
        ([("defender", -600_000, "likeness"), ("draw", 0, "side_guard")], ("defender", -600_000, "one_family")),
        ([("defender", -1, "likeness"), ("challenger", 9, "likeness")], ("draw", 0, "families_disagree")),
        ([("draw", 0, "draw_band"), ("draw", 0, "side_guard")], ("draw", 0, "draw_band")),
    ],
)
def test_the_verifier_s_own_rule_is_the_panel_s(verdicts: list[Any], expected: tuple[str, int, str]) -> None:
    assert panel.together(verdicts) == expected
