"""What states may a row be in, and which moves between them are legal?

A graph is a class body: states and their edges on one screen.  A wrong diagram cannot be imported.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import ClassVar


class GraphError(ValueError):
    """The diagram, or a move asked of it, is a bug in the program (never a race)."""


@dataclass(frozen=True)
class State:
    """One state.

    `to`: names of the states it may move to (none: the row is settled).
    `queue`: the kind of worker that acts in it; None means that other rows move it on.
    `lease_s`: how long one worker may hold the row before another may take it over.
    `tries`: attempts after which an infrastructure fault is reported to a person instead of being retried quietly.
    `looks`: attempts in which an outside host is asked about the row before its answer is final: one may be wrong once.
    `deaths`: workers that may die at it, one after the other, before it is left alone until a person has looked.
    `longest_wait_s`: no step waits longer: a due time farther ahead was set by a clock that was wrong, and heals.
    """

    to: tuple[str, ...] = ()
    queue: str | None = None
    lease_s: int = 60
    tries: int = 6
    looks: int = 3
    deaths: int = 10
    longest_wait_s: int = 90
    name: str = field(default="", compare=False)

    @property
    def settled(self) -> bool:
        return not self.to


class Graph:
    """Declare states as class attributes in the order a row meets them; the first one is initial."""

    states: ClassVar[dict[str, State]]
    initial: ClassVar[str]

    def __init_subclass__(cls) -> None:
        cls.states = {name: replace(s, name=name) for name, s in vars(cls).items() if isinstance(s, State)}
        if not cls.states:
            raise GraphError(f"{cls.__name__} declares no state")
        cls.initial = next(iter(cls.states))
        cls._check()

    @classmethod
    def _check(cls) -> None:
        for name, state in cls.states.items():
            for target in state.to:
                if target not in cls.states:
                    raise GraphError(f"{cls.__name__}.{name} leads to the unknown state {target!r}")
            if state.settled and state.queue:
                raise GraphError(f"{cls.__name__}.{name} is settled, so no worker may act in it")
        lost = set(cls.states) - cls._reachable()
        if lost:
            raise GraphError(f"{cls.__name__} never reaches {sorted(lost)}")

    @classmethod
    def _reachable(cls) -> set[str]:
        seen, frontier = set(), [cls.initial]
        while frontier:
            name = frontier.pop()
            if name not in seen:
                seen.add(name)
                frontier.extend(cls.states[name].to)
        return seen

    @classmethod
    def require(cls, old: str, new: str) -> None:
        """An undeclared edge is a bug, not a race."""
        if old not in cls.states or new not in cls.states[old].to:
            raise GraphError(f"{cls.__name__} has no edge {old} -> {new}")

    @classmethod
    def settled(cls) -> tuple[str, ...]:
        return tuple(name for name, state in cls.states.items() if state.settled)

    @classmethod
    def active(cls) -> tuple[str, ...]:
        """The states in which a worker acts."""
        return tuple(name for name, state in cls.states.items() if state.queue)

    @classmethod
    def choices(cls) -> list[tuple[str, str]]:
        return [(name, name.replace("_", " ")) for name in cls.states]
