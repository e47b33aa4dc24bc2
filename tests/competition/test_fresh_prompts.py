"""Where do the prompts of title matches come from, and what happens when the pool is too small for them?"""

from __future__ import annotations

from typing import Any

import pytest
from django.db import transaction

from competition import prompts, queries, rounds
from competition.decisions import schedule, seed
from competition.decisions.rulesets import BadRules
from competition.machine import engine
from competition.models import Competition, Round
from tests.competition import made

RULES = {"title": {"prompts": 3}}


@pytest.fixture
def competition(db: Any) -> Competition:
    """Its first round is of margin-1; title-1 is in force from the next one on."""
    return made.competition(pictures=6)


def title_round(competition: Competition, *, fresh: int) -> Round:
    round_ = made.first_round(competition)
    rules = rounds.rules_of(round_).to_json() | {"name": "title-1", "title": {"prompts": fresh}}
    Round.objects.filter(pk=round_.pk).update(ruleset="title-1", rules=rules, due_at=made.START)
    engine.advance("competition.Round", round_.pk, now=made.after(17))
    round_.refresh_from_db()
    return round_


def test_fresh_prompts_are_the_next_ones_in_the_order_of_the_draw(competition: Competition) -> None:
    round_ = title_round(competition, fresh=3)
    pool = list(competition.pool.values_list("sha256", flat=True))
    order = seed.choose(round_.seed, prompt_sha256s=pool, k=5)
    drawn = [row.prompt.sha256 for row in round_.drawn.all()]
    fresh = [row.prompt.sha256 for row in round_.fresh.all()]
    assert round_.state == "miner_generation" and (*drawn, *fresh) == order and len(drawn) == 2


def test_what_no_round_has_shown_is_not_served(competition: Competition) -> None:
    round_ = title_round(competition, fresh=3)
    assert queries.is_prompt(round_.drawn.get(position=0).prompt.sha256)
    assert not queries.is_prompt(round_.fresh.get(position=0).prompt.sha256)


def test_a_pool_that_became_too_small_pauses_the_round_and_names_the_field(competition: Competition) -> None:
    round_ = title_round(competition, fresh=5)
    assert round_.state == "paused" and "title.prompts" in round_.failure_reason
    assert "Add 1 prompts" in round_.failure_reason


@pytest.mark.parametrize(
    ("ruleset", "rules", "field"),
    [("title-1", {}, "title.prompts"), ("margin-2", {}, "audit_repeats"), ("margin-1", RULES, "title")],
)
def test_a_competition_that_could_not_be_played_is_refused_by_field(
    competition: Competition, ruleset: str, rules: dict[str, Any], field: str
) -> None:
    competition.ruleset, competition.config["rules"] = ruleset, rules
    competition.pk, competition.slug = None, "another"
    competition._state.adding = True
    competition.save()
    blocks = schedule.first(rounds.cadence(competition), earliest_reveal_block=5)
    with pytest.raises(BadRules) as refused, transaction.atomic():
        rounds.begin(competition, blocks=blocks, now=made.START)
    assert refused.value.field == field


def test_the_fresh_draw_is_told_in_the_ledger(competition: Competition) -> None:
    round_ = title_round(competition, fresh=2)
    event = competition.events.get(kind="round.miner_generation")
    assert event.body["fresh"] == [row.prompt.sha256 for row in round_.fresh.all()]
    assert prompts.fresh_needed(round_.rules) == 2
