"""How often does something happen, and how sure is that?"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

from competition.rulesets.tally import Z95


@dataclass(frozen=True)
class Rate:
    """`hits` of `rounds` tries, and Wilson's 95 % interval of the rate behind them."""

    hits: int
    rounds: int

    @property
    def share(self) -> float:
        return self.hits / self.rounds if self.rounds else 0.0

    @property
    def interval(self) -> tuple[float, float]:
        """E. B. Wilson, Probable Inference, 1927: centre and half width, never below 0 or above 1."""
        n, z = max(1, self.rounds), Z95
        centre = (self.share + z * z / (2 * n)) / (1 + z * z / n)
        half = z / (1 + z * z / n) * math.sqrt(self.share * (1 - self.share) / n + z * z / (4 * n * n))
        return max(0.0, centre - half), min(1.0, centre + half)

    def as_json(self) -> dict[str, Any]:
        low, high = self.interval
        return {"hits": self.hits, "rounds": self.rounds, "share": self.share, "low": low, "high": high}
