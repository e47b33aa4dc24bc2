"""Where does a miner stand, and why?"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from fractions import Fraction

from audits.models import Audit, PodRun
from competition.models import Asset, Miner, Reign, Reveal, Round, Submission
from dashboard.facts import matches, rounds
from dashboard.facts.appeals import AppealWindow, Objection, Objections
from dashboard.facts.audit_pages import PodRunLine, pod_run
from dashboard.facts.borders import row_of, shown_as
from dashboard.facts.decision_trail import weightiest
from dashboard.facts.entries import EntryFacts, entry_facts
from dashboard.facts.figures import MatchFigures
from dashboard.facts.integrity_summary import IntegritySummary
from dashboard.facts.matches import DuelLine, MatchLine
from dashboard.facts.people import MinerFacts, Who, miner_facts, who
from dashboard.facts.rounds import AuditSummary, OddReveal
from dashboard.facts.weights import PaidFrom, WeightInForce, shown
from dashboard.facts.wording import WHO_MUST_ACT, PartLabel, bar, count, labels, percent
from judging.models import Match, Rendering


@dataclass(frozen=True, kw_only=True)
class FailedFile:
    """A file that is not there, or cannot be used, and why."""

    prompt: str
    origin: str
    failure_class: str
    failure_code: str
    reason: str
    who_must_act: str


@dataclass(frozen=True, kw_only=True)
@row_of(
    EntryFacts,
    but={
        "the page is the miner's": "id entry miner url",
        "`objection` says why it is none": "eligible",
        "the block orders them on a page": "extrinsic_index",
    },
)
class Participation:
    """One round, as this miner met it."""

    competition: str
    round: int
    stage: str
    role: str
    repo: str
    commit: str
    cdn_url: str
    reveal_block: int | None
    objection: str
    copy_of: Who | None
    sentence: str
    matches: tuple[MatchLine, ...]
    weightiest_url: str
    audits: tuple[AuditSummary, ...]
    appeal_window: AppealWindow | None
    pod_runs: tuple[PodRunLine, ...]
    failed_files: tuple[FailedFile, ...]
    reveals_with_objection: tuple[OddReveal, ...]
    round_url: str


@dataclass(frozen=True, kw_only=True)
class RoundStanding:
    """How near a round brought this miner to the lead: `tally` of its weightiest match, null where there was none."""

    competition: str
    round: int
    tally: MatchFigures | None
    words: str
    took_lead: bool
    url: str


@dataclass(frozen=True, kw_only=True)
class Lead:
    """`weight`: what this miner is paid at the current block, "" where the chain does not tell its block."""

    competition: str
    weight: str
    later: tuple[PaidFrom, ...]
    since_block: int
    won_in: int | None
    defences: int


@dataclass(frozen=True, kw_only=True)
class Dethroned:
    """This miner leads no more, and is paid until the next leader's first block."""

    competition: str
    weight: Fraction
    until_block: int | None


@dataclass(frozen=True, kw_only=True)
class Costly:
    """The newest match that fell short, and the duels in it that were lost by the most."""

    competition: str
    round: int
    url: str
    duels: tuple[DuelLine, ...]


@dataclass(frozen=True, kw_only=True)
class MeasuredEntry:
    """The newest entry of which files were measured, beside the leader of its round."""

    competition: str
    round: int
    role: str
    integrity: IntegritySummary
    round_url: str


@dataclass(frozen=True, kw_only=True)
@row_of(MinerFacts, but={})
class MinerPage:
    hotkey: str
    label: str
    note: str
    sentence: str
    labels: tuple[PartLabel, ...]
    leads: tuple[Lead, ...]
    still_paid: tuple[Dethroned, ...]
    course: tuple[RoundStanding, ...]
    summary: str
    rounds: tuple[Participation, ...]
    other_reveals: tuple[OddReveal, ...]
    appeals_lodged: tuple[Objection, ...]
    costly: Costly | None
    measured: MeasuredEntry | None
    url: str


@dataclass(frozen=True, kw_only=True)
class MinerRows:
    """What the queries brought; `refused` are renderings of this miner's files that could not be made."""

    miner: Miner
    submissions: Sequence[Submission]
    reveals: Sequence[Reveal]
    matches: Sequence[Match]
    costly: tuple[Match, tuple[DuelLine, ...]] | None
    measured: tuple[Submission, IntegritySummary] | None
    audits: Sequence[Audit]
    appeals: Objections
    appeal_windows: Mapping[int, AppealWindow]
    lodged: tuple[Objection, ...]
    pod_runs: Sequence[PodRun]
    failed: Sequence[Asset]
    refused: Sequence[tuple[Asset, Rendering]]
    reigns: Sequence[Reign]
    leaders: Mapping[int, Reign]
    weights: Mapping[int, WeightInForce]


def page(rows: MinerRows) -> MinerPage:
    participations = tuple(_participation(submission, rows) for submission in rows.submissions)
    windows = [s.round for s in rows.submissions]
    other = [r for r in rows.reveals if r.objection and not any(_in_window(r, round_) for round_ in windows)]
    led_now = [reign for reign in rows.leaders.values() if reign.miner_id == rows.miner.pk]
    leads = tuple(
        _lead(
            reign,
            [r for r in rows.reigns if r.competition_id == reign.competition_id],
            weight=rows.weights[reign.competition_id],
        )
        for reign in led_now
    )
    still_paid = []
    for pk, last in rows.leaders.items():
        weight = rows.weights[pk]
        paid = weight.of(rows.miner.hotkey)
        if last.miner_id != rows.miner.pk and paid:
            until = weight.later[0].from_block if weight.later else None
            still_paid.append(Dethroned(competition=last.competition.slug, weight=paid, until_block=until))
    crowned = {reign.won_in_id for reign in rows.reigns if not reign.defence}
    pairs = zip(rows.submissions, participations, strict=True)
    course = tuple(
        _standing(p, took_lead=s.round_id in crowned) for s, p in pairs if p.role == Submission.Role.CHALLENGER
    )
    played = [(row.tally.margin, row) for row in course if row.tally and not row.tally.all_forfeit]
    summary = ""
    if len(course) > 1 and played:
        margin, best = max(played, key=lambda pair: pair[0])
        summary = f"Challenged in {count(len(course), 'round')}; "
        summary += f"best {percent(margin)} in round {best.round} ({best.words})."
    costly = None
    if rows.costly is not None and rows.costly[1]:
        match, duels = rows.costly
        at, url = match.round, matches.match_url(match.round, match)
        costly = Costly(competition=at.competition.slug, round=at.number, url=url, duels=duels)
    measured = None
    if rows.measured is not None:
        entry, integrity = rows.measured
        facts = entry_facts(entry, round_=entry.round)
        measured = shown_as(MeasuredEntry, facts, integrity=integrity)
    return shown_as(
        MinerPage,
        miner_facts(rows.miner),
        sentence=_where(leads, still_paid, participations, rows),
        labels=labels(windows[0].competition) if windows else (),
        leads=leads,
        still_paid=tuple(still_paid),
        course=course,
        summary=summary,
        rounds=participations,
        other_reveals=tuple(rounds.odd_reveal(reveal, competition=reveal.competition) for reveal in other),
        appeals_lodged=rows.lodged,
        costly=costly,
        measured=measured,
    )


def _standing(took: Participation, *, took_lead: bool) -> RoundStanding:
    last = next((row for row in took.matches if row.url == took.weightiest_url), None)
    tally = last.tally if last else None
    rejected = [audit.kind for audit in took.audits if audit.verdict == "rejected"]
    return RoundStanding(
        competition=took.competition,
        round=took.round,
        tally=tally if tally and tally.counted else None,
        words=_came(tally, rejected=rejected, took=took, took_lead=took_lead),
        took_lead=took_lead,
        url=last.url if last else took.round_url,
    )


def _came(tally: MatchFigures | None, *, rejected: Sequence[str], took: Participation, took_lead: bool) -> str:
    """What came of it, in a few words."""
    if took_lead:
        return "took the lead"
    if rejected:
        return f"{rejected[0]} audit rejected"
    if tally is None:
        return "not accepted" if took.objection else "paused" if took.stage == "paused" else "not decided"
    if tally.all_forfeit:
        return "delivered nothing usable"
    if tally.mostly_forfeit:
        return f"{tally.forfeits_challenger} of {tally.counted} forfeited"
    if tally.reaches:
        return "reached the bar"
    return f"{count(tally.gap, 'net duel')} short"


def _participation(submission: Submission, rows: MinerRows) -> Participation:
    round_ = submission.round
    met = [m for m in rows.matches if m.challenger_id == submission.pk and not m.audits]
    audits = [a for a in rows.audits if a.submission_id == submission.pk]
    match_rows = {match.pk: matches.row(round_, match, counts={}) for match in met}
    most = telling(met)
    weightiest_row = match_rows[most.pk] if most else None
    failed = [_failed(asset, asset) for asset in rows.failed if asset.submission_id == submission.pk]
    failed += [_failed(asset, refusal) for asset, refusal in rows.refused if asset.submission_id == submission.pk]
    return shown_as(
        Participation,
        entry_facts(submission, round_=round_),
        stage=round_.state,
        sentence=standing(submission, weightiest_row, audits),
        matches=tuple(match_rows.values()),
        weightiest_url=weightiest_row.url if weightiest_row else "",
        audits=tuple(rounds.audit_row(round_, audit, appeals=rows.appeals) for audit in audits),
        appeal_window=rows.appeal_windows.get(round_.pk) if audits else None,
        pod_runs=tuple(pod_run(run) for run in rows.pod_runs if run.submission_id == submission.pk),
        failed_files=tuple(failed),
        reveals_with_objection=tuple(
            rounds.odd_reveal(reveal, competition=round_.competition)
            for reveal in rows.reveals
            if reveal.objection and _in_window(reveal, round_)
        ),
    )


def _in_window(reveal: Reveal, round_: Round) -> bool:
    first, last = round_.reveal_window
    inside = first <= reveal.block <= last
    return inside and reveal.competition_id == round_.competition_id


def _failed(asset: Asset, row: Asset | Rendering) -> FailedFile:
    return shown_as(
        FailedFile,
        row,
        prompt=asset.prompt.stem,
        origin=asset.origin,
        reason=row.failure_reason,
        who_must_act=WHO_MUST_ACT.get(row.failure_class, ""),
    )


def _lead(now: Reign, entries: Sequence[Reign], *, weight: WeightInForce) -> Lead:
    """`entries`: this miner's, newest first; the reign begins with the newest one that is no defence."""
    begun = next((r for r in entries if not r.defence), now)
    paid = weight.of(now.miner.hotkey)
    return Lead(
        competition=entries[0].competition.slug if entries else now.competition.slug,
        weight="" if paid is None else str(paid),
        later=weight.later_of(now.miner.hotkey),
        since_block=begun.effective_block,
        won_in=begun.won_in.number if begun.won_in else None,
        defences=sum(r.defence and r.sequence > begun.sequence for r in entries),
    )


def _where(
    leads: Sequence[Lead],
    still_paid: Sequence[Dethroned],
    participations: Sequence[Participation],
    rows: MinerRows,
) -> str:
    """The one sentence a miner comes for."""
    led = []
    for lead in leads:
        weight = "(the weight in force is not known)"
        if lead.weight:
            weight = f"with weight {shown(Fraction(lead.weight))} now"
        later = "".join(f", {row.words}" for row in lead.later)
        led.append(f"{lead.competition} {weight}{later}, after {count(lead.defences, 'defence')}")
    if led:
        return f"This miner leads {' and '.join(led)}."
    if still_paid:
        paid = []
        for row in still_paid:
            until = f" until block {row.until_block:,}" if row.until_block is not None else ""
            paid.append(f"weight {shown(row.weight)} in {row.competition}{until}")
        return f"This miner leads no more, and is paid {' and '.join(paid)}."
    challenged = [p for p in participations if p.role == Submission.Role.CHALLENGER]
    if challenged:
        return f"Round {challenged[0].round} of {challenged[0].competition}: {challenged[0].sentence}"
    if any(reveal.objection for reveal in rows.reveals):
        return "Messages of this miner reached the chain, but none of them made a submission yet."
    if rows.reveals:
        return "This miner has revealed; submissions are made when the window closes."
    return "This miner has not entered a round."


def telling(met: Sequence[Match]) -> Match | None:
    """The match that says most of an entry: the weightiest decided one, else one that is being judged."""
    return weightiest(met) or next(iter(met), None)


def standing(submission: Submission, last: MatchLine | None, audits: Sequence[Audit]) -> str:
    """`last`: the match that says most of the entry."""
    if submission.role == Submission.Role.LEADER:
        decided = submission.round.state == "finished"
        return (
            "It led this round, and every challenger met it." if decided else "It leads, and every challenger meets it."
        )
    if submission.objection:
        return f"the reveals made no submission. {submission.objection}"
    if submission.round.state == "paused" and submission.round.takes_reveals:
        return "the submission is accepted; the round waits for its operator, and takes reveals meanwhile."
    if submission.round.state == "paused":
        return "the round is paused; the operator must act, the miner need not."
    if submission.copy_of:
        screened = _screened(last)
        first = f"a copy of {who(submission.copy_of.miner).name}, who revealed this commit first."
        return f"{first} {screened[:1].upper()}{screened[1:]}".strip()
    rejected = [audit for audit in audits if audit.state == "rejected"]
    if rejected:
        return f"the {rejected[0].kind} audit was rejected. {rejected[0].reason}"
    before = submission.round.state in ("open", "miner_generation", "downloading")
    unmet = "the submission is accepted; its duels come later." if before else "it has not met the leader."
    return _screened(last) or unmet


def _screened(last: MatchLine | None) -> str:
    if last is None:
        return ""
    if last.tally is None:
        return "its match is being judged."
    numbers = last.tally
    against = "the leader" if last.defender.key == "leader" else last.defender.name
    if numbers.all_forfeit:
        return f"no usable file was delivered, so every duel against {against} was forfeited."
    margin = f"a margin of {percent(numbers.margin)} against {against}"
    if numbers.reaches:
        return f"{margin} reaches the bar of {bar(numbers.win_margin)}."
    return f"{margin}, {count(numbers.gap, 'net duel')} short of the bar of {bar(numbers.win_margin)}."
