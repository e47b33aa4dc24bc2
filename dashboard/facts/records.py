"""What is known of a round that was played elsewhere, and does it agree with itself?"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit

from dashboard.facts.external_links import web_address
from dashboard.models import VerifierFinding


@dataclass(frozen=True, kw_only=True)
class RecordFinding:
    """One disagreement (`error`) or one thing a reader should know (`notable`), with the value found and expected."""

    severity: str
    kind: str
    file: str
    field: str
    found: Any
    expected: Any
    sentence: str


def record_finding(row: VerifierFinding) -> RecordFinding:
    names = ("severity", "kind", "file", "field", "found", "expected", "sentence")
    return RecordFinding(**{name: getattr(row, name) for name in names})


@dataclass(frozen=True, kw_only=True)
class Stated:
    """What the records say of a match, beside what its duels give when they are counted again."""

    file: str
    margin: float | None
    matrix: float | None
    recomputed: float | None
    agrees: bool | None


def stated(source: Mapping[str, Any], *, defender: str, challenger: str) -> Stated | None:
    entry = _matches(source).get(f"{defender}-vs-{challenger}")
    if not isinstance(entry, Mapping):
        return None
    numbers: dict[str, float | None] = {}
    for name in ("margin", "matrix", "recomputed"):
        value: Any = entry.get(name)
        number = isinstance(value, int | float) and not isinstance(value, bool)
        numbers[name] = float(value) if number else None
    agrees = entry.get("agrees")
    return Stated(file=str(entry.get("file", "")), agrees=agrees if isinstance(agrees, bool) else None, **numbers)


def summary(source: Mapping[str, Any]) -> dict[str, Any]:
    """The source without its matches, and how many of their margins agree."""
    if not source:
        return {}
    matches = [match for match in _matches(source).values() if isinstance(match, Mapping)]
    agree = sum(match.get("agrees") is True for match in matches)
    rest = {name: value for name, value in source.items() if name != "matches" and value not in ("", None)}
    return {**rest, "margins that agree": f"{agree} of {len(matches)}"}


@dataclass(frozen=True, kw_only=True)
class RecordLink:
    """A file on somebody else's host: linked, never loaded by a visitor's browser."""

    kind: str
    host: str
    url: str


PICTURES = ("png", "views")


def links(detail: Any, side: str) -> tuple[RecordLink, ...]:
    """What one side of an imported duel showed; an address that a browser cannot open is left out."""
    listed = []
    for kind, url in files_of(detail, side).items():
        if web_address(url):
            listed.append(RecordLink(kind=kind, host=urlsplit(url).hostname or "", url=url))
    return tuple(listed)


def checked(detail: Any) -> Any:
    """A duel's detail to show to programs: of its files, only addresses that a browser may follow."""
    if not isinstance(detail, Mapping) or "files" not in detail:
        return detail
    sides = {side: files_of(detail, side) for side in ("defender", "challenger")}
    files = {side: {kind: web_address(url) for kind, url in urls.items()} for side, urls in sides.items() if urls}
    return {**detail, "files": files}


def files_of(detail: Any, side: str) -> dict[str, str]:
    """Kind -> address."""
    files = detail.get("files") if isinstance(detail, Mapping) else None
    named = files.get(side) if isinstance(files, Mapping) else None
    return {str(k): url for k, url in named.items() if isinstance(url, str)} if isinstance(named, Mapping) else {}


def pictures_of(detail: Any) -> list[str]:
    """The addresses of both sides' pictures."""
    return [url for side in ("defender", "challenger") for url in _pictures(detail, side)]


def mirrored_view(detail: Any, side: str, *, mirrored: Mapping[str, str]) -> str:
    """The hash of our copy of the picture that was judged, or empty."""
    return next((mirrored[url] for url in _pictures(detail, side) if url in mirrored), "")


def _pictures(detail: Any, side: str) -> list[str]:
    return [url for kind, url in files_of(detail, side).items() if kind in PICTURES]


def _matches(source: Mapping[str, Any]) -> Mapping[str, Any]:
    matches = source.get("matches")
    return matches if isinstance(matches, Mapping) else {}
