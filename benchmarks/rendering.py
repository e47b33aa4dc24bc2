"""How long does the raycast renderer take?  `python -m benchmarks.rendering [GLB ...]`, by default three made-up ones.

Prints, per asset and picture size: processor and wall seconds through the fork server, views a second, peak memory, and
the seconds one asset costs, PNG files included, when as many threads as there are processors share the server.
"""

import os
import sys
import tempfile
import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path

import numpy as np
import trimesh
from PIL import Image

from judging.renderers.raycast import SANDBOX, Raycast, allowance
from judging.renderers.rig import EMBEDDED, Rig

REPEATS = 8


def made_up(folder: Path) -> list[Path]:
    """5 thousand and 328 thousand triangles with vertex colours; 82 thousand with a texture of 2048 x 2048."""
    paths = []
    for subdivisions in (4, 7):
        ball = trimesh.creation.icosphere(subdivisions=subdivisions, radius=0.45)
        ball.visual.vertex_colors = ((ball.vertices + 0.5) * 255).astype(np.uint8)
        paths.append(folder / f"ball-{len(ball.faces)}.glb")
        paths[-1].write_bytes(ball.export(file_type="glb"))
    ball = trimesh.creation.icosphere(subdivisions=6, radius=0.45)
    noise = np.random.default_rng(0).integers(0, 255, (256, 256, 3), dtype=np.uint8)
    paper = trimesh.visual.material.PBRMaterial(baseColorTexture=Image.fromarray(noise).resize((2048, 2048)))
    ball.visual = trimesh.visual.TextureVisuals(uv=ball.vertices[:, :2] + 0.5, material=paper)
    paths.append(folder / f"textured-{len(ball.faces)}.glb")
    paths[-1].write_bytes(ball.export(file_type="glb"))
    return paths


def measure(path: Path, *, rig: Rig, folder: Path) -> str:
    renderer, processors = Raycast(), len(os.sched_getaffinity(0))
    task, work = {"rig": rig.to_json()}, folder / "work"
    work.mkdir(exist_ok=True)
    SANDBOX.run(task, data=path, folder=work)
    done = [SANDBOX.run(task, data=path, folder=work, limits=allowance(rig)) for _ in range(REPEATS)]
    cpu, wall = np.median([(each.cpu_seconds, each.wall_seconds) for each in done], axis=0)
    started = time.monotonic()
    with ThreadPoolExecutor(processors) as pool:
        list(pool.map(lambda i: renderer.render(path, rig=rig, out=folder / f"out-{i}"), range(REPEATS)))
    each = (time.monotonic() - started) / REPEATS
    return (
        f"{path.name:20} {rig.pixels:4} px: {cpu:5.2f} s processor, {wall:5.2f} s wall, {len(rig.views) / wall:5.1f} "
        f"views/s, {max(it.peak_bytes for it in done) >> 20:4} MiB; {each:5.2f} s per asset with {processors} threads"
    )


def main(paths: list[Path]) -> None:
    print(Raycast.version, f"load {os.getloadavg()[0]:.1f}")
    with tempfile.TemporaryDirectory() as name:
        for path in paths or made_up(Path(name)):
            for pixels in (256, 512):
                print(measure(path, rig=replace(EMBEDDED, pixels=pixels), folder=Path(name)))


if __name__ == "__main__":
    main([Path(argument) for argument in sys.argv[1:]])
