"""A file that cannot be read is reported with its line and the reason, and the rest is read on."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from competition.records.ladders import climb, winner
from competition.records.reading import RoundFiles, fit
from competition.records.reigns import in_effect, read_reigns, read_terms
from competition.records.rounds import announced, read_round
from competition.rulesets import share
from tests.verify import made_records
from tests.verify.made_records import hotkey
from tests.verify.ways_to_break import ADA, BEN, CLEO

MATCH = f"rounds/0/{ADA}/duels_leader.json"


def shelf_of(files: dict[str, Any]) -> RoundFiles:
    return RoundFiles(
        {
            path: (content if isinstance(content, str) else json.dumps(content, indent=2)).encode()
            for path, content in files.items()
        }
    )


def read(files: dict[str, Any], number: int = 0) -> tuple[Any, RoundFiles]:
    shelf = shelf_of(files)
    round_ = read_round(shelf, number, config=files["config.json"] if isinstance(files["config.json"], dict) else {})
    return round_, shelf


@pytest.mark.parametrize("era", made_records.ERAS)
def test_a_good_repository_is_read_without_a_word(era: int) -> None:
    files = made_records.ERAS[era]()
    numbers = {int(path.split("/")[1]) for path in files if path.startswith("rounds/")}
    for number in numbers:
        round_, shelf = read(files, number)
        assert not shelf.troubles
        assert round_.era == era
        assert all(match.recomputed == match.margin for match in round_.matches)
    assert all(announced(path) for path in files)


@pytest.mark.parametrize(("era", "winners"), [(0, ["Ben", None]), (1, ["Eve", None, "Dan"]), (2, [None, None, "Dan"])])
def test_the_winner_follows_from_matches_and_audits(era: int, winners: list[str | None]) -> None:
    files = made_records.ERAS[era]()
    for number, name in enumerate(winners):
        round_, _ = read(files, number)
        rungs = climb(round_, win_margin=share("bar", str(made_records.WIN_MARGIN)))
        assert winner(rungs) == (hotkey(name) if name else "leader") == (round_.winner or "leader")


def test_who_was_rejected_does_not_advance() -> None:
    round_, _ = read(made_records.era_1())
    verdicts = {
        rung.challenger: (rung.defender, rung.verdict) for rung in climb(round_, win_margin=share("bar", "0.1"))
    }
    assert verdicts[ADA] == ("leader", "rejected")
    assert verdicts[BEN] == ("leader", "advanced")
    assert verdicts[hotkey("Eve")] == (BEN, "advanced")
    assert CLEO not in verdicts


BROKEN: dict[str, tuple[str, Any, int | None, str]] = {
    "cut off": (MATCH, lambda text: text[: len(text) // 2], None, "not JSON"),
    "not JSON": (MATCH, lambda text: '{\n "left": "leader",\n "right" 5}', 3, "not JSON"),
    "a list where an object is needed": (MATCH, lambda text: "[]", 1, "a list where an object is needed"),
    "no number at all": (MATCH, lambda text: text.replace('"score": 5', '"score": "5"'), 4, "a number is needed"),
    "a verdict nobody knows": (
        MATCH,
        lambda text: text.replace('"winner": "right"', '"winner": "both"', 1),
        None,
        "one of left, right, draw, skipped",
    ),
    "not text": (MATCH, lambda text: "\ud800", 1, "not UTF-8"),
    "NaN": (MATCH, lambda text: text.replace('"margin": 0.25', '"margin": NaN'), None, "NaN"),
    "wrong columns": ("rounds/0/matches_matrix.csv", lambda text: "left,margin\n", 1, "the columns are left,margin"),
    "a short row": ("rounds/0/matches_matrix.csv", lambda text: text + "leader\n", 9, "1 cells where 3 are needed"),
    "a margin in words": ("rounds/0/matches_matrix.csv", lambda text: text + "a,b,much\n", 9, "is not a number"),
    "a seed in words": ("rounds/0/seed.json", lambda text: '{\n"seed": "x"}', 2, "a whole number is needed"),
    "a prompt that is no address": ("rounds/0/prompts.txt", lambda text: text + "\n/../..", 21, "no address"),
    "a block before the first": (
        "rounds/0/submissions.json",
        lambda text: text.replace('"revealed_at_block": 1000', '"revealed_at_block": -1'),
        5,
        "a whole number, zero or more, is needed",
    ),
    "an audit with a verdict of its own": (
        "rounds/0/generation_audits.json",
        lambda text: text.replace('"rejected"', '"maybe"'),
        None,
        "one of passed, rejected",
    ),
}


@pytest.mark.parametrize("name", BROKEN)
def test_what_is_broken_is_told_with_its_line_and_the_reason(name: str) -> None:
    file, change, line, reason = BROKEN[name]
    files = made_records.era_1()
    content = files[file]
    files[file] = change(content if isinstance(content, str) else json.dumps(content, indent=2))
    shelf = RoundFiles({path: _bytes(text) for path, text in files.items()})
    round_ = read_round(shelf, 0, config=files["config.json"])
    told = [trouble for trouble in shelf.troubles if trouble.file == file]
    assert any(reason in trouble.reason for trouble in told), shelf.troubles
    assert {trouble.file for trouble in shelf.troubles} == {file}
    assert line is None or line in {trouble.line for trouble in told}
    assert len(round_.matches) >= 6, "the rest is read on"


def _bytes(content: Any) -> bytes:
    text = content if isinstance(content, str) else json.dumps(content, indent=2)
    return text.encode("utf-8", "surrogatepass")


def test_one_wrong_duel_costs_that_duel_only() -> None:
    files = made_records.era_1()
    files[MATCH]["duels"][3]["winner"] = 5
    round_, shelf = read(files)
    match = next(match for match in round_.matches if match.file == MATCH)
    assert len(match.duels) == made_records.PROMPTS - 1
    assert "winner: a text is needed, not 5" in shelf.troubles[0].reason
    lines = json.dumps(files[MATCH], indent=2).splitlines()
    assert lines[(shelf.troubles[0].line or 0) - 1].strip() == '"winner": 5,'


def test_a_text_that_the_database_cannot_hold_is_made_fit() -> None:
    assert fit({"a\0b": ["\ud800", "plain", 5, None]}) == {"a\N{REPLACEMENT CHARACTER}b": ["?", "plain", 5, None]}


def test_a_weight_keeps_the_digits_it_was_written_in() -> None:
    files = made_records.era_1()
    text = json.dumps(files["leader.json"], indent=2).replace('"weight": 0.8', '"weight": 0.6000000000000001')
    shelf = RoundFiles({"leader.json": text.encode(), "config.json": json.dumps(files["config.json"]).encode()})
    assert "0.6000000000000001" in [reign.weight for reign in read_reigns(shelf)]
    terms = read_terms(shelf)
    assert terms is not None
    assert terms.win_margin == "0.1"


@pytest.mark.parametrize(
    ("written", "kept"),
    [
        ("0.8", "0.8"),
        ("1", "1"),
        ("5e-3", "0.005"),
        ("1e-999999999", None),
        ("2.0", None),
        ("-0.1", None),
        ("true", None),
    ],
)
def test_a_share_is_a_number_that_costs_nothing_to_reckon_with(written: str, kept: str | None) -> None:
    text = json.dumps(made_records.config(1)).replace('"win_margin": 0.1', f'"win_margin": {written}')
    terms = read_terms(RoundFiles({"config.json": text.encode()}))
    assert (terms.win_margin if terms else None) == kept


def test_a_value_too_deep_for_a_page_is_kept_as_text() -> None:
    deep: Any = "bottom"
    for _ in range(400):
        deep = [deep]
    shelf = RoundFiles({"rounds/0/winner.json": json.dumps({"deep": deep}).encode()})
    told = json.dumps(shelf.json("rounds/0/winner.json", kind=dict))
    assert told.count("[") == 400
    assert json.loads(told)["deep"] != deep
    bottomless = b"[" * 100_000
    assert RoundFiles({"a.json": bottomless}).json("a.json", kind=list) is None


def test_the_leader_at_a_block_is_the_last_entry_up_to_it() -> None:
    reigns = read_reigns(shelf_of({"leader.json": made_records.era_1()["leader.json"]}))
    blocks = [reign.effective_block for reign in reigns]
    assert in_effect(reigns, block=blocks[0] - 1) is None
    assert in_effect(reigns, block=blocks[1] - 1) == 0
    assert in_effect(reigns, block=blocks[1]) == 1


JUNK = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=8,
)


@settings(max_examples=150, deadline=None)
@given(data=st.data())
def test_whatever_a_file_holds_reading_ends_in_a_report(data: st.DataObject) -> None:
    era = data.draw(st.sampled_from(list(made_records.ERAS)))
    files = made_records.ERAS[era]()
    file = data.draw(st.sampled_from(sorted(path for path in files if path.startswith("rounds/0/"))))
    files[file] = data.draw(st.one_of(JUNK.map(lambda value: json.dumps(value)), st.text(max_size=30)))
    shelf = RoundFiles({path: _bytes(content) for path, content in files.items()})
    round_ = read_round(shelf, 0, config=files["config.json"])
    climb(round_, win_margin=share("bar", "0.1"))
    assert {trouble.file for trouble in shelf.troubles} <= {file}
