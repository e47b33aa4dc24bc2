"""How is what a stranger prints read?  All pipes together, so that none can block it, and only so much of each is kept.

Standard library only.
"""

from __future__ import annotations

import os
import selectors
import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field


@dataclass
class CappedPipe:
    """The read end of a pipe, of which the first `most` bytes are kept; the rest is read and dropped."""

    number: int
    most: int
    content: bytearray = field(default_factory=bytearray)
    flooded: bool = False  # there was more

    def read(self) -> bool:
        """A piece of what is there; False at its end."""
        piece = os.read(self.number, 1 << 16)
        room = self.most - len(self.content)
        self.content += piece[:room]
        self.flooded = self.flooded or len(piece) > room
        return bool(piece)


def read_all(pipes: Iterable[CappedPipe], *, deadline: float, enough: Callable[[], bool] = lambda: False) -> bool:
    """Until all are at their end, or it is `enough`; False where the `deadline`, by the monotonic clock, came first."""
    with selectors.DefaultSelector() as selector:
        for pipe in pipes:
            selector.register(pipe.number, selectors.EVENT_READ, pipe)
        while selector.get_map() and not enough():
            if time.monotonic() >= deadline:
                return False
            ready: list[CappedPipe] = [key.data for key, _ in selector.select(max(0.0, deadline - time.monotonic()))]
            for pipe in [pipe for pipe in ready if not pipe.read()]:
                selector.unregister(pipe.number)
    return True
