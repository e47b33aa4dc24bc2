"""Which matches does a round have, what did their duels come to, and what does the ruleset make of a round so far?"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from functools import cached_property

from django.db import transaction
from django.db.models import Exists, OuterRef, Q, QuerySet

from competition import rulesets
from competition.attempts import FIRST_TO_LAST
from competition.decisions.attempts import numbered
from competition.models import Asset, Attempt, Bankroll, Round, Submission
from competition.rounds import ruleset_of
from competition.rulesets import MatchKind, RoundDecision
from competition.rulesets.bankroll import BankrollTally
from competition.rulesets.base import Pairing
from competition.rulesets.entries import Candidate, EntryField, field
from competition.rulesets.ladder import Audited, Key, LadderEntry
from competition.rulesets.tally import DuelResult, Tally
from core.machine import engine
from judging.models import Duel, Match
from judging.shadow.models import ShadowDuel

SUBMITTED, GENERATED = Asset.Origin.SUBMITTED, Asset.Origin.GENERATED


def ensure(
    round_: Round, *, kind: str, defender: Submission, challenger: Submission, now: datetime, regeneration: int = 0
) -> Match:
    """The match of this pair, made when it is first wanted.  `regeneration`: which one an audit's is about."""
    match, made = Match.in_force.get_or_create(
        round=round_,
        kind=numbered(kind, regeneration),
        defender=defender,
        challenger=challenger,
        defaults={
            **origins(round_, kind=kind, defender=defender, regeneration=regeneration),
            **Match.born(now=now),
        },
    )
    if made:
        engine.announce(Match, now=now)
    return match


def origins(round_: Round, *, kind: str, defender: Submission, regeneration: int = 0) -> dict[str, str]:
    """Whose outputs meet in a match of this kind: submitted ones, or those that the platform generated."""
    leads = defender.role == Submission.Role.LEADER
    regenerated = kind in (Match.Kind.AUDIT, Match.Kind.AGAINST_DEFENDER) or kind_of(round_, kind).fresh
    return {
        "defender_origin": GENERATED if leads else SUBMITTED,
        "challenger_origin": numbered(GENERATED, regeneration) if regenerated else SUBMITTED,
    }


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


def result_of(duel: Duel | ShadowDuel) -> DuelResult | None:
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


def results_on_fresh_prompts(duels: Iterable[Duel]) -> list[DuelResult | None]:
    """In seed order; None where the files of a prompt come late."""
    by_place = {duel.position: result_of(duel) for duel in duels}
    return [by_place.get(place) for place in range(max(by_place, default=-1) + 1)]


def beyond(match: Match, duel: Duel) -> bool:
    """Does the duel lie behind the end of its match, so that it does not count, judged or not?

    Forfeits that are counted first count wherever they stand; where neither side delivered it is nobody's forfeit.
    """
    if match.stopped_after is None or duel.position < match.stopped_after:
        return False
    forfeit = duel.state == "forfeited" and duel.outcome != Duel.Outcome.DRAW
    return not (forfeit and kind_of(match.round, match.kind).forfeits_first)


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


class RoundObservation:
    """The `Observation` of a round in the database; each part is read when it is first asked for.

    `attempt`: as if the matches of that attempt counted.
    """

    def __init__(self, round_: Round, *, audits: Mapping[Key, Audited], attempt: Attempt | None = None) -> None:
        self.round, self.audits, self.attempt = round_, audits, attempt
        self._played: dict[Pairing, Match] = {}

    @cached_property
    def entries(self) -> tuple[LadderEntry, ...]:
        return tuple(
            LadderEntry(
                key=s.key,
                hotkey=s.miner.hotkey,
                reveal_block=s.reveal_block or 0,
                extrinsic_index=s.extrinsic_index or 0,
            )
            for s in self._challengers
        )

    @cached_property
    def field(self) -> EntryField:
        """Once the round's downloads are over."""
        outputs: dict[int, dict[str, str]] = {}
        stored = Asset.objects.filter(submission__round=self.round, origin=Asset.Origin.SUBMITTED, state="stored")
        for submission, stem, sha256 in stored.values_list("submission_id", "prompt__stem", "sha256"):
            outputs.setdefault(submission, {})[stem] = sha256
        pairs = zip(self.entries, self._challengers, strict=True)
        candidates = [Candidate(entry=e, commit=s.commit, outputs=outputs.get(s.pk, {})) for e, s in pairs]
        return field(candidates, leader_commit=leader_commit(self.round))

    @cached_property
    def tallies(self) -> dict[Pairing, Tally]:
        rows = in_force(self.round, attempt=self.attempt).filter(state="decided")
        for match in rows.select_related("defender__miner", "challenger__miner"):
            self._played[match.kind, match.defender.key, match.challenger.key] = match
        return {pairing: tally_of(match) for pairing, match in self._played.items()}

    @cached_property
    def carried(self) -> dict[Key, BankrollTally]:
        return carried_by(self.round, {s.key: s.commit for s in self._challengers})

    @cached_property
    def fresh(self) -> int:
        return self.round.fresh.count()

    def results(self, pairing: Pairing) -> Sequence[DuelResult | None]:
        if pairing not in self.tallies:
            return ()
        match = self._played[pairing]
        return [result_of(duel) for duel in match.duels.order_by("position")[: match.stopped_after]]

    @cached_property
    def _challengers(self) -> list[Submission]:
        return challengers(self.round)


def round_decision(round_: Round, *, audits: Mapping[Key, Audited], attempt: Attempt | None = None) -> RoundDecision:
    """The round's decision, or what is wanted next, as far as its decided matches and `audits` carry it."""
    return ruleset_of(round_).decide(RoundObservation(round_, audits=audits, attempt=attempt))


def leader_commit(round_: Round) -> str:
    return round_.defending.commit if round_.defending else ""


def carried_by(round_: Round, commits: Mapping[Key, str]) -> dict[Key, BankrollTally]:
    """key -> what the pair's earlier rounds left, for the commits that have met this leader's commit before."""
    rows = Bankroll.objects.filter(
        round__competition=round_.competition_id,
        round__number__lt=round_.number,
        leader_commit=leader_commit(round_),
        commit__in=set(commits.values()),
    )
    newest = {row.commit: row for row in rows.order_by("round__number", FIRST_TO_LAST)}
    return {
        key: BankrollTally(won=row.won, drawn=row.drawn, lost=row.lost, out=row.out)
        for key, commit in commits.items()
        if (row := newest.get(commit))
    }


def carried_into(match: Match) -> BankrollTally:
    """What earlier rounds left of the pair."""
    commits: dict[Key, str] = {match.challenger.key: match.challenger.commit}
    return carried_by(match.round, commits).get(match.challenger.key, BankrollTally())
