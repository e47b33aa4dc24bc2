"""What does hadolint say of the recipes?  Its advice is shown; the verdict follows from our own rules only.

It is a program of others, under the GPL, and not part of this platform: an operator who wants its advice installs it.
It runs as a process of its own, walled off from the network, and reads one recipe from its standard input.
"""

from __future__ import annotations

import json
import shutil
import sys
import tempfile
from dataclasses import replace
from functools import cache, partial
from pathlib import Path
from typing import Any

from audits.source import archive, control_tree, dockerfile
from audits.source.findings import NOTICE, SourceFinding, excerpt
from audits.source.scanning import BROKEN, DONE, UNCONFIGURED, Scanned, controlled, exhausted, signed
from core.sandbox import processes
from core.sandbox.policy import SandboxPolicy

LIMITS = SandboxPolicy(  # its memory is no limit: a Haskell program reserves a terabyte of addresses
    memory=4 << 40, cpu_seconds=20, wall_seconds=60.0, file_bytes=1 << 20, answer_bytes=4 << 20
)
WALLS = ("no network", "no capabilities", "no new privileges", "processor, file and output limits")
LOOKED_FOR = f"{Path(sys.executable).parent}:/usr/local/bin:/usr/bin"
NOT_INSTALLED = "hadolint is not installed here: what decides about recipes are our own rules (the check dockerfile)"
MOST_RECIPES, MOST_ADVICE = 20, 50


def lint(path: Path, *, program: str = "") -> Scanned:
    """hadolint's opinion of every recipe in an archive of ours; `unconfigured` where it is not installed.

    `program`: its name or path; "" for `hadolint`, where programs are looked for.
    """
    linter = shutil.which(program or "hadolint", path=LOOKED_FOR)
    if linter is None:
        return Scanned(
            check="hadolint", tool="hadolint", version="", ruleset="", outcome=UNCONFIGURED, why=NOT_INSTALLED
        )
    version = _version(linter)
    blank = Scanned(check="hadolint", tool="hadolint", version=version, ruleset="", outcome=DONE, walls=WALLS)
    with control_tree.tree() as good:
        return controlled(blank, partial(_linted, linter, blank), given=path, good=good)


def _linted(program: str, blank: Scanned, path: Path) -> Scanned:
    files = archive.contents(path.read_bytes())
    recipes = [name for name in sorted(files) if dockerfile.NAMES.fullmatch(name)][:MOST_RECIPES]
    findings: list[SourceFinding] = []
    rows: list[Any] = []
    for name in recipes:
        with tempfile.TemporaryDirectory(prefix="gauntlet-lint-") as folder:
            command = [program, "--no-fail", "--no-color", "-f", "json", "-"]
            ended = processes.run(command, folder=Path(folder), policy=LIMITS, given=files[name])
        if ended.exhausted or ended.flooded:
            return exhausted(blank, "it used up what it may use")
        if not ended.fine:
            return replace(blank, outcome=BROKEN, why=excerpt(ended.complaints) or "it was ended")
        try:
            advice: list[dict[str, Any]] = [
                {"code": str(one["code"]), "message": str(one["message"]), "line": int(one["line"])}
                for one in json.loads(ended.output or b"[]")
            ]
        except (ValueError, KeyError, TypeError, RecursionError):
            return replace(blank, outcome=BROKEN, why="its answer cannot be read")
        rows += advice
        findings += (
            SourceFinding(
                severity=NOTICE,
                rule=excerpt(one["code"])[:60],
                sentence=one["message"][:500],
                file=name,
                line=one["line"] if one["line"] > 0 else None,
            )
            for one in advice[:MOST_ADVICE]
        )
    return replace(blank, findings=signed(blank, findings), document=json.dumps(rows, sort_keys=True))


@cache
def _version(program: str) -> str:
    """As it prints it: "Haskell Dockerfile Linter 2.12.0"."""
    with tempfile.TemporaryDirectory(prefix="gauntlet-lint-") as folder:
        ended = processes.run([program, "--version"], folder=Path(folder), policy=LIMITS)
    return excerpt(ended.output.decode("utf-8", "replace").rpartition(" ")[2]) or "unknown"
