"""How do the files of a round of Three.js modules say the same in the layout that the subnet wrote in June 2026?

Repeats are numbered from 1, the match of an audit lies in a file of its own, an output names a folder of views, and a
duel says in `detail` how it came out.  What a reader of that layout folds from these files is what was decided here:
an audit that was rejected for another reason than a margin has a rejected generation report.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from fractions import Fraction
from typing import Any

from competition.decisions.attempts import OUTPUTS, plain, regeneration_in
from competition.records.writing import AUDITED, ISSUES, Document, MatrixRow, Outputs, RecordLayout, encoded
from verify.records.layout import OUTPUTS as KEYS
from verify.records.matches import SHEET
from verify.rounds import LEADER, SUBMITTED

KEY = KEYS[2]
"""Under which an output names its file, and with which the file ends."""
FIRST = 1
GENERATION, PASSED = "generation", "passed"


class JuneLayout(RecordLayout):
    """Of one regeneration, as of several: `submitted_1`, `leader_1`, `generated_1.json`."""

    def output(self, asset: Document) -> dict[str, Any]:
        """`failure_reason`: why there is no file, or no picture of it."""
        stored, drawn = asset["state"] == "stored", asset["rendering"] or {}
        failure, refused = asset["failure"] or {}, drawn.get("failure") or {}
        reason = f"render_failed: {refused['code']}" if refused else None
        return {
            KEY: self.addresses.file(asset["sha256"], KEY) if stored else None,
            "views": self.addresses.views(asset["sha256"]) if stored and drawn.get("views") else None,
            "failure_reason": reason if stored else failure.get("code"),
            "size": asset["bytes"] if stored else 0,
        }

    def pictures(self, output: Document) -> dict[str, Any]:
        views = output.get("views")
        return {KEY: output.get(KEY), "png": f"{views}/{SHEET}" if views else None}

    def outputs_file(self, entry: str, origin: str) -> str:
        number = f"_{_repeat(origin)}" if plain(origin) == OUTPUTS else ""
        return f"{entry}/{plain(origin)}{number}.json"

    def side(self, match: Document) -> str:
        left, number = _sides(match)
        return f"{left}_{number}" if number else left

    def match_file(self, match: Document) -> tuple[str, str]:
        left, number = _sides(match)
        return (f"audit_{left[:10]}_{number}.json" if number else f"duels_{left[:10]}.json"), left

    def duel_words(self, duel: Document) -> dict[str, Any]:
        state = duel["state"]
        reason = {"reason": ISSUES[state]} if state in ISSUES else {}
        return {"detail": {**(duel.get("detail") or {}), "state": state, **reason}}

    def audits(self, documents: Document, outputs: Outputs, margins: Sequence[MatrixRow]) -> dict[str, bytes]:
        """`latest_defender`: whom the audited met on the last step that tells of it."""
        files = super().audits(documents, outputs, margins)
        rows = [audit for audit in documents["audits.json"] if audit["verdict"] in AUDITED]
        met = {step["challenger"]: step["defender"] for step in documents["decision.json"].get("ladder", ())}
        required = {audit["entry"]: met.get(audit["entry"], LEADER) for audit in rows}
        rules = documents["round.json"]["rules"]
        reports = {
            audit["entry"]: _report(audit, outputs, margins, rules=rules)
            for audit in rows
            if audit["kind"] == GENERATION
        }
        return files | {
            "generation_reports.json": encoded(reports),
            "require_audit.json": encoded(
                [{"hotkey": hotkey, "latest_defender": defender} for hotkey, defender in required.items()]
            ),
        }


def _repeat(origin: str) -> int:
    return regeneration_in(origin) + FIRST


def _sides(match: Document) -> tuple[str, int]:
    """Against whom, and which regeneration of the challenger played; 0 is what it had submitted."""
    if plain(match["challenger_origin"]) != OUTPUTS:
        return match["defender"], 0
    left = SUBMITTED if match["defender"] == match["challenger"] else match["defender"]
    return left, _repeat(match["challenger_origin"])


def _report(audit: Document, outputs: Outputs, margins: Sequence[MatrixRow], *, rules: Document) -> dict[str, Any]:
    """`completed` where the margins say all, `pending` where one said it before the last repeat, else `rejected`.

    The time is known of the last repeat only: the one that the audit's numbers speak of.
    """
    hotkey, bar = audit["entry"], float(Fraction(rules["win_margin"]))
    made: dict[int, list[bool]] = defaultdict(list)
    for (entry, origin, _), output in outputs.items():
        if entry == hotkey and plain(origin) == OUTPUTS:
            made[_repeat(origin)].append(output[KEY] is not None)
    missed = any(
        margin < (-bar if left.startswith(f"{SUBMITTED}_") else bar)
        for left, right, margin in margins
        if right == hotkey
    )
    passed, whole = audit["verdict"] == PASSED, len(made) >= rules.get("audit_repeats", 1)
    outcome = "completed" if passed or (missed and whole) else "pending" if missed else "rejected"
    seconds, last = audit["numbers"].get("generation_s"), max(made, default=0)
    return {
        "hotkey": hotkey,
        "outcome": outcome,
        "repeats": [
            {
                "repeat_index": number,
                "generated_prompts": sum(there),
                "failed_prompts": len(there) - sum(there),
                "generation_time": float(seconds) if number == last and seconds is not None else None,
            }
            for number, there in sorted(made.items())
        ],
        "reason": audit["reason"] if outcome == "rejected" else "",
    }
