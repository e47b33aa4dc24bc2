"""Does the verifier take the answers of judges of today and of before, and no others?"""

from __future__ import annotations

from typing import Any

import pytest

from judging.panel.questions.version import version_named
from verify.bundles import answers as bundle_answers
from verify.findings import differences

OLD, NEW = version_named("vlm-1").described(), version_named("vlm-2").described()


def answer(shares: dict[str, int], top: list[tuple[str, int]]) -> dict[str, Any]:
    return {
        "key": "0" * 64,
        "kind": "likeness",
        "model": f"{NEW['model']}@{NEW['revision']}",
        "text": "",
        "shares": shares,
        "top": [{"token": token, "micro": micro} for token, micro in top],
    }


MASKED = answer({"1": 980_198_673, "2": 19_801_327, "0": 0}, [("1", -20_000), ("2", -3_922_006)])
OPEN = answer(
    {"1": 980_198_673, "2": 16_572_675, "0": 1_836_305},
    [("1", -20_000), ("2", -4_100_000), ("0", -6_300_000), ("\ufffd", -14_200_000), ("\ufffd", -15_900_000)],
)
TWICE = answer({"1": 950_212_932, "2": 0, "0": 0}, [("1", -100_000), (" 1", -3_000_000), (" 1", -5_000_000)])


def wrong(row: dict[str, Any], described: dict[str, Any]) -> dict[tuple[str, ...], tuple[Any, Any]]:
    """path -> (what is there, what should be)."""
    found = differences(bundle_answers.stated(row), bundle_answers.write(row, described))
    return {path: (there, due) for path, there, due in found}


@pytest.mark.parametrize("described", [OLD, NEW])
@pytest.mark.parametrize("row", [MASKED, OPEN])
def test_answers_under_a_constraint_and_without_one_are_answers(row: dict[str, Any], described: dict[str, Any]) -> None:
    assert wrong(row, described) == {}


def test_tokens_of_one_text_are_added() -> None:
    added = round(sum(2.718281828459045 ** (micro / 1e6) for micro in (-100_000, -3_000_000, -5_000_000)) * 1e9)
    assert wrong(TWICE | {"shares": {"1": added, "2": 0, "0": 0}}, NEW) == {}
    assert wrong(TWICE, NEW) == {("shares", "1"): (950_212_932, added)}


def test_a_label_mass_below_the_bar_is_no_answer() -> None:
    thin = answer({"1": 294_059_602, "2": 0, "0": 0}, [("1", -1_223_973), ("The", -500_000)])
    assert wrong(thin, NEW) == {("mass",): (294_059_602, "from 900000000 to 1001000000")}


@pytest.mark.parametrize(("name", "described"), [("vlm-1", OLD), ("vlm-2", NEW)])
def test_a_version_s_hash_is_that_of_what_it_consists_of(name: str, described: dict[str, Any]) -> None:
    assert bundle_answers.sha256(described) == version_named(name).digest
