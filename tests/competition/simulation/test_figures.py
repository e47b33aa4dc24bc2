"""What the simulation tells: rates with intervals, the same for the same seed, and the promises of the rules."""

from __future__ import annotations

import json
from dataclasses import replace
from io import StringIO
from pathlib import Path

import pytest
from django.core.management import call_command

from competition.decisions.rates import Rate
from competition.rulesets import MARGIN_1, RULESETS, TITLE_1, Rules, read
from competition.simulation.figures import simulate
from competition.simulation.population import POPULATIONS

ROUNDS = 500


def false(population: str, rules: str) -> float:
    return simulate(RULESETS[rules].defaults, POPULATIONS[population], rounds=ROUNDS, seed=2).false.share


@pytest.mark.parametrize(
    ("hits", "rounds", "low", "high"), [(0, 100, 0, 0.0370), (5, 100, 0.0215, 0.1118), (100, 100, 0.9630, 1)]
)
def test_wilsons_interval(hits: int, rounds: int, low: float, high: float) -> None:
    assert Rate(hits, rounds).interval == pytest.approx((low, high), abs=1e-4)


def test_the_same_seed_gives_the_same_figures() -> None:
    one, other = (simulate(TITLE_1, POPULATIONS["failures"], rounds=300, seed=9) for _ in range(2))
    assert one == other


def test_a_judge_that_always_names_one_side_crowns_nobody() -> None:
    assert false("one-side", "margin-1") == false("one-side", "title-1") == 0


def test_among_equals_title_1_keeps_its_promise_and_margin_1_does_not() -> None:
    assert false("equal", "title-1") <= 0.05 and false("correlated", "title-1") <= 0.05
    assert false("equal", "margin-1") > 0.5


def test_clones_gain_under_margin_1_and_not_under_title_1() -> None:
    def owner(rules: str, clones: str) -> float:
        return simulate(RULESETS[rules].defaults, POPULATIONS[clones], rounds=ROUNDS, seed=2).owner.share

    assert owner("margin-1", "clones") > 3 * owner("margin-1", "equal")
    assert owner("title-1", "clones") <= 0.01


def test_who_is_better_by_15_points_takes_the_lead() -> None:
    assert simulate(TITLE_1, POPULATIONS["better-15"], rounds=ROUNDS, seed=2).power.share > 0.9


def test_whoever_comes_back_again_and_again_gets_no_further_chances_of_title_1() -> None:
    assert false("returning", "title-1") <= 0.05
    assert false("returning", "margin-2") > 2 * false("equal", "margin-2")


def test_what_is_left_of_a_bankroll_helps_who_is_better() -> None:
    once, often = (
        simulate(TITLE_1, POPULATIONS[name], rounds=ROUNDS, seed=2) for name in ("better-10", "returning-10")
    )
    assert often.power.share > once.power.share + 0.1


def test_cheats_above_everybody_do_not_keep_the_better_one_out() -> None:
    without, among = (
        simulate(TITLE_1, POPULATIONS[name], rounds=ROUNDS, seed=2) for name in ("better-10", "cheats-10")
    )
    assert abs(among.power.share - without.power.share) < 0.1 and among.false.share <= 0.05


def ruled(mode: str, name: str = "title-1") -> Rules:
    return read({"name": name, "integrity": {"mode": mode, "bounds": {"open_edges": "1/20"}}})


def test_measurements_change_nothing_in_simulated_rounds_whose_rules_only_report_them() -> None:
    for name in ("broken-files", "sounder-equals"):
        reported = simulate(TITLE_1, POPULATIONS[name], rounds=200, seed=2)
        assert (reported.false, reported.duels) == (
            (equal := simulate(TITLE_1, POPULATIONS["equal"], rounds=200, seed=2)).false,
            equal.duels,
        )


def test_ties_broken_by_chance_leave_the_promise_of_title_1_and_a_gate_crowns_nobody_more() -> None:
    assert simulate(ruled("tiebreak"), POPULATIONS["soundness-by-chance"], rounds=ROUNDS, seed=2).false.share <= 0.05
    gated, equal = (
        simulate(ruled("gate", "margin-1"), POPULATIONS[name], rounds=ROUNDS, seed=2).false.share
        for name in ("broken-files", "equal")
    )
    assert gated < equal


def test_a_tiebreak_helps_who_is_sounder_and_hinders_who_is_not() -> None:
    with_it, against, plain = (
        simulate(rules, POPULATIONS[name], rounds=ROUNDS, seed=2).power.share
        for rules, name in (
            (ruled("tiebreak"), "soundness-with-quality"),
            (ruled("tiebreak"), "soundness-against-quality"),
            (TITLE_1, "better-10"),
        )
    )
    assert with_it > plain > against


def test_the_command_prints_json_and_draws(tmp_path: Path) -> None:
    out, chart = StringIO(), tmp_path / "chart.json"
    asked = ["--rounds", "20", "--population", "equal", "--json", "--plot", str(chart)]
    call_command("simulate_rules", *asked, "--rules", '{"name": "title-1", "title": {"prompts": 32}}', stdout=out)
    (row,) = json.loads(out.getvalue())
    assert row["ruleset"] == "title-1" and row["false"]["rounds"] == 20 and row["prompts"] <= 128 + 32
    assert json.loads(chart.read_text())["data"][0]["name"] == "title-1"
    assert MARGIN_1.title is None


def test_a_tiebreak_by_speed_takes_narrow_wins_of_slow_code_and_nothing_else() -> None:
    def figures(slow: float, *, clear: str = "1/5") -> tuple[float, float]:
        rule = {"mode": "tiebreak", "clear": clear, "slower": "1/4"}
        rules = read({"name": "margin-2", "stop_early": False, "speed": rule})
        population = replace(POPULATIONS["better-15"], slow=slow)
        result = simulate(rules, population, rounds=ROUNDS, seed=2)
        return result.false.share, result.power.share

    whole = replace(RULESETS["margin-2"].defaults, stop_early=False)
    plain = simulate(whole, POPULATIONS["better-15"], rounds=ROUNDS, seed=2)
    assert figures(0) == (plain.false.share, plain.power.share)
    assert figures(1, clear="1") == (0, 0)
    assert 0 < figures(1)[1] < figures(0.5)[1] < figures(0)[1]
