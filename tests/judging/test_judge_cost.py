"""Is a round judged by far fewer calls than by asking everything, and for the same winner?

A smaller round than that of `python -m benchmarks.judge_cost`, whose figures are in `docs/performance.md`: the same
model, bars and card, fewer challengers and prompts.
"""

from dataclasses import replace

import pytest

from benchmarks import judge_cost
from judging.panel.questions.version import version_named


@pytest.mark.parametrize("name", judge_cost.SHAPES)
def test_copies_certain_matches_and_idle_questions_are_not_paid_for(name):
    shape = replace(judge_cost.SHAPES[name], challengers=8, copies=3, prompts=24)
    plain, ours = judge_cost.measured(shape, version_named("vlm-2"), tokens=1024)
    assert ours["winner"] == plain["winner"]
    assert plain["calls"] >= 5 * ours["calls"]
    assert plain["gpu_seconds"] >= 8 * ours["gpu_seconds"]
    assert 9 <= plain["calls"] / plain["duels"] <= 26
    assert judge_cost.line(name, ours).count("|") == 12
