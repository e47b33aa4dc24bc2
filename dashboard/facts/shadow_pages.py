"""What does another judge make of a round, beside the verdicts that count?  For reviewers and `manage.py shadow`."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal
from fractions import Fraction
from typing import Any

from django.urls import reverse

from audits import steps
from audits.reviews import in_force
from audits.reviews.shadow_audits import shadow_audited, shadow_states
from competition.decisions.attempts import plain
from competition.models import Submission
from competition.rulesets.base import MatchEnd, RoundDecision
from competition.rulesets.ladder import LEADER, Key
from dashboard.facts.figures import figures, rules_of
from dashboard.facts.matches import match_url, verdict_words
from dashboard.facts.people import Who, entrant
from dashboard.facts.plots import Axis, Group, Limit, Plot, Point
from dashboard.facts.wording import count
from judging.decisions.agreement import OUTCOMES, JudgeAgreement
from judging.matches import tally_of
from judging.models import Match
from judging.shadow import queries
from judging.shadow.models import ShadowRun
from judging.shadow.round_view import RoundView

QUIET = timedelta(minutes=10)  # without a word of the process: a question and its patience take a minute
OPEN = "open"
NAMES: Mapping[str, str] = {"defender": "left (defender)", "draw": "draw", "challenger": "right (challenger)"}
PLOTTED = (
    Group(key="same", words="the same result", colour="gray", symbol="ring"),
    Group(key="changed", words="another result", colour="orange", symbol="diamond"),
)


@dataclass(frozen=True, kw_only=True)
class ShadowLine:
    """What a list shows of one run.  `judged` and `silent`: duels with a verdict, and without an answer so far."""

    number: int
    competition: str
    round: int
    judge: str
    sample: int | None
    state: str
    judged: int
    silent: int
    begun_at: datetime
    last_at: datetime
    url: str


@dataclass(frozen=True, kw_only=True)
class ShadowList:
    runs: tuple[ShadowLine, ...]
    url: str


@dataclass(frozen=True, kw_only=True)
class ConfusionRow:
    """What the official judge said, and what the second one said of the same duels."""

    official: str
    defender: int
    draw: int
    challenger: int
    duels: int


@dataclass(frozen=True, kw_only=True)
class AgreementFacts:
    """`share` and `kappa`: null where there is nothing to count, or where all duels ended alike."""

    duels: int
    alike: int
    opposite: int
    share: Fraction | None
    interval_95: tuple[float, float]
    kappa: Fraction | None
    matrix: tuple[ConfusionRow, ...]


@dataclass(frozen=True, kw_only=True)
class ShadowMatch:
    """`result` and `shadow_result`: in words, `open` while it is not decided, "" where it was never played; `compared`:
    the duels that both judges judged, `alike` of them."""

    kind: str
    defender: Who
    challenger: Who
    result: str
    shadow_result: str
    margin: Fraction | None
    shadow_margin: Fraction | None
    compared: int
    alike: int
    changed: bool
    url: str


@dataclass(frozen=True, kw_only=True)
class ShadowAudit:
    """An audit that would end otherwise."""

    entry: Who
    kind: str
    before: str
    after: str


@dataclass(frozen=True, kw_only=True)
class ShadowLeader:
    """`before` and `after`: who leads, null where the leader of the round defends and nobody is known as such.
    `still_open`: why `after` is not certain, "" where it is; `changed`: only where it is."""

    before: Who | None
    after: Who | None
    changed: bool
    still_open: str
    reason: str


@dataclass(frozen=True, kw_only=True)
class ShadowFailure:
    """Duels that the second judge gave no verdict on: whose fault, which code, one sentence of it."""

    failure_class: str
    code: str
    duels: int
    reason: str


@dataclass(frozen=True, kw_only=True)
class ShadowCostFacts:
    """`most_questions`: what was announced; `cost`: at the price of a thousand questions that the operator gave."""

    questions: int
    most_questions: int
    attempts: int
    answering_s: int
    prompt_tokens: int | None
    completion_tokens: int | None
    price: str
    cost: str


@dataclass(frozen=True, kw_only=True)
class ShadowPage(ShadowLine):
    """The run, and what its verdicts come to."""

    official_judge: str
    version: str
    halted: str
    most_duels: int
    sentence: str
    agreement: AgreementFacts
    leader: ShadowLeader
    matches: tuple[ShadowMatch, ...]
    audits: tuple[ShadowAudit, ...]
    failures: tuple[ShadowFailure, ...]
    cost: ShadowCostFacts
    bar: Fraction
    round_url: str

    @property
    def changed(self) -> tuple[ShadowMatch, ...]:
        return tuple(match for match in self.matches if match.changed)


def shadow_list(runs: Iterable[Any], *, now: datetime) -> ShadowList:
    return ShadowList(runs=tuple(shadow_line(run, now=now) for run in runs), url=reverse("shadows"))


def shadow_line(run: Any, *, now: datetime) -> ShadowLine:
    """`run`: as `queries.runs` reads it."""
    return ShadowLine(
        number=run.pk,
        competition=run.round.competition.slug,
        round=run.round.number,
        judge=run.judge_name,
        sample=run.sample,
        state=state_of(run, now=now),
        judged=run.judged,
        silent=run.silent,
        begun_at=run.begun_at,
        last_at=run.last_at,
        url=reverse("shadow", args=[run.pk]),
    )


def state_of(run: ShadowRun, *, now: datetime) -> str:
    if run.ended_at:
        return "finished"
    if run.halted:
        return "halted"
    return "interrupted" if now - run.last_at > QUIET else "running"


def shadow_page(run: Any, *, now: datetime) -> ShadowPage:
    """`run`: as `queries.run_numbered` reads it."""
    view = RoundView(run)
    agreement = agreement_facts(view)
    matches, leader = shadow_matches(view), leader_facts(view)
    changed = sum(match.changed for match in matches)
    return ShadowPage(
        **vars(shadow_line(run, now=now)),
        official_judge=run.round.competition.judge,
        version=run.judge,
        halted=run.halted,
        most_duels=run.most_duels,
        sentence=sentence(agreement, leader, changed=changed),
        agreement=agreement,
        leader=leader,
        matches=matches,
        audits=changed_audits(view),
        failures=tuple(
            ShadowFailure(failure_class=failure_class, code=code, duels=duels, reason=reason)
            for failure_class, code, duels, reason in queries.silences(run)
        ),
        cost=cost_facts(run),
        bar=view.ruleset.rules.win_margin,
        round_url=reverse("round", args=[run.round.competition.slug, run.round.number]),
    )


def sentence(agreement: AgreementFacts, leader: ShadowLeader, *, changed: int) -> str:
    if agreement.share is None:
        return "No duel has been judged by both judges yet."
    alike = f"The judges agree on {agreement.alike} of {count(agreement.duels, 'duel')}"
    results = f"{count(changed, 'match')} would end otherwise"
    if leader.changed:
        return f"{alike}; {results}, and another would lead."
    return f"{alike}; {results}{', and the same would lead' if not leader.still_open else ''}."


def agreement_facts(view: RoundView) -> AgreementFacts:
    counted = JudgeAgreement.of((place.official, row.outcome) for place, row in view.compared())
    rows = [{other: counted.counts[outcome, other] for other in OUTCOMES} for outcome in OUTCOMES]
    matrix = (
        ConfusionRow(official=NAMES[outcome], duels=sum(row.values()), **row)
        for outcome, row in zip(OUTCOMES, rows, strict=True)
    )
    return AgreementFacts(
        duels=counted.duels,
        alike=counted.alike,
        opposite=counted.opposite,
        share=counted.share,
        interval_95=counted.interval95,
        kappa=counted.kappa,
        matrix=tuple(matrix),
    )


def shadow_matches(view: RoundView) -> tuple[ShadowMatch, ...]:
    """Those that would end otherwise first."""
    compared: dict[tuple[str, int, int], list[bool]] = {}
    for place, row in view.compared():
        compared.setdefault(place.key[:3], []).append(place.official == row.outcome)
    rows = [
        match_line(view, match, alike=compared.get((match.kind, match.defender_id, match.challenger_id), []))
        for match in view.by_pairing.values()
    ]
    return tuple(sorted(rows, key=lambda row: not row.changed))


def match_line(view: RoundView, match: Match, *, alike: list[bool]) -> ShadowMatch:
    end, decided = view.end_of(match), match.state == "decided"
    result = "" if not match.pk else result_words(match, official_end(match)) if decided else OPEN
    shadow_result = result_words(match, end) if end is not None else OPEN
    return ShadowMatch(
        kind=match.kind,
        defender=entrant(match.defender),
        challenger=entrant(match.challenger),
        result=result,
        shadow_result=shadow_result,
        margin=tally_of(match).margin if decided else None,
        shadow_margin=end.tally.margin if end is not None else None,
        compared=len(alike),
        alike=sum(alike),
        changed=decided and end is not None and result != shadow_result,
        url=match_url(view.round, match) if match.pk else "",
    )


def official_end(match: Match) -> MatchEnd:
    return MatchEnd(after=match.stopped_after or 0, because=match.stopped, tally=tally_of(match))


def result_words(match: Match, end: MatchEnd) -> str:
    """What the match comes to where it ends like this."""
    numbers = figures(end.tally, rules=rules_of(match.round), kind=match.kind)
    if plain(match.kind) == Match.Kind.AUDIT:
        return "not worse" if numbers.holds else "worse than submitted"
    return verdict_words(Match(kind=match.kind, state="decided", stopped=end.because), numbers)


def leader_facts(view: RoundView) -> ShadowLeader:
    official = steps.decide(view.round)
    decision = view.decision(audits=shadow_audited(view))
    still_open = open_words(view, decision)
    return ShadowLeader(
        before=entry_named(view.entries, official.leader),
        after=entry_named(view.entries, decision.leader),
        changed=not still_open and official.complete and official.leader != decision.leader,
        still_open=still_open,
        reason=decision.reason,
    )


def open_words(view: RoundView, decision: RoundDecision) -> str:
    if view.run.sample is not None and decision.wanted_matches:
        return "A sample of the duels decides no match and no leader."
    parts = []
    if decision.wanted_matches:
        parts.append(f"{len(decision.wanted_matches)} of the matches that decide it are open with these verdicts")
    if decision.wanted_audits:
        parts.append(f"{len(decision.wanted_audits)} of those who would lead were never audited")
    return "; ".join(parts)


def entry_named(entries: Mapping[str, Submission], key: Key) -> Who | None:
    entry = entries.get(LEADER if key == LEADER else str(key))
    return entrant(entry) if entry is not None else None


def changed_audits(view: RoundView) -> tuple[ShadowAudit, ...]:
    official = in_force.verdicts(view.round)
    return tuple(
        ShadowAudit(entry=entrant(official[place].submission), kind=place[1], before=official[place].state, after=state)
        for place, state in shadow_states(view).items()
        if state not in (official[place].state, OPEN)
    )


def cost_facts(run: ShadowRun) -> ShadowCostFacts:
    cost = queries.cost_of(run)
    return ShadowCostFacts(
        questions=cost.questions,
        most_questions=run.most_questions,
        attempts=cost.attempts,
        answering_s=cost.answering_s,
        prompt_tokens=cost.prompt_tokens,
        completion_tokens=cost.completion_tokens,
        price="" if run.price is None else amount(run.price),
        cost="" if run.price is None else amount(run.price * cost.questions / 1000),
    )


def amount(price: Decimal) -> str:
    return f"{price:.2f}"


def margins(page: ShadowPage) -> Plot:
    """Across the official margins, upwards those of the second judge."""
    points = [
        Point(
            x=float(match.margin),
            y=float(match.shadow_margin),
            group="changed" if match.changed else "same",
            words=f"{match.kind}: {match.challenger.name} against {match.defender.name}",
            url=match.url,
        )
        for match in page.matches
        if match.margin is not None and match.shadow_margin is not None
    ]
    bar = float(page.bar)
    bars = (Limit(at=bar, words="bar"), Limit(at=bar, words="bar", upright=True))
    return Plot(
        name="margins",
        title="Margins under both judges",
        caption="Each decided match. Right of the upright line it reaches the bar officially, above the level one it "
        "would with the second judge.",
        x=Axis(words="official margin", shape="share"),
        y=Axis(words="margin with the second judge", shape="share"),
        groups=PLOTTED,
        points=tuple(points),
        limits=bars if points else (),
        data_url=reverse("shadow-margins", args=[page.number]),
    )
