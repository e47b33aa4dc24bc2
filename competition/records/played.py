"""What did one match file say, whatever its era calls things?"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from competition.records.reading import HOTKEY, STEM, Item, RoundFiles, Unfit, each
from competition.rulesets.tally import DuelResult, Tally
from formats.registry import FORMATS
from verify.records.layout import NAMES, OUTPUTS, SIDES, TOO_LATE, state_of_duel, unneeded_places
from verify.rounds import CHALLENGER, DEFENDER, DRAW, LEADER, SKIPPED, SUBMITTED

REPEAT = re.compile(
    rf"({LEADER}|submitted|{HOTKEY.pattern})_\d{{1,4}}"
)  # whom an audit match of era 2 was played against
PICTURES = ("png", "views")
FILES = (*(row.extension for row in FORMATS.values()), *PICTURES)


@dataclass(frozen=True, kw_only=True)
class PlayedDuel:
    """`files`: side -> kind of file -> address.  `rest`: keys that nobody announced, and era 2's `detail`.

    `state`: of era 3 what became of it, None where its record is older than that; `unneeded`: was it left out because
    the match was certain?
    """

    stem: str
    prompt: str
    winner: str
    issues: str
    files: Mapping[str, Mapping[str, str]]
    rest: Mapping[str, Any] = field(default_factory=dict)
    state: str | None = None
    unneeded: bool = False

    @property
    def missing(self) -> tuple[str, ...]:
        """The sides that delivered nothing to judge: no picture, or not in time."""
        too_late = TOO_LATE.get(self.issues.strip(), set())
        return tuple(
            side
            for side in (DEFENDER, CHALLENGER)
            if side in too_late or not any(self.files[side].get(kind) for kind in PICTURES)
        )

    @property
    def forfeited(self) -> bool:
        """Was the verdict given without a judge?  One side missing loses; both draw."""
        given = {(DEFENDER,): CHALLENGER, (CHALLENGER,): DEFENDER, (DEFENDER, CHALLENGER): DRAW}
        return given.get(self.missing) == self.winner

    @property
    def result(self) -> DuelResult:
        """As the challenger sees it; two missing sides are drawn."""
        if self.winner == SKIPPED:
            return DuelResult.VOID
        if self.winner == DRAW:
            return DuelResult.DRAWN
        won = self.winner == CHALLENGER
        if self.forfeited:
            return DuelResult.FORFEIT_DEFENDER if won else DuelResult.FORFEIT_CHALLENGER
        return DuelResult.WON if won else DuelResult.LOST


@dataclass(frozen=True, kw_only=True)
class PlayedMatch:
    """`score` and `margin` are what the file states."""

    file: str
    defender: str
    challenger: str
    score: int | None
    margin: float | None
    duels: tuple[PlayedDuel, ...]

    @property
    def tally(self) -> Tally:
        return Tally.of(duel.result for duel in self.duels if not duel.unneeded)

    @property
    def recomputed(self) -> float | None:
        """One division of whole numbers, as the records were made, so that it is equal to the last bit."""
        tally = self.tally
        return tally.net / tally.counted if tally.counted else None


def read_match(files: RoundFiles, file: str, *, era: int) -> PlayedMatch | None:
    """None when the file does not say who played, or cannot be read (reported)."""
    item = files.item(file)
    try:
        return _match(item, era=era) if item else None
    except Unfit:
        return None


def _match(item: Item, *, era: int) -> PlayedMatch:
    left, right = NAMES[era]
    defender, challenger = item.text(left), item.text(right)
    if not HOTKEY.fullmatch(challenger):
        item.wrong(right, "a hotkey is needed")
    named = defender in (LEADER, SUBMITTED) if era >= 2 else defender == LEADER
    if not HOTKEY.fullmatch(defender) and not named and not REPEAT.fullmatch(defender):
        item.wrong(left, "a hotkey or `leader` is needed")
    duels: list[PlayedDuel] = []
    seen: set[str] = set()
    for duel in each(item.objects("duels"), lambda entry: _duel(entry, era=era)):
        if duel.stem in seen:
            line = item.files.line(item.file, duel.stem)
            item.files.report(item.file, f"{duel.stem} has two duels; the second is left out", line=line)
        else:
            duels.append(duel)
        seen.add(duel.stem)
    return PlayedMatch(
        file=item.file,
        defender=defender,
        challenger=challenger,
        duels=tuple(_with_unneeded(duels) if era == 3 else duels),
        score=_stated(item, "score"),
        margin=_stated(item, "margin"),
    )


def _with_unneeded(duels: list[PlayedDuel]) -> list[PlayedDuel]:
    skipped = [duel.winner == SKIPPED for duel in duels]
    unjudged = [left_out or duel.forfeited for left_out, duel in zip(skipped, duels, strict=True)]
    places = unneeded_places(skipped, [duel.state for duel in duels], unjudged)
    return [replace(duel, unneeded=left_out) for duel, left_out in zip(duels, places, strict=True)]


def _stated(item: Item, key: str) -> Any:
    """A number the file states; reported and left out where it is none, since the duels say it too."""
    if item.values.get(key) is None:
        return None
    try:
        return item.number(key)
    except Unfit:
        return None


def _duel(item: Item, *, era: int) -> PlayedDuel:
    left, right = SIDES[era]
    stem, winner_name = item.text("name"), item.text("winner")
    winner = {left: DEFENDER, right: CHALLENGER, DRAW: DRAW, SKIPPED: SKIPPED}.get(winner_name)
    if winner is None:
        item.wrong("winner", f"one of {left}, {right}, draw, skipped is needed")
    if not STEM.fullmatch(stem):
        item.wrong("name", "a prompt's name of letters, digits, dots and dashes is needed")
    files = {DEFENDER: _files(item, left, era=era), CHALLENGER: _files(item, right, era=era)}
    prompt, issues = item.text("prompt"), item.maybe_text("issues", most=100_000) or ""
    state = state_of_duel(item.maybe_text("state"), item.values.get("detail")) if era == 3 else None
    return PlayedDuel(
        stem=stem, prompt=prompt, winner=winner, issues=issues, files=files, rest=item.rest(), state=state
    )


def _files(item: Item, side: str, *, era: int) -> dict[str, str]:
    """Kind -> address.  Era 2 may name no folder of views; then the module stands for what was seen."""
    addresses = {}
    for kind in FILES:
        key = f"{side}_{kind}"
        if key in item.values:
            address = item.maybe_text(key)
            if address:
                addresses[kind] = address
    module = addresses.get(OUTPUTS[2]) if era == 2 else None
    if module and not any(f"{side}_{kind}" in item.values for kind in PICTURES):
        return addresses | {"views": module}
    return addresses
