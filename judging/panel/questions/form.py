"""What makes up a question to a judge?"""

from dataclasses import dataclass
from typing import Any

LABELS = {"1": -1, "2": 1, "0": 0}


@dataclass(frozen=True)
class Form:
    """`shows`: picture names, sent for the first asset and then for the second, after the reference picture.

    `asks` is the whole text: no word of a miner ever enters it.  `labels` maps each allowed one-token answer to its
    score, positive when the second asset is better; the answer is the expected score over them.
    """

    kind: str
    shows: tuple[str, ...]
    asks: str
    labels: tuple[tuple[str, int], ...] = tuple(LABELS.items())

    def described(self) -> dict[str, Any]:
        return {"kind": self.kind, "shows": list(self.shows), "asks": self.asks, "labels": dict(self.labels)}
