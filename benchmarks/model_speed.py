"""How many questions a second does a model in a worker's own memory answer?

`python -m benchmarks.model_speed --size 7b`, on a machine with a card; torch, transformers, numpy and Pillow are all it
needs, and a copy of this folder.  The model has a real one's size and random weights: what it says is nonsense, how
long it takes is not.  Questions are those of the judge version, about pictures of its size: the challengers of one
prompt, each beside the same reference and the same leader's sheet.  Prints the rows of the table in
`docs/performance.md`; `benchmarks.card` runs every form of it.
"""

from __future__ import annotations

import argparse
import io
import json
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import asdict, dataclass, replace
from functools import partial
from typing import Any

import numpy as np
from PIL import Image

from judging.panel.questions.calls import MODELS, REFERENCE, Call
from judging.panel.questions.pictures import ReadyPicture
from judging.panel.questions.version import JudgeVersion, version_named

COLUMNS = (
    "model",
    "device",
    "attention",
    "batch",
    "beginnings",
    "tokens a question",
    "questions/s",
    "duels/h",
    "prefill, share of peak",
    "peak memory, GiB",
)
HEAD = f"| {' | '.join(COLUMNS)} |\n{'|---' * len(COLUMNS)}|"
QUESTIONS_A_DUEL = 3.3  # `python -m benchmarks.judge_cost`
# Dense bfloat16, without sparsity, in 10^12 operations a second: what the makers' data sheets say.
PEAKS = {"B200": 2250.0, "H200": 989.4, "H100": 989.4, "A100": 312.0, "L40S": 362.0, "RTX 4090": 165.2}


@dataclass(frozen=True, kw_only=True)
class Speed:
    """One row.  `questions_s`: whole answers, pictures and words included; `prefill_share`: of the card's bf16 peak, in
    the pass through the model alone (0: not known); `shared`: whether equal beginnings were read once a batch."""

    model: str
    device: str
    attention: str
    batch: int
    shared: bool
    tokens: int
    questions_s: float
    prefill_share: float
    memory_gib: float

    def line(self) -> str:
        return (
            f"| {self.model}, random weights | {self.device} | {self.attention} | {self.batch} "
            f"| {'once' if self.shared else 'each'} | {self.tokens:,} | {self.questions_s:.2f} "
            f"| {self.questions_s * 3600 / QUESTIONS_A_DUEL:,.0f} "
            f"| {f'{self.prefill_share:.0%}' if self.prefill_share else 'not measured'} "
            f"| {f'{self.memory_gib:.1f}' if self.memory_gib else 'not measured'} |"
        )


def questions(version: JudgeVersion) -> Iterator[Call]:
    """Likenesses of one leader and ever other challengers: pictures of noise, as large as the judge's sheets."""
    chance, template = np.random.default_rng(0), version.templates["likeness"]

    def picture() -> ReadyPicture:
        noise = Image.fromarray(chance.integers(0, 256, (64, 64, 3), dtype=np.uint8))
        out = io.BytesIO()
        noise.resize((version.pixels, version.pixels)).save(out, "JPEG", quality=92, subsampling=0)
        return ReadyPicture((), version.pixels, out.getvalue())

    reference, leader, number = picture(), picture(), 0
    while True:
        number += 1
        shown = ((REFERENCE, reference), (MODELS[0], leader), (MODELS[1], picture()))
        yield Call("likeness", version.system, shown, template.asks, tuple(template.labels), f"speed-{number}")


def measured(
    size: str,
    *,
    device: str,
    batches: Sequence[int],
    seconds: float,
    pixels: int = 0,
    attention: str = "sdpa",
    shared: Sequence[bool] = (False, True),
    peak: float = 0.0,
) -> Iterator[Speed]:
    """Row by row; ends before a batch that does not fit into the card's memory.

    `pixels`: of a picture's longer side (0: the version's); `peak`: 10^12 operations a second (0: the card's own).
    """
    import torch

    from benchmarks.model_made import made

    version = version_named("vlm-2")
    version = replace(version, pixels=pixels or version.pixels)
    loaded = made(size, version, device=device, attention=attention)
    asked = questions(version)
    for batch in batches:
        calls = [next(asked) for _ in range(batch)]
        tokens = int(loaded._inputs(calls[:1])["input_ids"].shape[1])
        for once in shared:
            loaded.shares_beginnings = once
            if device != "cpu":
                torch.cuda.reset_peak_memory_stats()
            try:
                rate = _rate(partial(_answer, loaded, calls), len(calls), seconds=seconds)
                share = _prefill_share(loaded, calls, seconds=seconds / 4, peak=peak or _peak(device))
            except torch.OutOfMemoryError:
                torch.cuda.empty_cache()
                return
            yield Speed(
                model=size,
                device=_named(device),
                attention=attention,
                batch=batch,
                shared=once,
                tokens=tokens,
                questions_s=rate,
                prefill_share=share,
                memory_gib=torch.cuda.max_memory_allocated() / 2**30 if device != "cpu" else 0.0,
            )


def _answer(loaded: Any, calls: Sequence[Call]) -> None:
    """Each batch as if it were the first of its prompt: what it shares is read once, and not kept for the next."""
    loaded.prefixes.entries.clear()
    loaded.labels(calls)  # its result is fetched to the CPU, so nothing is still under way


def _rate(work: Callable[[], None], count: int, *, seconds: float) -> float:
    """Answers a second.  The first batch is not counted: it warms up."""
    work()
    began, answered = time.monotonic(), 0
    while not answered or time.monotonic() - began < seconds:
        work()
        answered += count
    return answered / (time.monotonic() - began)


def _prefill_share(loaded: Any, calls: Sequence[Call], *, seconds: float, peak: float) -> float:
    """Operations a second in one pass over prepared questions, of the card's peak; 0 where no peak is known."""
    import torch
    from torch.utils.flop_counter import FlopCounterMode

    if not peak or loaded.shares_beginnings:
        return 0.0
    inputs = loaded._inputs(calls)
    with torch.inference_mode():
        counter = FlopCounterMode(display=False)
        with counter:
            loaded.model(**inputs, logits_to_keep=1)

        def work() -> None:
            loaded.model(**inputs, logits_to_keep=1)
            if inputs["input_ids"].is_cuda:
                torch.cuda.synchronize()

        passes_s = _rate(work, 1, seconds=seconds)
    return float(counter.get_total_flops() * passes_s / (peak * 1e12))


def _peak(device: str) -> float:
    named = _named(device) if device != "cpu" else ""
    return next((peak for name, peak in PEAKS.items() if name in named), 0.0)


def _named(device: str) -> str:
    import torch

    return str(torch.cuda.get_device_name()) if device != "cpu" else f"CPU, {torch.get_num_threads()} threads"


def main() -> None:
    import torch

    asks = argparse.ArgumentParser(prog="python -m benchmarks.model_speed", description=__doc__)
    asks.add_argument("--size", default="7b", help="tiny, 3b or 7b (default: %(default)s)")
    asks.add_argument("--device", default="cuda" if torch.cuda.is_available() else "cpu")
    asks.add_argument("--batch", type=int, nargs="+", default=[1, 4, 8, 16])
    asks.add_argument("--attention", default="sdpa", help="sdpa or flash_attention_2 (default: %(default)s)")
    asks.add_argument("--seconds", type=float, default=20, help="for each row (default: %(default)s)")
    asks.add_argument("--pixels", type=int, default=0, help="of a picture's longer side (default: the version's)")
    asks.add_argument("--peak", type=float, default=0.0, help="the card's bf16 peak, 10^12 operations a second")
    asks.add_argument("--json", action="store_true", help="one JSON object a row instead of a table")
    options = asks.parse_args()
    if not options.json:
        print(HEAD)
    rows = measured(
        options.size,
        device=options.device,
        batches=options.batch,
        seconds=options.seconds,
        pixels=options.pixels,
        attention=options.attention,
        peak=options.peak,
    )
    for row in rows:
        print(json.dumps(asdict(row)) if options.json else row.line(), flush=True)


if __name__ == "__main__":
    main()
