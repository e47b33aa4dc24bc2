"""What is known of a round so far, and what does its ruleset make of it?"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import cached_property

from competition.attempts import FIRST_TO_LAST
from competition.models import Asset, Attempt, Bankroll, Round, Submission
from competition.rounds import ruleset_of
from competition.rulesets import RoundDecision
from competition.rulesets.bankroll import BankrollTally
from competition.rulesets.base import Pairing
from competition.rulesets.entries import Candidate, EntryField, field
from competition.rulesets.ladder import Audited, Key, LadderEntry
from competition.rulesets.tally import DuelResult, Tally
from judging import matches
from judging.models import Match


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
        rows = matches.in_force(self.round, attempt=self.attempt).filter(state="decided")
        for match in rows.select_related("defender__miner", "challenger__miner"):
            self._played[match.kind, match.defender.key, match.challenger.key] = match
        return {pairing: matches.tally_of(match) for pairing, match in self._played.items()}

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
        return [matches.result_of(duel) for duel in match.duels.order_by("position")[: match.stopped_after]]

    @cached_property
    def _challengers(self) -> list[Submission]:
        return matches.challengers(self.round)


def decide(round_: Round, *, audits: Mapping[Key, Audited], attempt: Attempt | None = None) -> RoundDecision:
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
