"""Two families of models judge together: does a win count only where neither contradicts the other?"""

from __future__ import annotations

import io
from collections.abc import Iterable, Iterator
from contextlib import ExitStack
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

import pytest
from django.core.management import CommandError, call_command
from hypothesis import given
from hypothesis import strategies as st

from benchmarks.vlm_server_mind import Mind, Worth
from competition.rulesets import MARGIN_1
from competition.rulesets.tally import DuelResult, Tally, clears
from judging.backends import is_model, judge_named
from judging.backends.base import NoAnswer, Served, Side
from judging.decisions import health, two_families
from judging.decisions.ballots import Ballot, FamilyVerdict, Verdict
from judging.decisions.health import Gates, health_by_family
from judging.exam.examiner import ExamRun, JudgeExaminer
from judging.exam.pairs import ExamAsset, ExamPair
from judging.health import silence
from judging.health.control_images import doctored
from judging.panel import openai, panel_of_two
from judging.panel.answer_rows import description_of
from judging.panel.answer_store import Remembered
from judging.panel.duel_verdict import verdict_of
from judging.panel.openai_client import Door
from judging.panel.openai_wire import body
from judging.panel.panel_of_two import PanelOfTwo
from judging.panel.questions.calls import Asker
from judging.panel.questions.version import BadVersion, JudgeVersion, pinned, version_named, versions_of
from judging.panel.vlm_panel import members_of
from tests.judging.vlm_stage import judge, picture, served, side, worths
from verify.bundles.panel import together as verifiers_rule

REVISION = "a1" * 20
PINS = {"qwen3-vl-8b": (REVISION, "Apache-2.0"), "glm-4.6v-flash": ("b2" * 20, "MIT")}
QWEN, GLM = (replace(pinned(version_named(name), PINS), pixels=64, pixels_per_token=32) for name in PINS)
WIN = Verdict("challenger", 800_001, "likeness", ())
LOSS = Verdict("defender", -600_000, "likeness", ())
DRAW = Verdict("draw", 0, "likeness", ())


def together(first: Verdict, second: Verdict) -> Verdict:
    return two_families.verdict([FamilyVerdict("qwen", "q@1", first), FamilyVerdict("glm", "g@1", second)])


@pytest.mark.parametrize(
    ("first", "second", "outcome", "score", "by"),
    [
        (WIN, WIN, "challenger", 800_001, "both_families"),
        (WIN, replace(WIN, score_micro=500_000), "challenger", 650_000, "both_families"),
        (LOSS, replace(LOSS, score_micro=-500_001), "defender", -550_000, "both_families"),
        (WIN, DRAW, "challenger", 800_001, "one_family"),
        (DRAW, LOSS, "defender", -600_000, "one_family"),
        (WIN, LOSS, "draw", 0, "families_disagree"),
        (LOSS, WIN, "draw", 0, "families_disagree"),
        (DRAW, DRAW, "draw", 0, "draw_band"),
    ],
)
def test_a_win_counts_where_both_families_agree_or_one_is_neutral(
    first: Verdict, second: Verdict, outcome: str, score: int, by: str
) -> None:
    verdict = together(first, second)
    assert (verdict.outcome, verdict.score_micro, verdict.decided_by) == (outcome, score, by)
    rows = verdict.detail()["families"]
    assert [(row["family"], row["outcome"]) for row in rows] == [("qwen", first.outcome), ("glm", second.outcome)]


def test_one_file_on_both_sides_is_a_draw_that_neither_family_is_asked_about() -> None:
    same = Verdict("draw", 0, "same_file", ())
    assert together(same, same).detail() == {"decided_by": "same_file", "stages": []}


SEEN = st.sampled_from([WIN, DRAW, LOSS])
SIGNS = {"challenger": 1, "draw": 0, "defender": -1}


@given(first=SEEN, second=SEEN)
def test_neither_family_alone_wins_a_duel_that_the_other_gives_to_the_other_side(
    first: Verdict, second: Verdict
) -> None:
    """And the verifier's own rule is the same."""
    both = together(first, second)
    for own in (first, second):
        assert SIGNS[own.outcome] * SIGNS[both.outcome] >= 0
    assert verifiers_rule([(own.outcome, own.score_micro, own.decided_by) for own in (first, second)]) == (
        both.outcome,
        both.score_micro,
        both.decided_by,
    )


def match_of(verdicts: Iterable[Verdict]) -> Tally:
    results = {"challenger": DuelResult.WON, "draw": DuelResult.DRAWN, "defender": DuelResult.LOST}
    return Tally.of(results[verdict.outcome] for verdict in verdicts)


@pytest.mark.parametrize("order", [1, -1])
def test_who_overfits_one_family_wins_nothing_with_files_that_the_other_sees_as_worse(order: int) -> None:
    """A scripted family always prefers the challenger; the other sees that its files are worse."""
    fooled, honest = [WIN] * 128, [LOSS] * 128
    assert clears(match_of(fooled), rules=MARGIN_1), "before the fooled family alone it takes the lead"
    pairs = [pair[::order] for pair in zip(fooled, honest, strict=True)]
    tally = match_of(together(*pair) for pair in pairs)
    assert (tally.won, tally.drawn, tally.lost) == (0, 128, 0) and not clears(tally, rules=MARGIN_1)


@given(st.lists(SEEN, min_size=1, max_size=128))
def test_what_a_fooled_family_is_worth_is_what_the_other_does_not_see_as_worse(honest: list[Verdict]) -> None:
    """Wins are the duels that the other family gives to the challenger or to nobody, and no duel is lost."""
    alone, tally = match_of(honest), match_of(together(WIN, verdict) for verdict in honest)
    assert (tally.won, tally.drawn, tally.lost) == (alone.won + alone.drawn, alone.lost, 0)


class Stage:
    """Two servers, each with eyes of its own, and a panel before them."""

    def __init__(self, folder: Path, stack: ExitStack, eyes: dict[str, dict[str, Worth]], **servers: Any) -> None:
        self.reference = picture(folder / "prompt.png", shade=3900)
        members, self.servers = [], {}
        for version in (QWEN, GLM):
            mind = Mind(eyes[version.family])
            settings = {"model": version.served_as, **servers.get(version.family, {})}
            self.servers[version.family], url = stack.enter_context(served(mind, **settings))
            members.append(judge(url, version=version))
        self.panel = PanelOfTwo("panel:qwen3-vl-8b+glm-4.6v-flash", *members)
        self.answers = Remembered()

    def verdict(self, defender: Side, challenger: Side) -> Verdict:
        about: dict[str, Any] = {"reference": self.reference, "reference_sha256": "0" * 64, "answers": self.answers}
        return verdict_of(self.panel, defender=defender, challenger=challenger, **about)


@pytest.fixture
def stack() -> Iterator[ExitStack]:
    with ExitStack() as stack:
        yield stack


def eyes_of(version: JudgeVersion, worth: dict[Side, float], **more: Any) -> dict[str, Worth]:
    return {
        name: seen
        for each, quality in worth.items()
        for name, seen in worths(each, Worth(quality, **more), version=version).items()
    }


@pytest.fixture
def sides(tmp_path: Path) -> tuple[Side, Side]:
    return side(tmp_path, "old", shade=1), side(tmp_path, "new", shade=2)


@pytest.mark.parametrize(
    ("glm_sees", "outcome", "by"),
    [(1.0, "challenger", "both_families"), (0.0, "challenger", "one_family"), (-1.0, "draw", "families_disagree")],
)
def test_what_two_models_see_of_one_duel_is_what_the_panel_comes_to(
    tmp_path: Path, stack: ExitStack, sides: tuple[Side, Side], glm_sees: float, outcome: str, by: str
) -> None:
    old, new = sides
    eyes = {"qwen": eyes_of(QWEN, {old: 0.0, new: 1.0}), "glm": eyes_of(GLM, {old: 0.0, new: glm_sees})}
    stage = Stage(tmp_path, stack, eyes)
    verdict = stage.verdict(old, new)
    assert (verdict.outcome, verdict.decided_by) == (outcome, by) and not verdict.stages
    models = {reply.raw["model"] for reply in stage.answers.replies.values()}
    assert models == {QWEN.served_as, GLM.served_as}, "the answers of both are kept"
    assert stage.servers["qwen"].asked and stage.servers["glm"].asked


def test_a_family_without_an_answer_is_named_and_leaves_the_duel_without_a_verdict(
    tmp_path: Path, stack: ExitStack, sides: tuple[Side, Side]
) -> None:
    old, new = sides
    eyes = {version.family: eyes_of(version, {old: 0.0, new: 1.0}) for version in (QWEN, GLM)}
    stage = Stage(tmp_path, stack, eyes, glm={"fault": "low_mass"})
    with pytest.raises(NoAnswer, match="glm: The judge was not answering") as none:
        stage.verdict(old, new)
    assert none.value.code == "low_mass"


def test_who_silences_one_family_loses_and_a_family_out_of_order_blames_nobody(
    tmp_path: Path, stack: ExitStack, sides: tuple[Side, Side]
) -> None:
    old, new = sides
    well = eyes_of(QWEN, {old: 0.0, new: 1.0})
    mute = eyes_of(GLM, {old: 0.0}) | eyes_of(GLM, {new: 1.0}, silences=True)
    stage = Stage(tmp_path, stack, {"qwen": well, "glm": mute})
    control = (side(tmp_path, "prompt", shade=3), side(tmp_path, "doctored", shade=4))
    about = {
        "reference": stage.reference,
        "control": control,
        "defender": old,
        "challenger": new,
        "wanted": lambda: True,
    }
    verdict = silence.verdict_of_all(stage.panel.members, **about)
    assert verdict is not None and (verdict.outcome, verdict.decided_by) == ("defender", "silence")
    stage.servers["qwen"].settings = replace(stage.servers["qwen"].settings, fault="low_mass")
    assert silence.verdict_of_all(stage.panel.members, **about) is None


def test_each_family_has_gates_of_its_own_and_one_that_is_well_makes_up_for_nothing() -> None:
    likes = Ballot("likeness", ab=-900_000, ba=900_000)
    right = Verdict("defender", -900_000, "likeness", (likes,))
    wrong = Verdict("draw", 0, "draw_band", ())
    rows = [row for n in range(8) for row in health.judged_control("canary", f"prompt-{n}", together(right, wrong))]
    report = health_by_family(rows, calls={"qwen": (200, 0), "glm": (200, 40)}, gates=Gates())
    assert [finding.label for finding in report.failing] == ["glm canary", "glm calls"]
    assert {finding.label: finding.state for finding in report.findings}["qwen canary"] == "passed"


def test_what_controls_of_one_asset_lean_to_is_measured_of_each_family() -> None:
    leaning = Verdict("draw", 0, "draw_band", (Ballot("likeness", ab=300_000, ba=-300_000),))
    rows = health.judged_control("injection", "prompt", together(DRAW, leaning))
    assert [(row.family, row.score) for row in rows] == [("qwen", 0), ("glm", 300_000)]


def test_a_panel_s_version_is_the_hash_of_both_and_gives_both_back() -> None:
    panel = PanelOfTwo("panel:a+b", judge("http://127.0.0.1:9", version=QWEN), judge("http://127.0.0.1:9", version=GLM))
    turned = PanelOfTwo("panel:b+a", *panel.members[::-1])
    assert panel.version != turned.version and isinstance(panel, Served) and is_model("panel:a+b")
    assert [part.digest for part in versions_of("a+b", description_of(panel))] == [QWEN.digest, GLM.digest]
    assert len(members_of(panel)) == 2 and len(members_of(panel.members[0])) == 1
    assert members_of(judge_named("perceptual-v1")) == ()


@pytest.mark.parametrize(
    ("argument", "words"),
    [
        ("qwen2.5-vl-7b", "a panel is two judges"),
        ("qwen2.5-vl-7b+glm-4.6v-flash+vlm-2", "a panel is two judges"),
        ("scripted:tie+glm-4.6v-flash", "a panel is two judges"),
        ("qwen2.5-vl-7b+qwen3-vl-8b", "are both of the family qwen"),
        ("qwen2.5-vl-7b+qwen2.5-vl-7b", "are both of the family qwen"),
        ("vlm-2+glm-4.6v-flash", "vlm-2 does not state its family"),
        ("qwen2.5-vl-7b+nobody", "no judge version 'nobody'"),
    ],
)
def test_what_is_no_panel_of_two_families_is_refused_in_one_sentence(settings: Any, argument: str, words: str) -> None:
    settings.VLM_URL, settings.VLM_PINS = "http://127.0.0.1:9", PINS
    judge_named.cache_clear()
    with pytest.raises(BadVersion, match=words) as refused:
        panel_of_two.made(argument)
    assert "\n" not in str(refused.value)
    judge_named.cache_clear()


def test_each_member_is_asked_at_its_own_address(settings: Any) -> None:
    settings.VLM_URL, settings.VLM_PINS = "http://127.0.0.1:9", PINS
    settings.VLM_URLS = {"glm-4.6v-flash": "http://127.0.0.2:9"}
    judge_named.cache_clear()
    panel = panel_of_two.made("qwen3-vl-8b+glm-4.6v-flash")
    assert [member.door.url for member in panel.members] == ["http://127.0.0.1:9", "http://127.0.0.2:9"]  # type: ignore[attr-defined]
    judge_named.cache_clear()


@pytest.mark.parametrize("name", PINS)
def test_a_version_of_today_is_pinned_by_the_operator_and_never_guessed(name: str) -> None:
    version = version_named(name)
    revision, licence = PINS[name]
    assert version.revision == "" and version.family and version.image_token
    with pytest.raises(BadVersion, match=f"GAUNTLET_VLM_PINS={name}="):
        pinned(version, {})
    with pytest.raises(BadVersion, match="states the licence"):
        pinned(version, {name: (revision, "GPL-3.0")})
    with pytest.raises(BadVersion, match="40 hex digits"):
        pinned(version, {name: ("main", licence)})
    assert pinned(version, {name: (revision, licence.lower())}).served_as == f"{version.model}@{revision}"
    assert pinned(version, PINS).digest != version.digest


def test_a_revision_that_stands_in_the_folder_is_moved_by_no_pin() -> None:
    version = version_named("qwen2.5-vl-7b")
    assert pinned(version, {}) is version
    with pytest.raises(BadVersion, match="is pinned to"):
        pinned(version, {"qwen2.5-vl-7b": (REVISION, "Apache-2.0")})


@pytest.mark.parametrize(
    ("name", "tokens"), [("qwen2.5-vl-7b", 1024), ("qwen3-vl-8b", 784), ("qwen3-vl-2b", 400), ("glm-4.6v-flash", 1024)]
)
def test_a_version_states_what_a_picture_costs(name: str, tokens: int) -> None:
    assert version_named(name).picture_tokens == tokens


def test_a_chat_template_is_told_what_its_version_says(tmp_path: Path) -> None:
    reference = picture(tmp_path / "prompt.png", shade=5)
    for version, extra in ((GLM, {"enable_thinking": False}), (QWEN, None)):
        call = Asker(version, reference).prompt("parts")
        sent = body(call, version=version, address=lambda shown: "data:")
        assert sent.get("chat_template_kwargs") == extra


def test_a_panel_is_examined_as_a_whole_with_the_answers_of_both(tmp_path: Path, stack: ExitStack) -> None:
    good, damaged = side(tmp_path, "good", shade=1), side(tmp_path, "damaged", shade=2)
    seen = {good: 1.0, damaged: 0.0, doctored(good, "painted"): 1.0}
    stage = Stage(tmp_path, stack, {version.family: eyes_of(version, seen) for version in (QWEN, GLM)})
    pair = ExamPair(ExamAsset("thing", stage.reference, lambda: b""), "blur", 3, good, damaged, 100_000)
    with ExamRun.opened(tmp_path / "exam.jsonl") as run:
        JudgeExaminer(stage.panel, run).examine([pair])
    (result,) = run.results.values()
    assert result.outcome == "right" and run.gains["thing"] == 0
    verdict = stage.verdict(good, damaged)
    assert len(result.ballots) == len(verdict.ballots) == 2 * len(verdict.families[0].verdict.stages) > 0


# --- whether a round may begin before a judge -----------------------------------------------------------------------


def test_a_judge_is_refused_before_a_round_with_what_to_do(settings: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    settings.VLM_URL, settings.VLM_URLS, settings.VLM_PINS = "http://127.0.0.1:9", {}, {}
    monkeypatch.setattr(openai, "Door", partial(Door, pause_s=0.005, longest_pause_s=0.05))
    for name, words in [
        ("openai:qwen3-vl-8b", "set GAUNTLET_VLM_PINS=qwen3-vl-8b="),
        ("openai:nobody", "there are: glm-4.6v-flash"),
        ("nobody:x", "cannot be asked"),
        ("openai:vlm-2", "JUDGE_WAIT=600"),
    ]:
        judge_named.cache_clear()
        with pytest.raises(CommandError, match=words):
            call_command("judge_ready", name, stdout=io.StringIO(), stderr=io.StringIO())
    judge_named("openai:vlm-2").close()  # type: ignore[attr-defined]
    judge_named.cache_clear()


def test_a_judge_that_sees_passes_its_exam_and_one_that_sees_nothing_does_not(settings: Any, tmp_path: Path) -> None:
    from examples import objects
    from judging.management.commands.judge_ready import EXAM_FAILED, seen_cases

    version, eyes = version_named("vlm-2"), dict[str, Worth]()
    case = next(seen_cases(objects, tmp_path))
    told = {case.good: 1.0, case.broken: 0.0, doctored(case.good, "twin"): 1.0, doctored(case.good, "painted"): 1.0}
    for shown, worth in told.items():
        eyes |= worths(shown, Worth(worth), version=version)
    for table, status in ((eyes, 0), ({}, EXAM_FAILED)):
        out = io.StringIO()
        with served(Mind(table), model=version.served_as) as (_, settings.VLM_URL):
            judge_named.cache_clear()
            try:
                call_command("judge_ready", "openai:vlm-2", "--pairs", "1", stdout=out, stderr=io.StringIO())
                ended = 0
            except SystemExit as end:
                ended = int(str(end.code))
            judge_named("openai:vlm-2").close()  # type: ignore[attr-defined]
        assert ended == status, out.getvalue()
        assert f"exam: {int(not status)} of 1 right" in out.getvalue()
    assert "would pause its round" in out.getvalue()
    judge_named.cache_clear()
