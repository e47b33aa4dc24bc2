"""Views per second of each renderer and format, and how far two renderers differ.  `python -m benchmarks.renderers`

One asset after the other, PNG files included, the first one (which starts a sandbox and a browser) not counted.
Processor time is counted, of the sandbox and the browser too, so that a busy machine gives nearly the figures of a
quiet one; the seconds that passed stand beside.  Prints Markdown; differences are of the demo's objects at 256 px: mean
of all channels, and the share of pixels that differ by more than 24 of 255 in any.  `--renderer` and `--format` choose
rows, `--no-differences` leaves the comparison out.
"""

from __future__ import annotations

import argparse
import contextlib
import os
import tempfile
import time
from dataclasses import replace
from pathlib import Path

import django
import numpy as np
from PIL import Image

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "competition.settings")
django.setup()

from benchmarks.rendering import made_up  # noqa: E402
from examples.objects import glb_of  # noqa: E402
from judging.renderers import renderer  # noqa: E402
from judging.renderers.rig import EMBEDDED  # noqa: E402
from tests.judging.made_splats import cloud  # noqa: E402

MODULES = Path(__file__).parent.parent / "tests" / "judging" / "modules"
OBJECTS = ("car", "mug", "guitar", "teapot", "snowman", "chair")


def cases(folder: Path) -> list[tuple[str, str, Path]]:
    """(renderer, format, file)"""
    glb = made_up(folder)
    splats = []
    for count, degree in ((20_000, 0), (100_000, 3)):
        splats.append(folder / f"splats-{count}-degree-{degree}.ply")
        splats[-1].write_bytes(cloud(count, degree=degree))
    modules = sorted(MODULES.glob("*.js"))
    drawn = [("raycast", "glb", path) for path in glb]
    drawn += [("threejs", "glb", path) for path in glb]
    drawn += [("threejs", "ply", path) for path in splats]
    return drawn + [("threejs", "threejs", path) for path in modules]


def seconds(name: str, file_format: str, file: Path, *, pixels: int, out: Path) -> tuple[float, float]:
    """That passed, and of processor time, for one asset: the second of two."""
    rig = replace(EMBEDDED, pixels=pixels)
    for _ in range(2):
        started, used = time.monotonic(), processor_seconds()
        renderer(name).render(file, rig=rig, out=out, file_format=file_format)
        took = time.monotonic() - started, processor_seconds() - used
    return took


def processor_seconds() -> float:
    """Of this process, all below it, and those of them that have ended."""
    below: dict[int, list[int]] = {}
    used: dict[int, int] = {}
    found = [os.getpid()]
    for path in Path("/proc").glob("[0-9]*/stat"):
        with contextlib.suppress(OSError):
            fields = path.read_text(errors="replace").rpartition(")")[2].split()
            below.setdefault(int(fields[1]), []).append(int(path.parent.name))
            used[int(path.parent.name)] = sum(map(int, fields[11:15]))
    for pid in found:
        found += below.get(pid, [])
    return sum(used.get(pid, 0) for pid in found) / os.sysconf("SC_CLK_TCK")


def differences(folder: Path) -> str:
    """Between the two renderers of glb, over all views of some objects."""
    means, shares = [], []
    for name in OBJECTS:
        file = folder / f"{name}.glb"
        file.write_bytes(glb_of(name))
        drawn = [renderer(each).render(file, rig=EMBEDDED, out=folder / each).views for each in ("raycast", "threejs")]
        for view in drawn[0]:
            ours, theirs = (np.asarray(Image.open(views[view]), np.int16) for views in drawn)
            means.append(np.abs(ours - theirs).mean())
            shares.append((np.abs(ours - theirs).max(axis=2) > 24).mean())
    told = f"mean {np.mean(means):.2f}, worst {np.max(means):.2f} of 255"
    return f"{told}; {np.mean(shares):.2%} of pixels differ visibly, worst view {np.max(shares):.2%}"


def main() -> None:
    asked = argparse.ArgumentParser(description=__doc__)
    asked.add_argument("--renderer", choices=["raycast", "threejs"])
    asked.add_argument("--format", choices=["glb", "ply", "threejs"])
    asked.add_argument("--no-differences", action="store_true")
    told = asked.parse_args()
    print(f"{renderer('threejs').version}, load {os.getloadavg()[0]:.1f}, {os.cpu_count()} processors\n")
    each = "s per asset | processor s | views per processor second"
    heads = f"| renderer | format | file | MB | 512 px: {each} | 1024 px: {each} |"
    print(heads, "|---" * 10 + "|", sep="\n")
    with tempfile.TemporaryDirectory() as name:
        folder, views = Path(name), len(EMBEDDED.pictures()) - 1
        for drawn_by, file_format, file in cases(folder):
            if told.renderer not in (None, drawn_by) or told.format not in (None, file_format):
                continue
            took = [seconds(drawn_by, file_format, file, pixels=pixels, out=folder / "out") for pixels in (512, 1024)]
            shown = " | ".join(f"{passed:.2f} | {used:.2f} | {views / used:.1f}" for passed, used in took)
            print(
                f"| {drawn_by} | {file_format} | {file.stem} | {file.stat().st_size / 1e6:.1f} | {shown} |", flush=True
            )
        if not told.no_differences:
            print(f"\nraycast and threejs on glb: {differences(folder)}")


if __name__ == "__main__":
    main()
