"""docs/rules.md tells the rules as they are, and its worked example can be done with a pencil."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from competition.rulesets import TITLE_1
from competition.rulesets.bankroll import BankrollTally, credits

PAGE = (Path(__file__).resolve().parents[3] / "docs" / "rules.md").read_text()
EXAMPLES = re.findall(
    r"^\| 5\w+….*?\| (\d+) \| (\d+) \| (\d+) \| ([\d.]+) % \| ([\d.]+) \| (title|not yet)", PAGE, re.M
)
PENCIL = re.findall(r"^\| (\d+) \| (.+) \|$", PAGE.split("won \\ lost")[1].split("Why 40")[0], re.M)


def test_the_values_of_the_ruleset_are_told() -> None:
    title = TITLE_1.title
    assert title is not None and [str(stake) for stake in title.stakes] == ["1/4"]
    for words in (
        f"{title.prompts} **fresh prompts**",
        f"batches of {title.batch}",
        f"with {title.bar} credits",
        f"out below {title.out}",
        f"gap² ≥ {float(title.futility_z)}²",
    ):
        assert words in PAGE


@pytest.mark.parametrize("example", EXAMPLES, ids=lambda example: "-".join(example[:3]))
def test_the_worked_example_adds_up(example: tuple[str, ...]) -> None:
    won, drawn, lost = (int(number) for number in example[:3])
    held, title = BankrollTally(won=won, drawn=drawn, lost=lost), TITLE_1.title
    assert title is not None
    assert f"{float(held.margin) * 100:.1f}" == example[3]
    assert f"{float(credits(held, title=title)):.1f}" == example[4]
    assert (example[5] == "title") == (credits(held, title=title) >= title.bar)


def test_the_pencil_table_adds_up() -> None:
    assert TITLE_1.title is not None and len(PENCIL) == 4 and len(EXAMPLES) == 9
    for won, cells in PENCIL:
        for lost, cell in zip((0, 5, 10, 20), cells.split(" | "), strict=True):
            told = float(cell.strip("* ").replace(",", ""))
            exact = credits(BankrollTally(won=int(won), lost=lost), title=TITLE_1.title)
            assert told == pytest.approx(float(exact), rel=0.02)
            assert ("**" in cell) == (exact >= 40 and told < 60)
