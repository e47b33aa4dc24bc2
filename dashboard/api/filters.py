"""What was asked for?  Every parameter has a kind, a range and a sentence; whatever is none is refused."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from django.db.models import Q, QuerySet

from dashboard.api.errors import bad

LARGEST = 2**63 - 1
LONGEST = 200  # characters of a value


@dataclass(frozen=True)
class Kind:
    """`pattern` is for the documentation as well: what does not match it in full is refused."""

    name: str
    pattern: str
    says: str
    read: Callable[[str], Any] = str
    number: bool = False
    most: int = LARGEST

    def value(self, field: str, text: str) -> Any:
        if len(text) > LONGEST or not re.fullmatch(self.pattern, text, re.ASCII):
            raise bad(field, f"{field} is {self.says}.", fix=f"Write {field} as {self.says}.")
        value = self.read(text)
        if self.number and value > self.most:
            raise bad(field, f"{field} is too large a number.", fix=f"Write at most {self.most}.")
        return value


SLUG = Kind("slug", r"[-a-zA-Z0-9_]{1,50}", "the short name of a competition")
NUMBER = Kind("number", r"[0-9]{1,18}", "a whole number", int, number=True, most=10**18 - 1)
ROUND = Kind("round", r"[0-9]{1,9}", "the number of a round", int, number=True, most=10**9 - 1)
HOTKEY = Kind("hotkey", r"[1-9A-HJ-NP-Za-km-z]{6,48}", "a hotkey, or its first characters (six or more)")
ENTRY = Kind("entry", r"leader|[1-9A-HJ-NP-Za-km-z]{46,48}", "a whole hotkey, or leader")
COMMIT = Kind("commit", r"[0-9a-f]{6,40}", "6 to 40 lower-case hex digits of a commit")
SHA256 = Kind("sha256", r"[0-9a-f]{64}", "64 lower-case hex digits")
STEM = Kind("stem", r"[A-Za-z0-9][A-Za-z0-9._-]{0,79}", "the name of a prompt")
WORD = Kind("word", r"[a-zA-Z0-9._:-]{1,60}", "letters, digits, dots, dashes, colons and underscores")
FLAG = Kind("flag", r"true|false", "true or false", lambda text: text == "true")


TEXT = Kind("text", r"(?s:.)*", "text")
UUID = Kind("uuid", r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}", "an id as it was given")


def one_of(*words: str) -> Kind:
    return Kind("choice", "|".join(map(re.escape, words)), f"one of {', '.join(words)}")


@dataclass(frozen=True)
class Filter:
    """`means` is the lookup, or how a value narrows the rows."""

    kind: Kind
    means: str | Callable[[Any], Q]
    about: str

    def condition(self, value: Any) -> Q:
        return Q(**{self.means: value}) if isinstance(self.means, str) else self.means(value)


Filters = Mapping[str, Filter]


def asked(params: Mapping[str, Sequence[str]], kinds: Mapping[str, Kind], *, besides: Iterable[str]) -> dict[str, Any]:
    """The values of the known parameters.  Raises RequestRefused for an unknown or doubled one, or a bad value."""
    known = sorted({*kinds, *besides})
    found: dict[str, Any] = {}
    for name, values in params.items():
        if name not in known:
            shown = name[:40] if name.isascii() and name.isprintable() else "of this name"
            fix = f"Leave it out; known are {', '.join(known)}." if known else "Leave it out."
            raise bad(shown, f"There is no parameter {shown}.", fix=fix, code="unknown_parameter")
        if len(values) != 1:
            raise bad(name, f"{name} is given more than once.", fix="Give it once.")
        if name in kinds:
            found[name] = kinds[name].value(name, values[0])
    return found


def narrowed(rows: QuerySet[Any], values: Mapping[str, Any], filters: Filters) -> QuerySet[Any]:
    for name, value in values.items():
        if name in filters:
            rows = rows.filter(filters[name].condition(value))
    return rows
