"""Which duels belong together, so that none of them is judged again without the others?

A fault is named by what it touched: a match, a prompt, a time, one answer, or the whole round.  Whatever asked the same
question of the same files belongs to it too: one question has one answer.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import NamedTuple

WHAT = {
    "match": "every duel of one match",
    "prompt": "every duel on one prompt, over all matches",
    "time": "every duel judged between two times",
    "answer": "every duel whose verdict rests on one answer of the judge",
    "round": "every duel of the round",
}
FIELDS: Mapping[str, tuple[str, ...]] = {
    "match": ("match",),
    "prompt": ("prompt",),
    "time": ("since", "until"),
    "answer": ("answer",),
    "round": (),
}
Choice = Mapping[str, str]


class Place(NamedTuple):
    kind: str
    defender: str
    challenger: str
    prompt: str

    @property
    def match(self) -> tuple[str, str, str]:
        return (self.kind, self.defender, self.challenger)

    def __str__(self) -> str:
        return " ".join(self)


@dataclass(frozen=True, slots=True, kw_only=True)
class Heard:
    """One duel that the judge was asked about.  `files`: the prompt's, the defender's and the challenger's hash."""

    place: Place
    at: datetime
    files: tuple[str, str, str]


def unfit(choice: Choice) -> tuple[str, str] | None:
    """(field, why) where the choice is not of the form that each has."""
    what = choice.get("what", "")
    if what not in WHAT:
        return "what", f"Give one of {', '.join(WHAT)}."
    for field in FIELDS[what]:
        if not choice.get(field):
            return field, f"Say which: {WHAT[what]}."
    for field in (field for field in FIELDS[what] if field in ("since", "until")):
        if moment(choice[field]) is None:
            return field, "Give a time with its zone, such as 2026-01-31T12:00:00Z."
    return None


def moment(text: str) -> datetime | None:
    try:
        parsed = datetime.fromisoformat(text)
    except ValueError:
        return None
    return parsed if parsed.tzinfo else None


def named(choice: Choice) -> dict[str, str]:
    """The choice with the fields that its kind has, and no other."""
    return {name: choice[name] for name in ("what", *FIELDS[choice["what"]])}


def whole(heard: Iterable[Heard], *, choice: Choice, cited: frozenset[Place] = frozenset()) -> frozenset[Place]:
    """The affected set of a choice that `unfit` has nothing against.  `cited`: the duels that cite the answer."""
    rows = list(heard)
    files = {row.files for row in rows if _touched(row, choice, cited)}
    return frozenset(row.place for row in rows if row.files in files)


def _touched(row: Heard, choice: Choice, cited: frozenset[Place]) -> bool:
    what = choice["what"]
    if what == "match":
        return " ".join(row.place.match) == choice["match"]
    if what == "prompt":
        return row.place.prompt == choice["prompt"]
    if what == "time":
        since, until = moment(choice["since"]), moment(choice["until"])
        return since is not None and until is not None and since <= row.at <= until
    return what == "round" or row.place in cited
