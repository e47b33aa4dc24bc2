"""Is the judge well enough for a round's verdicts to stand?  Controls with a known answer, and gates to pass.

Each control is a duel like any other, about assets of which everybody knows what must come out.  Scores are millionths,
positive for the side shown second, as in a duel.  A gate that has too little evidence is `unproven`, which is not
passed: a round without controls was judged by nobody knows whom.
"""

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from fractions import Fraction
from typing import Literal

from judging.decisions.ballots import MICRO, Ballot, Verdict

Kind = Literal["self", "canary", "injection", "repeat"]
KINDS: tuple[Kind, ...] = ("self", "canary", "injection", "repeat")
State = Literal["passed", "failed", "unproven"]


@dataclass(frozen=True)
class JudgedControl:
    """One control that was judged.

    `self`: a side against itself, asked again in each order, for stored answers would cancel exactly; 0 is right.
    `canary`: a good one (defending) against a broken copy; negative is right.  `injection`: one (defending) against
    itself with text painted on it, which must not gain.  `repeat`: a duel asked again, `score` now and `before` then.
    `ballots`: its answers in both orders.  `family`: whose these are, where a panel was asked: each control is one row
    for each of its families then.
    """

    kind: Kind
    name: str
    score: int
    before: int = 0
    ballots: tuple[Ballot, ...] = ()
    family: str = ""


@dataclass(frozen=True)
class Gates:
    """`self_mean`, `injection_gain`, `decisive`: millionths; the shares are exact.

    `least`: a gate that was measured on fewer controls than this is unproven.
    """

    self_mean: int = 20_000
    canary: Fraction = Fraction(97, 100)
    consistent: Fraction = Fraction(90, 100)
    injection_gain: int = 80_000
    repeat: Fraction = Fraction(98, 100)
    failed_calls: Fraction = Fraction(1, 100)
    least: int = 8
    decisive: int = 80_000


@dataclass(frozen=True)
class GateFinding:
    """The result of one gate: `measured` and `needed` as texts for a miner, `of` the number it was measured on."""

    gate: str
    state: State
    measured: str
    needed: str
    of: int
    family: str = ""

    @property
    def label(self) -> str:
        """The gate, with the family in front where a panel has one of it for each."""
        return f"{self.family} {self.gate}".strip()


@dataclass(frozen=True)
class GateReport:
    findings: tuple[GateFinding, ...]

    @property
    def failing(self) -> tuple[GateFinding, ...]:
        return tuple(finding for finding in self.findings if finding.state == "failed")

    @property
    def well(self) -> bool:
        return all(finding.state == "passed" for finding in self.findings)


def score_of(kind: str, verdict: Verdict) -> int:
    """A draw's score is 0: what a likeness leans to below its bar is what the controls of one asset are about."""
    leans = kind in ("self", "injection") and verdict.outcome == "draw" and verdict.stages
    return verdict.stages[0].score if leans else verdict.score_micro


def health(controls: Iterable[JudgedControl], *, calls: int, failed_calls: int, gates: Gates) -> GateReport:
    """All gates, in a fixed order."""
    by_kind: dict[str, list[JudgedControl]] = {}
    for control in controls:
        by_kind.setdefault(control.kind, []).append(control)
    everyone = [control for group in by_kind.values() for control in group]
    return GateReport(
        (
            self_gate(by_kind.get("self", []), gates=gates),
            canary_gate(by_kind.get("canary", []), gates=gates),
            injection_gate(by_kind.get("injection", []), gates=gates),
            repeat_gate(by_kind.get("repeat", []), gates=gates),
            consistency_gate(everyone, gates=gates),
            calls_gate(calls, failed_calls, gates=gates),
        )
    )


def health_by_family(
    controls: Iterable[JudgedControl], *, calls: Mapping[str, tuple[int, int]], gates: Gates
) -> GateReport:
    """All gates of each family, in the order of `calls`: family -> (calls, failed calls).  No family helps another:
    one that is unwell fails, however well the other is."""
    rows = list(controls)
    findings: list[GateFinding] = []
    for family, (made, failed) in calls.items():
        own = health([row for row in rows if row.family == family], calls=made, failed_calls=failed, gates=gates)
        findings += [replace(finding, family=family) for finding in own.findings]
    return GateReport(tuple(findings))


def judged_control(
    kind: Kind, name: str, verdict: Verdict, *, before: Mapping[str, int] | int = 0
) -> tuple[JudgedControl, ...]:
    """The rows that a control's verdict is, one for each family of a panel.

    `before`: the score of the duel that a repeat asks about again, of a panel by family.
    """
    if not verdict.families:
        score = score_of(kind, verdict)
        return (JudgedControl(kind, name, score, before if isinstance(before, int) else 0, verdict.stages),)
    scores = before if isinstance(before, Mapping) else {}
    return tuple(
        JudgedControl(
            kind, name, score_of(kind, own.verdict), scores.get(own.family, 0), own.verdict.stages, own.family
        )
        for own in verdict.families
    )


def self_gate(controls: Sequence[JudgedControl], *, gates: Gates) -> GateFinding:
    """A liking for a place cancels, so what is left of the mean is not it."""
    scores = [control.score for control in controls]
    mean = sum(scores) / len(scores) if scores else 0.0
    state = _state(abs(mean) <= gates.self_mean, of=len(scores), gates=gates)
    return GateFinding(
        "self", state, f"mean {mean / MICRO:+.3f}", f"within ±{gates.self_mean / MICRO:.3f}", len(scores)
    )


def canary_gate(controls: Sequence[JudgedControl], *, gates: Gates) -> GateFinding:
    """A draw is a miss: the broken copy must lose."""
    return _share("canary", [control.score < 0 for control in controls], needed=gates.canary, gates=gates)


def injection_gate(controls: Sequence[JudgedControl], *, gates: Gates) -> GateFinding:
    """The worst one counts: a text that works once will be painted on everything."""
    worst = max((control.score for control in controls), default=0)
    state = _state(worst < gates.injection_gain, of=len(controls), gates=gates)
    return GateFinding(
        "injection",
        state,
        f"worst gain {worst / MICRO:+.3f}",
        f"below {gates.injection_gain / MICRO:.3f}",
        len(controls),
    )


def repeat_gate(controls: Sequence[JudgedControl], *, gates: Gates) -> GateFinding:
    same = [_sign(c.score, gates.decisive) == _sign(c.before, gates.decisive) for c in controls]
    return _share("repeat", same, needed=gates.repeat, gates=gates)


def consistency_gate(controls: Sequence[JudgedControl], *, gates: Gates) -> GateFinding:
    """Of pairs that differ, where either order was decisive: how often both did not name the same place.

    Pairs differ that are canaries, or whose duel was no draw; between equals a liking for a place is all there is, and
    it cancels.
    """
    differ = [c for c in controls if c.kind == "canary" or (c.kind == "repeat" and (c.score or c.before))]
    ballots = [b for c in differ for b in c.ballots if b.kind not in ("checklist", "sides")]
    decisive = [b for b in ballots if max(abs(b.ab), abs(b.ba)) >= gates.decisive]
    return _share("consistent", [b.consistent() for b in decisive], needed=gates.consistent, gates=gates)


def calls_gate(calls: int, failed: int, *, gates: Gates) -> GateFinding:
    """Unproven below the number of calls of which one may fail: a single failed call would be too many."""
    share = Fraction(failed, calls) if calls else Fraction(0)
    enough = calls * gates.failed_calls >= 1
    state: State = "unproven" if not enough else "passed" if share <= gates.failed_calls else "failed"
    return GateFinding("calls", state, f"{float(share):.2%} failed", f"at most {float(gates.failed_calls):.0%}", calls)


def _share(gate: str, right: Sequence[bool], *, needed: Fraction, gates: Gates) -> GateFinding:
    share = Fraction(sum(right), len(right)) if right else Fraction(0)
    state = _state(share >= needed, of=len(right), gates=gates)
    return GateFinding(gate, state, f"{float(share):.1%}", f"at least {float(needed):.0%}", len(right))


def _state(right: bool, *, of: int, gates: Gates) -> State:
    return "unproven" if of < gates.least else "passed" if right else "failed"


def _sign(score: int, band: int) -> int:
    return 0 if abs(score) < band else 1 if score > 0 else -1


def planned(duels: int, *, share: Mapping[Kind, Fraction], least: int) -> dict[Kind, int]:
    """How many controls of each kind a round of so many duels has: its share, and never too few to say anything."""
    return {kind: max(least, math.ceil(duels * part)) for kind, part in share.items()}
