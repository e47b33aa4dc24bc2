"""How is a record read that may be cut off, of the wrong type, or hostile?

Whatever cannot be read becomes a Trouble with its line and reason, and the rest is read on.  Values come out fit for
the database: no NUL, no lone surrogates, numbers in range; the file itself is kept as evidence, as it was.
"""

from __future__ import annotations

import csv
import json
import re
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from dataclasses import asdict, dataclass, field
from decimal import Decimal
from typing import Any, NoReturn

from verify.reading import BadJson, parse_json

HOTKEY = re.compile(r"[1-9A-HJ-NP-Za-km-z]{6,48}")
STEM = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,79}")
DIGITS = re.compile(r"[0-9]{1,2}(\.[0-9]{1,24})?([eE](?P<power>[+-]?[0-9]))?")
LARGEST_WHOLE = 2**63 - 1
DEEPEST = 12  # levels of a value; what lies deeper is kept as its text
MOST_TROUBLES = 200  # of one file


@dataclass(frozen=True)
class ReadProblem:
    """One thing in one file that could not be read."""

    file: str
    line: int | None
    reason: str

    def __str__(self) -> str:
        return f"{self.file}{f' line {self.line}' if self.line else ''}: {self.reason}"

    def as_json(self) -> dict[str, Any]:
        return asdict(self)


class Unfit(Exception):
    """An item lacks what it must have; it was reported, and its reader leaves it out."""


class Written(str):
    """A number with a point, in the digits it was written in."""


class RoundFiles:
    """The files of one round, or those beside the rounds."""

    def __init__(self, contents: Mapping[str, bytes]) -> None:
        self.contents = contents
        self.troubles: list[ReadProblem] = []
        self.reported: Counter[str] = Counter()
        self.parsed: set[str] = set()

    def report(self, file: str, reason: str, *, line: int | None = None) -> None:
        self.reported[file] += 1
        if self.reported[file] <= MOST_TROUBLES:
            self.troubles.append(ReadProblem(file, line, reason))

    def has(self, file: str) -> bool:
        return file in self.contents

    def text(self, file: str) -> str | None:
        content = self.contents.get(file)
        if content is None:
            return None
        try:
            return content.decode("utf-8")
        except UnicodeDecodeError as error:
            line = content.count(b"\n", 0, error.start) + 1
            self.report(file, "not UTF-8 text", line=line)
            return None

    def json(self, file: str, *, kind: type, digits: bool = False) -> Any:
        """The file's value if it is of `kind` (dict or list), else None.  `digits`: numbers with a point as Written."""
        text = self.text(file)
        self.parsed.add(file)
        if text is None:
            return None
        try:
            value = fit(parse_json(text, floats=Written if digits else None))
        except BadJson as error:
            self.report(file, str(error), line=error.line)
        except RecursionError as error:
            self.report(file, f"not JSON that can be read: {error}")
        else:
            if isinstance(value, kind):
                return value
            self.report(file, f"{_named(value)} where {_named(kind())} is needed", line=1)
        return None

    def item(self, file: str) -> Item | None:
        value = self.json(file, kind=dict)
        return None if value is None else Item(value, file, self)

    def items(self, file: str) -> Iterator[tuple[str, Item]]:
        """Of a file that maps hotkeys or stems to objects."""
        for name, value in (self.json(file, kind=dict) or {}).items():
            item = self.object(file, value, trail=(name,))
            if item is not None:
                yield name, item

    def listed(self, file: str, *, digits: bool = False) -> Iterator[Item]:
        """Of a file that is a list of objects."""
        for place, value in enumerate(self.json(file, kind=list, digits=digits) or []):
            item = self.object(file, value, trail=(), place=place)
            if item is not None:
                yield item

    def object(self, file: str, value: object, *, trail: tuple[str, ...], place: int | None = None) -> Item | None:
        if isinstance(value, dict):
            return Item(value, file, self, trail=trail, place=place)
        where = " ".join([*trail, f"item {place}"] if place is not None else trail)
        self.report(file, f"{where}: {_named(value)} where an object is needed", line=self.line(file, *trail))
        return None

    def table(self, file: str, *, columns: tuple[str, ...]) -> Iterator[tuple[int, dict[str, str]]]:
        """(line, row) of a CSV file with exactly these columns."""
        text = self.text(file)
        if text is None:
            return
        try:
            rows = list(csv.reader(text.splitlines()))
        except csv.Error as error:
            self.report(file, f"not CSV: {error}")
            return
        if not rows or tuple(rows[0]) != columns:
            header = ",".join(rows[0])[:80] if rows else "nothing"
            self.report(file, f"the columns are {header}, not {','.join(columns)}", line=1)
            return
        for line, cells in enumerate(rows[1:], 2):
            if len(cells) == len(columns):
                yield line, dict(zip(columns, cells, strict=True))
            else:
                self.report(file, f"{len(cells)} cells where {len(columns)} are needed", line=line)

    def line(self, file: str, *trail: str) -> int | None:
        """The line of a key, found by walking to it; None once enough problems of the file are reported."""
        if self.reported[file] >= MOST_TROUBLES:
            return None
        text, at = self.contents.get(file, b""), 0
        for key in trail:
            position = text.find(json.dumps(key, ensure_ascii=False).encode("utf-8", "replace"), at)
            if position < 0:
                return None
            at = position
        return text.count(b"\n", 0, at) + 1 if trail else None


@dataclass
class Item:
    """One object of a file.  A field that is missing or of the wrong type is reported, and the item is Unfit."""

    values: dict[str, Any]
    file: str
    files: RoundFiles
    trail: tuple[str, ...] = ()
    place: int | None = None
    taken: set[str] = field(default_factory=set)

    def text(self, key: str, *, most: int = 10_000) -> str:
        value = self._get(key)
        if not isinstance(value, str) or isinstance(value, Written):
            self._unfit(key, value, "a text is needed")
        if len(value) > most:
            self._unfit(key, value[:40], f"a text of at most {most} characters is needed")
        return str(value)

    def maybe_text(self, key: str, *, most: int = 10_000) -> str | None:
        """None where it is null or absent."""
        self.taken.add(key)
        return None if self.values.get(key) is None else self.text(key, most=most)

    def hotkey(self, key: str) -> str:
        value = self.text(key)
        if not HOTKEY.fullmatch(value):
            self._unfit(key, value[:60], "a hotkey is needed")
        return value

    def whole(self, key: str) -> int:
        value = self._get(key)
        if isinstance(value, bool) or not isinstance(value, int) or not 0 <= value <= LARGEST_WHOLE:
            self._unfit(key, value, "a whole number, zero or more, is needed")
        return int(value)

    def number(self, key: str) -> float:
        value = self._get(key)
        if isinstance(value, bool) or not isinstance(value, int | float) or not abs(value) <= LARGEST_WHOLE:
            self._unfit(key, value, "a number is needed")
        return value

    def digits(self, key: str) -> str:
        """A number from 0 to 1 in the digits it was written in; the file must be read with `digits`."""
        value = self._get(key)
        plain = isinstance(value, Written) or (isinstance(value, int) and not isinstance(value, bool))
        text = DIGITS.fullmatch(str(value)) if plain else None
        if text is None or not 0 <= float(text[0]) <= 1:
            self._unfit(key, value, "a number from 0 to 1 is needed")
        return text[0] if text["power"] is None else format(Decimal(text[0]), "f")

    def objects(self, key: str) -> Iterator[Item]:
        value = self._get(key)
        if not isinstance(value, list):
            self._unfit(key, value, "a list is needed")
        for place, entry in enumerate(value):
            item = self.files.object(self.file, entry, trail=(*self.trail, key), place=place)
            if item is not None:
                yield item

    def rest(self) -> dict[str, Any]:
        """What no reader asked for: unknown keys, kept as they are."""
        return {key: value for key, value in self.values.items() if key not in self.taken}

    def wrong(self, key: str, reason: str) -> NoReturn:
        self._unfit(key, self.values.get(key), reason)

    def _get(self, key: str) -> Any:
        self.taken.add(key)
        if key not in self.values:
            self._unfit(key, None, "the field is missing")
        return self.values[key]

    def _unfit(self, key: str, value: object, reason: str) -> NoReturn:
        where = ".".join([*self.trail, *([f"[{self.place}]"] if self.place is not None else []), key])
        shown = f", not {json.dumps(value, default=str)[:60]}" if key in self.values else ""
        name = self.values.get("name", self.values.get("hotkey"))
        named = self.place is not None and isinstance(name, str) and key not in ("name", "hotkey")
        trail = (*self.trail, str(name)) if named else self.trail
        line = self.files.line(self.file, *trail, key) or self.files.line(self.file, *trail)
        self.files.report(self.file, f"{where}: {reason}{shown}", line=line)
        raise Unfit(where)


def each(items: Iterator[Item], read: Callable[[Item], Any]) -> Iterator[Any]:
    """What `read` makes of every item that is fit."""
    for item in items:
        try:
            yield read(item)
        except Unfit:
            continue


def fit(value: Any, *, depth: int = 0) -> Any:
    """The same value with every text fit for PostgreSQL, and no deeper than a page can show."""
    if isinstance(value, Written):
        return value
    if depth > DEEPEST and isinstance(value, dict | list):
        return _fit_text(json.dumps(value))
    if isinstance(value, str):
        return value if value.isascii() and "\0" not in value else _fit_text(value)
    if isinstance(value, dict):
        return {fit(key): fit(entry, depth=depth + 1) for key, entry in value.items()}
    return [fit(entry, depth=depth + 1) for entry in value] if isinstance(value, list) else value


def _fit_text(text: str) -> str:
    return text.replace("\0", "\N{REPLACEMENT CHARACTER}").encode("utf-8", "replace").decode("utf-8")


def _named(value: object) -> str:
    kinds = {dict: "an object", list: "a list", str: "a text", bool: "true or false", type(None): "null"}
    return kinds.get(type(value), "a number")
