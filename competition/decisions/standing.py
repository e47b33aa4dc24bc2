"""Does a hotkey stand where the competition asks it to: registered on the subnet, with enough staked to it?"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Self

from competition.rulesets.values import BadRules, count

UNIT = 10**9  # of the smallest part of alpha


@dataclass(frozen=True, slots=True, kw_only=True)
class Condition:
    """`entry` of a competition's configuration: {"registered": true, "least_alpha": 100} (whole alpha)."""

    registered: bool = field(default=False, metadata={"means": "the hotkey must be registered on the subnet"})
    least_alpha: int = field(
        default=0,
        metadata={"unit": "alpha", "means": "so much must be staked to it; more than 0 asks for registration"},
    )

    @classmethod
    def from_json(cls, value: Mapping[str, Any]) -> Self:
        """Raises BadRules, which names the field and the fix."""
        if unknown := sorted(set(value) - {"registered", "least_alpha"}):
            raise BadRules(f"entry.{unknown[0]}", "is unknown", fix="Use registered or least_alpha")
        if not isinstance(value.get("registered", False), bool):
            raise BadRules("entry.registered", "is neither true nor false", fix="Write true or false")
        least = count("entry.least_alpha", value.get("least_alpha", 0))
        return cls(registered=bool(value.get("registered")) or least > 0, least_alpha=least)


@dataclass(frozen=True, slots=True, kw_only=True)
class HotkeyStanding:
    """What the chain says of one hotkey at a block; `alpha` in 10^-9."""

    block: int
    uid: int | None
    alpha: int = 0


def objection(standing: HotkeyStanding, condition: Condition) -> str:
    """The sentence for the miner, or ""."""
    if condition.registered and standing.uid is None:
        return f"The hotkey is not registered on the subnet (block {standing.block}). Register it, and reveal again."
    if standing.alpha < condition.least_alpha * UNIT:
        has = standing.alpha / UNIT
        return (
            f"{condition.least_alpha} alpha must be staked to the hotkey; at block {standing.block} it was {has:.3f}. "
            "Stake more, and reveal again."
        )
    return ""
