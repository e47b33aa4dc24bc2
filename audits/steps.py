"""What is done with an audit, and with a round while its winners are audited and its decision is made?"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from fractions import Fraction
from functools import partial
from typing import Any, TypeVar

from django.db import transaction
from django.db.models import Q

from audits import bankrolls
from audits.decisions import cherrypicking, verdicts
from audits.decisions.lifecycle import BatchLimits
from audits.models import Audit, Build, Correction, PodRun
from audits.pods import beside, runs
from audits.reviews import in_force, reruns
from audits.source import evidence, source_audits
from audits.source.origins.base import NotFetched
from audits.source.scanning import NoSandbox
from competition import prompts
from competition.attempts import goes_by
from competition.decisions.attempts import number_of, numbered
from competition.models import Round, Submission
from competition.rounds import conclude, rules_of, ruleset_of
from competition.rulesets import RoundDecision, Ruleset
from competition.rulesets.base import NOBODY, SCREEN
from competition.rulesets.ladder import LEADER
from competition.rulesets.regenerations import TIMES, Regeneration
from competition.rulesets.speed import TIEBREAK, SpeedRule, TimedRun, wants_leader_beside
from competition.rulesets.tally import DuelResult, Tally
from competition.states import RUNNING
from competition.steps import pause
from core.machine import engine
from core.machine.outcomes import Move, Outcome, Retry, StepFailure, Wait
from core.machine.stateful import WORKER_DIED, FailureClass
from judging import matches, recorded
from judging.models import Match
from judging.steps import trouble

SOON = timedelta(seconds=2)


def want_leaders_outputs(now: datetime) -> None:
    """Where somebody challenges, the platform generates the leader's outputs from the leader's code."""
    for round_ in Round.objects.filter(state__in=("miner_generation", "downloading")):
        leader = matches.leader(round_)
        if leader is not None and matches.challengers(round_):
            runs.want(leader, purpose=PodRun.Purpose.LEADER, now=now)


def end_orphaned_pods(now: datetime) -> None:
    """A pod whose run is over, or whose start nobody wrote down, is ended."""
    runs.sweep()


def pause_what_is_out_of_tries(now: datetime) -> None:
    """A pod run or an image that cannot be had for a reason of ours stops its round, so that a person is told.

    The rest of the round would wait for it without a word; so does a round whose own step ends its workers.
    """
    waited_for = (PodRun.objects.filter(beside=None), Build.objects.all())
    for rows in waited_for:
        for row in rows.filter(rows.model.out_of_tries()).select_related("submission__miner"):
            runs.pause_round(row.submission, row.failure_reason, failure_class=row.failure_class, now=now)
    for round_ in Round.objects.filter(state__in=RUNNING, failure_code=WORKER_DIED).select_related("competition"):
        engine.move(round_, pause(round_, round_.failure_reason, code=WORKER_DIED, now=now), now=now)


def conduct(audit: Audit, now: datetime) -> Outcome:
    if audit.kind == Audit.Kind.SOURCE:
        return examine_source(audit, now=now)
    return generate_again(audit, now=now)


def examine_source(audit: Audit, *, now: datetime) -> Outcome:
    """Fetch the code that was revealed and check it; what the tools cannot settle waits for a person."""
    try:
        whole = source_audits.run_checks(audit, now=now)
    except NotFetched as error:
        whole = not source_audits.missing(audit)
        if not whole:
            code = error.code[:40].upper()
            failure = StepFailure(
                FailureClass.INFRASTRUCTURE, code, f"{error.sentence} We look again before we believe it."
            )
            return Retry(engine.backoff(audit.attempts), failure)
    except (source_audits.Broke, NoSandbox) as error:
        failure = StepFailure(FailureClass.INFRASTRUCTURE, "CHECK_BROKE", f"{error} We try again.")
        return Retry(engine.backoff(audit.attempts), failure)
    if not whole:
        return Wait(SOON, f"{len(source_audits.missing(audit))} checks of the code are still to run")
    verdict = verdicts.source(list(audit.findings.all()))
    if verdict.outcome == verdicts.UNKNOWN:
        failure = StepFailure(FailureClass.INFRASTRUCTURE, verdict.reason[:40].upper(), verdict.sentence)
        return Retry(engine.backoff(audit.attempts), failure)
    return _verdict(audit, verdict, beside=evidence.summary(audit))


def generate_again(audit: Audit, *, now: datetime) -> Outcome:
    """Run the code on the round's prompts and judge what it gives against what was submitted."""
    verdict = regeneration_verdict(audit, now=now)
    if isinstance(verdict, Wait):
        return verdict
    if verdict.outcome == verdicts.UNKNOWN:
        failure = StepFailure(FailureClass.JUDGE, verdict.reason[:40].upper(), verdict.sentence)
        return Retry(engine.backoff(audit.attempts), failure)
    return _verdict(audit, verdict, also=partial(flag_the_best_of_many, audit))


@dataclass(frozen=True, kw_only=True)
class LeadersPace:
    """What a tiebreak by speed takes, of one audit: the rule, the leader, how fast its code ran in this round where its
    outputs were judged, and the entry's margin against it."""

    rule: SpeedRule
    leader: Submission | None = None
    runs: Sequence[TimedRun] = ()
    margin: Fraction | None = None

    @property
    def runs_beside(self) -> bool:
        return self.leader is not None and wants_leader_beside(self.rule, margin=self.margin)


def leaders_pace(audit: Audit) -> LeadersPace:
    """Read once for all regenerations of an audit; nothing where nothing follows from it."""
    rule, round_ = rules_of(audit.round).speed, audit.round
    if rule.mode != TIEBREAK and not rule.beside:
        return LeadersPace(rule=rule)
    leads = PodRun.objects.filter(
        submission__round=round_, submission__role=Submission.Role.LEADER, purpose=PodRun.Purpose.LEADER
    )
    in_force = matches.in_force(round_, attempt=audit.correction.attempt if audit.correction else None)
    screen = in_force.filter(kind=SCREEN, challenger=audit.submission, state="decided").first()
    return LeadersPace(
        rule=rule,
        leader=matches.leader(round_),
        runs=[timed for run in leads if (timed := runs.timed_run(run))],
        margin=matches.tally_of(screen).margin if screen else None,
    )


Missing = TypeVar("Missing")


def fold_regenerations(
    audit: Audit,
    ruleset: Ruleset,
    *,
    outputs: Callable[[int], Regeneration | Missing],
    against_defender: Callable[[int], Tally | Missing],
) -> verdicts.AuditVerdict | Missing:
    """What the ruleset says of the regenerations, one after the other; or what one of the two gave for a missing one.

    `against_defender` is called where the ruleset wants a winner to win again.
    """
    generation_s = BatchLimits.from_json(audit.round.competition.config.get("pods", {})).generation_s
    rows = list[Regeneration]()
    for regeneration in range(ruleset.regenerations):
        row = outputs(regeneration)
        if not isinstance(row, Regeneration):
            return row
        verdict = ruleset.regeneration_verdict([*rows, row], generation_s=generation_s)
        if verdict is None and ruleset.wins_again:
            tally = against_defender(regeneration)
            if not isinstance(tally, Tally):
                return tally
            row = replace(row, defender=tally)
            verdict = ruleset.regeneration_verdict([*rows, row], generation_s=generation_s)
        if verdict is not None:
            return verdict
        rows.append(row)
    raise AssertionError("unreachable: a ruleset gives a verdict on the last regeneration")


def regeneration_verdict(audit: Audit, *, now: datetime) -> verdicts.AuditVerdict | Wait:
    """What the regenerations so far say, or what is waited for.

    One after the other: which matches are played follows from what was judged, not from who was quick.
    """
    ruleset, pace, defender = ruleset_of(audit.round), leaders_pace(audit), None
    if ruleset.wins_again:  # the defender of the rung that this entry won
        decision = matches.round_decision(audit.round, audits=in_force.audited(audit.round))
        key = decision.defender_of(audit.submission.key)
        if key is None:
            return Wait(SOON, "the ladder is climbed anew")
        defender = {entry.key: entry for entry in audit.round.submissions.select_related("miner")}[str(key)]

    def outputs(regeneration: int) -> Regeneration | Wait:
        run = _run(audit, pace, regeneration=regeneration, now=now)
        return run if isinstance(run, Wait) else _regenerated(audit, run, pace, regeneration=regeneration, now=now)

    def against_defender(regeneration: int) -> Tally | Wait:
        if defender is None:
            raise ValueError(f"{audit.round.ruleset} does not want a winner to win again")
        match = matches.ensure(
            audit.round,
            kind=Match.Kind.AGAINST_DEFENDER,
            defender=defender,
            challenger=audit.submission,
            now=now,
            regeneration=regeneration,
        )
        if match.state != "decided":
            what = "the regenerated outputs are judged against the defender"
            return Wait(SOON, f"{what}{_time(regeneration)}: {match.state}")
        return matches.tally_of(match)

    return fold_regenerations(audit, ruleset, outputs=outputs, against_defender=against_defender)


def _run(audit: Audit, pace: LeadersPace, *, regeneration: int, now: datetime) -> PodRun | Wait:
    entry, number = audit.submission, reruns.regeneration_for(audit) + regeneration
    drawn = (row.prompt for row in audit.round.drawn.select_related("prompt"))
    prompts.expect_generated(entry, drawn, now=now, regeneration=number)
    run = runs.want(entry, purpose=numbered(PodRun.Purpose.AUDIT, number), now=now)
    leaders = beside.want(run, pace.leader, now=now) if pace.leader and pace.runs_beside else None
    if not run.settled:
        return Wait(
            SOON, f"the platform runs the code again{_time(regeneration)}: {run.state}, {run.waiting_for or 'starting'}"
        )
    if run.state == "failed" and run.failure_class == FailureClass.INFRASTRUCTURE:
        return Wait(SOON, "the pod was lost through a fault of ours: an operator must mend the cause")
    if leaders is not None and beside.still_waited_for(leaders, run, now=now):
        return Wait(SOON, f"the leader's code runs beside it{_time(regeneration)}: {leaders.state}")
    return run


def _regenerated(
    audit: Audit, run: PodRun, pace: LeadersPace, *, regeneration: int, now: datetime
) -> Regeneration | Wait:
    """One regeneration, judged against the submitted outputs."""
    match = reruns.match_of(audit, regeneration=regeneration, now=now)
    if match.state != "decided":
        what = "the regenerated outputs are judged against the submitted ones"
        return Wait(SOON, f"{what}{_time(regeneration)}: {match.state}")
    results = [matches.result_of(duel) for duel in match.duels.order_by("position")]
    return regeneration_of_run(run, pace, submitted=matches.tally_of(match), results=results)


def regeneration_of_run(
    run: PodRun, pace: LeadersPace, *, submitted: Tally, results: Iterable[DuelResult | None]
) -> Regeneration:
    """What a run brought, as the rules see it; `submitted` and `results` are those of its match."""
    leaders = PodRun.objects.filter(beside=run).first() if pace.rule.beside else None
    return Regeneration(
        submitted=submitted,
        generated_s=run.generated_s,
        results=tuple(result for result in results if result),
        failure=(run.failure_class, run.failure_code, run.failure_reason) if run.state == "failed" else None,
        timed=runs.timed_run(run),
        leaders=pace.runs,
        beside=runs.timed_run(leaders) if leaders else None,
        ahead=pace.margin,
    )


def _time(regeneration: int) -> str:
    return f", time {regeneration + 1}" if regeneration else ""


def flag_the_best_of_many(audit: Audit) -> None:
    """Evidence for a person, beside the verdict: it changes nothing by itself."""
    ours = {"defender": 1, "challenger": -1, "draw": 0}  # the submitted output is the defender
    signs = []
    in_force = matches.in_force(audit.round, attempt=audit.correction.attempt if audit.correction else None)
    of_audit = in_force.filter(goes_by("kind", Match.Kind.AUDIT), challenger=audit.submission)
    for match in of_audit.order_by("kind"):
        judged = match.duels.filter(state="judged").select_related("prompt")
        counted = [duel for duel in judged if not matches.beyond(match, duel)]
        signs.append({duel.prompt.stem: ours[duel.outcome] for duel in counted})
    picked = cherrypicking.picked(cherrypicking.signs(signs))
    if picked.flagged and not audit.findings.filter(rule=cherrypicking.RULE).exists():
        audit.findings.create(
            severity=verdicts.NOTICE,
            rule=cherrypicking.RULE,
            sentence=picked.sentence,
            check_name="generation",
            tool="gauntlet",
            tool_version="1",
        )


STATES: Mapping[str, str] = {
    verdicts.PASSED: "passed",
    verdicts.FAILED: "rejected",
    verdicts.REVIEW: "reviewing",
}


def _verdict(
    audit: Audit, verdict: verdicts.AuditVerdict, *, also: object = None, beside: Mapping[str, object] | None = None
) -> Move:
    """Times stand in the ledger only: a bundle holds what is the same on every run."""
    numbers = {name: value for name, value in verdict.numbers.items() if name not in TIMES}
    facts = {"code": verdict.reason, "numbers": dict(verdict.numbers), "limits": dict(verdict.limits)}
    return Move(
        STATES[verdict.outcome],
        because=verdict.sentence,
        sets={"code": verdict.reason[:60], "reason": verdict.sentence, "numbers": numbers, "limits": verdict.limits},
        facts={**facts, **(beside or {})},
        also=also,  # type: ignore[arg-type]
    )


def finalize(round_: Round, now: datetime) -> Outcome:
    """Audit the winners, ask the ruleset again with the verdicts, and decide."""
    decision = NOBODY
    if matches.challengers(round_):
        stop = trouble(round_, now=now)
        stuck = round_.audits.filter(Audit.out_of_tries()).first()
        if stop is None and stuck is not None:  # what is ours stops the round, not the miner
            why = f"The {stuck.kind} audit of {stuck.submission.key} cannot be finished: {stuck.failure_reason}"
            stop = pause(round_, why, code="AUDIT", failure_class=stuck.failure_class, now=now)
        if stop:
            return stop
        decision = decide(round_)
        want(round_, decision, now=now)
        if not decision.complete:
            person = next((a for a in in_force.verdicts(round_).values() if a.state == "reviewing"), None)
            if person is None:
                return Wait(SOON, decision.waiting)
            who = f"a reviewer must decide the {person.kind} audit of {person.submission.key}"
            return Wait(SOON, f"{who}: {person.reason}")
    if edited := [*recorded.edited_matches(round_), *_edited_audits(round_)]:
        return pause(round_, recorded.sentence(edited), code=recorded.CODE, now=now)
    winner, steps = winner_of(round_, decision), [step.to_dict() for step in decision.steps]

    def conclude_() -> None:
        outcome = {**conclude(round_, winner=winner, now=now), "ladder": steps}
        summary = headline(round_, decision)
        bankrolls.keep(round_, decision.left, now=now)
        Round.objects.filter(pk=round_.pk).update(decision=outcome, headline=summary)
        facts["headline"] = summary

    facts: dict[str, object] = {"winner": winner.miner.hotkey if winner else "leader", "ladder": steps}
    because = f"{winner.miner.hotkey} takes the lead" if winner else "the leader defends"
    return Move("finished", because=because, facts=facts, also=conclude_)


def _edited_audits(round_: Round) -> list[str]:
    """The verdicts in force that differ from what the ledger records."""
    rulings = round_.competition.events.filter(kind__in=("audit.passed", "audit.rejected"))
    differences = []
    for audit in in_force.verdicts(round_).values():
        events = rulings.filter(body__contains=audit.describe()).order_by("-seq")
        body: dict[str, Any] = next(
            (event.body for event in events if event.body.get("version", 1) == number_of(audit.attempt)), {}
        )
        row = {"to": audit.state, "code": audit.code}
        expected = {name: body.get(name) for name in row}
        if audit.state in ("passed", "rejected") and row != expected:
            differences.append(
                f"{audit.kind} audit of {audit.submission.key}: the row says {row}, the ledger {expected}"
            )
    return differences


def decide(round_: Round, *, including: Correction | None = None) -> RoundDecision:
    """The round as far as it is known."""
    audits = in_force.audited(round_, including=including)
    return matches.round_decision(round_, audits=audits, attempt=including.attempt if including else None)


def want(round_: Round, decision: RoundDecision, *, now: datetime, correction: Correction | None = None) -> None:
    """Ask for the matches, pods and audits that are wanted next."""
    matches.want(round_, decision.wanted_matches, now=now)
    keep_fresh_pods(round_, now=now)
    want_audits(round_, decision, now=now, correction=correction)


def keep_fresh_pods(round_: Round, *, now: datetime) -> None:
    """One run for each side of an open match on fresh prompts, until the last of these matches is decided: its pod is
    not warmed up again for each batch.

    What a run that failed by its owner's doing was still to bring is forfeited.
    """
    still = runs.open_fresh_matches(round_)
    sides = round_.submissions.filter(Q(defended__in=still) | Q(challenged__in=still))
    for side in sides.select_related("miner").distinct():
        run = runs.want(side, purpose=PodRun.ON_FRESH_PROMPTS, now=now)
        if run.state == "failed" and run.failure_class == FailureClass.MINER:
            runs.forfeit(run)


@transaction.atomic
def want_audits(round_: Round, decision: RoundDecision, *, now: datetime, correction: Correction | None = None) -> None:
    """One after the other: code that may not be run is not run, and no verdict hangs on who was first."""
    entries = {entry.key: entry for entry in round_.submissions.select_related("miner")}
    for key in decision.wanted_audits:
        for kind in rules_of(round_).audits:
            audit = in_force.wanted(entries[str(key)], kind=kind, correction=correction, now=now)
            if audit.state != "passed":
                break
    engine.announce(Audit, now=now)


def winner_of(round_: Round, decision: RoundDecision) -> Submission | None:
    if decision.leader == LEADER:
        return None
    return round_.submissions.get(role=Submission.Role.CHALLENGER, miner__hotkey=decision.leader)


def headline(round_: Round, decision: RoundDecision) -> str:
    """The round's outcome in one sentence."""
    entered = len(matches.challengers(round_))
    if not entered:
        return "Nobody challenged: the leader defends."
    if decision.leader == LEADER:
        return f"The leader defends against {entered} challenger{'s' * (entered != 1)}."
    before = round_.defending.miner.hotkey if round_.defending else "nobody"
    return f"{decision.leader} takes the lead from {before}. {decision.reason}"
