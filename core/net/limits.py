"""How long may an exchange with another machine take, and how many bytes may it have?"""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field

from core.net.failures import FetchFailed


@dataclass(frozen=True, slots=True, kw_only=True)
class Patience:
    """How long is waited for what, in seconds; `least_rate` in bytes a second, once `grace_s` are over."""

    total_s: float = 150.0
    connect_s: float = 10.0
    idle_s: float = 15.0
    grace_s: float = 10.0
    least_rate: int = 64 * 1024

    @classmethod
    def within(cls, total_s: float, *, connect_s: float | None = None, idle_s: float | None = None) -> Patience:
        """For an answer whose pace does not matter: one deadline, by default for each wait, too."""
        return cls(total_s=total_s, connect_s=connect_s or total_s, idle_s=idle_s or total_s, least_rate=0)


@dataclass(frozen=True, slots=True, kw_only=True)
class TransferLimits:
    """What an answer may have.  `body_bytes` None: whoever reads the body counts.

    `exact`: the answer must say where its body ends, and nothing may follow; else it may also end with the connection,
    as answers of HTTP/1.0 do.
    """

    header_bytes: int = 32 * 1024
    body_bytes: int | None = 1 << 20
    exact: bool = False


@dataclass(slots=True)
class Watch:
    """When does this exchange end, whatever the host does?

    Only the time spent waiting for the host is held against it: a busy machine of ours must not make a host slow.
    """

    patience: Patience
    clock: Callable[[], float]
    started: float = field(init=False)
    waited: float = 0.0

    def __post_init__(self) -> None:
        self.started = self.clock()

    def left(self) -> float:
        left = self.started + self.patience.total_s - self.clock()
        if left <= 0 and self.waited < self.patience.total_s / 2:
            raise FetchFailed("our_fault", f"we were too busy to read a file in {self.patience.total_s:g} s")
        if left <= 0:
            raise FetchFailed("out_of_time", f"more than {self.patience.total_s:g} s")
        return left

    @contextlib.contextmanager
    def waiting(self) -> Iterator[None]:
        begun = self.clock()
        try:
            yield
        finally:
            self.waited += self.clock() - begun

    def for_a_read(self) -> float:
        return min(self.left(), self.patience.idle_s)

    def require_pace(self, got: int, *, since: float) -> None:
        """`since` is what `waited` was when the first byte could come."""
        self.left()
        waited = self.waited - since
        if waited > self.patience.grace_s and got < waited * self.patience.least_rate:
            pace = f"{got / waited:.0f} bytes a second, at least {self.patience.least_rate} are expected"
            raise FetchFailed("too_slow", pace)
