"""What is told of a round's judge, where it is a model: its queue, its calls, its failures, its controls and gates?"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from fractions import Fraction
from typing import Any

from django.urls import reverse

from competition.decisions.attempts import number_of
from competition.models import Round
from dashboard.facts.borders import shown_as
from dashboard.facts.costs import CostEstimate, RoundCosts
from dashboard.facts.wording import count
from judging.decisions.health import GateFinding
from judging.models import Control

ASKS = {
    "self": "The prompt's picture against itself, shifted by two pixels: nothing may come out.",
    "canary": "Against a blurred, recoloured, halved or empty copy: the good one must win.",
    "injection": "Against itself with an instruction painted on it: that must gain nothing.",
    "repeat": "A duel of this round, asked again at its end: the same must come out.",
    "consistent": "Of pairs that differ: both orders must not name the same place.",
    "calls": "Calls about the prompts' own pictures must be answered at the first attempt.",
}


@dataclass(frozen=True, kw_only=True)
class JudgeQueue:
    """`silent`: rows that were asked about five times or more, and have no answer."""

    kind: str
    open: int
    in_work: int
    judged: int
    void: int
    silent: int


@dataclass(frozen=True, kw_only=True)
class Calls:
    """Answers to one question.  Tokens are what the server told; null where it told none."""

    kind: str
    answers: int
    attempts: int
    mean_ms: int
    longest_ms: int
    prompt_tokens: int | None
    completion_tokens: int | None


@dataclass(frozen=True, kw_only=True)
class Silence:
    """`rows` duels or controls that got no answer, for one reason."""

    kind: str
    state: str
    code: str
    rows: int
    tries: int
    reason: str


@dataclass(frozen=True, kw_only=True)
class GateLine:
    gate: str
    asks: str
    state: str
    measured: str
    needed: str
    of: int


@dataclass(frozen=True, kw_only=True)
class CapabilityLine:
    """What the judge's server can do.  `state`: `yes`, `no` or `not asked`."""

    name: str
    state: str
    detail: str


@dataclass(frozen=True, kw_only=True)
class RoundHealth:
    """The gates of the last round that a model judged."""

    competition: str
    round: int
    judge: str
    gates: tuple[GateLine, ...]
    url: str


@dataclass(frozen=True, kw_only=True)
class ControlLine:
    """`score_micro`: positive when the doctored copy was found better, or the challenger of a repeat."""

    take: int
    kind: str
    prompt: str
    variant: str
    state: str
    score_micro: int | None
    before_micro: int | None
    picture_url: str


@dataclass(frozen=True, kw_only=True)
class UnwellJudge:
    """Why a round is paused by its judge's health: the failing gates, and the controls that say so."""

    gates: tuple[GateLine, ...]
    controls: tuple[ControlLine, ...]


@dataclass(frozen=True, kw_only=True)
class JudgePage:
    """`per_second`: answers a second over the last five minutes; `server_seconds`: all latencies together, which is
    what the round would take with one question at a time; `measured_by`: how the labels' probabilities are had from the
    server, or `json`; `capabilities`: as it was examined last; both empty where nobody examined one."""

    competition: str
    round: int
    judge: str
    version: str
    model: str
    revision: str
    mode: str
    measured_by: str
    capabilities: tuple[CapabilityLine, ...]
    bars: Mapping[str, int]
    sentence: str
    queue: tuple[JudgeQueue, ...]
    answers: int
    attempts: int
    failed: Fraction | None
    per_second: float | None
    per_duel: Fraction | None
    server_seconds: int
    prompt_tokens: int | None
    completion_tokens: int | None
    first_answer: datetime | None
    last_answer: datetime | None
    calls: tuple[Calls, ...]
    failures: tuple[Silence, ...]
    gates: tuple[GateLine, ...]
    controls: tuple[ControlLine, ...]
    costs: RoundCosts
    estimate: CostEstimate | None
    round_url: str
    url: str


def page(
    round_: Round,
    *,
    described: Mapping[str, Any],
    server: Mapping[str, Any],
    version: str,
    queue: Sequence[Mapping[str, Any]],
    calls: Sequence[Mapping[str, Any]],
    lately: Mapping[str, Any],
    duels: int,
    failures: Sequence[Mapping[str, Any]],
    findings: Sequence[GateFinding],
    failing: Sequence[GateFinding],
    controls: Sequence[Control],
    published: bool,
    costs: RoundCosts,
    estimate: CostEstimate | None,
) -> JudgePage:
    """`failing`: of the findings those by which the judge is unwell."""
    answers, attempts = sum(row["answers"] for row in calls), sum(row["attempts"] for row in calls)
    rate = lately["recent"] / lately["seconds"] if lately["recent"] else None
    call_names = ("kind", "answers", "attempts", "longest_ms", "prompt_tokens", "completion_tokens")
    silence_names = ("kind", "state", "rows", "tries", "reason")
    return JudgePage(
        **_named(round_),
        version=version,
        model=_of_each(described, "model"),
        revision=_of_each(described, "revision"),
        mode=_of_each(described, "mode"),
        measured_by=str(server.get("mode", "")),
        capabilities=tuple(CapabilityLine(**row) for row in server.get("capabilities", ())),
        bars=dict(described.get("bars", {})),
        sentence=sentence(queue, findings, failing=failing, rate=rate),
        queue=tuple(JudgeQueue(**row) for row in queue),
        answers=answers,
        attempts=attempts,
        failed=Fraction(attempts - answers, attempts) if attempts else None,
        per_second=rate,
        per_duel=Fraction(answers, duels) if duels else None,
        server_seconds=round(sum(row["total_ms"] for row in calls) / 1000),
        prompt_tokens=_sum(calls, "prompt_tokens"),
        completion_tokens=_sum(calls, "completion_tokens"),
        first_answer=lately["first"],
        last_answer=lately["last"],
        calls=tuple(
            Calls(**{name: row[name] for name in call_names}, mean_ms=round(row["mean_ms"] or 0)) for row in calls
        ),
        failures=tuple(
            Silence(**{name: row[name] for name in silence_names}, code=row["failure_code"]) for row in failures
        ),
        gates=tuple(map(gate, findings)),
        controls=tuple(control_line(row, published=published) for row in controls),
        costs=costs,
        estimate=estimate,
    )


def computed(round_: Round, *, costs: RoundCosts, estimate: CostEstimate | None) -> JudgePage:
    """A judge that computes has no calls, and gives the same answer for ever."""
    nothing: dict[str, Any] = dict.fromkeys(("version", "model", "revision", "mode", "measured_by"), "")
    nothing |= dict.fromkeys(("capabilities", "queue", "calls", "failures", "gates", "controls"), ())
    nothing |= dict.fromkeys(("answers", "attempts", "server_seconds"), 0)
    nothing |= dict.fromkeys(("failed", "per_second", "per_duel", "prompt_tokens", "completion_tokens"))
    nothing |= {"first_answer": None, "last_answer": None, "bars": {}}
    sentence = (
        f"{round_.competition.judge} computes: nobody is asked, nothing waits for an answer, and it has no controls."
    )
    return JudgePage(**_named(round_), sentence=sentence, costs=costs, estimate=estimate, **nothing)


def sentence(
    queue: Sequence[Mapping[str, Any]],
    findings: Sequence[GateFinding],
    *,
    failing: Sequence[GateFinding],
    rate: float | None,
) -> str:
    if failing:
        gates = ", ".join(finding.label for finding in failing)
        return f"The judge is not well: {gates}. Nothing becomes official until the operator acts."
    silent, open_ = sum(row["silent"] for row in queue), sum(row["open"] for row in queue)
    if silent:
        return f"The judge gives no answer to {count(silent, 'question')}; it is asked again."
    if open_:
        pace = f" at {rate:.1f} answers a second" if rate else ""
        return f"{count(open_, 'duel')} and controls are open{pace}."
    if unsteady := [finding.label for finding in findings if finding.state == "failed"]:
        return f"All is judged. {', '.join(unsteady)}: failed on miners' files alone, where calls are close; no pause."
    unproven = [finding.label for finding in findings if finding.state == "unproven"]
    if unproven:
        return f"All is judged. No gate fails; too few controls to prove {', '.join(unproven)}."
    return "All is judged, and the judge passed every gate."


def _of_each(described: Mapping[str, Any], name: str) -> str:
    """As it stands in the description; of a panel that of both, each once."""
    values = [str(part.get(name, "")) for part in described.get("judges", [described])]
    return " + ".join(dict.fromkeys(values))


def gate(finding: GateFinding) -> GateLine:
    return shown_as(GateLine, finding, gate=finding.label, asks=ASKS[finding.gate])


def health(round_: Round, findings: Sequence[GateFinding]) -> RoundHealth:
    named = _named(round_)
    fields = {name: named[name] for name in ("competition", "round", "judge", "url")}
    return RoundHealth(**fields, gates=tuple(map(gate, findings)))


def control_line(row: Control, *, published: bool) -> ControlLine:
    """Doctored pictures can be looked at once the bundle is out."""
    shown = row.views.get("front_left", "") if published else ""
    at = [row.round.competition.slug, row.round.number, f"blobs/{shown}"]
    return shown_as(
        ControlLine,
        row,
        take=number_of(row.attempt),
        prompt=row.prompt.stem,
        picture_url=reverse("bundle-file", args=at) if shown else "",
    )


def _named(round_: Round) -> dict[str, Any]:
    at = [round_.competition.slug, round_.number]
    return {
        "competition": at[0],
        "round": at[1],
        "judge": round_.competition.judge,
        "round_url": reverse("round", args=at),
        "url": reverse("judge", args=at),
    }


def _sum(calls: Sequence[Mapping[str, Any]], name: str) -> int | None:
    numbers = [row[name] for row in calls if row[name] is not None]
    return sum(numbers) if numbers else None
