"""What does a bundle say of the measurements by which its round decided?  Nothing, where they decided nothing."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from competition.models import Round
from judging import integrity_outcomes

NAME = "integrity.json"


def documents(round_: Round, contents: Mapping[str, Any]) -> dict[str, Any]:
    """`contents`: the bundle's other documents.  `numbers`: those that rules may bound, null of a file that broke the
    measurement."""
    if not integrity_outcomes.decides(round_):
        return {}
    numbers = integrity_outcomes.numbers_by_file(round_, decided_files(contents))
    files = [{"sha256": sha256, "numbers": numbers[sha256]} for sha256 in sorted(decided_files(contents))]
    return {NAME: {"measure": integrity_outcomes.rule_of(round_).measure, "files": files}}


def decided_files(contents: Mapping[str, Any]) -> set[str]:
    """The hashes of the drawn files of both sides, on each prompt of each match that ever counted."""
    drawn = {
        (row["entry"], row["origin"], row["prompt"]): row["sha256"]
        for row in contents["assets.json"]
        if row["rendering"] and row["rendering"]["state"] == "rendered"
    }
    played = [*contents["matches.json"], *contents.get("correction.json", {}).get("matches", [])]
    sides = (
        (match[side], match[f"{side}_origin"], duel["prompt"])
        for match in played
        for duel in match["duels"]
        for side in ("defender", "challenger")
    )
    return {drawn[side] for side in sides if side in drawn}
