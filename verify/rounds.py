"""What does the verifier know of a round once its files are read?"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

from verify.findings import FindingLog
from verify.reading import RecordRow

LEADER, SUBMITTED = "leader", "submitted"
"""The records' names for whoever led when the round began, and for what a miner submitted."""
DEFENDER, CHALLENGER, DRAW, SKIPPED = "defender", "challenger", "draw", "skipped"


@dataclass(frozen=True)
class RecordedConfig:
    """The rules of a competition, as its config.json states them."""

    name: str
    win_margin: float
    decay: float
    floor: float
    prompts: int
    carried_over: int
    generation_minutes: int | None
    audit_repeats: int | None


@dataclass(frozen=True)
class RecordedSide:
    """One side of a duel, or one asset of a miner: the file and the picture(s) the judge saw; None where missing."""

    asset: str | None
    view: str | None


@dataclass(frozen=True)
class RecordedDuel:
    stem: str
    prompt: str
    winner: str
    issues: str
    sides: dict[str, RecordedSide]
    field: str
    detail: object = None
    """Era 2: what each stage of the judge answered; a duel has it in place of `issues`."""
    state: str | None = None
    """Era 3: what became of it."""


@dataclass(frozen=True)
class RecordedMatch:
    """The duels of a defender and a challenger, with the score and margin the file states."""

    file: str
    defender: str
    challenger: str
    score: int | None
    margin: float | None
    outcome: str | None
    duels: tuple[RecordedDuel, ...]

    @cached_property
    def tally(self) -> Counter[str]:
        return Counter(duel.winner for duel in self.duels)

    def won(self, who: str) -> int:
        return self.tally[who]

    @property
    def net(self) -> int:
        """Duels won less duels lost, from the challenger's side."""
        return self.won(CHALLENGER) - self.won(DEFENDER)

    @property
    def counted(self) -> int:
        return len(self.duels) - self.won(SKIPPED)

    def recomputed(self, *, more: int = 0) -> float | None:
        """The margin, had the challenger netted `more` duels more. One division of whole numbers, as in the records."""
        return (self.net + more) / self.counted if self.counted else None

    @property
    def possible_margins(self) -> tuple[float | None, ...]:
        """Whether a skipped duel counts in the divisor is not documented: either is accepted."""
        over_all = self.net / len(self.duels) if self.won(SKIPPED) else self.recomputed()
        return self.recomputed(), over_all


@dataclass(frozen=True)
class RecordedAsset:
    side: RecordedSide
    seconds: float | None
    bytes: int
    distance: float | None


@dataclass
class RecordedRound:
    """One round, as far as its files could be read."""

    number: int
    era: int
    config: RecordedConfig
    finished: bool
    log: FindingLog
    ruleset: str = ""
    june: bool = False
    """Is it written in the layout of June 2026?  Era 2 is; era 3 where its files are modules."""
    window: RecordRow | None = None
    seed: int | None = None
    prompts: list[str] = field(default_factory=list)
    fresh_prompts: list[str] = field(default_factory=list)
    """Prompts that nobody had seen before both sides' outputs were generated for them (era 3)."""
    submissions: dict[str, RecordRow] = field(default_factory=dict)
    builds: dict[str, RecordRow] = field(default_factory=dict)
    matches: dict[tuple[str, str], RecordedMatch] = field(default_factory=dict)
    matrix: dict[tuple[str, str], float] = field(default_factory=dict)
    repeats: dict[tuple[str, str], float] = field(default_factory=dict)
    required: dict[str, RecordRow] = field(default_factory=dict)
    generation: dict[str, RecordRow] = field(default_factory=dict)
    reports: dict[str, RecordRow] = field(default_factory=dict)
    source: dict[str, RecordRow] = field(default_factory=dict)
    winner: RecordRow | None = None
    progress: RecordRow | None = None
    assets: dict[tuple[str, str], dict[str, RecordedAsset]] = field(default_factory=dict)
    """What was submitted or generated, by (hotkey or "leader", "submitted" | "generated" | "generated_<r>")."""

    def note(self, kind: str, name: str, **about: Any) -> None:
        """A finding about the round's file `name`."""
        self.log.note(kind, file=self.file(name), **about)

    @property
    def recorded_winner(self) -> str | None:
        row, key = (self.progress, "leader") if self.era == 0 else (self.winner, "winner_hotkey")
        winner: str | None = row[key] if row else None
        return winner

    @property
    def leaders_outputs(self) -> str:
        """Which of the leader's files its duels show: era 2 numbers them."""
        names = ("generated", "generated_1", "generated_0")
        return next((name for name in names if (LEADER, name) in self.assets), names[0])

    @property
    def folder(self) -> str:
        return f"rounds/{self.number}"

    def file(self, name: str) -> str:
        return f"{self.folder}/{name}"

    @property
    def queue(self) -> list[str]:
        """Hotkeys in reveal order; within one block the order of the file (sorting is stable)."""
        return sorted(self.submissions, key=lambda hotkey: self.submissions[hotkey]["revealed_at_block"])

    def margins(self) -> dict[tuple[str, str], float]:
        """Each match's margin: from its duels where they could be read, else from the matrix."""
        ours = {pair: match.recomputed() for pair, match in self.matches.items()}
        return self.matrix | {pair: margin for pair, margin in ours.items() if margin is not None}
