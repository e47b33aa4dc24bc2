"""What if the queue loses or doubles messages?

`lost`: what is sent when something happens never arrives, only what the reconciler sends for it later; `lost:40`:
of that, too, 40 % are lost by lot; `doubled`: each message arrives twice, side by side; `mixed`: half of what is sent
when something happens is lost, by lot, and all else arrives twice.
"""

from __future__ import annotations

import random
import sys
import uuid
from typing import Any

from core.queue import broker
from tests.scenarios.faults.apps import happened


class Losing(broker.RowQueue):
    percent = 0

    def enqueue(self, message: Any, *, delay: int | None = None) -> Any:
        if "reconcile" in sys.argv and random.random() * 100 >= self.percent:
            return super().enqueue(message, delay=delay)
        happened("lost")
        return message


class Doubling(broker.RowQueue):
    percent = 0

    def enqueue(self, message: Any, *, delay: int | None = None) -> Any:
        if "reconcile" not in sys.argv and random.random() * 100 < self.percent:
            happened("lost")
            return message
        happened("doubled")
        super().enqueue(message, delay=delay)
        return super().enqueue(message, delay=delay)


def install(mode: str) -> None:
    """`through_postgres` makes one of these from now on; a doubled message must not be folded into one again."""
    kind, _, percent = mode.partition(":")
    broker.RowQueue = Losing if kind == "lost" else Doubling
    Losing.percent, Doubling.percent = int(percent or 0), 50 if kind == "mixed" else 0
    if kind != "lost":
        broker.stable_id = lambda message: str(uuid.uuid4())
