"""Can any bytes crash what reads assets?  `python -m tests.judging.fuzzing --count 100000`, one line per format.

Good files are damaged at random: bytes turned, cut, doubled, numbers set to edges, lines of headers and pieces of
programs moved about.  A file may be refused or read; anything else that is raised, and any growth of memory beyond the
limit that a child of the sandbox has, is a failure, printed with the seed that makes it again.
"""

from __future__ import annotations

import argparse
import random
import resource
import struct
import sys
import time
from collections.abc import Callable
from pathlib import Path

from core.sandbox.outcomes import Refused
from examples.objects import glb_of
from formats import examiner, known_good_files
from tests.judging.hostile_modules import STATIC
from tests.judging.made_splats import cloud

MEMORY = 3 << 30  # as core.sandbox.policy.SandboxPolicy
EDGES = [0, 1, 0x7F, 0x80, 0xFF, 0x7FFF, 0xFFFF, 0x7FFFFFFF, 0x80000000, 0xFFFFFFFF, 0x7F800000, 0x7FC00000]
CODE = [
    b"{",
    b"}",
    b"(",
    b")",
    b"[",
    b"]",
    b"=>",
    b"`",
    b"${",
    b"'",
    b"\\",
    b"/*",
    b"//",
    b"class ",
    b"export ",
    b"get ",
]
HEADERS = [b"element vertex ", b"property float ", b"end_header\n", b"comment ", b'"bufferView":', b'"count":']
VALUES = [
    b"null",
    b"-1",
    b"1e999",
    b"18446744073709551615",
    b"\n",
    b"\r",
    b"\xff\xfe",
    b"\0",
    b'"byteOffset":',
    b'"nodes":',
]
WORDS = [*CODE, *HEADERS, *VALUES]
MODULES = Path(__file__).with_name("modules")


def corpus(name: str) -> list[bytes]:
    if name == "glb":
        return [known_good_files.glb(), glb_of("mug"), glb_of("key")]
    if name == "ply":
        return [known_good_files.ply(), cloud(4), cloud(6, degree=1), cloud(3, degree=3)]
    if name != "threejs":
        raise ValueError(f"no good files of the format {name!r} to damage: add some here")
    ours = [path.read_bytes() for path in sorted(MODULES.glob("*.js"))]
    return [
        *[known_good_files.MODULE.encode(), *ours] * 40,
        *(text.encode() for _, text in STATIC.values() if 0 < len(text) < 4000),
    ]


def damaged(data: bytes, chance: random.Random, others: list[bytes]) -> bytes:
    """One to four damages, one upon the other."""
    broken = bytearray(data)
    for _ in range(chance.choice((1, 1, 1, 2, 2, 4))):
        if not broken:
            break
        at = chance.randrange(len(broken)) if chance.random() < 0.7 else chance.randrange(min(len(broken), 700))
        how = chance.choice((0, 0, 0, 1, 1, 2, 2, 3, 4, 5, 6))
        if how == 0:
            broken[at] ^= 1 << chance.randrange(8)
        elif how == 1:
            broken[at] = chance.randrange(256)
        elif how == 2:
            broken[at : at + 4] = struct.pack("<I", chance.choice(EDGES))
        elif how == 3:
            del broken[at : at + chance.choice((1, 1, 2, 4, 4, 16, 200, len(broken)))]
        elif how == 4:
            broken[at:at] = chance.choice(WORDS) * chance.choice((1, 1, 1, 2, 300))
        elif how == 5:
            broken[at:at] = broken[at : at + chance.randrange(64)]
        else:
            other = chance.choice(others)
            broken[at:] = other[chance.randrange(len(other)) :]
    return bytes(broken[: 1 << 20])


def attack(name: str, *, count: int, seed: int) -> str:
    """The line to print.  Raises AssertionError with what made anything but a refusal."""
    examine: Callable[[bytes], object] = examiner(name)
    good, read, slowest, started = corpus(name), 0, 0.0, time.monotonic()
    for number in range(count):
        chance = random.Random(f"{seed}-{name}-{number}")
        data = damaged(chance.choice(good), chance, good)
        begun = time.monotonic()
        try:
            examine(data)
            read += 1
        except Refused:
            pass
        except BaseException as error:
            raise AssertionError(f"{name} seed {seed} number {number}: {error!r}") from error
        slowest = max(slowest, time.monotonic() - begun)
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss >> 10
    each = (time.monotonic() - started) / count
    told = f"{name:8} {count:7} files, {read} read, {count - read} refused"
    return f"{told}; {each * 1e3:.2f} ms each, slowest {slowest:.2f} s, peak {peak} MiB"


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m tests.judging.fuzzing", description=__doc__)
    parser.add_argument("--count", type=int, default=100_000, help="damaged files per format (100000)")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--format", action="append", choices=["glb", "ply", "threejs"], help="these only")
    told = parser.parse_args()
    resource.setrlimit(resource.RLIMIT_AS, (MEMORY, MEMORY))
    for name in told.format or ["glb", "ply", "threejs"]:
        try:
            print(attack(name, count=told.count, seed=told.seed), flush=True)
        except AssertionError as failure:
            sys.exit(str(failure))


if __name__ == "__main__":
    main()
