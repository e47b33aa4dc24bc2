"""What is a finding?  One observation, with the place to look at and a sentence for the miner."""

from __future__ import annotations

from dataclasses import dataclass

from audits.decisions.verdicts import BLOCKING, NOTICE, PERSON, SEVERITIES, UNCHECKED

__all__ = ["BLOCKING", "NOTICE", "PERSON", "SEVERITIES", "UNCHECKED", "SourceFinding"]

LONGEST_EXCERPT = 200


@dataclass(frozen=True, kw_only=True)
class SourceFinding:
    """`severity`: blocking rejects, person needs a decision, notice is to be known, unchecked is our own failure.

    `file` is relative to the code's folder; `line` counts from 1.  `check`, `tool` and `tool_version` are written by
    whoever ran the check, never by the check itself.
    """

    severity: str
    rule: str
    sentence: str
    file: str = ""
    line: int | None = None
    excerpt: str = ""
    check: str = ""
    tool: str = ""
    tool_version: str = ""


def excerpt(text: str) -> str:
    """A line of hostile text as it may be shown: short, printable."""
    return "".join(letter if letter.isprintable() else "�" for letter in text.strip()[:LONGEST_EXCERPT])
