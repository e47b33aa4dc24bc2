"""What do the source checks find in the code that a submission revealed?"""

from __future__ import annotations

import tempfile
from pathlib import Path
from typing import Any

from django.conf import settings

from audits.pods.base import Image, PodFault
from audits.pods.checkout import checkout
from audits.source import CHECKS, run_checks
from competition.models import Submission
from competition.solution import commit_of


class Unreadable(Exception):
    """The code cannot be had.  `failure_class` says whose fault that is."""

    def __init__(self, fault: PodFault) -> None:
        self.failure_class, self.code, self.sentence = fault.failure_class, fault.code, fault.sentence
        super().__init__(str(fault))


def examine(submission: Submission) -> list[Any]:
    """Every finding of every check, on a copy of just that commit.  Raises Unreadable."""
    image = Image(repo=submission.repo, commit=submission.commit)
    with tempfile.TemporaryDirectory(prefix="gauntlet-source-") as folder:
        try:
            code = Path(folder) / "code"
            checkout(image, repos=Path(settings.LOCAL_REPOSITORIES), into=code, commit_of=commit_of)
        except PodFault as fault:
            raise Unreadable(fault) from fault
        return run_checks(code, checks=CHECKS)


def columns(finding: Any) -> dict[str, Any]:
    """A finding of a check as a row's columns; texts come from miners, so their length is ours to bound."""
    return {
        "check_name": finding.check[:40],
        "tool": finding.tool[:60],
        "tool_version": finding.tool_version[:40],
        "severity": finding.severity,
        "rule": finding.rule[:60],
        "file": (finding.file or "")[:300],
        "line": finding.line,
        "excerpt": (finding.excerpt or "")[:2000].replace("\0", ""),
        "sentence": finding.sentence[:2000].replace("\0", ""),
    }
