"""On what evidence did an entry pass its audits, or fail them?"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from fractions import Fraction
from typing import Annotated, Any

from django.urls import reverse

from audits.models import Audit, PodRun
from audits.pods import logs
from competition.decisions.attempts import plain, regeneration_in
from competition.models import Round, Submission
from dashboard.facts.appeals import AppealWindow, Objection, Objections, against
from dashboard.facts.audits import AuditFacts, audit_facts
from dashboard.facts.borders import row_of, shown_as
from dashboard.facts.figures import MatchFigures, figures, rules_of
from dashboard.facts.match_pages import MatchPage
from dashboard.facts.matches import DuelLine
from dashboard.facts.people import Who, entrant
from dashboard.facts.pod_runs import PodRunFacts, comparison, pod_run_facts
from dashboard.facts.wording import WHO_MUST_ACT, PartLabel, labels, percent
from judging.matches import tally_of
from judging.models import Match

LONGEST_LOG = 6000  # characters, of the end
KINDS = {"source": "Source audit", "generation": "Generation audit"}
VERDICTS = {
    "gathering": "Evidence is being gathered",
    "reviewing": "A person must decide",
    "passed": "Passed",
    "rejected": "Rejected",
    "dropped": "Dropped: the correction that asked for it was discarded",
}
LEAST = "least_"  # `limits` names a lower limit so: least_margin for margin; every other one is an upper limit
SHARES = ("margin",)


@dataclass(frozen=True, kw_only=True)
class Number:
    """`limit` holds words, `over` says whether the value is outside of it.  `drawn`: value and limit, in percent of a
    scale; None where either is no number."""

    name: str
    value: Any
    limit: str
    over: bool
    drawn: tuple[str, str] | None = None

    @property
    def words(self) -> str:
        return self.name.removesuffix("_s").replace("_", " ")

    @property
    def shown(self) -> Any:
        return _shown(self.name, self.value)


@dataclass(frozen=True, kw_only=True)
class FindingExcerpt:
    severity: str
    rule: str
    file: str
    line: int | None
    excerpt: str
    sentence: str


@dataclass(frozen=True, kw_only=True)
@row_of(
    AuditFacts,
    but={
        "the page is about them": "id competition round entry miner url",
        "`verdict` is it": "state",
        "`numbers` has each beside its limit": "limits",
        "the class and the sentence say it to a person": "failure_code",
        "the ledger has the time": "since",
    },
)
class AuditPart:
    """`counts`: the verdict is in force; another version supersedes it, or its correction is not applied, where not."""

    kind: str
    version: int
    counts: bool
    people: tuple[str, ...]
    case_url: str
    name: str
    verdict: str
    verdict_name: str
    code: str
    reason: str
    numbers: tuple[Number, ...]
    detail: Mapping[str, Any]
    findings: tuple[FindingExcerpt, ...]
    waiting_for: str
    failure_class: str
    failure_reason: str
    who_must_act: str
    appeals: tuple[Objection, ...]


@dataclass(frozen=True, kw_only=True)
@row_of(
    PodRunFacts,
    but={
        "the miner's own diagnostics have it": "progress waiting_for",
        "times stand in the ledger": "since",
    },
)
class PodRunLine:
    purpose: str
    repeat: int
    state: str
    provider: str
    isolation: tuple[str, ...]
    generated_s: int
    beside_leader: Annotated[
        str, "How fast beside the leader's code, on which cards and when, and whether anything may rest on it."
    ]
    seed: int
    failure_class: str
    failure_code: str
    failure_reason: str
    who_must_act: str
    log: str
    log_cut: bool


@dataclass(frozen=True, kw_only=True)
class RepeatRow:
    """One match of a winner that is generated again more than once.  `limit`: the margin it must reach."""

    number: int
    against: str
    tally: MatchFigures
    limit: Fraction

    @property
    def reaches(self) -> bool:
        return self.tally.holds


@dataclass(frozen=True, kw_only=True)
class AuditPage:
    competition: str
    round: int
    miner: Who
    repo: str
    commit: str
    sentence: str
    labels: tuple[PartLabel, ...]
    audits: tuple[AuditPart, ...]
    pod_runs: tuple[PodRunLine, ...]
    match: MatchPage | None
    repeats: tuple[RepeatRow, ...]
    appeal_window: AppealWindow | None
    screen_url: str
    round_url: str
    url: str

    @property
    def source_url(self) -> str:
        """Where the code is shown that a source audit was about."""
        at = [self.competition, self.round, self.miner.hotkey]
        return reverse("source-audit", args=at) if any(audit.kind == "source" for audit in self.audits) else ""

    @property
    def worst_first(self) -> tuple[DuelLine, ...]:
        """What was generated again, the furthest behind what was submitted first."""
        duels = self.match.duels if self.match else ()
        last = {"forfeit_challenger": -2_000_000, "unneeded": 3_000_000, "judging": 2_000_000, "void": 2_500_000}
        return tuple(sorted(duels, key=lambda d: (last.get(d.result, d.score_micro or 0), d.position)))


def page(
    round_: Round,
    submission: Submission,
    *,
    audits: Sequence[Audit],
    in_force: Sequence[Audit],
    pod_runs: Sequence[PodRun],
    leaders_runs: Sequence[PodRun] = (),
    match: MatchPage | None,
    repeated: Sequence[Match] = (),
    appeals: Objections,
    appeal_window: AppealWindow | None,
) -> AuditPage:
    """`audits`: every version there was; `in_force`: those whose verdict is."""
    at = [round_.competition.slug, round_.number]
    miner = entrant(submission)
    repeats = []
    for one in repeated:
        if one.state != "decided":
            continue
        tally = figures(tally_of(one), rules=rules_of(round_), kind=one.kind)
        against_defender = plain(one.kind) == Match.Kind.AGAINST_DEFENDER
        repeats.append(
            RepeatRow(
                number=regeneration_in(one.kind) + 1,
                against=entrant(one.defender).name if against_defender else "what was submitted",
                tally=tally,
                limit=tally.limit,
            )
        )
    return AuditPage(
        competition=round_.competition.slug,
        round=round_.number,
        miner=miner,
        repo=submission.repo,
        commit=submission.commit,
        sentence=sentence(miner, in_force or audits),
        labels=labels(round_.competition),
        audits=tuple(_audit(audit, counts=audit in in_force, appeals=against(appeals, audit)) for audit in audits),
        appeal_window=appeal_window,
        pod_runs=tuple(pod_run(run, leaders=leaders_runs) for run in pod_runs),
        match=match,
        repeats=tuple(repeats),
        screen_url=reverse("match", args=[*at, "leader", miner.hotkey]) if miner.key != "leader" else "",
        round_url=reverse("round", args=at),
        url=reverse("audit", args=[*at, miner.hotkey]),
    )


def sentence(miner: Who, audits: Sequence[Audit]) -> str:
    states = {audit.state for audit in audits}
    if "rejected" in states:
        kinds = " and ".join(audit.kind for audit in audits if audit.state == "rejected")
        return f"The {kinds} audit of {miner.name} was rejected: its win does not count."
    if "reviewing" in states:
        return f"The audit of {miner.name} waits for a person: the tools could not settle it."
    if "gathering" in states:
        return f"The audit of {miner.name} is open: evidence is being gathered."
    return f"{miner.name} passed {'its audit' if len(audits) == 1 else 'its audits'}."


def _audit(audit: Audit, *, counts: bool, appeals: tuple[Objection, ...]) -> AuditPart:
    facts = audit_facts(audit, round_=audit.round)
    return shown_as(
        AuditPart,
        facts,
        counts=counts,
        name=KINDS[facts.kind],
        verdict=facts.state,
        verdict_name=VERDICTS[facts.state],
        numbers=measured(facts),
        detail={name: value for name, value in facts.numbers.items() if isinstance(value, dict | list)},
        findings=tuple(shown_as(FindingExcerpt, finding) for finding in facts.findings),
        waiting_for=facts.waiting_for if facts.state == "gathering" else "",
        who_must_act=WHO_MUST_ACT.get(facts.failure_class, ""),
        appeals=tuple(row for row in appeals if row.version == facts.version),
    )


def measured(audit: AuditFacts) -> tuple[Number, ...]:
    """What was measured beside what was allowed, and the limits nothing was kept of."""
    numbers, limits = audit.numbers, audit.limits
    printable = {name: value for name, value in numbers.items() if isinstance(value, int | float | str)}
    missing = {name.removeprefix(LEAST) for name in limits} - set(printable)
    return tuple(_number(name, value, limits=limits) for name, value in printable.items()) + tuple(
        _number(name, None, limits=limits) for name in sorted(missing)
    )


def _number(name: str, value: Any, *, limits: Mapping[str, Any]) -> Number:
    lowest, highest = limits.get(LEAST + name), limits.get(name)
    least, most, amount = _exact(lowest), _exact(highest), _exact(value)
    too_low = None not in (least, amount) and amount < least
    too_high = None not in (most, amount) and amount > most
    texts = [f"at least {_shown(name, lowest)}"] if least is not None else []
    texts += [f"at most {_shown(name, highest)}"] if most is not None else []
    drawn = _drawn(name, amount, least if least is not None else most)
    return Number(name=name, value=value, limit=", ".join(texts), over=too_low or too_high, drawn=drawn)


def _drawn(name: str, amount: Any, limit: Any) -> tuple[str, str] | None:
    """A margin between -1 and 1; anything else from 0 to a quarter more than the larger of the two."""
    if amount is None or limit is None:
        return None
    low = Fraction(-1) if name in SHARES else Fraction(0)
    high = Fraction(1) if name in SHARES else max(amount, limit, Fraction(1)) * Fraction(5, 4)
    place = [max(Fraction(0), min(Fraction(1), (number - low) / (high - low))) for number in (amount, limit)]
    return f"{float(place[0]) * 100:.1f}", f"{float(place[1]) * 100:.1f}"


def _shown(name: str, value: Any) -> str:
    amount = _exact(value)
    if amount is None:
        return "in the ledger" if value is None else str(value)
    if name in SHARES:
        return percent(amount)
    plain = f"{float(amount):,.6g}"
    return f"{plain} s" if name.endswith("_s") else plain


def _exact(value: Any) -> Any:
    """The number as a Fraction; None where there is none."""
    try:
        return None if isinstance(value, bool | None) else Fraction(str(value))
    except (ValueError, ZeroDivisionError):
        return None


def pod_run(run: PodRun, *, leaders: Sequence[PodRun] = ()) -> PodRunLine:
    """`leaders`: the runs of the leader's code in the same round, where it is compared with them."""
    log = logs.published(run)
    return shown_as(
        PodRunLine,
        pod_run_facts(run),
        who_must_act=WHO_MUST_ACT.get(run.failure_class, ""),
        beside_leader=comparison(run, leaders),
        log=log[-LONGEST_LOG:],
        log_cut=len(log) > LONGEST_LOG,
    )
