"""How is a check run on a stranger's code, and what does it mean when the check fails?

It runs in a walled child of a fork server, without network or secrets, with limits.  Three ends: *done*; *exhausted*,
where the check failed on this code and passed on a clean tree of ours right afterwards (`control_tree`), so that a
person must look; *broken*, where it failed on both: that is ours, and is retried.  However a check fails, this module
alone decides which of the three it is.  A scanner that hangs, eats memory or crashes ends only itself.
"""

from __future__ import annotations

import json
import tempfile
from collections.abc import Callable, Iterable, Mapping
from dataclasses import asdict, dataclass, replace
from functools import cache, partial
from pathlib import Path
from typing import Any, TypeVar

from audits.source import CHECKS, MOST_FINDINGS, control_tree
from audits.source.findings import PERSON, SEVERITIES, SourceFinding, excerpt
from audits.source.inventory import InventoryPart
from core.sandbox.outcomes import RendererFault
from core.sandbox.policy import SandboxPolicy
from formats.sandbox import Sandbox

WORK = "audits.source.examining:work"
LIMITS = SandboxPolicy(memory=2 << 30, cpu_seconds=30, wall_seconds=120.0, file_bytes=1 << 20, answer_bytes=24 << 20)
DONE, EXHAUSTED, BROKEN, UNCONFIGURED = "done", "exhausted", "broken", "unconfigured"
FAILED = (EXHAUSTED, BROKEN)
UNSURE = ("SANDBOX_DIED", "KILLED", "OVERRAN")  # somebody else may have done it: tried once more before it counts
Given = TypeVar("Given")


class NoSandbox(Exception):
    """Nothing can be checked here at the moment: ours, whatever the code is."""


@dataclass(frozen=True, kw_only=True)
class Scanned:
    """What one check gave.  `document` is its own output beyond the findings, `why` the reason it is not done."""

    check: str
    tool: str
    version: str
    ruleset: str
    outcome: str
    why: str = ""
    walls: tuple[str, ...] = ()
    findings: tuple[SourceFinding, ...] = ()
    document: str = ""
    parts: tuple[InventoryPart, ...] = ()

    def raw(self) -> bytes:
        """All of it, as it is kept: the same bytes for the same answer."""
        answer = {
            "check": self.check,
            "tool": self.tool,
            "version": self.version,
            "ruleset": self.ruleset,
            "outcome": self.outcome,
            "why": self.why,
            "findings": [asdict(f) for f in self.findings],
            "document": self.document,
        }
        return json.dumps(answer, sort_keys=True, ensure_ascii=False).encode("utf-8", "replace")


@cache
def _sandbox(work: str) -> Sandbox:
    return Sandbox(work)


def scan(name: str, path: Path, *, commit: str, limits: SandboxPolicy = LIMITS, work: str = WORK) -> Scanned:
    """Run one check of CHECKS on an archive of ours.  Raises NoSandbox."""
    check = CHECKS[name]
    blank = Scanned(check=name, tool=check.tool, version=check.version(), ruleset=check.ruleset(), outcome=DONE)
    with control_tree.tree() as good:
        attempt = partial(_examined, blank, commit=commit, limits=limits, work=work)
        return controlled(blank, attempt, given=path, good=good)


def controlled(blank: Scanned, attempt: Callable[[Given], Scanned], *, given: Given, good: Given) -> Scanned:
    """What `attempt` makes of `given`; where it makes nothing of it, `good` shows whose doing that is.

    `good` is of the same kind and known to be looked at without trouble.  Raises NoSandbox.
    """
    result = _tried(blank, attempt, given)
    if result.outcome not in FAILED:
        return result
    known = _tried(blank, attempt, good)
    if known.outcome not in FAILED:
        return exhausted(result, result.why)
    return replace(blank, outcome=BROKEN, why=f"{result.why}; and on a clean tree of ours: {known.why}")


def _tried(blank: Scanned, attempt: Callable[[Given], Scanned], given: Given) -> Scanned:
    try:
        return attempt(given)
    except NoSandbox:
        raise
    except Exception as reason:  # whatever a stranger's bytes may provoke
        return replace(blank, outcome=BROKEN, why=excerpt(f"{type(reason).__name__}: {reason}"))


def _examined(blank: Scanned, path: Path, *, commit: str, limits: SandboxPolicy, work: str) -> Scanned:
    task, sandbox = {"check": blank.check, "commit": commit}, _sandbox(work)
    for last in (False, True):
        try:
            with tempfile.TemporaryDirectory(prefix="gauntlet-scan-") as folder:
                done = sandbox.run(task, data=path, folder=Path(folder), limits=limits)
            return _believed(blank, done.answer, walls=done.walls)
        except RendererFault as fault:
            if fault.code == "SANDBOX_UNAVAILABLE":
                raise NoSandbox(str(fault)) from fault
            if last or fault.code not in UNSURE:
                raise
    raise AssertionError("unreachable: the last try answers or raises")


def exhausted(blank: Scanned, why: str) -> Scanned:
    """The code's doing, so trying again would end the same way: neither a pass nor a rejection."""
    ended = "came to no end on this code, and did on a clean tree of ours right afterwards"
    sentence = f"Our check {blank.check!r} {ended}: a person must look at it."
    finding = SourceFinding(severity=PERSON, rule="check_exhausted", sentence=sentence)
    return replace(blank, outcome=EXHAUSTED, why=why, findings=signed(blank, [finding]), document="", parts=())


def _believed(blank: Scanned, answer: Mapping[str, Any], *, walls: tuple[str, ...]) -> Scanned:
    """The child met hostile bytes: its answer is taken apart like a stranger's."""
    findings = []
    for row in answer["findings"][: MOST_FINDINGS + 50]:
        if row["severity"] not in SEVERITIES:
            raise ValueError("no such severity")
        line = row["line"]
        findings.append(
            SourceFinding(
                severity=row["severity"],
                rule=excerpt(str(row["rule"]))[:60],
                sentence=plain(row["sentence"])[:2000],
                file=plain(row["file"])[:300],
                line=line if isinstance(line, int) and 0 < line < 1 << 30 else None,
                excerpt=excerpt(str(row["excerpt"])),
            )
        )
    names = ("kind", "name", "version", "file")
    parts = tuple(InventoryPart(**{name: plain(part[name])[:300] for name in names}) for part in answer["parts"])
    document = answer["document"]
    if not isinstance(document, str):
        raise TypeError("a document is text")
    return replace(blank, walls=walls, findings=signed(blank, findings), document=plain(document), parts=parts)


def plain(value: object) -> str:
    """Text that any file and any database takes: halves of letters, and NUL, are replaced."""
    return str(value).encode("utf-8", "replace").decode().replace("\0", "?")


def signed(blank: Scanned, findings: Iterable[SourceFinding]) -> tuple[SourceFinding, ...]:
    return tuple(replace(f, check=blank.check, tool=blank.tool, tool_version=blank.version) for f in findings)
