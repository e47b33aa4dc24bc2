"""Does an exact version that the solution installs have a published vulnerability?

Looked up in a snapshot of the OSV database that the operator brings (`GAUNTLET_OSV_SNAPSHOT`, the `all.zip` of PyPI):
no name leaves this machine.  Without a snapshot, and for what is not pinned, nothing is known; unknown is never "none".
"""

from __future__ import annotations

import json
import zipfile
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any

from packaging.utils import canonicalize_name
from packaging.version import InvalidVersion, Version

from audits.source.findings import NOTICE, PERSON, SourceFinding, excerpt
from audits.source.inventory import InventoryPart

MOST_ADVISORIES = 500_000
LARGEST_ADVISORY = 4 << 20
SERIOUS = ("HIGH", "CRITICAL")


class BadSnapshot(Exception):
    """The operator's file is no snapshot of the OSV database."""


@dataclass(frozen=True, kw_only=True)
class Snapshot:
    """`newest` is the date of the newest advisory: how old our knowledge is."""

    by_package: Mapping[str, tuple[Mapping[str, Any], ...]]
    newest: str
    advisories: int


@lru_cache(maxsize=2)
def _read(path: str, _changed: float) -> Snapshot:
    by_package: dict[str, list[Mapping[str, Any]]] = {}
    newest, number = "", 0
    try:
        for advisory in _advisories(path):
            number += 1
            newest = max(newest, str(advisory.get("modified", "")))
            for name in _packages(advisory):
                by_package.setdefault(name, []).append(advisory)
    except (OSError, ValueError, zipfile.BadZipFile, AttributeError, TypeError) as reason:
        raise BadSnapshot(f"{path} is no snapshot of the OSV database: {reason}") from reason
    if not number:
        raise BadSnapshot(f"{path} has no advisories")
    return Snapshot(by_package={n: tuple(a) for n, a in by_package.items()}, newest=newest[:10], advisories=number)


def _advisories(path: str) -> Iterator[Mapping[str, Any]]:
    with zipfile.ZipFile(path) as opened:
        for entry in opened.infolist()[:MOST_ADVISORIES]:
            if entry.filename.endswith(".json") and entry.file_size <= LARGEST_ADVISORY:
                yield json.loads(opened.read(entry))


def snapshot(path: Path) -> Snapshot:
    """Raises BadSnapshot."""
    try:
        return _read(str(path), path.stat().st_mtime)
    except OSError as reason:
        raise BadSnapshot(f"{path} cannot be read: {reason.strerror}") from reason


def _packages(advisory: Mapping[str, Any]) -> set[str]:
    if advisory.get("withdrawn"):
        return set()
    packages = [affected.get("package", {}) for affected in advisory.get("affected", [])]
    return {canonicalize_name(str(p.get("name", ""))) for p in packages if p.get("ecosystem") == "PyPI"}


def check(parts: Iterable[InventoryPart], *, known: Snapshot | None) -> Iterator[SourceFinding]:
    wanted = [part for part in parts if part.kind == "pypi"]
    if known is None:
        why = "Not known whether its packages have vulnerabilities: no snapshot of advisories is configured here."
        yield SourceFinding(severity=NOTICE, rule="vulnerabilities_unknown", sentence=why)
        return
    for part in wanted:
        try:
            version = Version(part.version)
        except InvalidVersion:
            why = f"{part.name} has no exact version, so nobody knows whether it is vulnerable."
            yield SourceFinding(severity=NOTICE, rule="vulnerabilities_unknown", sentence=why, file=part.file)
            continue
        for advisory in known.by_package.get(part.name, ()):
            if affects(advisory, name=part.name, version=version):
                summary = excerpt(str(advisory.get("summary", "")))
                why = f"{part.name} {part.version} is affected by {excerpt(str(advisory.get('id', '?')))}: {summary}"
                rated = str(advisory.get("database_specific", {}).get("severity", "")).upper()
                scores = advisory.get("severity", []) if not rated else []
                serious = rated in SERIOUS or any("/AV:N" in str(score.get("score")) for score in scores)
                severity = PERSON if serious else NOTICE
                yield SourceFinding(
                    severity=severity, rule="vulnerable", sentence=why, file=part.file, excerpt=str(version)
                )


def affects(advisory: Mapping[str, Any], *, name: str, version: Version) -> bool:
    """By OSV's rules: listed, or inside one of its ranges of introduced and fixed versions."""
    for affected in advisory.get("affected", []):
        package = affected.get("package", {})
        if package.get("ecosystem") != "PyPI" or canonicalize_name(str(package.get("name", ""))) != name:
            continue
        if any(_same(listed, version) for listed in affected.get("versions", [])):
            return True
        if any(
            _inside(r.get("events", []), version) for r in affected.get("ranges", []) if r.get("type") == "ECOSYSTEM"
        ):
            return True
    return False


def _same(listed: str, version: Version) -> bool:
    try:
        return Version(listed) == version
    except InvalidVersion:
        return False


def _inside(events: list[Mapping[str, str]], version: Version) -> bool:
    inside = False
    for event in sorted(events, key=lambda event: _version(next(iter(event.values())))):
        (kind, at), *_ = event.items()
        if kind == "introduced" and version >= _version(at):
            inside = True
        elif (kind == "fixed" and version >= _version(at)) or (kind == "last_affected" and version > _version(at)):
            inside = False
    return inside


def _version(text: str) -> Version:
    try:
        return Version("0" if text == "0" else text)
    except InvalidVersion:
        return Version("0")
