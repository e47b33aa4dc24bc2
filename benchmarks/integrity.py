"""What does it cost to measure how sound a file is?  `python -m benchmarks.integrity`

Prints Markdown: processor seconds of this process and the most memory it ever held, for meshes of 200,000 triangles and
for splats.  Each case runs in a process of its own, which has loaded everything before.
"""

from __future__ import annotations

import io
import multiprocessing
import resource
import time
from collections.abc import Callable

import numpy as np
import trimesh
from PIL import Image

from formats.glb.integrity import measure as measure_glb
from formats.integrity.mesh import defects
from formats.known_good_files import glb
from formats.ply.integrity import measure as measure_ply
from tests.formats.made_meshes import Shape, sphere, torus
from tests.judging.made_splats import cloud

TRIANGLES = 200_000


def textured_ball() -> bytes:
    """About 328,000 triangles whose seams split vertices, with a texture of 2048 x 2048."""
    ball = trimesh.creation.icosphere(subdivisions=7, radius=0.45)
    noise = np.random.default_rng(0).integers(0, 255, (256, 256, 3), dtype=np.uint8)
    paper = trimesh.visual.material.PBRMaterial(baseColorTexture=Image.fromarray(noise).resize((2048, 2048)))
    ball.visual = trimesh.visual.TextureVisuals(uv=ball.vertices[:, :2] + 0.5, material=paper)
    return bytes(ball.export(file_type="glb"))


def soup(*, reach: float) -> Shape:
    """Triangles anywhere in the cube, each `reach` long."""
    rng = np.random.default_rng(0)
    points = rng.random((TRIANGLES, 1, 3)) * (1 - reach) + rng.random((TRIANGLES, 3, 3)) * reach
    return Shape(points.reshape(-1, 3), np.arange(3 * TRIANGLES).reshape(-1, 3))


def mesh(made: Shape) -> Callable[[], object]:
    return lambda: defects(made.points, made.faces)


def cases() -> dict[str, Callable[[], Callable[[], object]]]:
    """By what is measured: makes the input, and gives what measures it."""

    def file(measure: Callable[[bytes], object], data: Callable[[], bytes]) -> Callable[[], Callable[[], object]]:
        def prepared() -> Callable[[], object]:
            content = data()
            return lambda: measure(content)

        return prepared

    return {
        "a torus of 200,000 triangles": lambda: mesh(torus(500, 200)),
        "the same with vertices of its own for each": lambda: mesh(torus(500, 200).split()),
        "200,000 small triangles anywhere": lambda: mesh(soup(reach=0.01)),
        "200,000 triangles that all cross": lambda: mesh(soup(reach=1.0)),
        "25,000 balls of 8 triangles, inside out": lambda: mesh(many_balls()),
        "2,000,000 triangles": lambda: mesh(torus(2000, 500)),
        "a glb of 328,000 triangles, texture 2048²": file(measure_glb, textured_ball),
        "a ply of 100,000 splats": file(measure_ply, lambda: cloud(100_000)),
    }


def many_balls() -> Shape:
    ball = sphere(0).turned().moved(size=0.01)
    places = np.random.default_rng(0).random((TRIANGLES // 8, 1, 3))
    faces = ball.faces + 6 * np.arange(len(places))[:, None, None]
    return Shape((ball.points + places).reshape(-1, 3), faces.reshape(-1, 3))


def measured(name: str) -> tuple[float, int]:
    """Processor seconds, and bytes held at most, the input included."""
    measure_glb(glb(picture=picture()))
    measure_ply(cloud(100))
    run = cases()[name]()
    started = time.process_time()
    run()
    return time.process_time() - started, resource.getrusage(resource.RUSAGE_SELF).ru_maxrss << 10


def picture() -> bytes:
    file = io.BytesIO()
    Image.new("RGB", (4, 4)).save(file, "PNG")
    return file.getvalue()


def main() -> None:
    print("| measured | processor seconds | MiB |\n|---|---|---|")
    for name in cases():
        with multiprocessing.get_context("spawn").Pool(1) as pool:
            seconds, held = pool.apply(measured, (name,))
        print(f"| {name} | {seconds:.2f} | {held >> 20} |", flush=True)


if __name__ == "__main__":
    main()
