"""How are files that may be damaged or hostile read?

Whatever cannot be read becomes a finding with its line and reason; everything else is read on.
"""

from __future__ import annotations

import csv
import json
import re
from collections import Counter
from collections.abc import Callable, Collection, Iterable, Mapping
from dataclasses import dataclass
from math import isfinite
from pathlib import Path
from typing import Any, NoReturn

from verify.bundles.shapes import FITS, Optional
from verify.findings import LONGEST_VALUE, FindingLog, Kinds, differences, kind_of

LARGEST_BYTES = 64 * 2**20
FEWEST_BYTES = 8
"""Of a JSON value or a line, on average. Records and bundles have 15 to 100: a file of many empty values is small, and
takes a hundred times its size in memory."""
FEW_VALUES = 2**15
LINE_ENDS = "\n\r\v\f\x1c\x1d\x1e\x85\u2028\u2029"
STRINGS = re.compile(rb'"(?:[^"\\]++|\\.?)*+(?:"|\Z)', re.S)
"""One that is not closed reaches to the end, so that no text is looked through twice."""
CROWDED = "The file holds more values or lines than a record of its size; it is not read."
ABSENT = object()
Form = Mapping[str, str]
"""Field -> its type, one of `FITS`."""


@dataclass(frozen=True)
class RecordRow:
    """One JSON object and the place it came from.  `at`: where in its file."""

    values: dict[str, Any]
    file: str
    at: str
    log: FindingLog

    def __getitem__(self, key: str) -> Any:
        return self.values.get(key)

    def read(self, form: Form) -> RecordRow:
        """The fields that are as they must be; each other one is noted, and left out."""
        if not self.values.keys() <= form.keys():
            for key in self.values.keys() - form.keys():
                self.log.note("unknown-key", file=self.file, field=key[:80])
        good, values = {}, self.values
        for key, kind in form.items():
            value = values.get(key, ABSENT)
            if value is not ABSENT and FITS[kind](value):
                good[key] = value
            elif value is not ABSENT:
                self.note("wrong-type", key, found=value, expected=kind)
            elif not isinstance(kind, Optional):
                self.note("missing-field", key, expected=kind)
        return RecordRow(good, self.file, self.at, self.log)

    def field(self, key: str) -> str:
        return ".".join(part for part in (self.at, key) if part)

    def note(self, kind: str, key: str = "", **about: Any) -> None:
        """A finding about this field, or about the whole object: `found`, `expected`, `sentence`, `round`."""
        self.log.note(kind, file=self.file, field=self.field(key), **about)

    def compare(self, kinds: Kinds, expected: Mapping[str, object], **about: Any) -> None:
        """Are these fields what was made again?"""
        for path, actual, wanted in differences({key: self[key] for key in expected}, expected):
            self.note(kind_of(kinds, path), ".".join(path), found=actual, expected=wanted, **about)

    def one_of(self, key: str, known: Collection[str]) -> None:
        """A word that nobody knows is noted."""
        if self[key] is not None and self[key] not in known:
            self.note("unknown-value", key, found=self[key], expected=", ".join(sorted(known)))

    def rows(self, key: str) -> list[RecordRow]:
        """The objects of a list; whatever else lies in it is noted and left out."""
        items = ((f"{self.field(key)}[{n}]", item) for n, item in enumerate(self[key] or []))
        return rows_of(items, file=self.file, log=self.log)


def rows_of(items: Iterable[tuple[str, object]], *, file: str, log: FindingLog) -> list[RecordRow]:
    """The objects among `items`: where in the file each is, and what it is."""
    rows = []
    for place, item in items:
        if isinstance(item, dict):
            rows.append(RecordRow(item, file, place, log))
        else:
            log.note("wrong-type", file=file, field=place, found=item, expected="an object")
    return rows


class Repository:
    """The files of one state repository."""

    def __init__(self, root: Path, *, log: FindingLog) -> None:
        self.root = root
        self.log = log

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
            self.log.note("unreadable-file", file=file)
            return None
        try:
            text = path.read_text(encoding="utf-8")
        except (UnicodeDecodeError, OSError) as reason:
            self.log.note("unreadable-file", file=file, sentence=f"The file cannot be read as text: {reason}.")
            return None
        ends = sum(map(text.count, LINE_ENDS))
        if ends > FEW_VALUES + len(text) // FEWEST_BYTES:
            self.log.note("unreadable-file", file=file, found=ends, sentence=CROWDED)
            return None
        return text

    def json(self, file: str, *, kind: type) -> Any:
        """The parsed file; ABSENT when it is not there, cannot be parsed, or is not of `kind` (noted)."""
        text = self.content(file)
        if text is None:
            return ABSENT
        if is_crowded(text.encode()):
            self.log.note("unreadable-file", file=file, sentence=CROWDED)
            return ABSENT

        def unique(pairs: list[tuple[str, object]]) -> dict[str, object]:
            whole = dict(pairs)
            if len(whole) != len(pairs):
                twice = [key[:80] for key, times in Counter(key for key, _ in pairs).items() if times > 1]
                self.log.note("duplicate-key", file=file, field=", ".join(twice)[:LONGEST_VALUE])
            return whole

        try:
            value = parse_json(text, pairs=unique)
        except BadJson as error:
            where = f"line {error.line}, column {error.column}" if error.line else ""
            self.log.note("malformed-json", file=file, field=where, sentence=f"The file is {error}.")
            return ABSENT
        if isinstance(value, kind):
            return value
        wanted = "a list" if kind is list else "an object"
        self.log.note("wrong-type", file=file, found=type(value).__name__, expected=wanted)
        return ABSENT

    def row(self, file: str, form: Form | None = None) -> RecordRow | None:
        """One object, read by its form where one is given."""
        value = self.json(file, kind=dict)
        if value is ABSENT:
            return None
        row = RecordRow(value, file, "", self.log)
        return row if form is None else row.read(form)

    def rows(self, file: str, form: Form | None = None, *, kind: type = dict) -> dict[str, RecordRow]:
        """A file that maps names to objects, or is a list of them: where each is -> the object."""
        value = self.json(file, kind=kind)
        if value is ABSENT:
            return {}
        items = value.items() if kind is dict else ((f"[{n}]", item) for n, item in enumerate(value))
        rows = rows_of(items, file=file, log=self.log)
        return {row.at: row if form is None else row.read(form) for row in rows}

    def table(self, file: str, *, columns: tuple[str, ...]) -> list[dict[str, str]]:
        """A CSV file with exactly these columns; a row of another length is noted and left out."""
        text = self.content(file)
        if text is None:
            return []
        try:
            first, *lines = list(csv.reader(text.splitlines())) or [[]]
        except csv.Error as reason:
            self.log.note("unreadable-file", file=file, sentence=f"The file cannot be read as CSV: {reason}.")
            return []
        if tuple(first) != columns:
            self.log.note("wrong-columns", file=file, found=",".join(first), expected=",".join(columns))
            return []
        rows = []
        for number, cells in enumerate(lines, start=2):
            if len(cells) == len(columns):
                rows.append(dict(zip(columns, cells, strict=True)))
            else:
                at = f"line {number}"
                self.log.note("wrong-columns", file=file, field=at, found=len(cells), expected=len(columns))
        return rows


def is_crowded(data: bytes) -> bool:
    """Does JSON hold far more values than a file of ours of that size? What stands inside texts does not count."""
    most = FEW_VALUES + len(data) // FEWEST_BYTES
    return _values(data) > most and _values(STRINGS.sub(b'""', data)) > most


def _values(data: bytes) -> int:
    return sum(map(data.count, (b"}", b"]", b",")))


class BadJson(ValueError):
    """What is no JSON that can be read, with its line and column where they are known."""

    def __init__(self, reason: str, *, line: int | None = None, column: int | None = None) -> None:
        super().__init__(reason)
        self.line, self.column = line, column


def parse_json(
    text: str,
    *,
    pairs: Callable[[list[tuple[str, object]]], object] | None = None,
    floats: Callable[[str], object] | None = None,
) -> Any:
    """The value of a text that may be cut off or hostile.  Raises BadJson.

    `pairs`, `floats`: what to make of an object's pairs, and of a number with a point.
    """
    try:
        return json.loads(text, object_pairs_hook=pairs, parse_float=floats, parse_constant=_no_constant)
    except json.JSONDecodeError as error:
        raise BadJson(f"not JSON: {error.msg}", line=error.lineno, column=error.colno) from error
    except (ValueError, RecursionError) as error:
        raise BadJson(f"not JSON that can be read: {error}") from error


def parse_bytes(data: bytes) -> Any:
    """The JSON of a bundle, a site or a node, whose texts are all UTF-8.  Raises BadJson."""
    try:
        text = data.decode()
        value = parse_json(text)
        if "\\u" in text:  # the only way to half a surrogate pair
            json.dumps(value, ensure_ascii=False).encode()
        return value
    except UnicodeError as error:
        raise BadJson(f"not UTF-8: {str(error)[:150]}") from error
    except RecursionError as error:
        raise BadJson("nested too deep to be read") from error


def finite(text: str) -> float | None:
    """The number, or None where it is none that counts."""
    try:
        number = float(text)
    except ValueError:
        return None
    return number if isfinite(number) else None


def _no_constant(name: str) -> NoReturn:
    raise ValueError(f"{name} is not a JSON number")
