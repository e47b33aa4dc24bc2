"""How does a check meet a stranger's code, and what is believed of its answer?

In a walled child of a fork server, without network or secrets, with limits.  Three ends: *done*; *exhausted*, where the
code made the check use up the memory or processor time it was given, so that a person must look; *broken*, which may be
ours and is tried again.  A scanner that hangs, eats memory or crashes ends itself and nothing else.
"""

from __future__ import annotations

import json
import tempfile
from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass, replace
from functools import cache
from pathlib import Path
from typing import Any

from audits.source import CHECKS, MOST_FINDINGS
from audits.source.findings import PERSON, SEVERITIES, Finding, excerpt
from audits.source.inventory import Part
from judging.renderers.base import Refused, RendererFault
from judging.renderers.confinement import Limits
from judging.renderers.sandbox import Sandbox

WORK = "audits.source.examining:work"
LIMITS = Limits(memory=2 << 30, cpu_seconds=30, wall_seconds=120.0, file_bytes=1 << 20, answer_bytes=24 << 20)
DONE, EXHAUSTED, BROKEN = "done", "exhausted", "broken"
OURS = ("SANDBOX_UNAVAILABLE", "SANDBOX_DIED")


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
    findings: tuple[Finding, ...] = ()
    document: str = ""
    parts: tuple[Part, ...] = ()

    def raw(self) -> bytes:
        """All of it, as it is kept: the same bytes for the same answer."""
        told = {
            "check": self.check, "tool": self.tool, "version": self.version, "ruleset": self.ruleset,
            "outcome": self.outcome, "why": self.why, "findings": [asdict(f) for f in self.findings],
            "document": self.document,
        }  # fmt: skip
        return json.dumps(told, sort_keys=True, ensure_ascii=False).encode("utf-8", "replace")


@cache
def _sandbox(work: str) -> Sandbox:
    return Sandbox(work)


def scan(name: str, path: Path, *, commit: str, limits: Limits = LIMITS, work: str = WORK) -> Scanned:
    """Run one check of CHECKS on an archive of ours.  Raises NoSandbox."""
    check = CHECKS[name]
    blank = Scanned(check=name, tool=check.tool, version=check.version(), ruleset=check.ruleset(), outcome=DONE)
    with tempfile.TemporaryDirectory(prefix="gauntlet-scan-") as folder:
        try:
            done = _sandbox(work).run({"check": name, "commit": commit}, data=path, folder=Path(folder), limits=limits)
        except Refused as refused:
            return exhausted(blank, refused.sentence)
        except RendererFault as fault:
            if fault.code in OURS:
                raise NoSandbox(str(fault)) from fault
            return replace(blank, outcome=BROKEN, why=excerpt(f"{fault.code}: {fault}"))
    try:
        return _believed(blank, done.answer, walls=done.walls)
    except (KeyError, TypeError, ValueError, AttributeError) as reason:
        return replace(blank, outcome=BROKEN, why=f"its answer cannot be read ({type(reason).__name__})")


def exhausted(blank: Scanned, why: str) -> Scanned:
    """Processor time and memory are the code's doing, so trying again would end the same way."""
    sentence = f"Our check {blank.check!r} used up what it may use on this code: a person must look at it."
    finding = Finding(severity=PERSON, rule="check_exhausted", sentence=sentence)
    return replace(blank, outcome=EXHAUSTED, why=why, findings=signed(blank, [finding]))


def given_up(blank: Scanned, *, tries: int) -> Scanned:
    """A check that broke each time it was tried is reported to a person: it is neither a pass nor a rejection."""
    sentence = f"Our check {blank.check!r} broke {tries} times on this code ({blank.why}): a person must look at it."
    return replace(blank, findings=signed(blank, [Finding(severity=PERSON, rule="check_broke", sentence=sentence)]))


def _believed(blank: Scanned, answer: Mapping[str, Any], *, walls: tuple[str, ...]) -> Scanned:
    """The child met hostile bytes: its answer is taken apart like a stranger's."""
    findings = [_finding(told) for told in answer["findings"][: MOST_FINDINGS + 50]]
    parts = tuple(Part(**{name: str(part[name])[:300] for name in ("kind", "name", "version", "file")})
                  for part in answer["parts"])  # fmt: skip
    document = answer["document"]
    if not isinstance(document, str):
        raise TypeError("a document is text")
    return replace(blank, walls=walls, findings=signed(blank, findings), document=document, parts=parts)


def _finding(told: Mapping[str, Any]) -> Finding:
    if told["severity"] not in SEVERITIES:
        raise ValueError("no such severity")
    line = told["line"]
    return Finding(
        severity=told["severity"], rule=excerpt(str(told["rule"]))[:60], sentence=str(told["sentence"])[:2000],
        file=str(told["file"])[:300], line=line if isinstance(line, int) and 0 < line < 1 << 30 else None,
        excerpt=excerpt(str(told["excerpt"])),
    )  # fmt: skip


def signed(blank: Scanned, findings: Iterable[Finding]) -> tuple[Finding, ...]:
    return tuple(replace(f, check=blank.check, tool=blank.tool, tool_version=blank.version) for f in findings)
