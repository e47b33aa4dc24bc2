"""What if the queue loses or doubles messages?  `lost`: whatever is sent when something happens never arrives, and of
what the reconciler sends instead only every second one, by lot; `doubled`: each message arrives twice, side by side."""

from __future__ import annotations

import random
import sys
import uuid
from typing import Any

from competition import broker
from tests.scenarios.faults.apps import happened


class Losing(broker.RowQueue):
    def enqueue(self, message: Any, *, delay: int | None = None) -> Any:
        if "reconcile" in sys.argv and random.random() < 0.5:
            return super().enqueue(message, delay=delay)
        happened("lost")
        return message


class Doubling(broker.RowQueue):
    def enqueue(self, message: Any, *, delay: int | None = None) -> Any:
        happened("doubled")
        super().enqueue(message, delay=delay)
        return super().enqueue(message, delay=delay)


def install(mode: str) -> None:
    """`through_postgres` makes one of these from now on; a doubled message must not be folded into one again."""
    broker.RowQueue = {"lost": Losing, "doubled": Doubling}[mode]
    if mode == "doubled":
        broker.stable_id = lambda message: str(uuid.uuid4())
