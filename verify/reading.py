"""How are files that may be damaged or hostile read?

Whatever cannot be read becomes a finding with its line and reason; everything else is read on.
"""

from __future__ import annotations

import csv
import json
import re
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import NoReturn

from verify.findings import LONGEST_VALUE, Book

LARGEST_BYTES = 64 * 2**20
FEWEST_BYTES = 8
"""Of a JSON value or a line, on average. Records and bundles have 15 to 100: a file of many empty values is small, and
takes a hundred times its size in memory."""
FEW_VALUES = 2**15
LINE_ENDS = "\n\r\v\f\x1c\x1d\x1e\x85\u2028\u2029"
TEXTS = re.compile(rb'"(?:[^"\\]++|\\.?)*+(?:"|\Z)', re.S)
"""One that is not closed reaches to the end, so that no text is looked through twice."""
ABSENT = object()
LARGEST_NUMBER = 2**53
"""Beyond it a float is no longer exact; no score, margin, weight or time comes near."""


@dataclass(frozen=True)
class Row:
    """One JSON object and the place it came from. A wrong field is noted once and read as None."""

    values: dict[str, object]
    file: str
    at: str
    book: Book

    def text(self, key: str) -> str | None:
        value = self.values.get(key)
        if isinstance(value, str):
            return value
        self._wrong(key, "a text")
        return None

    def maybe_text(self, key: str) -> str | None:
        value = self.values.get(key)
        if value is None and key in self.values:
            return None
        if isinstance(value, str):
            return value
        self._wrong(key, "a text or null")
        return None

    def optional_text(self, key: str) -> str | None:
        return self.maybe_text(key) if key in self.values else None

    def whole(self, key: str) -> int | None:
        value = self.values.get(key)
        if isinstance(value, int) and not isinstance(value, bool):
            return value
        self._wrong(key, "a whole number")
        return None

    def number(self, key: str) -> float | None:
        value = self.values.get(key)
        if isinstance(value, int | float) and not isinstance(value, bool) and abs(value) <= LARGEST_NUMBER:
            return value
        self._wrong(key, "a number")
        return None

    def maybe_number(self, key: str) -> float | None:
        if key in self.values and self.values[key] is None:
            return None
        return self.number(key)

    def texts(self, key: str) -> list[str]:
        value = self.values.get(key)
        if isinstance(value, list) and all(isinstance(item, str) for item in value):
            return value
        self._wrong(key, "a list of texts")
        return []

    def rows(self, key: str) -> list[Row]:
        value = self.values.get(key)
        if not isinstance(value, list):
            self._wrong(key, "a list of objects")
            return []
        return rows_of(value, file=self.file, at=self.field(key), book=self.book)

    def field(self, key: str) -> str:
        return f"{self.at}.{key}" if self.at else key

    def only(self, known: frozenset[str]) -> None:
        """Keys nobody announced are told, not ignored."""
        for key in self.values.keys() - known:
            said = f"Nobody announced the key {key[:80]!r} in this kind of file; it was not examined."
            self.book.note("unknown-key", file=self.file, field=key[:80], sentence=said)

    def _wrong(self, key: str, wanted: str) -> None:
        if key in self.values:
            kind, said = "wrong-type", f"The value is a {type(self.values[key]).__name__}, not {wanted}."
        else:
            kind, said = "missing-field", "The field is not there."
        found = self.values.get(key)
        self.book.note(kind, file=self.file, field=self.field(key), found=found, expected=wanted, sentence=said)


def rows_of(items: list[object], *, file: str, at: str, book: Book) -> list[Row]:
    """The objects of a list; whatever else lies in it is noted and left out."""
    rows = []
    for index, item in enumerate(items):
        place = f"{at}[{index}]"
        if isinstance(item, dict):
            rows.append(Row(item, file, place, book))
        else:
            said = f"The item is a {type(item).__name__}, not an object."
            book.note("wrong-type", file=file, field=place, found=item, expected="an object", sentence=said)
    return rows


class Repository:
    """The files of one state repository."""

    def __init__(self, root: Path, *, book: Book) -> None:
        self.root = root
        self.book = book

    def has(self, file: str) -> bool:
        return (self.root / file).is_file()

    def folders(self, file: str) -> list[str]:
        return self._names(file, Path.is_dir)

    def files(self, file: str) -> list[str]:
        return self._names(file, Path.is_file)

    def _names(self, file: str, wanted: Callable[[Path], bool]) -> list[str]:
        folder = self.root / file
        return sorted(path.name for path in folder.iterdir() if wanted(path)) if folder.is_dir() else []

    def content(self, file: str) -> str | None:
        """The text of a file; None when it is absent or unreadable (noted)."""
        path = self.root / file
        if not path.is_file():
            return None
        if path.is_symlink() or path.stat().st_size > LARGEST_BYTES:
            said = "A link, or a file too large to be a record, is not read."
            self.book.note("unreadable-file", file=file, sentence=said)
            return None
        try:
            text = path.read_text(encoding="utf-8")
            ends = sum(map(text.count, LINE_ENDS))
            if ends <= FEW_VALUES + len(text) // FEWEST_BYTES:
                return text
            said = "The file holds more lines than a record of its size; it is not read."
            self.book.note("unreadable-file", file=file, found=ends, sentence=said)
            return None
        except (UnicodeDecodeError, OSError) as reason:
            self.book.note("unreadable-file", file=file, sentence=f"The file cannot be read as text: {reason}.")
            return None

    def json(self, file: str) -> object:
        """The parsed file; ABSENT when it is not there or cannot be parsed (noted)."""
        text = self.content(file)
        if text is not None and is_crowded(text.encode()):
            said = "The file holds more values than a record of its size; it is not read."
            self.book.note("unreadable-file", file=file, sentence=said)
            return ABSENT
        return ABSENT if text is None else self._parsed(text, file=file)

    def _parsed(self, text: str, *, file: str) -> object:
        def unique(pairs: list[tuple[str, object]]) -> dict[str, object]:
            whole = dict(pairs)
            if len(whole) != len(pairs):
                said = "A key appears twice in one object; readers differ in which of the two they take."
                seen = Counter(key for key, _ in pairs)
                twice = ", ".join(key[:80] for key, times in seen.items() if times > 1)
                self.book.note("duplicate-key", file=file, field=twice[:LONGEST_VALUE], sentence=said)
            return whole

        try:
            value: object = json.loads(text, object_pairs_hook=unique, parse_constant=_no_constant)
        except json.JSONDecodeError as error:
            where = f"line {error.lineno}, column {error.colno}"
            self.book.note("malformed-json", file=file, field=where, sentence=f"Not JSON: {error.msg}.")
        except (ValueError, RecursionError) as reason:
            self.book.note("malformed-json", file=file, sentence=f"Not JSON that can be read: {reason}.")
        else:
            return value
        return ABSENT

    def row(self, file: str) -> Row | None:
        value = self.json(file)
        if isinstance(value, dict):
            return Row(value, file, "", self.book)
        if value is not ABSENT:
            self._wrong_top(file, value, "an object")
        return None

    def rows(self, file: str) -> dict[str, Row]:
        """A file that maps names to objects."""
        top = self.row(file)
        rows = {}
        for name, value in top.values.items() if top else ():
            if isinstance(value, dict):
                rows[name] = Row(value, file, name, self.book)
            else:
                said = f"The item is a {type(value).__name__}, not an object."
                self.book.note("wrong-type", file=file, field=name, found=value, expected="an object", sentence=said)
        return rows

    def items(self, file: str) -> list[Row]:
        """A file that is a list of objects."""
        value = self.json(file)
        if isinstance(value, list):
            return rows_of(value, file=file, at="", book=self.book)
        if value is not ABSENT:
            self._wrong_top(file, value, "a list")
        return []

    def _wrong_top(self, file: str, value: object, wanted: str) -> None:
        said = f"The file holds a {type(value).__name__}, not {wanted}."
        self.book.note("wrong-type", file=file, found=type(value).__name__, expected=wanted, sentence=said)

    def table(self, file: str, *, columns: tuple[str, ...]) -> list[dict[str, str]]:
        """A CSV file with exactly these columns; a row of another length is noted and left out."""
        text = self.content(file)
        if text is None:
            return []
        try:
            lines = list(csv.reader(text.splitlines()))
        except csv.Error as reason:
            self.book.note("unreadable-file", file=file, sentence=f"The file cannot be read as CSV: {reason}.")
            return []
        if not lines or tuple(lines[0]) != columns:
            found = ",".join(lines[0]) if lines else ""
            said = "The first line must name the columns."
            self.book.note("wrong-columns", file=file, found=found, expected=",".join(columns), sentence=said)
            return []
        return [
            dict(zip(columns, cells, strict=True))
            for number, cells in enumerate(lines[1:], start=2)
            if self._has_width(cells, len(columns), file=file, number=number)
        ]

    def _has_width(self, cells: list[str], width: int, *, file: str, number: int) -> bool:
        if len(cells) == width:
            return True
        said = "The row was left out."
        place = f"line {number}"
        self.book.note("wrong-columns", file=file, field=place, found=len(cells), expected=width, sentence=said)
        return False


def is_crowded(data: bytes) -> bool:
    """Does JSON hold far more values than a file of ours of that size? What stands inside texts does not count."""
    most = FEW_VALUES + len(data) // FEWEST_BYTES
    return _values(data) > most and _values(TEXTS.sub(b'""', data)) > most


def _values(data: bytes) -> int:
    return sum(map(data.count, (b"}", b"]", b",")))


def _no_constant(name: str) -> NoReturn:
    raise ValueError(f"{name} is not a JSON number")
