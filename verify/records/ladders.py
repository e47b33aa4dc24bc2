"""Who leads after a round, by the rules of its era?

Pure: margins and rejections in, the ladder out. All eras share one fold: challengers in reveal order meet the defender
of the moment; a margin of at least win_margin makes a new defender; a rejected challenger is passed over. From era 1 on
a challenger must first have reached win_margin against the round's leader (the screen).
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass

from verify.rounds import LEADER

Margins = Mapping[tuple[str, str], float]


@dataclass(frozen=True)
class LadderTurn:
    """One challenger's turn. `margin` None: the match that the rules ask for is not recorded."""

    defender: str
    challenger: str
    margin: float | None
    takes: bool


@dataclass(frozen=True)
class RecordedLadder:
    rungs: tuple[LadderTurn, ...]

    @property
    def winners(self) -> list[str]:
        """Those who became defender, in order."""
        return [rung.challenger for rung in self.rungs if rung.takes]

    @property
    def missing(self) -> list[LadderTurn]:
        return [rung for rung in self.rungs if rung.margin is None]


def qualified(queue: Sequence[str], margins: Margins, *, win_margin: float) -> list[str]:
    """Who cleared the screen, in reveal order."""
    return [hotkey for hotkey in queue if margins.get((LEADER, hotkey), -1.0) >= win_margin]


def climb(queue: Sequence[str], margins: Margins, *, win_margin: float, rejected: Collection[str]) -> RecordedLadder:
    """The ladder of `queue` (those entitled to a turn, in reveal order)."""
    defender, rungs = LEADER, []
    for challenger in queue:
        if challenger in rejected:
            continue
        margin = margins.get((defender, challenger))
        takes = margin is not None and margin >= win_margin
        rungs.append(LadderTurn(defender, challenger, margin, takes))
        defender = challenger if takes else defender
    return RecordedLadder(tuple(rungs))


def ladders(
    queue: Sequence[str], margins: Margins, *, win_margin: float, rejected: Collection[str]
) -> list[RecordedLadder]:
    """Every ladder the round went through: each time its winners met a rejection it was climbed anew without them.

    All who ever win a rung needed an audit; the last ladder decides. Each step passes one more over, so it ends.
    """
    passed_over: set[str] = set()
    steps = []
    while True:
        steps.append(climb(queue, margins, win_margin=win_margin, rejected=passed_over))
        fallen = next((hotkey for hotkey in steps[-1].winners if hotkey in rejected), None)
        if fallen is None:
            return steps
        passed_over.add(fallen)


def decided(ladder: RecordedLadder, *, passed: Collection[str]) -> str:
    """The last winner whose audits passed, else the leader."""
    return next((hotkey for hotkey in reversed(ladder.winners) if hotkey in passed), LEADER)
