"""How many of so many random tamperings with a bundle does the verifier catch, and how fast?

    python -m benchmarks.tamper                          # 10,000 with a small made bundle
    python -m benchmarks.tamper --mutants 300 BUNDLE     # with a copy of a real one, in memory and a temporary folder

Exit code 1 where one survived; its way, seed and number are printed, so that it can be made again.
"""

from __future__ import annotations

import argparse
import json
import sys
import tempfile
import time
from collections import Counter
from pathlib import Path

from tests.verify import made_bundle, tampering
from verify.bundles import bundle
from verify.findings import errors


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.tamper", description=__doc__)
    parser.add_argument("bundle", nargs="?", type=Path, help="a real bundle; it is copied, never changed")
    parser.add_argument("--mutants", type=int, default=10_000)
    parser.add_argument("--seed", type=int, default=2)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="gauntlet-tamper-") as place:
        return campaign(options.bundle, folder=Path(place), number=options.mutants, seed=options.seed)


def campaign(real: Path | None, *, folder: Path, number: int, seed: int) -> int:
    files = read(real) if real else made_bundle.make().files()
    for path, data in files.items():
        (folder / path).parent.mkdir(parents=True, exist_ok=True)
        (folder / path).write_bytes(data)
    source = tampering.original_of(files, signer=None if real else "operator")
    operator = str(json.loads(files["checkpoint.sig.json"])["signed_by"])
    if errors(bundle.examine(folder, operator=operator).log.findings):
        print("the bundle is not good to begin with", file=sys.stderr)
        return 2
    began, caught, ways = time.perf_counter(), Counter[str](), Counter[str]()
    for place, (way, changed) in enumerate(tampering.mutants(source, number=number, seed=seed)):
        with tampering.changed_folder(folder, changed, good=files):
            found = bundle.examine(folder, operator=operator).log.findings
        ways[way] += 1
        caught[way] += bool(errors(found))
        if not errors(found):
            print(f"SURVIVED: {way}, mutant {place} of seed {seed}: {sorted(changed)}")
    return told(ways, caught, seconds=time.perf_counter() - began)


def read(folder: Path) -> tampering.Files:
    return {p.relative_to(folder).as_posix(): p.read_bytes() for p in folder.rglob("*") if p.is_file()}


def told(ways: Counter[str], caught: Counter[str], *, seconds: float) -> int:
    for way, number in ways.items():
        print(f"{way:32} {caught[way]:6} of {number:6} caught")
    total, all_caught = ways.total(), caught.total()
    print(f"{'all':32} {all_caught:6} of {total:6} caught in {seconds:.0f} s, {1000 * seconds / total:.1f} ms each")
    return 0 if all_caught == total else 1


if __name__ == "__main__":
    sys.exit(main())
