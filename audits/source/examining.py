"""One check of one archive, inside the sandbox: the only place where a stranger's code is parsed.

`work` and `rehearse` are what `core.sandbox.forkserver` starts.  What this answers is checked by `scanning`.
"""

from __future__ import annotations

from dataclasses import asdict
from typing import Any

from audits.source import CHECKS, archive, inventory, look, tree


def work(task: dict[str, Any], data: bytes) -> dict[str, Any]:
    """task: check, commit.  Answer: findings, document, and the parts where the check is the inventory."""
    check = CHECKS[task["check"]]
    code = tree.of_files(archive.unpack(data))
    findings = look(check, code)
    if task["check"] == "outline":
        findings += code.findings
    parts = inventory.parts(code) if task["check"] == "inventory" else []
    return {
        "findings": [asdict(finding) for finding in findings],
        "document": check.document(code, task["commit"]) if check.document else "",
        "parts": [asdict(part) for part in parts],
    }


def rehearse() -> None:
    """Import all that the checks import while they run."""
    sample = archive.pack(
        [
            archive.File(path="LICENSE", content=b"MIT"),
            archive.File(path="requirements.txt", content=b"numpy==2.4.6\n"),
            archive.File(
                path="serve.py", content=b'import torch\ntorch.hub.load("a/b")\nKEY = "AKIAIOSFODNN7EXAMPLF"\n'
            ),
        ]
    )
    for name in CHECKS:
        work({"check": name, "commit": "0" * 40}, sample)
