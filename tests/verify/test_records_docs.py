"""Whoever meets a finding must be able to look its kind up."""

from __future__ import annotations

from pathlib import Path

import pytest

from verify.kinds import ERROR, KINDS, NOTABLE

DOCS = Path(__file__).resolve().parents[2] / "docs" / "records.md"


@pytest.mark.parametrize("kind", KINDS)
def test_every_kind_is_documented_with_its_meaning(kind: str) -> None:
    row = f"| `{kind}` | {KINDS[kind].meaning} |"
    assert row in DOCS.read_text(), f"docs/records.md lacks the row: {row}"


def test_every_kind_stands_under_its_severity() -> None:
    wrong, telling = DOCS.read_text().split("### Errors")[1].split("### Notable")
    for kind, known in KINDS.items():
        assert f"`{kind}`" in {ERROR: wrong, NOTABLE: telling}[known.severity], kind
