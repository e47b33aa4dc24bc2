"""What happened in a round, or is happening?"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from fractions import Fraction
from typing import Any

from django.urls import reverse

from audits.models import Audit, Correction
from competition.models import Competition, Reign, Reveal, Round, Submission
from competition.rulesets import ruleset
from dashboard.facts import ladders, matches
from dashboard.facts.appeals import AppealWindow, Objection, Objections, against, moving
from dashboard.facts.audits import AuditFacts, audit_facts
from dashboard.facts.bankroll_chart import bar_words
from dashboard.facts.borders import NAMED_BY_URL, row_of, shown_as
from dashboard.facts.confidence import Confidence
from dashboard.facts.decision_trail import Receipt, decisive_match, receipt
from dashboard.facts.entries import EntryFacts, entry_facts
from dashboard.facts.field import Improvement, improvement
from dashboard.facts.figures import DEFAULT_BAR, rules_of
from dashboard.facts.judge_pages import UnwellJudge
from dashboard.facts.ladders import RungFacts
from dashboard.facts.matches import MatchLine
from dashboard.facts.opinions import IndependentAskers
from dashboard.facts.people import Who, entrant, plain, who
from dashboard.facts.queries import RoundBeside
from dashboard.facts.records import RecordFinding, record_finding, summary
from dashboard.facts.reveals import RevealFacts, reveal_facts
from dashboard.facts.review_pages import CorrectionNote, note
from dashboard.facts.round_facts import RoundFacts, round_facts
from dashboard.facts.stages import Tracker
from dashboard.facts.weights import Payment, WeightInForce
from dashboard.facts.wording import STAGES, WAITING, PartLabel, count, labels
from dashboard.models import Publication, VerifierFinding
from judging.backends import is_model
from judging.models import Match


@dataclass(frozen=True, kw_only=True)
class RoundCounts:
    """`forfeits` counts duels that challengers forfeited to the leader, `leader_forfeits` those the other way round."""

    revealed: int
    eligible: int
    copies: int
    forfeits: int
    leader_forfeits: int
    audited: int


@dataclass(frozen=True, kw_only=True)
@row_of(
    EntryFacts,
    but={
        NAMED_BY_URL: "id competition round round_url",
        "`miner` has the key and the page": "entry url",
        "`objection` says why it is none": "eligible",
        "the block orders them on a page": "extrinsic_index",
    },
)
class EntryLine:
    """What a miner entered with."""

    miner: Who
    role: str
    repo: str
    commit: str
    cdn_url: str
    reveal_block: int | None
    objection: str
    copy_of: Who | None
    measured_files: int


@dataclass(frozen=True, kw_only=True)
@row_of(
    RevealFacts,
    but={
        NAMED_BY_URL: "id competition",
        "the block orders them on a page": "extrinsic_index",
        "where something is wrong, little could be read": "fields",
        "the bundle has all bytes": "payload_hex",
        "the chain's time of the block counts": "seen_at",
    },
)
class OddReveal:
    """A message with something wrong with it: its bytes as text, cut short, and the sentence that says what."""

    miner: Who
    block: int
    objection: str
    payload: str
    payload_bytes: int


@dataclass(frozen=True, kw_only=True)
class CopyGroup:
    commit: str
    first: Who
    copies: tuple[Who, ...]


@dataclass(frozen=True, kw_only=True)
@row_of(
    AuditFacts,
    but={
        NAMED_BY_URL: "id competition round entry version since",
        "`verdict` is it": "state",
        "the audit's page says it": "code people limits numbers waiting_for failure_class failure_code "
        "failure_reason case_url",
    },
)
class AuditSummary:
    miner: Who
    kind: str
    verdict: str
    reason: str
    findings: int
    appeals: tuple[Objection, ...]
    url: str

    @property
    def words(self) -> str:
        """The reason, or what the verdict waits for; of a verdict without a reason nothing."""
        return self.reason or WAITING.get(self.verdict, "")


@dataclass(frozen=True, kw_only=True)
class Bundle:
    hash: str
    files: int
    bytes: int
    url: str
    archive_url: str
    signed_by: str
    verify: str


@dataclass(frozen=True, kw_only=True)
@row_of(
    RoundFacts,
    but={
        NAMED_BY_URL: "id",
        "`leader` is made of it": "defending",
        "`tracker` says it": "since waiting_for failure_class failure_code failure_reason",
    },
)
class RoundPage:
    competition: str
    competition_name: str
    round: int
    stage: str
    headline: str
    ruleset: str
    rules: Mapping[str, Any]
    win_margin: Fraction
    bar: str
    labels: tuple[PartLabel, ...]
    schedule: Mapping[str, int]
    seed: str
    seed_block_hash: str
    prompts: int
    leader: Who | None
    counts: RoundCounts
    tracker: Tracker
    ladder: tuple[RungFacts, ...]
    matches: tuple[MatchLine, ...]
    copies: tuple[CopyGroup, ...]
    audits: tuple[AuditSummary, ...]
    entries: tuple[EntryLine, ...]
    reveals_with_objection: tuple[OddReveal, ...]
    corrections: tuple[CorrectionNote, ...]
    by_model: bool
    unwell: UnwellJudge | None
    outcome: Payment | None
    weight: WeightInForce
    appeal_window: AppealWindow | None
    receipt: Receipt | None
    improved: Improvement | None
    bundle: Bundle | None
    askers: IndependentAskers | None
    sure: Confidence | None = None
    decision: Mapping[str, Any] | None
    source: Mapping[str, Any]
    verifier_findings: tuple[RecordFinding, ...]
    previous_url: str
    next_url: str
    prompts_url: str
    field_url: str
    url: str

    @property
    def headline_parts(self) -> tuple[str, str]:
        """The headline by names, its first sentence apart."""
        return headline_parts(self.headline, names={e.miner.hotkey: e.miner.name for e in self.entries})

    @property
    def measured(self) -> bool:
        """Is it known of any file how sound it is?"""
        return any(entry.measured_files for entry in self.entries)

    @property
    def measurements_url(self) -> str:
        """How sound each file is, as the API has it."""
        return f"{reverse('api-measurements')}?competition={self.competition}&round={self.round}&limit=200"

    @property
    def takes_reveals(self) -> bool:
        """Though it may be paused meanwhile."""
        return any(step.stage == "open" and step.place == "current" for step in self.tracker.steps)

    @property
    def source_summary(self) -> Mapping[str, Any]:
        return summary(self.source)

    @property
    def objections(self) -> tuple[EntryLine, ...]:
        return tuple(entry for entry in self.entries if entry.objection)

    @property
    def awaiting(self) -> bool:
        """Is it too early for any match to be decided?"""
        return not any(row.state == "decided" for row in self.matches)

    @property
    def empty_handed(self) -> tuple[MatchLine, ...]:
        """Matches without a single judged duel, because the challenger delivered nothing."""
        return tuple(row for row in self.matches if row.tally and row.tally.all_forfeit)

    @property
    def best(self) -> Fraction | None:
        """The highest margin of a decided screen in which anything was delivered."""
        tallies = [row.tally for row in self.matches if row.tally and row.kind == "screen"]
        return max((tally.margin for tally in tallies if not tally.all_forfeit), default=None)


def settled(page: RoundPage) -> bool:
    """Can only another event of the ledger change it?  A weight waits for its block, an appeal for its deadline."""
    waiting = moving((row for audit in page.audits for row in audit.appeals), page.appeal_window)
    return page.stage == "finished" and page.weight.settled and not waiting


@dataclass(frozen=True, kw_only=True)
class RoundRows:
    """What the queries brought."""

    round: Round
    submissions: Sequence[Submission]
    matches: Sequence[Match]
    duel_counts: Mapping[int, Mapping[str, int]]
    audits: Sequence[Audit]
    odd_reveals: Sequence[Reveal]
    beside: RoundBeside
    reign: Reign | None
    payment: Payment | None
    weight: WeightInForce
    appeals: Objections
    appeal_window: AppealWindow | None
    findings: Sequence[VerifierFinding] = ()
    corrections: Sequence[Correction] = ()
    unwell: UnwellJudge | None = None
    askers: IndependentAskers | None = None


def page(rows: RoundRows, *, tracker: Tracker) -> RoundPage:
    round_, ladder = rows.round, _ladder(rows)
    challengers = [s for s in rows.submissions if s.role == Submission.Role.CHALLENGER]
    leader = next((s for s in rows.submissions if s.role == Submission.Role.LEADER), None)
    screens = [match for match in rows.matches if match.kind == Match.Kind.SCREEN]
    facts, rules = round_facts(round_, block=tracker.clock.block if tracker.clock else None), rules_of(round_)
    return shown_as(
        RoundPage,
        facts,
        win_margin=rules.win_margin if rules else DEFAULT_BAR,
        bar=bar_words(rules, default=DEFAULT_BAR),
        labels=labels(round_.competition),
        previous_url=_round_url(facts, facts.round - 1) if rows.beside.before else "",
        next_url=_round_url(facts, facts.round + 1) if rows.beside.after else "",
        prompts_url=reverse("prompts", args=[facts.competition, facts.round]),
        field_url=reverse("field", args=[facts.competition, facts.round]),
        headline=facts.headline or pending_headline(round_, challengers=len(challengers)),
        prompts=rows.beside.prompts,
        leader=entrant(leader) if leader else facts.defending and replace(facts.defending, key="leader"),
        counts=RoundCounts(
            revealed=len(challengers),
            eligible=sum(s.eligible for s in challengers),
            copies=sum(s.copy_of_id is not None for s in challengers),
            forfeits=sum(match.forfeits_challenger for match in screens),
            leader_forfeits=sum(match.forfeits_defender for match in screens),
            audited=len({audit.submission_id for audit in rows.audits}),
        ),
        tracker=tracker,
        ladder=ladder,
        matches=match_rows(rows, ladder=ladder),
        copies=_copy_groups(challengers),
        audits=tuple(audit_row(round_, audit, appeals=rows.appeals) for audit in rows.audits),
        entries=tuple(shown_as(EntryLine, entry_facts(s, round_=round_)) for s in rows.submissions),
        reveals_with_objection=tuple(odd_reveal(r, competition=round_.competition) for r in rows.odd_reveals),
        corrections=tuple(note(row) for row in rows.corrections),
        by_model=is_model(round_.competition.judge),
        unwell=rows.unwell,
        outcome=rows.payment,
        weight=rows.weight,
        appeal_window=rows.appeal_window,
        receipt=receipt(
            round_,
            decisive_match(rows.matches, reign=rows.reign, round_=round_),
            audits=rows.audits,
            payment=rows.payment,
        ),
        improved=improvement(rows.submissions, rows.matches, reign=rows.reign),
        bundle=bundle(round_, rows.beside.publication),
        askers=rows.askers,
        verifier_findings=tuple(record_finding(row) for row in rows.findings),
    )


def _round_url(facts: RoundFacts, number: int) -> str:
    return reverse("round", args=[facts.competition, number])


def headline_parts(headline: str, *, names: Mapping[str, str]) -> tuple[str, str]:
    first, stop, rest = plain(headline, names=names).partition(". ")
    return f"{first}{stop.strip()}", rest


def pending_headline(round_: Round, *, challengers: int) -> str:
    """What can be said before the round is decided."""
    subject = f"Round {round_.number}"
    if round_.state == "paused" and round_.takes_reveals:
        return f"{subject} waits for its operator and takes reveals: {count(challengers, 'miner')} so far."
    if round_.state == "paused":
        return f"{subject} is paused: nothing is decided until the operator acts."
    if round_.state == "open":
        return f"{subject} takes reveals: {count(challengers, 'miner')} so far."
    if round_.state == "miner_generation":
        return f"{subject}: the prompts are drawn and {count(challengers, 'miner')} entered."
    what = STAGES.get(round_.state, ("", round_.state))[1]
    return f"{subject} is running: {what}."


def odd_reveal(reveal: Reveal, *, competition: Competition) -> OddReveal:
    return shown_as(OddReveal, reveal_facts(reveal, competition=competition))


def audit_row(round_: Round, audit: Audit, *, appeals: Objections) -> AuditSummary:
    facts = audit_facts(audit, round_=round_)
    return shown_as(
        AuditSummary, facts, verdict=facts.state, findings=audit.finding_count, appeals=against(appeals, audit)
    )


def bundle(round_: Round, publication: Publication | None) -> Bundle | None:
    if publication is None or publication.state != "published":
        return None
    at = [round_.competition.slug, round_.number]
    return Bundle(
        hash=publication.bundle_hash,
        files=publication.files,
        bytes=publication.bytes,
        url=reverse("bundle-file", args=[*at, "manifest.json"]),
        archive_url=reverse("bundle", args=at),
        signed_by=publication.checkpoint.signed_by if publication.checkpoint else "",
        verify=f"python -m verify {at[0]}-{at[1]}",
    )


def match_rows(rows: RoundRows, *, ladder: tuple[RungFacts, ...]) -> tuple[MatchLine, ...]:
    """Screens and ladder matches; how they stand on the ladder is their verdict."""
    verdicts: dict[tuple[str, str], str] = {}  # (defender, challenger) -> what followed
    if _live(rows.round):  # else each match says what came of it
        verdicts = {(rung.defender.key, rung.challenger.key): rung.outcome for rung in ladder}
    if _live(rows.round) and rows.round.state == "finished":
        for match in rows.matches:  # one against somebody who was rejected later is on no rung
            if (match.kind, match.state) == ("ladder", "decided"):
                verdicts.setdefault((match.defender.key, match.challenger.key), "no longer on the ladder")
    copies: dict[int, list[Who]] = {}
    copied = {s.pk: who(s.copy_of.miner) for s in rows.submissions if s.copy_of}
    for submission in rows.submissions:
        if submission.copy_of_id:
            copies.setdefault(submission.copy_of_id, []).append(entrant(submission))
    return tuple(
        matches.row(
            rows.round,
            match,
            counts=rows.duel_counts.get(match.pk, {}),
            verdict=verdicts.get((match.defender.key, match.challenger.key), ""),
            copies=copies.get(match.challenger_id, ()),
            copy_of=copied.get(match.challenger_id),
        )
        for match in rows.matches
        if not match.audits
    )


def _live(round_: Round) -> bool:
    """May the steps of its ladder be shown before the round is decided?"""
    rules = rules_of(round_)
    return rules is None or ruleset(rules).steps_are_live


def _ladder(rows: RoundRows) -> tuple[RungFacts, ...]:
    rules = rules_of(rows.round)
    if rows.round.source or not _live(rows.round):
        climbed = ladders.recorded(rows.round.decision, rows.matches)
    else:
        climbed = ladders.steps(rows.submissions, rows.matches, rows.audits, rules=rules)
    return ladders.rungs(climbed, rows.submissions, round_=rows.round, audits=rows.audits)


def _copy_groups(challengers: Sequence[Submission]) -> tuple[CopyGroup, ...]:
    groups: dict[int, list[Submission]] = {}
    for submission in challengers:
        if submission.copy_of_id:
            groups.setdefault(submission.copy_of_id, []).append(submission)
    return tuple(
        CopyGroup(commit=group[0].commit, first=who(first.miner), copies=tuple(entrant(s) for s in group))
        for group in groups.values()
        if (first := group[0].copy_of) is not None
    )
