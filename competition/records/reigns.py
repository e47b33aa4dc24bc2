"""Who led from which block, by a repository's leader.json and its rules?"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from competition.records.reading import Item, RoundFiles, Unfit, each

FILE = "leader.json"
BEFORE_FIRST_ROUND = -1  # the current round of a competition that has begun none
SHARES = ("win_margin", "weight_decay", "weight_floor")


@dataclass(frozen=True, kw_only=True)
class ReadReign:
    """`weight` in the digits it was written in."""

    hotkey: str
    repo: str
    commit: str
    image: str
    weight: str
    effective_block: int


@dataclass(frozen=True, kw_only=True)
class Terms:
    """What config.json says: `config` as it is, `rules` with the digits it was written in."""

    name: str
    config: dict[str, Any]
    win_margin: str
    weight_decay: str
    weight_floor: str


def read_terms(files: RoundFiles) -> Terms | None:
    """None when config.json does not say what a competition is called and what it takes to win (reported)."""
    written = files.json("config.json", kind=dict, digits=True)
    if written is None:
        return None
    item = Item(written, "config.json", files)
    try:
        name, digits = item.text("name", most=50), [item.digits(key) for key in SHARES]
    except Unfit:
        return None
    return Terms(
        name=name,
        config=files.json("config.json", kind=dict),
        **dict(zip(SHARES, digits, strict=True)),
    )


def read_reigns(files: RoundFiles) -> list[ReadReign]:
    def reign(item: Item) -> ReadReign:
        return ReadReign(
            hotkey=item.hotkey("hotkey"),
            repo=item.text("repo", most=200),
            commit=item.text("commit", most=40),
            image=item.maybe_text("docker") or "",
            weight=item.digits("weight"),
            effective_block=item.whole("effective_block"),
        )

    return list(each(files.listed(FILE, digits=True), reign))


def read_state(files: RoundFiles) -> tuple[int | None, str]:
    """(current round, stage) by state.json."""
    item = files.item("state.json")
    if item is None:
        return None, ""
    try:
        founded = item.values.get("current_round") == BEFORE_FIRST_ROUND and not isinstance(
            item.values["current_round"], bool
        )
        number = BEFORE_FIRST_ROUND if founded else item.whole("current_round")
        return number, item.text("stage", most=20)
    except Unfit:
        return None, ""


def in_effect(reigns: Sequence[ReadReign], *, block: int) -> int | None:
    """The place of the last entry with effective_block <= block: who leads at it."""
    return next((n for n in range(len(reigns) - 1, -1, -1) if reigns[n].effective_block <= block), None)


def is_finished(number: int, *, current: int | None, stage: str) -> bool:
    """Is a round over, by what state.json says?"""
    return current is not None and (number < current or (number == current and stage == "finished"))
