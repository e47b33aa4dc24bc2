"""What is known of a round that was played elsewhere, and does it agree with itself?"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from dashboard.models import VerifierFinding


@dataclass(frozen=True, kw_only=True)
class RecordFinding:
    """One disagreement (`error`) or one thing a reader should know (`notable`), with the value found and expected."""

    severity: str
    kind: str
    file: str
    field: str
    found: Any
    expected: Any
    sentence: str


def record_finding(row: VerifierFinding) -> RecordFinding:
    names = ("severity", "kind", "file", "field", "found", "expected", "sentence")
    return RecordFinding(**{name: getattr(row, name) for name in names})
