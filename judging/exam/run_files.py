"""How is a long examination written down so that it can be stopped at any time?  As lines that are only added."""

from __future__ import annotations

import fcntl
import json
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor, as_completed
from contextlib import contextmanager
from itertools import islice
from pathlib import Path
from typing import Any, TypeVar

Item = TypeVar("Item")
Result = TypeVar("Result")

MOST_SILENT = 3  # things in a row without an answer: the judge is given up


class ExamTaken(Exception):
    """Another process writes this file."""


class ExamHalted(Exception):
    """The judge does not answer; the sentence says why and what to do.  Class `judge`: the operator must act."""

    failure_class = "judge"


def halted(judge: str, why: str) -> ExamHalted:
    return ExamHalted(
        f"{judge} gave no answer {MOST_SILENT} times in a row ({why}). "
        "The operator must mend the judge; the same command then goes on from here."
    )


@contextmanager
def held_rows(path: Path) -> Iterator[list[dict[str, Any]]]:
    """What is written so far, while no other process may write.  Raises ExamTaken where one does."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("a+b") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as taken:
            raise ExamTaken(f"another process writes {path}: wait for its end") from taken
        yield whole_rows(path)


def whole_rows(path: Path) -> list[dict[str, Any]]:
    """A line that was cut off in mid-writing is none: it and what follows are taken away, and asked about again."""
    rows, whole = [], 0
    for line in path.read_bytes().splitlines(keepends=True):
        try:
            row = json.loads(line)
        except ValueError:
            break
        if not line.endswith(b"\n") or not isinstance(row, dict):
            break
        rows.append(row)
        whole += len(line)
    with path.open("r+b") as file:
        file.truncate(whole)
    return rows


def add_row(path: Path, row: dict[str, Any]) -> None:
    with path.open("a", encoding="utf-8") as file:
        file.write(json.dumps(row) + "\n")


def as_they_come(work: Callable[[Item], Result], items: Iterable[Item], *, at_once: int) -> Iterator[Result]:
    """The results in any order.  Few are begun ahead, so that whoever stops does not wait long."""
    left = iter(items)
    with ThreadPoolExecutor(at_once) as pool:
        while batch := list(islice(left, 4 * at_once)):
            for future in as_completed([pool.submit(work, item) for item in batch]):
                yield future.result()
