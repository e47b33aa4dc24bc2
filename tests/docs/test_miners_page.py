"""The numbers that docs/miners.md gives are those of the code."""

from __future__ import annotations

from fractions import Fraction
from pathlib import Path

import pytest

from audits.decisions.appeals import Hours
from audits.decisions.lifecycle import BatchLimits
from audits.pods import batch, results
from competition.downloads import FetchLimits
from competition.rulesets import TITLE_1
from core.net.fetch import FetchPolicy

PAGE = " ".join((Path(__file__).resolve().parents[2] / "docs" / "miners.md").read_text().split())
WORDS = {2: "two", 3: "three", 4: "four", 5: "five"}
PODS, FETCH = BatchLimits(), FetchLimits()


@pytest.mark.parametrize(
    "words",
    [
        f"Batches have 1 to {batch.SIZE} prompts",
        f"at most {batch.LARGEST_ARCHIVE >> 20} MiB and {results.LIMITS.entries} entries",
        f"{results.LIMITS.total_bytes >> 20} MiB unpacked",
        f"an object of at most {batch.LARGEST_PAYLOAD >> 10} KiB",
        f"{WORDS[PODS.warm_up_s // 3600].capitalize()} hours to warm up",
        f"{WORDS[PODS.generation_s // 3600]} hours to generate",
        f"One pod and {WORDS[PODS.replacements]} replacements",
        f"No answer for {WORDS[PODS.silence_s // 60]} minutes, {WORDS[PODS.odd_answers]} useless answers in a row",
        f"at most {WORDS[FetchPolicy().max_redirects]} redirects",
        f"{FETCH.max_bytes >> 20} MB and {FETCH.total_s:.0f} s a try",
        f"Two people decide, within {Hours().decide_hours:.0f} hours",
        *(f"`{state}`" for state in batch.STATES),
    ],
)
def test_the_page_for_miners_has_the_numbers_of_the_code(words: str) -> None:
    assert words in PAGE


def test_a_defence_costs_a_fifth_down_to_a_fifth_as_the_page_says() -> None:
    assert "Each defence takes a fifth, down to a fifth" in PAGE
    assert TITLE_1.weight_decay == TITLE_1.weight_floor == Fraction(1, 5)
