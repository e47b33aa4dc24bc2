"""What is a run of a miner's code on a pod, as anybody may know it?"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Annotated, Any

from audits.decisions import speed
from audits.decisions.lifecycle import BatchLimits, PodProgress
from audits.decisions.rentals import PodRental
from audits.decisions.speed import Speed
from audits.models import PodRun
from audits.pods.runs import timed_run
from competition.decisions.attempts import repeat_of
from competition.rulesets import Rules
from competition.rulesets import speed as speed_rules
from competition.rulesets.regenerations import percent
from competition.rulesets.speed import TimedRun
from dashboard.facts.wording import duration


@dataclass(frozen=True, kw_only=True)
class PodRunFacts:
    """One run.  Pages and the API make their rows of this, each with as much of the log as its reader may see.

    `isolation`: what the pod was kept from; `progress`: what happened so far, as counted against the limits.
    """

    purpose: str
    repeat: int
    state: str
    provider: str
    isolation: tuple[str, ...]
    progress: Mapping[str, Any]
    generated_s: int
    warmed_s: Annotated[tuple[float, ...], "Seconds that each pod took to be ready, the first one first."]
    speed: Annotated[Speed | None, "Seconds an output took; null before the first batch is collected."]
    rentals: Annotated[
        tuple[PodRental, ...],
        "Each pod, the first one first: its kind of card, its price in USD an hour as its provider states it (null: it "
        "has none), and from when to when it was ours.",
    ]
    usd: Annotated[float | None, "What they cost in USD, once the run is over; null where one has no price."]
    seed: int
    failure_class: str
    failure_code: str
    failure_reason: str
    waiting_for: str
    since: datetime


def what_time_decides(rules: Rules | None, *, pods: Mapping[str, Any]) -> str:
    """In words, for whoever is about to enter; "" where no code is run again.  `pods`: the limits of a run."""
    if rules is None or "generation" not in rules.audits:
        return ""
    rule, whole = rules.speed, duration(BatchLimits.from_json(pods).generation_s)
    compared = (
        " The leader's code runs once more beside it, on the same kind of card, to compare." if rule.beside else ""
    )
    if rule.mode == speed_rules.REPORT:
        return f"How fast a winner's code is decides nothing; a run that is not over after {whole} is ended.{compared}"
    most = f", and at most {float(rule.most_output_s):g} s each on average" if rule.most_output_s else ""
    words = f"A winner's code is run again, and has {whole} for all outputs{most}, or its win does not count."
    if rule.clear is None or rule.slower is None:
        return words
    return (
        f"{words} A winner ahead of the leader by less than {float(rule.clear):.2%} does not take the lead where its "
        f"code is more than {float(rule.slower):.2%} slower than the leader's, on the same kind of card in one hour."
        f"{compared}"
    )


def comparison(run: PodRun, leaders: Sequence[PodRun]) -> str:
    """How fast its code was beside the leader's in the same round, on which cards and when, whether anything may rest
    on it, and what it cost that the leader's code ran once more for that; "" where there is nothing to compare."""
    compared = _compared(run, leaders)
    made = next((row for row in leaders if row.beside_id == run.pk), None)
    return f"{compared} {_beside(made)}".strip() if made is not None else compared


def _beside(made: PodRun) -> str:
    if not made.settled:
        return f"The leader's code runs beside it, to compare: {made.state}."
    cost = "its pods' price is unknown" if made.usd is None else f"its pods cost {made.usd:.4f} USD"
    if made.state == "failed":
        return f"The leader's code ran beside it, and {cost}. It has no time: {made.failure_reason}"
    return (
        f"The leader's code ran beside it to compare, and {cost}; where its run that was judged was slower on the same "
        "kind of card, that one counts."
    )


def _compared(run: PodRun, leaders: Sequence[PodRun]) -> str:
    own = timed_run(run)
    others = [timed for row in leaders if (timed := timed_run(row))]
    other = speed_rules.nearest(own, others) if own else None
    if own is None or other is None or (faster := speed_rules.faster_by(own, other)) is None:
        return ""
    than = (
        f"{percent(abs(faster)).removeprefix('+')} {'faster' if faster > 0 else 'slower'} than"
        if faster
        else "as fast as"
    )
    reason = speed_rules.why_incomparable(own, other)
    basis = f" Nothing may rest on it: {speed_rules.WHY_NOT[reason]}." if reason else ""
    return f"{_measured(own)}; the leader's code {_measured(other)}: {than} the leader's.{basis}"


def _measured(timed: TimedRun) -> str:
    at = datetime.fromtimestamp(timed.begun_s, UTC)
    mean = f"{float(timed.mean_s):.2f} s" if timed.mean_s is not None else "no output"
    return f"{mean} an output on {timed.card or 'an unknown card'}, begun {at:%Y-%m-%d %H:%M} UTC"


def pod_run_facts(run: PodRun) -> PodRunFacts:
    """Of a run that was read with its attempt."""
    progress = PodProgress.from_json(run.progress)
    return PodRunFacts(
        purpose=run.purpose,
        repeat=repeat_of(run.attempt),
        state=run.state,
        provider=run.provider,
        isolation=tuple(str(word) for word in run.isolation),
        progress=run.progress,
        generated_s=run.generated_s,
        warmed_s=progress.warmed_s,
        speed=speed.summary(progress.output_s, generated_s=progress.generation_s),
        rentals=tuple(PodRental.from_json(row) for row in run.rentals),
        usd=run.usd,
        seed=run.seed,
        failure_class=run.failure_class,
        failure_code=run.failure_code,
        failure_reason=run.failure_reason,
        waiting_for=run.waiting_for,
        since=run.since,
    )
