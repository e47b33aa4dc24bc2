"""What can be seen in a miner's code without running it?  A table of checks; they propose, verdicts decide."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from pathlib import Path

from audits.source import dockerfile, licences, pins, tree
from audits.source.findings import UNCHECKED, Finding
from audits.source.tree import Tree

Check = Callable[[Tree], Iterable[Finding]]
CHECKS: Mapping[str, Check] = {"pins": pins.check, "dockerfile": dockerfile.check, "licences": licences.check}


def run_checks(folder: Path, *, checks: Mapping[str, Check] = CHECKS) -> list[Finding]:
    """Every finding of every check on the code in `folder`; never raises for what is in it.

    A check that breaks has found nothing: that is our fault, and is said so.
    """
    try:
        code = tree.read(folder)
    except OSError as reason:
        return [_broken("tree", reason)]
    found = list(code.findings)
    if any(finding.severity == UNCHECKED for finding in found):
        return found  # checks of code that we could not read would find that everything is missing
    for name, check in checks.items():
        try:
            found += check(code)
        except Exception as reason:  # whatever a hostile file provokes here, it must not end the audit or pass it
            found.append(_broken(name, reason))
    return sorted(found, key=lambda finding: (finding.file, finding.line or 0, finding.rule))


def _broken(name: str, reason: Exception) -> Finding:
    sentence = f"Our check {name!r} could not run ({type(reason).__name__}); we must act."
    return Finding(severity=UNCHECKED, rule=f"{name}_did_not_run", sentence=sentence)
