"""Is a round whose judge is not well paused before any verdict is official?"""

import time

import pytest
from django.utils import timezone

from benchmarks.vlm_server_mind import Mind, Worth
from core.machine import engine
from core.machine.outcomes import Move, Wait
from judging import matches, sides
from judging.backends import judge_named
from judging.health import controls
from judging.health.control_images import VARIANTS, doctored
from judging.judge_worker import until_quiet
from judging.models import Control
from judging.panel.questions.version import version_named
from tests.judging.heard_round import PROMPTS
from tests.judging.vlm_stage import worths

pytestmark = pytest.mark.django_db(transaction=True)


def leaders_side(round_, prompt):
    return sides.of(matches.leader(round_), "generated", prompt)


@pytest.fixture
def table(round_):
    """The leader's assets are good, and so are the prompts' pictures, their twins and painted copies; all else is
    worse."""
    version, told = version_named("vlm-2"), {}
    for drawn in round_.drawn.select_related("prompt"):
        told |= worths(leaders_side(round_, drawn.prompt), Worth(quality=1.0), version=version)
        side = sides.of_prompt(round_.competition, drawn.prompt)
        told |= worths(side, Worth(quality=1.0), version=version)
        told |= worths(doctored(side, "twin"), Worth(quality=1.0), version=version)
        told |= worths(doctored(side, "painted"), Worth(quality=1.0, painted=1.0), version=version)
    return told


@pytest.fixture
def few(monkeypatch):
    """As many controls as four prompts can give are enough here."""
    from dataclasses import replace

    monkeypatch.setattr(controls, "GATES", replace(controls.GATES, least=PROMPTS))


def judged(round_):
    controls.ensure(round_, now=timezone.now())
    give_up = time.monotonic() + 120
    while round_.controls.filter(state="judging").exists() and time.monotonic() < give_up:
        until_quiet(duels=8, deadline_s=120)
        for match in round_.matches.filter(state="judging"):
            engine.advance("judging.Match", match.pk, now=timezone.now())
        Control.objects.filter(state="judging").update(due_at=timezone.now())  # repeats wait for the screens
    return {f.gate: f.state for f in controls.measured(round_).findings}


def test_a_sound_judge_passes_every_gate_and_the_round_goes_on(round_, serving, table, few):
    serving(mind=Mind(table))
    states = judged(round_)
    assert states.pop("calls") == "unproven"  # the prompts' pictures of so few controls make fewer than a hundred calls
    assert set(states.values()) == {"passed"}
    assert controls.trouble(round_, now=timezone.now()) is None
    assert isinstance(controls.first(round_, Move("finalizing", because="")), Move)


@pytest.mark.parametrize(
    ("wrong", "gate"),
    [
        ({"obeys": 2.0}, "injection"),
        pytest.param({"gain": 0.0}, "canary", marks=pytest.mark.long),
        pytest.param({"gain": -4.0}, "canary", marks=pytest.mark.long),
        ({"noise": 3.0}, "self"),
    ],
)
def test_a_judge_that_is_not_well_pauses_the_round_with_the_evidence(round_, serving, table, few, wrong, gate):
    """It follows painted text; it sees no difference; its labels are swapped; it guesses."""
    serving(mind=Mind(table, **wrong))
    assert judged(round_)[gate] == "failed"
    stop = controls.trouble(round_, now=timezone.now())
    assert stop.to == "paused" and stop.failure.code == "JUDGE_HEALTH" and stop.failure.failure_class == "judge"
    assert gate in stop.failure.sentence and "needed" in stop.failure.sentence


def test_no_round_leaves_its_duels_before_its_controls_are_judged(round_, serving, table):
    serving(mind=Mind(table))
    assert controls.trouble(round_, now=timezone.now()) is None
    assert isinstance(controls.first(round_, Move("finalizing", because="")), Wait)


def test_a_judge_silent_about_its_controls_pauses_the_round(round_, serving):
    serving()
    controls.ensure(round_, now=timezone.now())
    Control.objects.filter(kind="self").update(attempts=5, failure_class="judge", failure_reason="No answer.")
    assert controls.trouble(round_, now=timezone.now()).failure.code == "JUDGE"


def test_a_judge_that_computes_has_no_controls(round_):
    round_.competition.judge = "perceptual-v1"
    assert controls.trouble(round_, now=timezone.now()) is None
    assert not Control.objects.exists()


def test_controls_are_made_once(round_, serving):
    serving()
    for _ in range(2):
        controls.ensure(round_, now=timezone.now())
    kinds = list(Control.objects.values_list("kind", flat=True))
    assert kinds.count("canary") == 8 and kinds.count("self") == kinds.count("repeat") == PROMPTS
    assert isinstance(judge_named(round_.competition.judge).version, str)


def test_new_controls_after_a_mended_judge_still_tell_of_the_verdicts_it_gave_before(round_, serving, table, few):
    serving(mind=Mind(table, gain=0.0))
    assert judged(round_)["canary"] == "failed"
    serving(mind=Mind(table))
    controls.ensure(round_, now=timezone.now())
    assert not Control.objects.filter(attempt__number=2).exists()
    round_.since = timezone.now()  # as `manage.py resume` leaves it
    states = judged(round_)
    assert states["canary"] == "passed" and Control.objects.filter(attempt__number=2).exists()
    assert states["repeat"] == "failed"  # the duels were judged by a judge that saw no difference
    assert controls.trouble(round_, now=timezone.now()).failure.code == "JUDGE_HEALTH"


def test_every_way_of_doctoring_changes_the_pictures_and_nothing_else(round_):
    side = sides.of_prompt(round_.competition, round_.drawn.first().prompt)
    for variant in VARIANTS:
        changed = doctored(side, variant)
        assert set(changed.views) == set(side.views) and changed.sha256 != side.sha256
        assert all(changed.views[name] != side.views[name] for name in side.views)


def repeats_fail(round_):
    """As where a miner's files are so close to its opponent's that a model says now this, now that."""
    controls.current(round_).filter(kind="repeat").update(score_micro=0, before_micro=900_000)


def test_repeats_that_fail_on_miners_files_alone_are_told_and_pause_nothing(round_, serving, table, few):
    serving(mind=Mind(table))
    judged(round_)
    repeats_fail(round_)
    done = Move("finalizing", because="")
    assert isinstance(controls.first(round_, done), Wait)  # whoever looked before the last repeat was judged
    assert controls.trouble(round_, now=timezone.now()) is None
    assert isinstance(controls.first(round_, done), Wait)  # all are made once more
    assert judged(round_)["canary"] == "passed" and controls.current(round_).first().attempt.number == 2
    repeats_fail(round_)
    for _ in range(2):
        assert controls.trouble(round_, now=timezone.now()) is None
    done = controls.first(round_, done)
    assert {told["gate"]: told["state"] for told in done.facts["health"]}["repeat"] == "failed"
    assert controls.current(round_).first().attempt.number == 2


def test_a_judge_that_fails_right_after_its_repeats_failed_pauses_the_round(round_, serving, table, few):
    serving(mind=Mind(table))
    judged(round_)
    repeats_fail(round_)
    serving(mind=Mind(table, gain=0.0))
    assert judged(round_)["canary"] == "failed"
    stop = controls.trouble(round_, now=timezone.now())
    assert stop.failure.code == "JUDGE_HEALTH" and "canary" in stop.failure.sentence


def test_controls_do_not_look_at_what_the_leader_delivered(round_, serving, table, few):
    matches.leader(round_).assets.all().update(state="failed")
    serving(mind=Mind(table))
    controls.ensure(round_, now=timezone.now())
    until_quiet(duels=8, deadline_s=120)
    own = round_.controls.exclude(kind="repeat")
    assert set(own.values_list("state", flat=True)) == {"judged"}
    assert all(control.left_sha256 == control.prompt.sha256 for control in own)
    assert controls.failing(round_) == []
