"""A finished round in the layout of June 2026 (`june_2026/`), and copies of it in which one thing is otherwise."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any

FOLDER = Path(__file__).parent / "june_2026"
ADA, BEN = "5" + "A" * 47, "5" + "B" * 47
LEADER = "5" + "L" * 47
ROUND = "rounds/0"
AUDITS = [f"audit_{left}_{repeat}.json" for left in ("leader", "submitted") for repeat in (1, 2, 3)]


def copied(into: Path) -> Path:
    return Path(shutil.copytree(FOLDER, into))


def edit(root: Path, file: str, **values: Any) -> None:
    """Set keys of a JSON object."""
    write(root, file, json.loads((root / file).read_text()) | values)


def write(root: Path, file: str, content: Any) -> None:
    (root / file).write_text(content if isinstance(content, str) else json.dumps(content, indent=2))


def rejected_by_report(root: Path) -> Path:
    """The candidate's generation report was rejected, so its audit failed and the leader defended."""
    copied(root)
    reason = "the hotkey is no longer registered"
    report = {"hotkey": ADA, "outcome": "rejected", "repeats": [], "reason": reason}
    audit = {"hotkey": ADA, "verdict": "failed", "reason": f"generation report: {reason}"}
    write(root, f"{ROUND}/generation_reports.json", {ADA: report})
    write(root, f"{ROUND}/generation_audits.json", {ADA: audit})
    write(root, f"{ROUND}/audit_matrix.csv", "left,right,margin\n")
    for name in (*AUDITS, "generated_1.json", "generated_2.json", "generated_3.json"):
        (root / ROUND / ADA / name).unlink()
    leads = json.loads((root / "leader.json").read_text())[0]
    solution = {"repo": leads["repo"], "commit": leads["commit"], "docker_image": leads["docker"]}
    write(root, f"{ROUND}/winner.json", {"winner_hotkey": "leader", **solution})
    write(root, "leader.json", [leads, leads | {"weight": 0.4, "effective_block": 300}])
    return root


def no_build_succeeded(root: Path) -> Path:
    rejected_by_report(root)
    builds = json.loads((root / ROUND / "builds.json").read_text())
    failed = {"status": "failure", "docker_image": None}
    write(root, f"{ROUND}/builds.json", {hotkey: build | failed for hotkey, build in builds.items()})
    return root


def unfinished(root: Path) -> Path:
    """The same repository before its first round was played."""
    root.mkdir()
    for file in ("config.json", f"{ROUND}/schedule.json"):
        (root / file).parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(FOLDER / file, root / file)
    write(root, "state.json", {"current_round": 0, "stage": "open"})
    write(root, "leader.json", json.loads((FOLDER / "leader.json").read_text())[:1])
    return root
