"""Who leads a competition, since when, and what is going on?"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from fractions import Fraction

from django.urls import reverse

from competition.decisions import weights as weighing
from competition.models import Competition, Miner, Reign, Round
from competition.rulesets import BadRules, Rules, read
from dashboard.facts.bankroll_chart import bar_words
from dashboard.facts.borders import NAMED_BY_URL, row_of, shown_as
from dashboard.facts.competitions import CompetitionFacts, competition_facts
from dashboard.facts.decision_trail import Receipt
from dashboard.facts.field import Improvement
from dashboard.facts.figures import DEFAULT_BAR, MatchFigures, figures, rules_of
from dashboard.facts.integrity import rule_words
from dashboard.facts.leading import ReignStep, steps
from dashboard.facts.matches import DuelLine, match_url
from dashboard.facts.people import Who, who
from dashboard.facts.pod_runs import what_time_decides
from dashboard.facts.reigns import ReignFacts, reign_facts
from dashboard.facts.round_facts import RoundFacts, round_facts
from dashboard.facts.rounds import headline_parts, pending_headline
from dashboard.facts.stages import Tracker
from dashboard.facts.weights import Register, Status, WeightInForce, statuses
from dashboard.facts.wording import STAGES, PartLabel, labels
from formats.difference import Difference
from formats.registry import FORMATS, USUAL, part
from judging.matches import tally_of
from judging.models import Match

MOST_STEPS = 60  # of the small chart


@dataclass(frozen=True, kw_only=True)
class CurrentLeader:
    """Of who won the latest decision.  `weight` is what this miner is paid at the current block: 0 before the first
    block of its reign, null where the chain does not tell its block; what comes later is in the page's `weight`.
    `next_weight` is the one after another defence; `effective_block` the first block of the latest decision,
    and `since_block` of the reign: `in_effect` and `since_reached` say whether these have come."""

    miner: Who
    repo: str
    commit: str
    weight: Fraction | None
    next_weight: Fraction
    effective_block: int
    in_effect: bool | None
    since_block: int
    since_reached: bool | None
    won_in: int | None
    won_in_url: str
    defences: int


@dataclass(frozen=True, kw_only=True)
@row_of(
    RoundFacts,
    but={
        NAMED_BY_URL: "id competition competition_name",
        "its own page says it": "since ruleset rules schedule seed_block_hash seed defending decision "
        "waiting_for failure_class failure_code failure_reason source",
    },
)
class RoundLine:
    round: int
    stage: str
    stage_name: str
    headline: str
    leader: Who | None
    new_leader: bool
    url: str
    _names: Mapping[str, str]

    @property
    def headline_parts(self) -> tuple[str, str]:
        return headline_parts(self.headline, names=self._names)


@dataclass(frozen=True, kw_only=True)
@row_of(
    ReignFacts,
    but={
        "the page of leaders says it": "id competition sequence repo commit round_url",
    },
)
class ReignLine:
    miner: Who
    weight: Fraction
    effective_block: int
    won_in: int | None
    defence: bool
    status: Status


@dataclass(frozen=True, kw_only=True)
@row_of(
    CompetitionFacts,
    but={
        NAMED_BY_URL: "id",
        "`labels` name what stands behind each edge": "judge renderer chain pods active",
        "for programs: the API has it": "config signed_reveals created_at",
    },
)
class HomePage:
    """`crowning`: of the round in which the leader took the lead, where the last decision took no duel; `improved`:
    what it did otherwise than the leader before it, null of who led from the start; `decides`: what follows from
    measurements of files, "" where nothing does."""

    competition: str
    name: str
    description: str
    ruleset: str
    win_margin: Fraction
    bar: str
    time_rule: str
    decides: str
    labels: tuple[PartLabel, ...]
    leader: CurrentLeader | None
    improved: Improvement | None
    weight: WeightInForce
    last_decision: RoundLine | None
    current: RoundLine | None
    tracker: Tracker | None
    rounds: tuple[RoundLine, ...]
    receipt: Receipt | None
    crowning: Receipt | None
    deciding_url: str
    deciding: MatchFigures | None
    clearest_duels: tuple[DuelLine, ...]
    reigns: tuple[ReignLine, ...]
    others: tuple[tuple[str, str], ...]
    url: str
    _steps: tuple[ReignStep, ...]
    _compared: str

    @property
    def differences(self) -> tuple[tuple[Difference, ...], ...]:
        """Where the format's check is narrower than the subnet's, and where wider; or nothing."""
        rows: tuple[tuple[Difference, ...], ...] = part(self._compared) if self._compared else ()
        return rows

    @property
    def because(self) -> str:
        """Why the leader took the lead, where the last decision was about something else."""
        won_in = self.leader.won_in if self.leader else None
        if self.last_decision is None or won_in in (None, self.last_decision.round):
            return ""
        took = next((row.headline_parts for row in self.rounds if row.round == won_in), ("", ""))
        return took[1] or took[0]

    @property
    def earlier(self) -> bool:
        """Are the duels that are shown those of the round in which the leader took the lead?"""
        last = self.last_decision
        return last is not None and not self.deciding_url.startswith(last.url)

    @property
    def steps(self) -> tuple[ReignStep, ...]:
        """Of the weight, for the chart: the same reigns, oldest first."""
        return self._steps

    @property
    def tellings(self) -> str:
        """How the rounds that are listed ended."""
        decided = [row for row in self.rounds if row.stage == "finished"]
        if len(decided) < 2:
            return ""
        taken = sum(row.new_leader for row in decided)
        held = len(decided) - taken
        return f"Of {len(decided)} decided rounds, {taken} brought a new leader, and in {held} the leader defended."


def still(page: HomePage) -> bool:
    """Does no round run, and no weight wait for its block, so that the clock changes nothing?"""
    return page.weight.settled and (page.tracker is None or not page.tracker.live)


@dataclass(frozen=True, kw_only=True)
class Moving:
    """The part of the front page that moves while a round runs."""

    competition: str
    current: RoundLine
    tracker: Tracker


def moving(round_: Round, *, tracker: Tracker) -> Moving:
    current = _round(round_, None, names={})
    return Moving(competition=round_.competition.slug, current=current, tracker=tracker)


def page(
    competition: Competition,
    *,
    rounds: Sequence[Round],
    reigns: Sequence[Reign],
    register: Register,
    weight: WeightInForce,
    tracker: Tracker | None,
    others: Sequence[Competition],
    deciding: Match | None = None,
    receipt: Receipt | None = None,
    crowning: Receipt | None = None,
    improved: Improvement | None = None,
    clearest: tuple[DuelLine, ...] = (),
    named: Sequence[Miner] = (),
) -> HomePage:
    """`rounds` and `reigns` newest first; `deciding` is the match behind the last decision, `named` who has a label."""
    rules: Rules | None = None
    with suppress(BadRules):
        rules = read({"name": competition.ruleset, **competition.config.get("rules", {})})
    standing = statuses(register)
    names = {miner.hotkey: who(miner).name for miner in named}
    after = {reign.won_in_id: reign for reign in reversed(reigns)}
    rows = tuple(_round(round_, after.get(round_.pk), names=names) for round_ in rounds)
    numbers = deciding and figures(tally_of(deciding), rules=rules_of(deciding.round), kind=deciding.kind)
    return shown_as(
        HomePage,
        competition_facts(competition),
        win_margin=rules.win_margin if rules else DEFAULT_BAR,
        bar=bar_words(rules, default=DEFAULT_BAR),
        time_rule=what_time_decides(rules, pods=competition.config.get("pods", {})),
        decides=rule_words(rules.to_json()) if rules and rules.integrity.bounds else "",
        labels=labels(competition),
        leader=_leader(competition, reigns, rules=rules, weight=weight),
        improved=improved,
        weight=weight,
        last_decision=next((row for row in rows if row.stage == "finished"), None),
        current=rows[0] if rows else None,
        tracker=tracker,
        rounds=rows,
        receipt=receipt,
        crowning=crowning,
        deciding_url=match_url(deciding.round, deciding) if deciding else "",
        deciding=numbers,
        clearest_duels=clearest,
        reigns=tuple(
            shown_as(ReignLine, reign_facts(reign, competition=competition), status=standing[reign.sequence])
            for reign in reigns
        ),
        others=tuple((c.slug, c.name) for c in others if c.pk != competition.pk),
        _steps=steps(competition, register, most=MOST_STEPS),
        _compared=FORMATS.get(competition.config.get("format", USUAL), FORMATS[USUAL]).compared,
    )


def _leader(
    competition: Competition, reigns: Sequence[Reign], *, rules: Rules | None, weight: WeightInForce
) -> CurrentLeader | None:
    if not reigns:
        return None
    last = reigns[0]
    begun = next((r for r in reigns if not r.defence), last)
    decided = Fraction(last.weight)
    following = weighing.next_reign_weight(decided, defended=True, rules=rules) if rules else decided
    return CurrentLeader(
        miner=who(last.miner),
        repo=last.repo,
        commit=last.commit,
        weight=weight.of(last.miner.hotkey),
        next_weight=following,
        effective_block=last.effective_block,
        in_effect=None if weight.block is None else weight.block >= last.effective_block,
        since_block=begun.effective_block,
        since_reached=None if weight.block is None else weight.block >= begun.effective_block,
        won_in=begun.won_in.number if begun.won_in else None,
        won_in_url=reverse("round", args=[competition.slug, begun.won_in.number]) if begun.won_in else "",
        defences=sum(r.defence and r.sequence > begun.sequence for r in reigns),
    )


def _round(round_: Round, after: Reign | None, *, names: Mapping[str, str]) -> RoundLine:
    """`after`: the reign that its decision began or went on with."""
    facts = round_facts(round_)
    return shown_as(
        RoundLine,
        facts,
        stage_name=STAGES.get(round_.state, (round_.state, ""))[0],
        headline=facts.headline or _waiting(round_),
        leader=who(after.miner) if after else None,
        new_leader=bool(after and not after.defence),
        _names=names,
    )


def _waiting(round_: Round) -> str:
    if round_.state == "open":
        return f"Reveals are taken up to block {round_.latest_reveal_block:,}."
    if round_.takes_reveals:
        return f"Round {round_.number} waits for its operator; reveals are taken meanwhile."
    return (
        pending_headline(round_, challengers=0)
        if round_.state == "paused"
        else f"{STAGES[round_.state][1].capitalize()}."
    )
