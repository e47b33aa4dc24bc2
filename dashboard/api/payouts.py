"""Who leads and who is paid at a block, and what proves it?"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from fractions import Fraction
from typing import Any

from competition import chain, queries
from competition.decisions import weights as decisions
from competition.models import Checkpoint, Competition, LedgerEvent, Reign
from competition.weights import paid_reigns
from dashboard.api.errors import bad, missing
from dashboard.api.rows import evidence, game, outcomes
from dashboard.facts import weights as facts
from dashboard.facts.figures import rules_of


@dataclass(frozen=True, kw_only=True)
class Moment:
    """A competition's reigns, oldest first, as of a block; `played` says whether a chain was asked."""

    competition: Competition
    reigns: Sequence[Reign]
    block: int
    played: bool
    now: datetime

    @property
    def reign(self) -> Reign | None:
        return decisions.at_block(self.reigns, self.block)

    @property
    def register(self) -> facts.Register:
        return facts.register(self.competition, self.reigns, now=self.now, block=self.block)


def usual() -> str | None:
    current = queries.current_competition()
    return current.slug if current else None


def moment(competition: Competition, params: Mapping[str, Any], *, now: datetime) -> Moment:
    """Raises RequestRefused for a round without a decision, ChainFault where the chain does not say its block."""
    if "as_of_round" in params and "as_of_block" in params:
        raise bad("as_of_block", "as_of_round and as_of_block exclude each other.", fix="Give one of them.")
    rows = competition.reigns.select_related("competition", "miner", "won_in").order_by("sequence")
    reigns, played = list(rows), facts.is_played(competition)
    if "as_of_round" in params:
        number = params["as_of_round"]
        reigns = [r for r in reigns if r.won_in is None or r.won_in.number <= number]
        if not any(r.won_in and r.won_in.number == number for r in reigns):
            raise missing("This round has decided nothing, or not yet.", fix="Ask for a finished round.")
        return Moment(competition=competition, reigns=reigns, block=reigns[-1].effective_block, played=played, now=now)
    if "as_of_block" in params:
        return Moment(competition=competition, reigns=reigns, block=params["as_of_block"], played=played, now=now)
    block = chain.of(competition).block(now=now) if played else max((r.effective_block for r in reigns), default=0)
    return Moment(competition=competition, reigns=reigns, block=block, played=played, now=now)


def leader(at: Moment) -> outcomes.LeaderRow:
    following = next(iter(at.register.later), None)
    return outcomes.LeaderRow(
        competition=at.competition.slug,
        block=at.block,
        reign=game.reign(at.reign) if at.reign else None,
        following=game.reign(following) if following else None,
    )


def weights(at: Moment) -> outcomes.WeightsRow:
    """As the chain is told: a reign that no signed checkpoint covers yet is not paid, and said to wait."""
    register = at.register
    reign = register.in_force
    checkpoints = Checkpoint.objects.filter(competition=at.competition).select_related("competition")
    checkpoint = checkpoints.order_by("-seq").first()
    event = None
    if reign is not None:
        events = LedgerEvent.objects.filter(competition=at.competition, kind="reign", body__sequence=reign.sequence)
        event = events.select_related("competition").first()
    covered = event is not None and checkpoint is not None and checkpoint.seq >= event.seq
    waits = at.reign if at.reign != reign else None
    return outcomes.WeightsRow(
        competition=at.competition.slug,
        chain=at.competition.chain,
        block=at.block,
        vector=_vector(at, register.signed, reign=reign),
        later=facts.summary(at.competition, register, now=at.now).later,
        reign=game.reign(reign) if reign else None,
        formula=_formula(at, reign) if reign else None,
        event=evidence.event(event) if event else None,
        checkpoint=evidence.checkpoint(checkpoint) if checkpoint else None,
        covered=covered,
        remark=_remark(at, event=event, covered=covered, waits=waits),
    )


def _vector(at: Moment, reigns: Sequence[Reign], *, reign: Reign | None) -> tuple[outcomes.Share, ...]:
    """With uids where a chain is asked; of records by role only.  `reigns`: those that may be paid."""
    known = paid_reigns(reigns)
    if at.played:
        connected = chain.of(at.competition)
        owner, uids = connected.owner_uid(), connected.uids()
    else:
        owner, uids = -1, {reign.hotkey: place for place, reign in enumerate(known)}
    vector = decisions.vector(known, block=at.block, uids=uids, owner_uid=owner)
    return tuple(
        outcomes.Share(
            uid=uid if at.played else None,
            who="owner" if uid == owner else "leader",
            miner=None if uid == owner or reign is None else game.miner(reign.miner),
            weight=share,
        )
        for uid, share in sorted(vector.items())
    )


def _formula(at: Moment, reign: Reign) -> outcomes.Formula:
    rules = rules_of(reign.won_in) if reign.won_in else None
    before = next((r for r in reversed(at.reigns) if r.sequence < reign.sequence), None)
    return outcomes.Formula(
        weight_decay=rules.weight_decay if rules else None,
        weight_floor=rules.weight_floor if rules else None,
        paid_from=rules.paid_from if rules else "",
        previous_weight=Fraction(before.weight) if before else None,
        defence=reign.defence,
        won_in=reign.won_in.number if reign.won_in else None,
    )


def _remark(at: Moment, *, event: LedgerEvent | None, covered: bool, waits: Reign | None) -> str:
    remarks = []
    if waits:
        remarks.append(f"Reign {waits.sequence} is decided, and is paid once a signed checkpoint covers it.")
    if chain.is_simulated(at.competition.chain):
        remarks.append("The chain is simulated: nobody is paid.")
    if not at.played:
        remarks.append("Played elsewhere: uids are not known here, and the vector follows from the records alone.")
    if event is None:
        remarks.append("This reign is not told by a ledger of ours.")
    elif not covered:
        remarks.append("No signed checkpoint covers this reign yet.")
    return " ".join(remarks)
