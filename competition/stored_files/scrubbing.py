"""Is every stored file, and every published bundle, still what its hash says?  A walk over all of them."""

from __future__ import annotations

import contextlib
import re
from collections.abc import Callable
from dataclasses import asdict, dataclass, field
from datetime import datetime

from competition.stored_files import damage
from competition.stored_files.damage import BUNDLE, FILE, MENDERS, Scrub
from core import store
from core.machine import engine
from core.machine.outcomes import Move

SHA256 = re.compile(r"[0-9a-f]{64}")


@dataclass
class ScrubReport:
    """`rotten` and `missing`: what the database names, as `file <sha256>` or `bundle <sha256>`; `unknown`: paths of
    files that nothing names (nothing is deleted); `mended`: of the first two, what has the same bytes again."""

    files: int = 0
    bytes: int = 0
    bundles: int = 0
    rotten: list[str] = field(default_factory=list)
    missing: list[str] = field(default_factory=list)
    unknown: list[str] = field(default_factory=list)
    mended: list[str] = field(default_factory=list)

    @property
    def well(self) -> bool:
        return set(self.rotten) | set(self.missing) == set(self.mended)

    def to_dict(self) -> dict[str, object]:
        return {**asdict(self), "well": self.well}


def scrub(*, repair: bool, clock: Callable[[], datetime], progress: Callable[[ScrubReport], object]) -> ScrubReport:
    """Compare everything; write down what is damaged, and with `repair` try to mend it at once."""
    report, began = ScrubReport(), clock()
    problems = _files(report, progress=progress) | _bundles(report, progress=progress)
    for (what, digest), problem in problems.items():
        getattr(report, "missing" if problem == "missing" else "rotten").append(f"{what} {digest}")
        row = damage.report(digest, problem=problem, now=clock(), what=what)
        restored = False
        if repair:
            with contextlib.suppress(ValueError, store.StoreFault):
                restored = MENDERS[what].restore(digest) and not MENDERS[what].problem(digest)
        if restored:
            report.mended.append(f"{what} {digest}")
            row.refresh_from_db()
            engine.move(row, Move("mended", because="manage.py scrub --repair put the same bytes back"), now=clock())
    counts = {name: len(getattr(report, name)) for name in ("rotten", "missing", "unknown", "mended")}
    Scrub.objects.create(
        began_at=began, ended_at=clock(), files=report.files, bytes=report.bytes, bundles=report.bundles, **counts
    )
    return report


def _files(report: ScrubReport, *, progress: Callable[[ScrubReport], object]) -> dict[tuple[str, str], str]:
    named, seen, here = set(damage.referenced()), set(), store.default()
    problems: dict[tuple[str, str], str] = {}
    for path in here.walk():
        report.files += 1
        progress(report)
        sha256 = path.name
        in_its_place = path.parts[-3:-1] == (sha256[:2], sha256[2:4])
        if not SHA256.fullmatch(sha256) or sha256 not in named or not in_its_place:
            report.unknown.append(str(path))
            continue
        seen.add(sha256)
        report.bytes += path.stat().st_size
        if not here.verify(sha256):
            problems[FILE, sha256] = "rotten"
    return problems | {(FILE, sha256): "missing" for sha256 in sorted(named - seen)}


def _bundles(report: ScrubReport, *, progress: Callable[[ScrubReport], object]) -> dict[tuple[str, str], str]:
    problems: dict[tuple[str, str], str] = {}
    mender = MENDERS.get(BUNDLE)
    for digest in mender.expected() if mender else ():
        report.bundles += 1
        progress(report)
        problem = mender.problem(digest) if mender else ""
        if problem:
            problems[BUNDLE, digest] = problem
    return problems
