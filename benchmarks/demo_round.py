"""What does each step of a round cost in seconds?  `python -m benchmarks.demo_round BUNDLE` reads a bundle's ledger.

Play one first: `manage.py play --rounds 1`; the bundle is then var/play/bundles/demo/1.
"""

from __future__ import annotations

import argparse
import json
from collections import Counter
from datetime import datetime
from itertools import pairwise
from pathlib import Path

STEPS = {
    "asset": "files downloaded or generated",
    "rendering": "files checked and rendered",
    "duel": "duels judged",
    "match": "matches begun and decided",
    "podrun": "pods started, generating, done",
    "audit": "audits decided",
    "publication": "bundle written and signed",
}


def events(bundle: Path) -> list[tuple[datetime, str, dict[str, object]]]:
    lines = (bundle / "ledger.jsonl").read_text().splitlines()
    read = [json.loads(line) for line in lines]
    return [(datetime.fromisoformat(e["body"]["at"].replace("Z", "+00:00")), e["kind"], e["body"]) for e in read]


def stages(told: list[tuple[datetime, str, dict[str, object]]], *, number: int) -> list[tuple[str, float]]:
    """Seconds spent in each stage of the round."""
    moved = [
        (at, kind.split(".")[1]) for at, kind, body in told if kind.startswith("round.") and body["round"] == number
    ]
    return [(name, (after - at).total_seconds()) for (at, name), (after, _) in pairwise(moved)]


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.demo_round", description=__doc__)
    parser.add_argument("bundle", type=Path)
    bundle = parser.parse_args().bundle
    told, number = events(bundle), json.loads((bundle / "manifest.json").read_text())["round"]
    print("| stage | seconds |\n|---|---|")
    for name, seconds in stages(told, number=number):
        print(f"| {name} | {seconds:.1f} |")
    print("\n| step | events | first to last, seconds |\n|---|---|---|")
    counted = Counter(kind.split(".")[0] for _, kind, _ in told)
    for name, what in STEPS.items():
        times = [at for at, kind, body in told if kind.split(".")[0] == name and body.get("round", number) == number]
        if times:
            print(f"| {what} | {counted[name]} | {(max(times) - min(times)).total_seconds():.1f} |")


if __name__ == "__main__":
    main()
