"""What is done with an audit, and with a round while its winners are audited and its decision is made?"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime, timedelta
from fractions import Fraction
from functools import partial
from typing import Any, TypeAlias

from django.db import transaction

from audits import repeats, titles
from audits.decisions import cherrypicking, verdicts
from audits.models import Audit, Correction, PodRun
from audits.pods import runs
from audits.reviews import in_force, reruns
from audits.source import evidence, source_audits
from audits.source.origins.base import NotFetched
from audits.source.scanning import NoSandbox
from competition import prompts
from competition.decisions import bankroll
from competition.decisions import ladder as climbing
from competition.decisions.repeats import numbered
from competition.decisions.title import Title
from competition.models import Round, Submission
from competition.rounds import conclude, rules_of
from competition.steps import pause
from core.machine import engine
from core.machine.outcomes import Failure, Move, Outcome, Retry, Wait
from core.machine.stateful import FailureClass
from judging import matches, recorded
from judging import titles as judging_titles
from judging.models import Match
from judging.steps import trouble

SOON = timedelta(seconds=2)
NOT_THERE = timedelta(minutes=1)  # between two looks at code that its host says is not there
LOOK_AGAIN = "We look again before we believe it."
Climbed: TypeAlias = climbing.Ladder | Title


@engine.sweep
def want_leaders_outputs(now: datetime) -> None:
    """Where somebody challenges, the platform generates the leader's outputs from the leader's code."""
    for round_ in Round.objects.filter(state__in=("miner_generation", "downloading")):
        leader = matches.leader(round_)
        if leader is not None and matches.challengers(round_):
            runs.want(leader, purpose=PodRun.Purpose.LEADER, now=now)


@engine.sweep
def end_orphaned_pods(now: datetime) -> None:
    """A pod whose run is over, or whose start nobody wrote down, is ended."""
    runs.sweep()


@engine.step(Audit, "gathering")
def gather(audit: Audit, now: datetime) -> Outcome:
    if audit.kind == Audit.Kind.SOURCE:
        return examine_source(audit, now=now)
    return generate_again(audit, now=now)


def examine_source(audit: Audit, *, now: datetime) -> Outcome:
    """Fetch the code that was revealed and check it; what the tools cannot settle waits for a person."""
    try:
        whole = source_audits.gather(audit, now=now)
    except NotFetched as error:
        whole = not source_audits.missing(audit)
        if not whole:
            code = error.code[:40].upper()
            failure = Failure(
                FailureClass.INFRASTRUCTURE, code, f"{error.sentence} We look again before we believe it."
            )
            return Retry(engine.backoff(audit.attempts), failure)
    except (source_audits.Broke, NoSandbox) as error:
        failure = Failure(FailureClass.INFRASTRUCTURE, "CHECK_BROKE", f"{error} We try again.")
        return Retry(engine.backoff(audit.attempts), failure)
    if not whole:
        return Wait(SOON, f"{len(source_audits.missing(audit))} checks of the code are still to run")
    verdict = verdicts.source(list(audit.findings.all()))
    if verdict.outcome == verdicts.UNKNOWN:
        failure = Failure(FailureClass.INFRASTRUCTURE, verdict.reason[:40].upper(), verdict.sentence)
        return Retry(engine.backoff(audit.attempts), failure)
    return _verdict(audit, verdict, beside=evidence.told(audit))


def generate_again(audit: Audit, *, now: datetime) -> Outcome:
    """Run the code on the round's prompts and judge what it gives against what was submitted."""
    again = rules_of(audit.round).audit_repeats > 1
    verdict = _repeats(audit, now=now) if again else _generation(audit, now=now)
    if isinstance(verdict, Wait):
        return verdict
    if verdict.outcome == verdicts.UNKNOWN:
        failure = Failure(FailureClass.JUDGE, verdict.reason[:40].upper(), verdict.sentence)
        return Retry(engine.backoff(audit.attempts), failure)
    return _verdict(audit, verdict, also=partial(flag_the_best_of_many, audit))


def _repeats(audit: Audit, *, now: datetime) -> verdicts.Verdict | Wait:
    """margin-2: several times, and each time against the defender of the rung that it won, too."""
    ladder = matches.ladder(audit.round, audited=audited(audit.round))
    rung = next((rung for rung in ladder.rungs if rung.challenger == audit.submission.key), None)
    if rung is None:
        return Wait(SOON, "the ladder is climbed anew")
    entries = {entry.key: entry for entry in audit.round.submissions.select_related("miner")}
    return repeats.verdict(audit, defender=entries[str(rung.defender)], now=now)


def _generation(audit: Audit, *, now: datetime) -> verdicts.Verdict | Wait:
    entry, round_, rerun = audit.submission, audit.round, reruns.reruns(audit)
    drawn = (row.prompt for row in round_.drawn.select_related("prompt"))
    prompts.expect_generated(entry, drawn, now=now, repeat=rerun)
    run = runs.want(entry, purpose=numbered(PodRun.Purpose.AUDIT, rerun), now=now)
    if not run.settled:
        return Wait(SOON, f"the platform runs the code again: {run.state}, {run.waiting_for or 'starting'}")
    if run.state == "failed" and run.failure_class == FailureClass.INFRASTRUCTURE:
        return Wait(SOON, "the pod was lost through a fault of ours: an operator must mend the cause")
    match = reruns.match_of(audit, now=now)
    if match.state != "decided":
        return Wait(SOON, f"the regenerated outputs are judged against the submitted ones: {match.state}")
    rules, limits = rules_of(round_), runs.limits_of(run)
    worse = worse_by_bankroll(match) if rules.title else None
    failure = (run.failure_class, run.failure_code, run.failure_reason) if run.state == "failed" else None
    return verdicts.generation(
        matches.tally_of(match),
        generated_s=run.generated_s,
        rules=verdicts.GenerationRules(
            win_margin=Fraction(rules.win_margin),
            least_counted=rules.least_counted,
            generation_s=limits.generation_s,
            worse=worse,
        ),
        failure=failure,
    )


def flag_the_best_of_many(audit: Audit) -> None:
    """Evidence for a person, beside the verdict: it changes nothing by itself."""
    ours = {"defender": 1, "challenger": -1, "draw": 0}  # the submitted output is the defender
    signs = []
    version = audit.correction.version if audit.correction else None
    counting = matches.counting(audit.round, version=version)
    for match in counting.filter(kind__startswith="audit", challenger=audit.submission).order_by("kind"):
        judged = match.duels.filter(state="judged").select_related("prompt")
        counted = [duel for duel in judged if not matches.beyond(match, duel)]
        signs.append({duel.prompt.stem: ours[duel.outcome] for duel in counted})
    found = cherrypicking.picked(cherrypicking.signs(signs))
    if found.flagged and not audit.findings.filter(rule=cherrypicking.RULE).exists():
        audit.findings.create(
            severity=verdicts.NOTICE,
            rule=cherrypicking.RULE,
            sentence=found.sentence,
            check_name="generation",
            tool="gauntlet",
            tool_version="1",
        )


def worse_by_bankroll(match: Match) -> bool:
    """title-1: have the submitted outputs earned a title against the regenerated ones?"""
    results = [result for duel in match.duels.order_by("position") if (result := matches.result_of(duel))]
    return bankroll.worse_than(results, rules=rules_of(match.round)).ending == "title"


STATES: Mapping[str, str] = {
    verdicts.PASSED: "passed",
    verdicts.FAILED: "rejected",
    verdicts.REVIEW: "reviewing",
}


def _verdict(
    audit: Audit, verdict: verdicts.Verdict, *, also: object = None, beside: Mapping[str, object] | None = None
) -> Move:
    """Times stand in the ledger only: a bundle holds what is the same on every run."""
    numbers = {name: value for name, value in verdict.numbers.items() if name != "generation_s"}
    facts = {"code": verdict.reason, "numbers": dict(verdict.numbers), "limits": dict(verdict.limits)}
    return Move(
        STATES[verdict.outcome],
        because=verdict.sentence,
        sets={"code": verdict.reason[:60], "reason": verdict.sentence, "numbers": numbers, "limits": verdict.limits},
        facts={**facts, **(beside or {})},
        also=also,  # type: ignore[arg-type]
    )


def audited(round_: Round, *, including: Correction | None = None) -> dict[climbing.Key, climbing.Audited]:
    """One rejection rejects; all that the rules ask for must have passed."""
    kinds = set(rules_of(round_).audits)
    found: dict[str, dict[str, str]] = {}
    for (entry, kind), audit in in_force.verdicts(round_, including=including).items():
        found.setdefault(entry, {})[kind] = audit.state
    result: dict[climbing.Key, climbing.Audited] = {}
    for key, states in found.items():
        if "rejected" in states.values():
            result[key] = "rejected"
        elif {kind for kind, state in states.items() if state == "passed"} >= kinds:
            result[key] = "passed"
    return result


@engine.step(Round, "finalizing")
def finalize(round_: Round, now: datetime) -> Outcome:
    """Audit the winners of the ladder, climb it again with the verdicts, and decide."""
    climbed = None
    if matches.challengers(round_):
        stop = trouble(round_) or _audit_trouble(round_)
        if stop:
            return stop
        climbed = climb(round_, now=now)
        want_audits(round_, climbed, now=now)
        if not climbed.complete:
            return Wait(SOON, _waiting(round_, climbed))
    if edited := [*recorded.edited_matches(round_), *_edited_audits(round_)]:
        return pause(round_, recorded.sentence(edited), code=recorded.CODE)
    winner = winner_of(round_, climbed)
    story = tell(round_, climbed, winner)

    def decide() -> None:
        decision = {**conclude(round_, winner=winner, now=now), "ladder": story}
        headline = say(round_, winner, climbed)
        if isinstance(climbed, Title):
            titles.keep(round_, climbed, now=now)
        Round.objects.filter(pk=round_.pk).update(decision=decision, headline=headline)
        facts["headline"] = headline

    facts: dict[str, object] = {"winner": winner.miner.hotkey if winner else "leader", "ladder": story}
    because = f"{winner.miner.hotkey} takes the lead" if winner else "the leader defends"
    return Move("finished", because=because, facts=facts, also=decide)


def _edited_audits(round_: Round) -> list[str]:
    """The verdicts in force of which the ledger told something else."""
    told = round_.competition.events.filter(kind__in=("audit.passed", "audit.rejected"))
    found = []
    for audit in in_force.verdicts(round_).values():
        events = told.filter(body__contains=audit.describe()).order_by("-seq")
        body: dict[str, Any] = next(
            (event.body for event in events if event.body.get("version", 1) == audit.version), {}
        )
        row = {"to": audit.state, "code": audit.code}
        expected = {name: body.get(name) for name in row}
        if audit.state in ("passed", "rejected") and row != expected:
            found.append(f"{audit.kind} audit of {audit.submission.key}: the row says {row}, the ledger {expected}")
    return found


def climb(round_: Round, *, now: datetime, including: Correction | None = None, ask: bool = True) -> Climbed:
    """The round as far as it is known; with `ask`, the matches and pods wanted next are asked for."""
    verdicts, version = audited(round_, including=including), including.version if including else None
    if rules_of(round_).title is None:
        ladder = matches.ladder(round_, audited=verdicts, version=version)
        if ask:
            matches.want(round_, ladder, now=now)
        return ladder
    title = judging_titles.settled(round_, audited=verdicts, version=version)
    if ask:
        judging_titles.want(round_, title, now=now)
        titles.keep_running(round_, now=now)
    return title


def _audit_trouble(round_: Round) -> Move | None:
    """An audit that cannot be finished for a reason that is ours stops the round, not the miner."""
    stuck = next((audit for audit in round_.audits.filter(attempts__gte=6) if audit.failure_class), None)
    if stuck is None:
        return None
    why = f"The {stuck.kind} audit of {stuck.submission.key} cannot be finished: {stuck.failure_reason}"
    return pause(round_, why, code="AUDIT", failure_class=stuck.failure_class)


def want_audits(round_: Round, climbed: Climbed, *, now: datetime, correction: Correction | None = None) -> None:
    """One after the other: code that may not be run is not run, and no verdict hangs on who was first.

    A winner of margin-2 is audited against its defender, so those below it come first.
    """
    wanted = climbed.wanted_audits[: 1 if rules_of(round_).audit_repeats > 1 else None]
    entries = {entry.key: entry for entry in round_.submissions.select_related("miner")}
    with transaction.atomic():
        for key in wanted:
            for kind in rules_of(round_).audits:
                audit = in_force.wanted(entries[str(key)], kind=kind, correction=correction, now=now)
                if audit.state != "passed":
                    break
        engine.announce(Audit, now=now)


def _waiting(round_: Round, climbed: Climbed) -> str:
    person = next((a for a in in_force.verdicts(round_).values() if a.state == "reviewing"), None)
    if person:
        return f"a reviewer must decide the {person.kind} audit of {person.submission.key}: {person.reason}"
    if isinstance(climbed, Title):
        return f"{len(climbed.wanted_audits)} finalist(s) are audited, {len(climbed.wanted_matches)} play for the title"
    if climbed.wanted_matches:
        return "the ladder waits for a match between challengers"
    return f"{len(climbed.wanted_audits)} winner(s) of the ladder are being audited"


def winner_of(round_: Round, climbed: Climbed | None) -> Submission | None:
    if climbed is None or climbed.leader == climbing.LEADER:
        return None
    return round_.submissions.get(role=Submission.Role.CHALLENGER, miner__hotkey=climbed.leader)


def tell(
    round_: Round, climbed: Climbed | None, winner: Submission | None, *, including: Correction | None = None
) -> list[dict[str, str]]:
    """The rungs of the ladder, as they are published."""
    if isinstance(climbed, Title):
        rejected = [str(key) for key, verdict in audited(round_, including=including).items() if verdict == "rejected"]
        return titles.tell(round_, climbed, rejected=rejected)
    rungs = climbed.rungs if climbed else ()
    return [
        {
            "challenger": str(rung.challenger),
            "defender": str(rung.defender),
            "verdict": rung.verdict,
            "reason": rung.reason,
        }
        for rung in rungs
    ]


def say(round_: Round, winner: Submission | None, climbed: Climbed | None) -> str:
    """The round's outcome in one sentence."""
    if climbed is None:
        return "Nobody challenged: the leader defends."
    if isinstance(climbed, Title):
        return titles.say(round_, winner, climbed)
    if winner is None:
        entered = len(matches.challengers(round_))
        return f"The leader defends against {entered} challenger{'s' * (entered != 1)}."
    rung = next(rung for rung in reversed(climbed.rungs) if rung.challenger == winner.key)
    before = round_.defending.miner.hotkey if round_.defending else "nobody"
    return f"{winner.miner.hotkey} takes the lead from {before}. {rung.reason}"
