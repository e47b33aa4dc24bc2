"""How much processor time did a piece of work take, in our own thread and in the sandboxes that it used?

Sandboxes report what they used to the meters that are open in the same thread.  Nothing is decided by it: it is what a
round cost.
"""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass


@dataclass
class ProcessorMeter:
    """`seconds`: of a processor, so far of sandboxes; with our own thread's once the block is over."""

    seconds: float = 0.0

    @property
    def milliseconds(self) -> int:
        return round(self.seconds * 1000)


_open: ContextVar[tuple[ProcessorMeter, ...]] = ContextVar("processor_meters", default=())


@contextmanager
def metered() -> Iterator[ProcessorMeter]:
    """A meter that is read after the block, also where the block ends with an exception."""
    meter, began = ProcessorMeter(), time.thread_time()
    token = _open.set((*_open.get(), meter))
    try:
        yield meter
    finally:
        _open.reset(token)
        meter.seconds += time.thread_time() - began


def used(cpu_seconds: float) -> None:
    """Count so much for every open meter of this thread."""
    for meter in _open.get():
        meter.seconds += max(0.0, cpu_seconds)
