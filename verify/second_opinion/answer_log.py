"""Where do answers stay, so that the same command goes on where it was stopped?

A file of lines beside the bundle, each synced to the disk before the next question is put: whoever is killed loses the
answer that was on its way.  An answer counts for the bundle, server and model that its line names.
"""

from __future__ import annotations

import json
import os
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from verify.bundles.files import Row
from verify.second_opinion.questions import NotAskable

MOST_BYTES = 256 * 2**20
PLACE = ("bundle", "server", "model")


@dataclass(frozen=True)
class AnswerLog:
    """`place`: what every line is about, the names of PLACE."""

    path: Path
    place: Row

    def seed(self) -> str | None:
        """By which the questions about this bundle were drawn last."""
        seeds = [row["seed"] for row in self._lines() if row.get("bundle") == self.place["bundle"] and "seed" in row]
        return next((seed for seed in reversed(seeds) if isinstance(seed, str)), None)

    def answers(self) -> dict[str, Row]:
        """By the key of the question; of several the first.  A line that was cut off counts for nothing."""
        rows: dict[str, Row] = {}
        for row in self._lines():
            if all(row.get(name) == self.place[name] for name in PLACE) and is_answer(row):
                rows.setdefault(row["key"], row)
        return rows

    def write_seed(self, seed: str) -> None:
        self._append({"bundle": self.place["bundle"], "seed": seed})

    def write(self, key: str, answer: Row) -> Row:
        row = {**self.place, "key": key, **answer}
        self._append(row)
        return row

    def _append(self, row: Row) -> None:
        """On a line of its own, also behind one that was cut off."""
        try:
            with self.path.open("ab+") as file:
                end = file.seek(0, os.SEEK_END)
                file.seek(max(0, end - 1))
                cut_off = end > 0 and file.read(1) != b"\n"
                file.write(b"\n" * cut_off + json.dumps(row, sort_keys=True).encode() + b"\n")
                file.flush()
                os.fsync(file.fileno())
        except OSError as error:
            raise NotAskable(
                f"{self.path} cannot be written: {error.strerror or error}. Name another: --answers."
            ) from error

    def _lines(self) -> list[Row]:
        try:
            if not self.path.exists():
                return []
            if self.path.stat().st_size > MOST_BYTES:
                raise NotAskable(f"{self.path} has more than {MOST_BYTES} bytes: name another file with --answers.")
            texts = self.path.read_bytes().splitlines()
        except OSError as error:
            raise NotAskable(
                f"{self.path} cannot be read: {error.strerror or error}. Name another: --answers."
            ) from error
        return [row for row in map(parsed_line, texts) if isinstance(row, dict)]


def parsed_line(line: bytes) -> Any:
    try:
        return json.loads(line)
    except (ValueError, RecursionError):
        return None


def is_answer(row: Row) -> bool:
    shares = row.get("shares")
    counts = isinstance(shares, dict) and all(type(share) is int and share >= 0 for share in shares.values())
    return isinstance(row.get("key"), str) and counts and sum(row["shares"].values()) > 0
