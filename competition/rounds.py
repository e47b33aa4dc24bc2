"""How does a round begin, and how does its decision become the next one's leader?"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, fields
from datetime import datetime
from fractions import Fraction
from typing import Any

from competition import chain, prompts, rulesets
from competition.decisions import schedule, seed, standing
from competition.decisions import weights as weighing
from competition.models import Competition, Reign, Round, Submission
from core import ledger


def rules_of(round_: Round) -> rulesets.Rules:
    return rulesets.read(round_.rules)


def ruleset_of(round_: Round) -> rulesets.Ruleset:
    return rulesets.ruleset(rules_of(round_))


def cadence(competition: Competition) -> schedule.Cadence:
    return schedule.Cadence.from_json(competition.config["blocks"])


def begin(competition: Competition, *, blocks: schedule.Schedule, now: datetime) -> Round:
    """Announce the next round: its window, its seed block, its rules.  Call it in a transaction."""
    last = competition.current_round()
    rules = rulesets.read({"name": competition.ruleset, **competition.config.get("rules", {})})
    if last is None:
        playable(competition, rules=rules)
    round_ = Round.objects.create(
        competition=competition,
        number=last.number + 1 if last else 1,
        ruleset=rules.name,
        rules=rules.to_json(),
        measure=rules.integrity.measure,
        defending=competition.reigns.order_by("-sequence").first(),
        **asdict(blocks),
        **Round.born(now=now),
    )
    pool = seed.pool_commitment(list(competition.pool.values_list("sha256", flat=True)))
    body = {
        "round": round_.number,
        "rules": round_.rules,
        "schedule": asdict(blocks),
        "pool": pool,
        "measure": round_.measure,
    }
    ledger.append(competition.pk, kind="round.open", body=body, at=now)
    return round_


def playable(competition: Competition, *, rules: rulesets.Rules) -> None:
    """Raises BadRules before the first round of a competition that could not be played to its end."""
    ruleset = rulesets.ruleset(rules)
    ruleset.check()
    condition = standing.Condition.from_json(competition.config.get("entry", {}))
    if condition.least_alpha and chain.is_simulated(competition.chain):
        raise rulesets.BadRules(
            "entry.least_alpha",
            "a simulated chain knows of no stakes",
            fix="Leave it out, or play on bittensor:<netuid>",
        )
    if ruleset.fresh_prompts is not None:
        drawn = int(competition.config["prompts_per_round"])
        prompts.large_enough(competition.pool.count(), drawn=drawn, fresh=ruleset.fresh_prompts)


def enthrone_first(competition: Competition, *, reign: Mapping[str, Any], now: datetime) -> Reign:
    """The leader a competition starts with."""
    row = Reign.objects.create(competition=competition, sequence=1, **reign)
    ledger.append(competition.pk, kind="reign", body=reign_event(row), at=now)
    return row


def conclude(round_: Round, *, winner: Submission | None, now: datetime) -> dict[str, Any]:
    """Write the reign that follows and announce the next round; the decision as it is published.

    `winner` None: the leader defended.  Call it in the transaction that finishes the round.
    """
    following = schedule.following(
        cadence(round_.competition),
        earliest_reveal_block=round_.earliest_reveal_block,
        current_block=chain.of(round_.competition).block(now=now),
    )
    reign = _enthrone(round_, winner=winner, following=following, now=now)
    begin(round_.competition, blocks=following, now=now)
    return _decision_facts(winner, reign)


def successor(round_: Round, *, winner: Submission | None) -> dict[str, Any]:
    """The decision with which a decided round would be corrected; nothing is written."""
    reign = _reign_after(round_, winner=winner, following=_now_open(round_.competition))
    stands = round_.reigns_begun.select_related("miner").order_by("-sequence").first()
    return _decision_facts(winner, stands if stands and stands.miner_id == reign.miner_id else reign)


def supersede(round_: Round, *, winner: Submission | None, now: datetime) -> Reign:
    """Write the reign that a corrected decision puts in the place of the one it began.

    It is paid as the round says that takes reveals now, and that round is played against it.
    """
    old = round_.reigns_begun.order_by("-sequence").first()
    reign = _enthrone(round_, winner=winner, following=_now_open(round_.competition), now=now, supersedes=old)
    round_.competition.rounds.filter(state="open").update(defending=reign)
    return reign


def _now_open(competition: Competition) -> schedule.Schedule:
    current = competition.current_round()
    if current is None:
        raise ValueError(f"{competition} has no round")
    names = (field.name for field in fields(schedule.Schedule))
    return schedule.Schedule(**{name: getattr(current, name) for name in names})


def _reign_after(round_: Round, *, winner: Submission | None, following: schedule.Schedule) -> Reign:
    """Not saved yet."""
    competition, rules, previous = round_.competition, rules_of(round_), round_.defending
    if previous is None:
        raise ValueError(f"{round_} has no leader to defend: seed the competition with a first reign")
    weight = weighing.next_reign_weight(Fraction(previous.weight), defended=winner is None, rules=rules)
    last = competition.reigns.order_by("-sequence").first()
    return Reign(
        competition=competition,
        sequence=(last or previous).sequence + 1,
        won_in=round_,
        defence=winner is None,
        miner=winner.miner if winner else previous.miner,
        repo=winner.repo if winner else previous.repo,
        commit=winner.commit if winner else previous.commit,
        image=previous.image if winner is None else "",
        weight=str(weight),
        effective_block=weighing.effective_block(following, rules=rules),
    )


def _enthrone(
    round_: Round,
    *,
    winner: Submission | None,
    following: schedule.Schedule,
    now: datetime,
    supersedes: Reign | None = None,
) -> Reign:
    reign = _reign_after(round_, winner=winner, following=following)
    reign.supersedes = supersedes
    reign.save(force_insert=True)
    ledger.append(round_.competition_id, kind="reign", body=reign_event(reign), at=now)
    return reign


def _decision_facts(winner: Submission | None, reign: Reign) -> dict[str, Any]:
    return {
        "winner": winner.miner.hotkey if winner else "leader",
        "leader": reign.miner.hotkey,
        "weight": reign.weight,
        "effective_block": reign.effective_block,
    }


def met_on_the_ladder(round_: Round, hotkey: str) -> str:
    """Whom the hotkey beat when it advanced on the final ladder: a hotkey or `leader`; "" where it never did."""
    rungs = (round_.decision or {}).get("ladder") or []
    advanced = [r["defender"] for r in rungs if (r.get("challenger"), r.get("verdict")) == (hotkey, "advanced")]
    return str(advanced[-1]) if advanced else ""


def reign_event(reign: Reign) -> dict[str, object]:
    return {
        "sequence": reign.sequence,
        "leader": reign.miner.hotkey,
        "repo": reign.repo,
        "commit": reign.commit,
        "weight": reign.weight,
        "effective_block": reign.effective_block,
        "defence": reign.defence,
    } | ({"supersedes": reign.supersedes.sequence} if reign.supersedes else {})
