"""How long each output took: tables and properties of what is read from reports and looks."""

import math
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as some

from audits.decisions import speed
from audits.decisions.lifecycle import BatchLimits, Event, PodProgress, replay
from audits.decisions.speed import OutputTime, Report

START = datetime(2026, 1, 1, tzinfo=UTC)
LIMITS = BatchLimits()


def play(*looks: tuple, outputs: int = 4, begin: float = 20) -> PodProgress:
    """Looks at one batch of a pod ready after `begin` s: (seconds since the batch was accepted, state, done)."""

    def event(at: float, kind: str, state: str = "", done: int = 0) -> Event:
        return Event(kind=kind, at=START + timedelta(seconds=at), state=state, done=done, outputs=outputs)

    up = [event(0, "started"), event(begin, "seen", "ready"), event(begin, "submitted")]
    seen = [event(begin + at, "seen", state, *done) for at, state, *done in looks]
    return replay([*up, *seen, event(begin + looks[-1][0], "collected")], limits=LIMITS)


@pytest.mark.parametrize(
    ("looks", "expected"),
    [
        (  # each output at a look of its own: as exact as the looks are near each other
            [(10, "generating", 1), (20, "generating", 2), (30, "generating", 3), (40, "complete")],
            [(10, 10), (10, 20), (10, 20), (10, 20)],
        ),
        ([(5, "generating", 0), (40, "complete")], [(10, 35 / 4)] * 4),  # nothing reported: the batch's time is shared
        (  # two at once, then a slow one
            [(10, "generating", 2), (20, "generating", 2), (30, "generating", 3), (34, "complete")],
            [(5, 5), (5, 5), (20, 20), (4, 14)],
        ),
        (  # it counts back, and beyond the batch: no news
            [(10, "generating", 2), (20, "generating", 1), (30, "generating", 99), (40, "complete", 0)],
            [(5, 5), (5, 5), (15, 10), (15, 10)],
        ),
        (  # it says that all are done, and is not complete for a long time: the last ones took as long as they did
            [(10, "generating", 4), (40, "generating", 4), (50, "complete", 4)],
            [(12.5, 10 / 4)] * 4,
        ),
    ],
)
def test_each_output_has_its_time_and_how_far_it_may_be_off(looks: list[tuple], expected: list[tuple]) -> None:
    progress = play(*looks)
    assert list(progress.output_s) == [OutputTime(*row) for row in expected]
    assert progress.warmed_s == (20.0,) and progress.reports == ()
    assert PodProgress.from_json(progress.to_json()) == progress


@given(
    looks=some.lists(some.tuples(some.floats(0.1, 59), some.integers(-5, 50)), max_size=30),
    outputs=some.integers(1, 32),
    last=some.floats(0.1, 59),
)
def test_whatever_is_reported_the_times_add_up_to_what_we_measured(
    looks: list[tuple[float, int]], outputs: int, last: float
) -> None:
    at, seen = 0.0, []
    for gap, done in looks:
        at += gap
        seen.append((at, "generating", done))
    progress = play(*seen, (at + last, "complete", 0), outputs=outputs)
    assert len(progress.output_s) == outputs
    assert math.isclose(math.fsum(row.seconds for row in progress.output_s), progress.batch_s[0], rel_tol=1e-6)
    assert math.isclose(progress.batch_s[0], at + last, rel_tol=1e-5)
    assert all(row.seconds > 0 and row.within_s >= 0 for row in progress.output_s)


def test_an_attempt_that_was_lost_times_no_output_and_counts_in_the_mean() -> None:
    def event(at: float, kind: str, state: str = "", done: int = 0) -> Event:
        return Event(kind=kind, at=START + timedelta(seconds=at), state=state, done=done, outputs=2)

    progress = replay(
        [
            *(
                event(0, "started"),
                event(10, "seen", "ready"),
                event(10, "submitted"),
                event(20, "seen", "generating", 1),
            ),
            *(event(30, "seen", "replace"), event(30, "stopped"), event(40, "started"), event(70, "seen", "ready")),
            *(event(70, "submitted"), event(80, "seen", "generating", 1), event(86, "seen", "complete")),
            event(90, "collected"),
        ],
        limits=LIMITS,
    )
    result = speed.summary(progress.output_s, generated_s=progress.generation_s)
    assert progress.warmed_s == (10, 30)
    assert [row.seconds for row in progress.output_s] == [10, 6]
    assert result == speed.Speed(outputs=2, mean_s=18, median_s=8, p90_s=10, slowest_s=10, within_s=16)


def test_p90_is_the_time_that_nine_of_ten_do_not_exceed() -> None:
    rows = [OutputTime(float(n), 0.5) for n in range(1, 11)]
    result = speed.summary(rows, generated_s=55)
    assert result is not None and (result.median_s, result.p90_s, result.slowest_s) == (5.5, 9, 10)
    assert speed.summary([], generated_s=55) is None


def test_rows_of_a_release_before_are_read() -> None:
    old = {"phase": "generating", "pods": 1, "submitted": True, "batch_s": [3.0], "collected": 1}
    progress = PodProgress.from_json(old)
    assert progress.batch_s == (3.0,) and progress.output_s == () and progress.reports == ()
    assert Report(1, 0, 2) == Report._make([1, 0, 2])
