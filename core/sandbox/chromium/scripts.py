"""Which scripts of ours run in the browser?  The same as on the site."""

import functools
from pathlib import Path

THREE = "0.183.2"
STATIC = Path(__file__).resolve().parents[3] / "judging" / "static"


@functools.cache
def own(name: str) -> bytes:
    return (STATIC / "judging" / name).read_bytes()


@functools.cache
def vendored(name: str) -> bytes:
    return (STATIC / "vendor" / f"{name}-{THREE}.js").read_bytes()
