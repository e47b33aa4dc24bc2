"""margin-2: which regenerations of a winner must there be, and what do they say?

Each of `audit_repeats` is judged against the submitted outputs, and, where it is not worse, against the defender of the
rung; the first that misses a bar is the last.  Repeats are numbered: audit, audit_1, audit_2.
"""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction
from typing import Any

from verify.bundles.assets import numbered
from verify.bundles.events import bodies
from verify.bundles.files import ExaminedBundle
from verify.bundles.matches import NAME, margin_of

Row = dict[str, Any]
Key = tuple[str, str, str]


@dataclass(frozen=True)
class PlayedRepeats:
    """`code`: what the audit must say, "" where a match is missing; `keys`: the matches it takes, up to that one."""

    code: str
    keys: tuple[Key, ...]
    repeats: int
    submitted: Row | None
    defender: Row | None


def repeated(rules: Row) -> bool:
    return "title" not in rules and rules["audit_repeats"] > 1


def play(bundle: ExaminedBundle, entry: str, *, limit: int) -> PlayedRepeats:
    """The repeats of one winner, one after the other.  `limit`: seconds that a generation may take."""
    rules, rungs = bundle.rules, bundle.document("decision.json")["ladder"]
    beaten = (rung["defender"] for rung in rungs if rung["challenger"] == entry and rung["verdict"] != "held")
    defender = str(next(beaten, ""))  # on the final ladder
    tallies = {(m["kind"], m["defender"], m["challenger"]): m["tally"] for m in bundle.document(NAME)}
    keys: list[Key] = []
    for repeat in range(rules["audit_repeats"]):
        first, second = (numbered("audit", repeat), entry, entry), (numbered("again", repeat), defender, entry)
        keys.append(first)
        submitted, met = tallies.get(first), tallies.get(second)
        code = "" if submitted is None else run_code(bundle, entry, purpose=first[0], limit=limit)
        if submitted is not None and not code and margin_of(submitted) < -Fraction(rules["win_margin"]):
            code = "worse_than_submitted"
        if submitted is None or code:
            return PlayedRepeats(code, tuple(keys), repeat + 1, submitted, None)
        keys.append(second)
        if met is None or margin_of(met) < Fraction(rules["win_margin"]):
            return PlayedRepeats("no_win_again" if met else "", tuple(keys), repeat + 1, submitted, met)
    return PlayedRepeats("won_again", tuple(keys), rules["audit_repeats"], submitted, met)


def matches_of(bundle: ExaminedBundle, audit: Row) -> tuple[Key, ...]:
    """Those that a generation audit takes."""
    if not repeated(bundle.rules):
        return (("audit", audit["entry"], audit["entry"]),)
    return play(bundle, audit["entry"], limit=audit["limits"].get("generation_s", 0)).keys


def run_code(bundle: ExaminedBundle, entry: str, *, purpose: str, limit: int) -> str:
    """What a run by itself says: the miner's failure, or that it took too long; "" where it ended in time."""
    late = any(row.get("generated_s", 0) > limit for row in _runs(bundle, "podrun.done", entry, purpose))
    return failure_of(bundle, entry, purpose=purpose) or ("generation_too_long" if late else "")


def failure_of(bundle: ExaminedBundle, entry: str, *, purpose: str) -> str:
    """The code of the failure that is the miner's; "" where it did not fail."""
    failures = [row["failure"] for row in _runs(bundle, "podrun.failed", entry, purpose)]
    return next((str(failure["code"]) for failure in failures if failure["class"] == "miner"), "")


def _runs(bundle: ExaminedBundle, kind: str, entry: str, purpose: str) -> list[Row]:
    rows = bodies(bundle, kind, of_round=bundle.round)
    return [row for row in rows if (row.get("entry"), row.get("purpose")) == (entry, purpose)]
