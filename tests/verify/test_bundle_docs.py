"""Whoever meets a finding about a bundle must be able to look its kind up, and to run what the page shows."""

from __future__ import annotations

from pathlib import Path

import pytest

from verify.bundles.ballots import BARS
from verify.bundles.files import BESIDE
from verify.bundles.round import RULESETS
from verify.bundles.shapes import OPTIONAL, SHAPES
from verify.kinds import BUNDLE_KINDS
from verify.kinds import BUNDLE_TELLING as TELLING
from verify.kinds import BUNDLE_WRONG as WRONG

PAGE = (Path(__file__).resolve().parents[2] / "docs" / "verify.md").read_text()


@pytest.mark.parametrize("kind", BUNDLE_KINDS)
def test_every_kind_is_documented_with_its_meaning(kind: str) -> None:
    row = f"| `{kind}` | {BUNDLE_KINDS[kind].meaning} |"
    assert row in PAGE, f"docs/verify.md lacks the row: {row}"


def test_every_kind_stands_under_its_severity() -> None:
    wrong, telling = PAGE.split("### Errors")[1].split("### Notable")
    assert all(f"| `{kind}` |" in wrong for kind in WRONG) and all(f"| `{kind}` |" in telling for kind in TELLING)


@pytest.mark.parametrize("name", [*SHAPES, *OPTIONAL, *BESIDE])
def test_every_file_of_a_bundle_is_documented(name: str) -> None:
    assert f"`{name}`" in PAGE


def test_every_option_exit_code_and_ruleset_is_documented() -> None:
    for words in ("--operator", "--json", "--errors", "| 0 |", "| 1 |", "| 2 |", *(f"`{name}`" for name in RULESETS)):
        assert words in PAGE


def test_the_bars_of_the_cascade_are_documented() -> None:
    assert all(f"{bar:,}" in PAGE for bar in BARS.values())
