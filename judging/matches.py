"""Which matches does a round have, and what did their duels come to?"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime

from django.db import transaction
from django.db.models import Exists, OuterRef, Q, QuerySet

from competition import rulesets
from competition.decisions.attempts import numbered
from competition.models import Asset, Attempt, Round, Submission
from competition.rulesets import MatchKind
from competition.rulesets.base import Pairing
from competition.rulesets.tally import DuelResult, Tally
from core.machine import engine
from judging.models import Duel, Match

SUBMITTED, GENERATED = Asset.Origin.SUBMITTED, Asset.Origin.GENERATED


def ensure(
    round_: Round, *, kind: str, defender: Submission, challenger: Submission, now: datetime, regeneration: int = 0
) -> Match:
    """The match of this pair, made when it is first wanted.  `regeneration`: which one an audit's is about."""
    leads = defender.role == Submission.Role.LEADER
    regenerated = kind in (Match.Kind.AUDIT, Match.Kind.AGAIN) or kind_of(round_, kind).fresh
    match, made = Match.in_force.get_or_create(
        round=round_,
        kind=numbered(kind, regeneration),
        defender=defender,
        challenger=challenger,
        defaults={
            "defender_origin": GENERATED if leads else SUBMITTED,
            "challenger_origin": numbered(GENERATED, regeneration) if regenerated else SUBMITTED,
            **Match.born(now=now),
        },
    )
    if made:
        engine.announce(Match, now=now)
    return match


def kind_of(round_: Round, kind: str) -> MatchKind:
    """How a kind of match is played under the round's rules."""
    return rulesets.match_kind(round_.rules, kind)


def in_force(round_: Round, *, attempt: Attempt | None = None) -> QuerySet[Match]:
    """The matches that count.  `attempt`: as if those of this attempt did."""
    if attempt is None:
        return Match.in_force.filter(round=round_)
    pair = {name: OuterRef(name) for name in ("round", "kind", "defender", "challenger")}
    replaced = Exists(Match.objects.filter(attempt=attempt, **pair))
    return Match.objects.filter(Q(attempt=attempt) | Q(counts=True) & ~replaced, round=round_)


def challengers(round_: Round) -> list[Submission]:
    """Eligible challengers in reveal order."""
    entered = round_.submissions.filter(role=Submission.Role.CHALLENGER, objection="")
    return list(entered.select_related("miner").order_by("reveal_block", "extrinsic_index", "miner__hotkey"))


def leader(round_: Round) -> Submission | None:
    return round_.submissions.filter(role=Submission.Role.LEADER).select_related("miner").first()


def result_of(duel: Duel) -> DuelResult | None:
    """The duel's result for the challenger; None while it is open, or if it was never needed."""
    if duel.state == "judged":
        return {"challenger": DuelResult.WON, "defender": DuelResult.LOST, "draw": DuelResult.DRAWN}[duel.outcome]
    if duel.state == "forfeited":
        return {
            "challenger": DuelResult.FORFEIT_DEFENDER,
            "defender": DuelResult.FORFEIT_CHALLENGER,
            "draw": DuelResult.DRAWN,
        }[duel.outcome]
    return DuelResult.VOID if duel.state == "void" else None


def beyond(match: Match, duel: Duel) -> bool:
    """Does the duel lie behind the end of its match, so that it does not count, judged or not?

    Forfeits that are counted first count wherever they stand.
    """
    if match.stopped_after is None or duel.position < match.stopped_after:
        return False
    return not (duel.state == "forfeited" and kind_of(match.round, match.kind).forfeits_first)


def tally_of(match: Match) -> Tally:
    return Tally(
        won=match.won,
        drawn=match.drawn,
        lost=match.lost,
        void=match.void,
        forfeits_challenger=match.forfeits_challenger,
        forfeits_defender=match.forfeits_defender,
    )


def want(round_: Round, wanted: Iterable[Pairing], *, now: datetime) -> None:
    """Make the matches that the ruleset asks for."""
    by_key = {entry.key: entry for entry in round_.submissions.select_related("miner")}
    with transaction.atomic():
        for kind, defender, challenger in wanted:
            ensure(round_, kind=kind, defender=by_key[str(defender)], challenger=by_key[str(challenger)], now=now)
