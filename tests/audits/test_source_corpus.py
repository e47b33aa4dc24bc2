"""What the checks find in repositories of which the truth is known.  `make audits` runs all of it through git."""

from pathlib import Path

import pytest

from benchmarks.source_audit import Score, in_process, whole
from tests.audits.corpus import corpus


@pytest.fixture(scope="module")
def score(tmp_path_factory: pytest.TempPathFactory) -> Score:
    folder: Path = tmp_path_factory.mktemp("corpus")
    return in_process(corpus(seed=7), folder)


def test_the_corpus_is_large_enough_to_say_something(score):
    assert len(score.of(bad=True)) >= 60
    assert len(score.of(bad=False)) >= 30
    assert len({row.case.name for row in score.rows}) == len(score.rows)


def test_what_is_wrong_is_found_by_the_rule_that_is_about_it(score):
    missed = [(row.case.name, sorted(row.alarms)) for row in score.of(bad=True) if not row.right]
    assert score.recall >= 0.95, missed


def test_honest_repositories_are_not_suspected(score):
    suspected = [(row.case.name, sorted(row.alarms)) for row in score.of(bad=False) if not row.right]
    assert score.false_alarms <= 0.05, suspected


def test_through_git_and_the_sandbox_the_answer_is_the_same(score):
    some = corpus(seed=7)[::29]
    fetched = {row.case.name: row.alarms for row in whole(some).rows}
    here = {row.case.name: row.alarms for row in score.rows}
    assert fetched == {name: here[name] for name in fetched}
