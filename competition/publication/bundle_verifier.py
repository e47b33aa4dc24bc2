"""What does the standalone verifier say of a folder?  It runs as a process of its own, bounded in time and memory.

Its code is never imported here: whoever checks the platform must not share a mistake with it.
"""

from __future__ import annotations

import json
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import IO, Any

from django.conf import settings

from core import operator_key
from core.postgres.server import tool

LONGEST_REPORT = 16 * 2**20  # bytes of it that are read
NAMED = 6  # errors that a summary names


def errors_in_draft(folder: Path) -> str:
    """What disagrees in a bundle that nobody has signed yet, or ""."""
    return _errors(folder, "--draft")


def errors_in_bundle(folder: Path) -> str:
    """What disagrees in a published bundle that this operator must have signed, or ""."""
    return _errors(folder, "--operator", str(operator_key.keypair().ss58_address))


def _errors(folder: Path, *options: str) -> str:
    command = [tool("prlimit"), f"--as={settings.VERIFY_MEGABYTES * 2**20}", "--"]
    command += [sys.executable, "-m", "verify", str(folder), "--json", "--errors", *options]
    with tempfile.TemporaryFile() as report, tempfile.TemporaryFile() as stderr:
        try:
            run = subprocess.run(
                command,
                cwd=settings.BASE_DIR,
                stdin=subprocess.DEVNULL,
                stdout=report,
                stderr=stderr,
                timeout=settings.VERIFY_SECONDS,
            )
        except subprocess.TimeoutExpired:
            return f"the verifier gave no answer in {settings.VERIFY_SECONDS} s (GAUNTLET_VERIFY_SECONDS)"
        if run.returncode == 0:
            return ""
        findings = _findings(_beginning(report))
        if findings:
            return _summary(findings)
        last = _beginning(stderr).strip().splitlines()[-1:]
        return f"the verifier ended with {run.returncode}: {' '.join(last)[:300]}"


def _beginning(file: IO[bytes]) -> str:
    file.seek(0)
    return file.read(LONGEST_REPORT).decode(errors="replace")


def _findings(report: str) -> list[dict[str, Any]]:
    try:
        rows = json.loads(report)["findings"]
    except (ValueError, KeyError, TypeError):
        return []
    return [row for row in rows if row["severity"] == "error"]


def _summary(findings: list[dict[str, Any]]) -> str:
    """The first ones by file and field, those that name a duel, a file or a row before those that follow from it."""
    named = sorted(findings, key=lambda row: row["kind"] not in FIRST)
    lines = []
    for row in named[:NAMED]:
        values = f"found {_short(row['found'])}, expected {_short(row['expected'])}"
        lines.append(f"{row['file']} {row['field']}: {values} [{row['kind']}]")
    more = f"; and {len(findings) - NAMED} more" if len(findings) > NAMED else ""
    return "; ".join(lines) + more


FIRST = ("ledger-differs", "wrong-hash", "wrong-name", "file-missing", "asset-file")


def _short(value: object) -> str:
    return json.dumps(value)[:100]
