"""What does this machine's card do with a judge?  One script for any GPU machine, done in less than ten minutes.

    python -m benchmarks.card --out FOLDER

Needs torch, transformers, numpy and Pillow, and a copy of this folder.  Runs `benchmarks.model_speed` for forms of 3B
and 7B with random weights, each in a process of its own: one question at a time, batches that double until memory runs
out, equal beginnings read once, SDPA, and flash attention where it is installed.  Writes `FOLDER/card.md`, the rows
of `docs/performance.md` with the date and the card, and `FOLDER/card.json`.  What failed or found no time is named.
"""

from __future__ import annotations

import argparse
import importlib.util
import json
import subprocess
import sys
import time
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from benchmarks.model_speed import HEAD, Speed

WITHIN_S = 540.0  # all forms together
LEAST_S = 45.0  # a form that has less is left out: it would not even be built
BATCHES = ("1", "2", "4", "8", "16", "32", "64", "128")


def forms(sizes: list[str]) -> Iterator[tuple[str, str]]:
    """(size, attention), the most wanted first."""
    yield from ((size, "sdpa") for size in reversed(sizes))
    if importlib.util.find_spec("flash_attn") is not None:
        yield from ((size, "flash_attention_2") for size in reversed(sizes))


def run_form(size: str, attention: str, *, seconds: float, within_s: float, more: list[str]) -> tuple[list[Any], str]:
    """(rows, why there are no more of them; empty where all were measured)."""
    command = [sys.executable, "-m", "benchmarks.model_speed", "--json", "--size", size, "--attention", attention]
    command += ["--seconds", str(seconds), "--batch", *BATCHES, *more]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as process:
        try:
            out, err = process.communicate(timeout=within_s)
            why = "" if process.returncode == 0 else (err.strip().splitlines() or ["no reason given"])[-1][:300]
        except subprocess.TimeoutExpired:
            process.kill()
            out, _ = process.communicate()
            why = f"its {within_s:.0f} s were over"
    return [json.loads(line) for line in out.splitlines() if line.startswith("{")], why


def run(sizes: list[str], *, seconds: float, within_s: float, more: list[str]) -> dict[str, Any]:
    """All forms, as long as there is time.  `left_out`: form -> why it, or its larger batches, were not measured."""
    began, rows, left_out = time.monotonic(), [], {}
    wanted = list(forms(sizes))
    for number, (size, attention) in enumerate(wanted):
        remaining_s = within_s - (time.monotonic() - began)
        share_s = remaining_s / (len(wanted) - number)
        if share_s < min(LEAST_S, within_s / 4):
            left_out[f"{size} {attention}"] = "no time left"
            continue
        of_form, why = run_form(size, attention, seconds=seconds, within_s=share_s, more=more)
        rows += of_form
        if why:
            left_out[f"{size} {attention}"] = why
    if not any(attention == "flash_attention_2" for _, attention in wanted):
        left_out["flash_attention_2"] = "the package flash_attn is not installed"
    return {"at": datetime.now(UTC).date().isoformat(), "rows": rows, "left_out": left_out}


def table(report: dict[str, Any]) -> str:
    rows = [Speed(**row) for row in report["rows"]]
    lines = [f"Measured {report['at']} by `python -m benchmarks.card`.", "", HEAD, *(row.line() for row in rows), ""]
    for size in sorted({row.model for row in rows}):
        of_size = [row for row in rows if row.model == size]
        alone = [row.questions_s for row in of_size if row.batch == 1 and not row.shared]
        best = max(of_size, key=lambda row: row.questions_s)
        if alone:
            lines.append(f"{size}: {best.questions_s / alone[0]:.1f} times the questions of one at a time.")
    lines += [f"Left out, {form}: {why}." for form, why in report["left_out"].items()]
    return "\n".join(lines) + "\n"


def main() -> None:
    asks = argparse.ArgumentParser(
        prog="python -m benchmarks.card", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    asks.add_argument("--out", type=Path, required=True, help="folder for card.md and card.json")
    asks.add_argument("--sizes", nargs="+", default=["3b", "7b"], help="tiny, 3b, 7b (default: %(default)s)")
    asks.add_argument("--seconds", type=float, default=4.0, help="for each row (default: %(default)s)")
    asks.add_argument("--within", type=float, default=WITHIN_S, help="seconds for all (default: %(default)s)")
    asks.add_argument("--pixels", default="0", help="of a picture's longer side (default: the judge version's)")
    options = asks.parse_args()
    report = run(options.sizes, seconds=options.seconds, within_s=options.within, more=["--pixels", options.pixels])
    options.out.mkdir(parents=True, exist_ok=True)
    (options.out / "card.json").write_text(json.dumps(report, indent=2))
    (options.out / "card.md").write_text(table(report))
    print(table(report))
    if not report["rows"]:
        sys.exit("nothing was measured")


if __name__ == "__main__":
    main()
