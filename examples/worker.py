"""Run one miner's generator over a folder of pictures, in a process of its own.

`python -m examples.worker GENERATOR PICTURES OUT STEM...`: each file appears under its name when it is whole.
"""

import argparse
import ctypes
import signal
import sys
from pathlib import Path

from examples.kit import write

PR_SET_PDEATHSIG = 1


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m examples.worker", description=__doc__)
    parser.add_argument("generator", type=Path, help="a folder with a generator.py")
    parser.add_argument("pictures", type=Path, help="a folder with <stem>.png")
    parser.add_argument("out", type=Path, help="where <stem>.glb, or what the generator makes, goes")
    parser.add_argument("stems", nargs="*")
    parser.add_argument("--seed", type=int, default=0)
    told = parser.parse_args()
    die_with_parent()
    sys.path.insert(0, str(told.generator.resolve()))
    import generator

    ending = getattr(generator, "EXTENSION", "glb")
    for stem in told.stems:
        try:
            data = generator.generate((told.pictures / f"{stem}.png").read_bytes(), seed=told.seed)
        except Exception as reason:  # the next picture may be better
            print(f"{told.generator.name}: {stem}: {type(reason).__name__}: {reason}", file=sys.stderr)
            continue
        write(told.out / f"{stem}.{ending}", data)


def die_with_parent() -> None:
    """Linux tells us when the thread that started us is gone, however it went."""
    ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal.SIGTERM)


if __name__ == "__main__":
    main()
