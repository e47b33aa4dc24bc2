"""What does a bundle say of the measurements of its files?  Of every drawn one what was counted, or why nothing was."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from competition.models import Round
from core.machine.stateful import FailureClass
from judging import integrity_outcomes

NAME = "integrity.json"


class StillToMeasure(LookupError):
    """A file was drawn after it was settled which files are published as not measured."""


def documents(round_: Round, contents: Mapping[str, Any], *, edition: int) -> dict[str, Any]:
    """`contents`: the bundle's other documents.  A round that was announced without a measure publishes only what it
    decided by.  Raises StillToMeasure: `judging.measurements.settle` waits for such a file."""
    if round_.measure:
        files = _measured_files(round_, set(_drawn(contents).values()), edition=edition)
        return {NAME: {"measure": round_.measure, "files": files}}
    if not integrity_outcomes.decides(round_):
        return {}
    hashes = _decided_files(contents)
    numbers = integrity_outcomes.numbers_by_file(round_, hashes)
    files = [{"sha256": sha256, "numbers": numbers[sha256]} for sha256 in sorted(hashes)]
    return {NAME: {"measure": integrity_outcomes.rule_of(round_).measure, "files": files}}


def _measured_files(round_: Round, hashes: set[str], *, edition: int) -> list[dict[str, Any]]:
    ours = dict(round_.unmeasured_files.filter(edition=edition).values_list("sha256", "code"))
    settled = {row.sha256: row for row in integrity_outcomes.settled(round_.measure).filter(sha256__in=hashes)}
    if missing := hashes - set(ours) - set(settled):
        raise StillToMeasure(f"nothing is known yet of what would be measured of {', '.join(sorted(missing))}")
    files = []
    for sha256 in sorted(hashes):
        numbers: dict[str, Any] | None = None
        failure: dict[str, str] | None = None
        if sha256 in ours:
            failure = {"class": FailureClass.INFRASTRUCTURE.value, "code": ours[sha256]}
        elif settled[sha256].state == "measured":
            numbers = settled[sha256].numbers
        else:
            failure = {"class": FailureClass.MINER.value, "code": settled[sha256].failure_code}
        files.append({"sha256": sha256, "numbers": numbers, "failure": failure})
    return files


def _drawn(contents: Mapping[str, Any]) -> dict[tuple[str, str, str], str]:
    """(entry, origin, prompt) -> the file that was delivered, and drawn."""
    return {
        (row["entry"], row["origin"], row["prompt"]): row["sha256"]
        for row in contents["assets.json"]
        if row["state"] == "stored" and row["rendering"] and row["rendering"]["state"] == "rendered"
    }


def _decided_files(contents: Mapping[str, Any]) -> set[str]:
    """The hashes of the drawn files of both sides, on each prompt of each match that ever counted."""
    drawn = _drawn(contents)
    played = [*contents["matches.json"], *contents.get("correction.json", {}).get("matches", [])]
    sides = (
        (match[side], match[f"{side}_origin"], duel["prompt"])
        for match in played
        for duel in match["duels"]
        for side in ("defender", "challenger")
    )
    return {drawn[side] for side in sides if side in drawn}
