"""What is shared with whom, and was the best of many submitted?  Pure decisions, by example and by property."""

from fractions import Fraction

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from audits.decisions import cherrypicking, lineage
from audits.decisions.lineage import Fingerprint
from audits.source import lineage as taking
from audits.source.archive import File
from audits.source.tree import of_files
from benchmarks.cherry_picking import flagged, rejected_by_bankroll, share

CODE = "\n".join(
    f"def step_{n}(points, radius):\n    total = 0\n    for x in points:\n        total += x * {n} - radius\n"
    f"    return [total, radius + {n}, max(points)]\n"
    for n in range(12)
)
OTHER = "\n".join(
    f"class Shape{n}:\n    def __init__(self, *, size):\n        self.size = size ** {n}\n\n"
    f"    def area(self):\n        with open('log') as log:\n            return log.read() or self.size\n"
    for n in range(12)
)


def taken(**files: str) -> Fingerprint:
    return taking.fingerprint(of_files(File(path=f"{name}.py", content=text.encode()) for name, text in files.items()))


def renamed(text: str) -> str:
    return text.replace("points", "vertices").replace("radius", "reach").replace("total", "acc").replace("step_", "go_")


def test_a_copy_shares_everything_and_a_stranger_nothing():
    assert lineage.compare(taken(a=CODE), taken(b=CODE)).share == 1
    assert lineage.compare(taken(a=CODE), taken(b=CODE)).verdict == "copy"
    assert lineage.compare(taken(a=CODE), taken(b=OTHER)).verdict == "none"


def test_new_names_comments_and_layout_do_not_hide_a_copy():
    disguised = "# mine\n" + renamed(CODE).replace("\n\n", "\n\n# another word\n\n").replace("    ", "  ")
    found = lineage.compare(taken(mine=disguised), taken(theirs=CODE))
    assert found.share >= Fraction(95, 100)
    assert len(found.functions) == 12
    assert [(f.path, f.theirs, f.kind) for f in found.files] == [("mine.py", "theirs.py", "similar")]


def test_a_part_that_was_taken_is_a_part():
    found = lineage.compare(taken(a=CODE + OTHER), taken(b=CODE))
    assert Fraction(2, 10) < found.share < Fraction(8, 10)
    assert all(mine.startswith("a.py:") and theirs.startswith("b.py:") for mine, theirs in found.functions)


def test_a_template_that_all_begin_with_is_nobodys_work():
    others = [taken(base=CODE, own=OTHER.replace("area", f"area{n}").replace("**", "*+/-"[n % 2])) for n in range(5)]
    base = lineage.base_of(others)
    assert lineage.compare(taken(base=CODE), others[0]).share == 1
    assert lineage.compare(taken(base=CODE), others[0], base=base).share == 0
    assert lineage.base_of(others[:3]) == set()


@given(st.text(max_size=400), st.text(max_size=400))
@settings(max_examples=60, deadline=None)
def test_shares_of_whatever_text_are_shares(one, two):
    ours, theirs = taken(a=one), taken(a=two)
    assert 0 <= lineage.compare(ours, theirs).share <= 1
    assert lineage.compare(ours, ours).share in (0, 1)
    assert Fingerprint.from_json(ours.to_json()).to_json() == ours.to_json()


@given(st.lists(st.sampled_from("abcdefgh"), min_size=lineage.RUN + lineage.WINDOW, max_size=60))
@settings(max_examples=60, deadline=None)
def test_a_shared_run_is_always_found(run):
    """Winnowing's promise: wherever the run stands, one of its marks is kept."""
    one, two = ["x", "y"] * 5 + run + ["z"] * 9, ["q"] * 13 + run + ["r", "s"] * 4
    assert set(lineage.winnow(one)) & set(lineage.winnow(two))


def test_a_diff_of_hostile_files_is_lines_of_text():
    ours = {"a.py": b"x = 1\n\x1b[31mred\x00\n" + b"y" * 2000}
    lines = taking.diff(ours, {"b.py": b"x = 2\n"}, path="a.py", their_path="b.py")
    assert lines[:2] == ["--- b.py", "+++ a.py"]
    assert "+x = 1" in lines
    assert all(line.isprintable() and len(line) < 600 for line in lines)


@pytest.mark.parametrize(
    ("won", "lost", "flag"),
    [(0, 0, False), (5, 5, False), (8, 0, True), (7, 0, False), (20, 10, False), (24, 7, True), (3, 30, False)],
)
def test_only_a_run_of_wins_that_honest_code_hardly_has_is_flagged(won, lost, flag):
    found = cherrypicking.picked([1] * won + [-1] * lost + [0] * 50)
    assert found.flagged is flag
    assert (found.won, found.lost, found.drawn) == (won, lost, 50)


@given(st.lists(st.sampled_from((-1, 0, 1)), max_size=200))
def test_a_chance_is_a_chance_and_one_more_win_never_makes_it_larger(results):
    found = cherrypicking.picked(results)
    assert 0 < found.chance <= 1
    assert cherrypicking.picked([*results, 1]).chance <= found.chance
    assert cherrypicking.picked([*results, 0]).chance == found.chance


def test_a_prompt_counts_once_however_often_it_is_repeated():
    once = cherrypicking.signs([{"a": 1, "b": -1}])
    assert cherrypicking.signs([{"a": 1, "b": -1}] * 3) == once == [1, -1]
    assert cherrypicking.signs([{"a": 1}, {"a": -1}, {"a": 1}]) == [1]


@pytest.mark.parametrize("decisive", [0.21, 0.9])
@pytest.mark.parametrize("repeats", [1, 3])
def test_an_honest_generator_that_is_not_deterministic_is_hardly_ever_flagged(decisive, repeats):
    setting = {"prompts": 64, "n": 1, "decisive": decisive}
    assert share(flagged, tries=1200, seed=11, repeats=repeats, **setting) <= 0.01


@pytest.mark.parametrize("tries", [100, pytest.param(400, marks=pytest.mark.long)])
def test_an_honest_generator_is_not_rejected_by_the_bankroll(tries):
    assert share(rejected_by_bankroll, tries=tries, seed=13, prompts=128, n=1, decisive=0.21) <= 0.01


def test_the_best_of_sixteen_is_found():
    assert share(flagged, tries=200, seed=17, prompts=128, n=16, decisive=0.5) >= 0.95
