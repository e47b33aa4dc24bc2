"""How long did each output of a batch take?  From what a service reported while we looked, and the time we measured.

A service reports how many outputs are done (`progress` of `GET /status`), not when and not which.  So an output was
finished between two looks: each gets a time, and how far that time may be off.  Only the whole of a batch is our own
measurement: a service may report too early or too late, which moves time from one output to another and never changes
the sum.  What is decided is therefore decided by the mean; median and 90th percentile are for reading.

All times in seconds, on the clock of the attempt that brought the batch: it runs from the accepted batch on, and only
while we watch.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from statistics import median
from typing import NamedTuple


class Report(NamedTuple):
    """A service first reported `done` outputs when we looked `at_s` into the attempt; `since_s`: our look before."""

    done: int
    since_s: float
    at_s: float


class OutputTime(NamedTuple):
    """`seconds` of one output, which may be off by `within_s`."""

    seconds: float
    within_s: float


@dataclass(frozen=True, kw_only=True)
class Speed:
    """Of all outputs that a run brought; `mean_s` is measured by us, the others rest on the service's reports.

    `mean_s`: all the time that the run generated, attempts lost by its own doing included, by the outputs it brought.
    `p90_s`: nine of ten outputs took at most so long (nearest rank).  `within_s`: how far the least exact time may be
    off.
    """

    outputs: int
    mean_s: float
    median_s: float
    p90_s: float
    slowest_s: float
    within_s: float


def with_report(
    reports: tuple[Report, ...], *, done: int, outputs: int, since_s: float, at_s: float
) -> tuple[Report, ...]:
    """The reports of a batch of `outputs` after one more look.  A count that is no news, or that cannot be, is none."""
    before = reports[-1].done if reports else 0
    return (*reports, Report(done, since_s, at_s)) if before < done <= outputs else reports


def completed(reports: tuple[Report, ...], *, outputs: int, since_s: float, at_s: float) -> tuple[Report, ...]:
    """The reports of a batch that a look found complete: its last outputs are done now, whatever was reported."""
    return (*(report for report in reports if report.done < outputs), Report(outputs, since_s, at_s))


def times(reports: Sequence[Report]) -> tuple[OutputTime, ...]:
    """Of each output of a complete batch, in the order in which they were reported; they add up to the batch's time.

    Outputs that were reported together share their time evenly.
    """
    rows: list[OutputTime] = []
    begun = Report(0, 0, 0)
    for ended in reports:
        count = ended.done - begun.done
        blurred = (begun.at_s - begun.since_s) + (ended.at_s - ended.since_s)
        rows += [OutputTime((ended.at_s - begun.at_s) / count, blurred / count)] * count
        begun = ended
    return tuple(rows)


def summary(rows: Sequence[OutputTime], *, generated_s: float) -> Speed | None:
    """`generated_s`: all seconds that the run generated.  None where it brought nothing, or was not timed by output."""
    if not rows:
        return None
    seconds = sorted(row.seconds for row in rows)
    return Speed(
        outputs=len(rows),
        mean_s=generated_s / len(rows),
        median_s=median(seconds),
        p90_s=seconds[math.ceil(0.9 * len(seconds)) - 1],
        slowest_s=seconds[-1],
        within_s=max(row.within_s for row in rows),
    )
