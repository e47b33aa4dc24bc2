"""Where do two values differ?  True is not 1.  Of two lists only the first difference counts."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Any

Path = tuple[str, ...]
Kinds = str | Mapping[str, str]
"""The kind of a finding, or the kind by the last part of its path that is named; "" for all other paths."""


def differences(found: Any, expected: Any, path: Path = ()) -> Iterator[tuple[Path, Any, Any]]:
    """(path, what is there, what should be there)."""
    if found is expected:  # what was taken over as it is
        return
    if isinstance(found, dict) and isinstance(expected, dict):
        for key in sorted({*found, *expected}, key=str):
            if key in found and key in expected:
                yield from differences(found[key], expected[key], (*path, str(key)))
            else:
                yield (*path, str(key)), found.get(key), expected.get(key)
    elif isinstance(found, list | tuple) and isinstance(expected, list | tuple):
        for place, (left, right) in enumerate(zip(found, expected, strict=False)):
            inside = list(differences(left, right, (*path, str(place))))
            if inside:
                yield from inside
                return
        if len(found) != len(expected):
            yield (*path, "how many"), len(found), len(expected)
    elif isinstance(found, bool) != isinstance(expected, bool) or found != expected:
        yield path, found, expected


def kind_of(kinds: Kinds, path: Path) -> str:
    if isinstance(kinds, str):
        return kinds
    return next((kinds[part] for part in reversed(path) if part in kinds), kinds.get("", ""))


def keyed(rows: Iterable[Mapping[str, Any]], *names: str) -> dict[str, Any]:
    """The rows by what identifies them; one that comes again has a number, so that nothing expects it."""
    table: dict[str, Any] = {}
    for row in rows:
        key = " ".join(str(row.get(name)) for name in names)
        table[key if key not in table else f"{key} ({len(table)})"] = row
    return table
