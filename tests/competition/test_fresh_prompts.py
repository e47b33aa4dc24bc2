"""Where do the prompts of title matches come from, and what happens when the pool is too small for them?"""

from __future__ import annotations

from typing import Any

import pytest
from django.db import transaction

from competition import prompts, queries, rounds, steps
from competition.decisions import schedule, seed
from competition.models import Competition, Round
from competition.reveals import ingest
from competition.rulesets import BadRules
from core.machine import engine
from tests.competition import made

RULES = {"title": {"prompts": 3}}


@pytest.fixture
def competition(db: Any) -> Competition:
    """Its first round is of margin-1; title-1 is in force from the next one on."""
    return made.competition(pictures=6)


def title_round(competition: Competition, *, fresh: int) -> Round:
    round_ = made.first_round(competition)
    under_title(round_, fresh=fresh)
    return at(round_, blocks=17)


def under_title(round_: Round, *, fresh: int) -> None:
    rules = rounds.rules_of(round_).to_json() | {"name": "title-1", "title": {"prompts": fresh}}
    Round.objects.filter(pk=round_.pk).update(ruleset="title-1", rules=rules)


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


def test_a_pool_with_too_few_gives_as_many_fresh_ones_as_there_are(competition: Competition) -> None:
    round_ = title_round(competition, fresh=5)
    assert round_.state == "miner_generation" and round_.fresh.count() == 4


def test_what_an_earlier_round_drew_or_gave_to_a_pod_is_never_fresh_again(competition: Competition) -> None:
    first = title_round(competition, fresh=3)
    leader = prompts.enter_leader(first, now=made.START)
    asked, unasked = [row.prompt for row in first.fresh.all()][:1], [row.prompt for row in first.fresh.all()][1:]
    prompts.expect_generated(leader, asked, now=made.START)
    second = Round(competition=competition, number=2, rules=first.rules)
    shown = {row.prompt.sha256 for row in first.drawn.all()} | {prompt.sha256 for prompt in asked}
    assert prompts.seen_before(second) == shown and not prompts.seen_before(first)
    for number in range(20):
        draw = prompts.draw(second, block_hash=f"{number:064x}")
        assert not shown & {prompt.sha256 for prompt in draw.fresh}
        assert {*draw.prompts, *draw.fresh} >= set(unasked)


def test_the_round_stops_while_prompts_can_still_be_added_and_goes_on_with_them(competition: Competition) -> None:
    round_ = made.first_round(competition)
    under_title(round_, fresh=30)
    round_ = at(round_, blocks=7)
    assert round_.state == "open", "nobody has revealed yet"
    made.chain_of(competition).reveal(made.key("base"), b"5", block=8)
    ingest.take_reveals(competition, now=made.after(9))
    round_ = at(round_, blocks=9)
    assert (round_.state, round_.failure_code) == ("paused", "POOL") and "add_prompts small" in round_.failure_reason
    assert add(competition, {f"new {n}": bytes([n]) for n in range(40)}, block=9) == 40
    steps.resume(round_, why="added", now=made.after(10))
    round_ = at(round_, blocks=18)
    assert round_.state == "miner_generation" and round_.fresh.count() == 30


def test_an_operator_who_adds_nothing_lets_the_round_play_with_what_there_is(competition: Competition) -> None:
    made.chain_of(competition).reveal(made.key("base"), b"5", block=8)
    round_ = title_round(competition, fresh=30)
    assert round_.state == "paused" and steps.resume(round_, why="so be it", now=made.after(18))
    assert at(round_, blocks=25).fresh.count() == 4


@pytest.mark.parametrize("blocks", [15, 17])
def test_nobody_adds_prompts_once_the_seed_could_be_known(competition: Competition, blocks: int) -> None:
    with pytest.raises(prompts.TooLate, match="round 1"):
        add(competition, {"late": b"picture"}, block=made.first_round(competition).seed_block + blocks - 15)


def add(competition: Competition, pictures: dict[str, bytes], *, block: int) -> int:
    with transaction.atomic():
        return prompts.add_before_the_draw(competition, pictures, block=block, now=made.START)


def at(round_: Round, *, blocks: int) -> Round:
    """The round once it was looked at in that block."""
    Round.objects.filter(pk=round_.pk).update(due_at=made.START)
    engine.advance("competition.Round", round_.pk, now=made.after(blocks))
    return Round.objects.get(pk=round_.pk)


@pytest.mark.parametrize(
    ("ruleset", "rules", "field"),
    [
        ("title-1", {}, "title.prompts"),
        ("title-1", {"title": {"prompts": 3}, "audit_repeats": 3}, "audit_repeats"),
        ("margin-1", RULES, "title"),
    ],
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
    wanted = prompts.fresh_prompts(round_.rules)
    assert wanted is not None and wanted.most == 2
