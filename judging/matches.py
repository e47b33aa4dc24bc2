"""Which matches does a round have, what did their duels say, and what follows on the ladder?"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime

from django.db import transaction
from django.db.models import Exists, OuterRef, Q, QuerySet

from competition.decisions import ladder as climbing
from competition.decisions.repeats import numbered
from competition.decisions.tally import DuelResult, Tally
from competition.models import Asset, Round, Submission
from competition.rounds import rules_of
from core.machine import engine
from judging.models import Duel, Match

SUBMITTED, GENERATED = Asset.Origin.SUBMITTED, Asset.Origin.GENERATED


def ensure(
    round_: Round, *, kind: str, defender: Submission, challenger: Submission, now: datetime, repeat: int = 0
) -> Match:
    """The match of this pair, made when it is first wanted.  `repeat`: about which regeneration an audit's is."""
    leads = defender.role == Submission.Role.LEADER
    regenerated = kind in (Match.Kind.AUDIT, Match.Kind.AGAIN, Match.Kind.TITLE)
    match, made = Match.in_force.get_or_create(
        round=round_,
        kind=numbered(kind, repeat),
        defender=defender,
        challenger=challenger,
        defaults={
            "defender_origin": GENERATED if leads else SUBMITTED,
            "challenger_origin": numbered(GENERATED, repeat) if regenerated else SUBMITTED,
            **Match.born(now=now),
        },
    )
    if made:
        engine.announce(Match, now=now)
    return match


def counting(round_: Round, *, version: int | None = None) -> QuerySet[Match]:
    """The matches that count.  `version`: as if this version of them did."""
    if version is None:
        return Match.in_force.filter(round=round_)
    pair = {name: OuterRef(name) for name in ("round", "kind", "defender", "challenger")}
    replaced = Exists(Match.objects.filter(version=version, **pair))
    return Match.objects.filter(Q(version=version) | Q(counts=True) & ~replaced, round=round_)


def challengers(round_: Round) -> list[Submission]:
    """Eligible challengers in reveal order."""
    entered = round_.submissions.filter(role=Submission.Role.CHALLENGER, objection="")
    return list(entered.select_related("miner").order_by("reveal_block", "extrinsic_index", "miner__hotkey"))


def leader(round_: Round) -> Submission | None:
    return round_.submissions.filter(role=Submission.Role.LEADER).select_related("miner").first()


def result_of(duel: Duel) -> DuelResult | None:
    """What a duel says for the challenger; None while it is open or was never needed."""
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
    """Does the duel lie where its match had ended, so that it counts for nothing, judged or not?

    Forfeits of a screen of title-1 count wherever they stand.
    """
    if match.stopped_after is None or duel.position < match.stopped_after:
        return False
    counts = match.kind == Match.Kind.SCREEN and duel.state == "forfeited" and "title" in match.round.rules
    return not counts


def tally_of(match: Match) -> Tally:
    return Tally(
        won=match.won,
        drawn=match.drawn,
        lost=match.lost,
        void=match.void,
        forfeits_challenger=match.forfeits_challenger,
        forfeits_defender=match.forfeits_defender,
    )


def ladder(
    round_: Round, *, audited: Mapping[climbing.Key, climbing.Audited], version: int | None = None
) -> climbing.Ladder:
    """The ladder as far as the round's decided matches and audits carry it."""
    decided = (
        counting(round_, version=version).filter(state="decided").select_related("defender__miner", "challenger__miner")
    )
    screen: dict[climbing.Key, Tally | None] = {}
    met: dict[tuple[climbing.Key, climbing.Key], Tally] = {}
    for match in decided:
        if match.kind == Match.Kind.SCREEN:
            screen[match.challenger.key] = tally_of(match)
        elif match.kind == Match.Kind.LADDER:
            met[match.defender.key, match.challenger.key] = tally_of(match)
    entries = [
        climbing.Entry(
            key=s.key, hotkey=s.miner.hotkey, reveal_block=s.reveal_block or 0, extrinsic_index=s.extrinsic_index or 0
        )
        for s in challengers(round_)
    ]
    return climbing.climb(entries, screen=screen, met=met, audits=audited, rules=rules_of(round_))


def want(round_: Round, wanted: climbing.Ladder, *, now: datetime) -> int:
    """Make the matches the ladder asks for.  Returns how many it asks for."""
    by_key = {entry.key: entry for entry in round_.submissions.select_related("miner")}
    with transaction.atomic():
        for defender, challenger in wanted.wanted_matches:
            ensure(
                round_,
                kind=Match.Kind.LADDER,
                defender=by_key[str(defender)],
                challenger=by_key[str(challenger)],
                now=now,
            )
    return len(wanted.wanted_matches)
