"""How many questions a second does a model in a worker's own memory answer?

`python -m benchmarks.model_speed --size 7b`, on a machine with a card.  The model has a real one's size and random
weights: what it says is nonsense, how long it takes is not.  Questions are those of the judge version, about pictures
of its size.  Prints the rows of the table in `docs/performance.md`.
"""

from __future__ import annotations

import argparse
import tempfile
import time
from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image

from judging.backends.base import Side
from judging.panel.questions.calls import Asker, Call
from judging.panel.questions.version import JudgeVersion, version_named

COLUMNS = ("model", "device", "batch", "tokens a question", "questions/s", "tokens/s", "peak memory, GiB")
HEAD = f"| {' | '.join(COLUMNS)} |\n{'|---' * len(COLUMNS)}|"


def questions(version: JudgeVersion, folder: Path) -> Iterator[Call]:
    """Likenesses of ever other pictures of noise, as large as the rig's."""
    luck, number = np.random.default_rng(0), 0
    names = version.templates["likeness"].shows

    def picture() -> Path:
        nonlocal number
        number += 1
        path = folder / f"{number}.png"
        Image.fromarray(luck.integers(0, 256, (64, 64, 3), dtype=np.uint8)).resize((512, 512)).save(path)
        return path

    reference = picture()
    while True:
        sides = [Side(f"{number}{place}", {name: picture() for name in names}) for place in "ab"]
        yield Asker(version, reference).pair("likeness", *sides)


def measured(
    size: str, *, device: str, batches: Sequence[int], seconds: float, pixels: int = 0
) -> list[dict[str, Any]]:
    import torch

    from benchmarks.model_made import made

    version = version_named("vlm-2")
    version = replace(version, pixels=pixels or version.pixels)
    loaded, rows = made(size, version, device=device), []
    with tempfile.TemporaryDirectory() as folder:
        asked = questions(version, Path(folder))
        for batch in batches:
            calls = [next(asked) for _ in range(batch)]
            if device == "cuda":
                torch.cuda.reset_peak_memory_stats()
            rate = _rate(loaded, calls, seconds=seconds)
            memory = torch.cuda.max_memory_allocated() / 2**30 if device == "cuda" else 0.0
            tokens = int(loaded._inputs(calls[:1])["input_ids"].shape[1])
            rows.append(
                {
                    "model": size,
                    "device": _named(device),
                    "batch": batch,
                    "tokens": tokens,
                    "rate": rate,
                    "memory": memory,
                }
            )
    return rows


def _rate(loaded: Any, calls: Sequence[Call], *, seconds: float) -> float:
    """Answers a second, pictures and words included.  The first batch is not counted: it warms up."""
    loaded.labels(calls)
    began, answered = time.monotonic(), 0
    while not answered or time.monotonic() - began < seconds:
        answered += len(loaded.labels(calls))  # its result is fetched to the CPU, so nothing is still under way
    return answered / (time.monotonic() - began)


def _named(device: str) -> str:
    import torch

    return str(torch.cuda.get_device_name()) if device == "cuda" else f"CPU, {torch.get_num_threads()} threads"


def line(row: dict[str, Any]) -> str:
    memory = f"{row['memory']:.1f}" if row["memory"] else "not measured"
    return (
        f"| {row['model']}, random weights | {row['device']} | {row['batch']} | {row['tokens']:,} | {row['rate']:.2f} "
        f"| {row['rate'] * row['tokens']:,.0f} | {memory} |"
    )


def main() -> None:
    import torch

    asks = argparse.ArgumentParser(prog="python -m benchmarks.model_speed", description=__doc__)
    asks.add_argument("--size", default="7b", help="tiny, 3b or 7b (default: %(default)s)")
    asks.add_argument("--device", default="cuda" if torch.cuda.is_available() else "cpu")
    asks.add_argument("--batch", type=int, nargs="+", default=[1, 4, 8, 16])
    asks.add_argument("--seconds", type=float, default=20, help="for each batch size (default: %(default)s)")
    asks.add_argument("--pixels", type=int, default=0, help="of a picture's longer side (default: the version's)")
    told = asks.parse_args()
    print(HEAD)
    for row in measured(told.size, device=told.device, batches=told.batch, seconds=told.seconds, pixels=told.pixels):
        print(line(row), flush=True)


if __name__ == "__main__":
    main()
