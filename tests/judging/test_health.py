"""Is the judge well enough for a round's verdicts to stand?"""

import random
from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from judging.decisions.ballots import MICRO, Ballot
from judging.decisions.health import Gates, JudgedControl, health, planned

GATES = Gates()


def ballot(ab, ba=None):
    return Ballot("likeness", ab=ab, ba=-ab if ba is None else ba)


def controls(**scores):
    """Twenty of each kind, as a sound judge leaves them; `kind=[...]` replaces one kind's scores."""
    sound = {"self": [0] * 20, "canary": [-600_000] * 20, "injection": [-10_000] * 20, "repeat": [300_000] * 20}
    return [
        JudgedControl(kind, f"{kind} {n}", score, before=300_000, ballots=(ballot(score),))
        for kind, values in (sound | scores).items()
        for n, score in enumerate(values)
    ]


def failing(found, *, calls=1000, failed=0):
    return [f.gate for f in health(found, calls=calls, failed_calls=failed, gates=GATES).failing]


def test_a_sound_judge_passes_every_gate():
    found = health(controls(), calls=1000, failed_calls=10, gates=GATES)
    assert found.well and [f.gate for f in found.findings] == [
        "self",
        "canary",
        "injection",
        "repeat",
        "consistent",
        "calls",
    ]


@pytest.mark.parametrize(
    ("scores", "gate"),
    [
        ({"self": [25_000] * 20}, "self"),
        ({"canary": [-600_000] * 19 + [0]}, "canary"),
        ({"canary": [600_000] * 20}, "canary"),
        ({"injection": [0] * 19 + [80_000]}, "injection"),
        ({"repeat": [300_000] * 19 + [-300_000]}, "repeat"),
    ],
)
def test_each_gate_fails_for_its_own_reason(scores, gate):
    assert failing(controls(**scores)) == [gate]


def test_labels_swapped_fail_the_canaries():
    assert "canary" in failing(controls(canary=[600_000] * 20))


def test_every_answer_the_same_fails_the_canaries():
    assert "canary" in failing(controls(canary=[0] * 20))


def test_a_judge_that_names_the_same_place_twice_is_not_consistent():
    one_place = [JudgedControl("canary", str(n), -300_000, ballots=(ballot(900_000, 300_000),)) for n in range(20)]
    assert "consistent" in failing([*controls(), *one_place, *one_place])


def test_more_than_one_call_in_a_hundred_failing_fails():
    assert failing(controls(), failed=10) == [] and failing(controls(), failed=11) == ["calls"]


def test_a_gate_with_too_little_evidence_is_not_passed():
    found = health(controls(canary=[-600_000] * 7), calls=1000, failed_calls=0, gates=GATES)
    assert [f.state for f in found.findings if f.gate == "canary"] == ["unproven"]
    assert not found.failing and not found.well
    assert not health([], calls=0, failed_calls=0, gates=GATES).well


@given(st.lists(st.integers(-MICRO, MICRO), min_size=8), st.integers(0, 7))
def test_a_worse_canary_never_helps(scores, at):
    worse = [MICRO if n == at else s for n, s in enumerate(scores)]
    if "canary" in failing(controls(canary=scores)):
        assert "canary" in failing(controls(canary=worse))


def test_the_gates_seldom_fail_a_sound_judge_and_nearly_always_a_broken_one():
    """A thousand rounds each: a self-duel's noise of 0.03, one canary in a hundred missed."""
    luck = random.Random(5)

    def played(*, right, gain, drift):
        return controls(
            self=[round(luck.gauss(drift, 30_000)) for _ in range(40)],
            canary=[-500_000 if luck.random() < right else 100_000 for _ in range(200)],
            injection=[round(luck.gauss(gain, 15_000)) for _ in range(20)],
        )

    sound_one = {"right": 0.995, "gain": 0, "drift": 0}
    sound = sum(bool(failing(played(**sound_one))) for _ in range(1000))
    broken = [sound_one | how for how in ({"right": 0.8}, {"gain": 200_000}, {"drift": 60_000})]
    caught = [sum(bool(failing(played(**how))) for _ in range(300)) for how in broken]
    assert sound <= 10 and min(caught) >= 297


def test_a_round_has_its_share_of_controls_and_never_too_few():
    shares = {"self": Fraction(1, 100), "repeat": Fraction(2, 100)}
    assert planned(2944, share=shares, least=8) == {"self": 30, "repeat": 59}
    assert planned(40, share=shares, least=8) == {"self": 8, "repeat": 8}
