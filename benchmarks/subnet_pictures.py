"""How far are our pictures of a module from those of the subnet's own render service?

`python -m benchmarks.subnet_pictures URL`: URL is a running render service of the subnet's public repository
(`render-service-js`, `npm install && npm start`), which lies outside of this one.  Each kind of module is drawn by both
under the rig `subnet-2026-06`, from its eight views and as its grid of four.  Prints Markdown: the mean absolute
difference of all channels, of 255, over the pixels where either drew something, and the worst view.  `--kind` chooses
kinds, `--pixels` their size, `--keep FOLDER` keeps the pictures, theirs on the left.
"""

from __future__ import annotations

import argparse
import base64
import io
import json
import os
import tempfile
import urllib.error
import urllib.parse
import urllib.request
from dataclasses import replace
from pathlib import Path

import django
import numpy as np
from numpy.typing import NDArray
from PIL import Image

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "competition.settings")
django.setup()

from core.sandbox.outcomes import Refused  # noqa: E402
from judging.renderers.rig import AS_THE_SUBNET, GRID, SUBNET_GRID, Rig  # noqa: E402
from judging.renderers.threejs import Threejs  # noqa: E402
from tests.judging.subnet_modules import BOX, HEAD, MODULES, TAIL  # noqa: E402

Picture = NDArray[np.int16]
GOAL = 3.0  # of 255
# Of the modules that both checkers take: one for each thing that a picture shows.
KINDS = """
    material-standard material-standard-metal material-basic material-emissive material-alpha-test material-several
    material-physical-anisotropy material-physical-iridescence material-physical-transmission scene-blend-additive
    scene-blend-multiply scene-blend-subtractive scene-color4 scene-instances-colour scene-line-colours
    scene-line-dashed scene-line-strip scene-points-px scene-points-map scene-map-aomap scene-map-bumpmap
    scene-map-clearcoatnormalmap scene-map-emissivemap scene-map-lightmap scene-map-metalnessmap scene-map-normalmap
    scene-map-roughnessmap scene-map-sheencolormap scene-map-specularcolormap scene-map-thicknessmap
    scene-map-transmissionmap scene-map-alphamap scene-map-displacementmap scene-tex-rgba-unsignedbyte
    scene-tex-rgb-float scene-tex-red-halffloat texture-srgb texture-repeat texture-mirrored scene-material-flags
    scene-draw-range scene-groups-many object-instances-fewer object-mirrored geometry-torus-knot geometry-lathe
    object-points object-line-segments
"""
SURFACE = "  group.add(new THREE.Mesh(new THREE.TorusKnotGeometry(0.25, 0.09, 96, 16), new THREE.{}));\n"
TEXTURED = """
  const texels = new Uint8Array(64);
  for (let i = 0; i < 16; i++) texels.set([16 * i, 255 - 12 * i, (i * 53) % 256, i % 3 ? 255 : 90], 4 * i);
  const map = new THREE.DataTexture(texels, 4, 4);
  {}
  map.needsUpdate = true;
  group.add(new THREE.Mesh(new THREE.BoxGeometry(0.6, 0.5, 0.4), new THREE.MeshStandardMaterial({{ map }})));
"""
BODIES = {
    "wireframe": SURFACE.format("MeshStandardMaterial({ color: 0x2255aa, wireframe: true })"),
    "clearcoat": SURFACE.format("MeshPhysicalMaterial({ color: 0xaa2211, clearcoat: 1, clearcoatRoughness: 0.1 })"),
    "sheen": SURFACE.format("MeshPhysicalMaterial({ color: 0x331144, sheen: 1, sheenColor: 0xffddee })"),
    "iridescence": SURFACE.format("MeshPhysicalMaterial({ color: 0x888888, iridescence: 1, iridescenceIOR: 1.8 })"),
    "transmission": BOX
    + SURFACE.format("MeshPhysicalMaterial({ transmission: 0.9, roughness: 0.2, thickness: 0.3, ior: 1.4 })"),
    "glow above 1": SURFACE.format("MeshStandardMaterial({ emissive: 0x882200, emissiveIntensity: 6 })"),
    "flat shading": SURFACE.format("MeshStandardMaterial({ color: 0x77aa33, flatShading: true, metalness: 0.4 })"),
    "see-through": BOX + SURFACE.format("MeshStandardMaterial({ color: 0x1177cc, transparent: true, opacity: 0.4 })"),
    "from behind": SURFACE.format("MeshStandardMaterial({ color: 0xcc7711, side: THREE.BackSide })"),
    "texture centre": TEXTURED.format("map.center.set(0.5, 0.5); map.rotation = 0.7; map.repeat.set(0.5, 0.5);"),
    "texture flipped": TEXTURED.format("map.flipY = true; map.magFilter = THREE.LinearFilter;"),
    "texture sRGB": TEXTURED.format("map.colorSpace = THREE.SRGBColorSpace;"),
    "texture not handed over": TEXTURED.format("").replace("map.needsUpdate = true;", ""),
}


def modules() -> dict[str, bytes]:
    corpus = {name: MODULES[name].data for name in KINDS.split()}
    return {name: (HEAD + body + TAIL).encode() for name, body in BODIES.items()} | corpus


def theirs(service: str, module: bytes, rig: Rig) -> dict[str, Picture]:
    """What the service draws.  Raises HTTPError where it refuses the module."""
    views = {view.name: view for view in rig.views} | {GRID + view.name: view for view in SUBNET_GRID}
    drawn: dict[str, Picture] = {}
    for grid in (False, True):
        names = [name for name in views if name.startswith(GRID) == grid]
        query = {
            "img_size": rig.grid_pixels if grid else rig.pixels,
            "cam_radius": rig.radius,
            "cam_fov_deg": rig.fov,
            "thetas": ",".join(str(views[name].theta) for name in names),
            "phis": ",".join(str(views[name].phi) for name in names),
            "bg_color": (rig.gray_background if grid else rig.background)[1:],
        } | ({} if grid else {"lighting": "follow"})
        request = urllib.request.Request(
            f"{service}/render?{urllib.parse.urlencode(query)}",
            data=json.dumps({"source": module.decode()}).encode(),
            headers={"Content-Type": "application/json"},
        )
        with urllib.request.urlopen(request, timeout=120) as answer:
            images = json.load(answer)["images"]
        drawn |= {name: opened(base64.b64decode(image)) for name, image in zip(names, images, strict=True)}
    return drawn


def opened(png: bytes) -> Picture:
    return np.asarray(Image.open(io.BytesIO(png)).convert("RGB"), np.int16)


def ours(module: bytes, rig: Rig) -> dict[str, Picture]:
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder, "module.js")
        file.write_bytes(module)
        views = Threejs().render(file, rig=rig, out=Path(folder, "out"), file_format="threejs").views
        drawn = {name: opened(path.read_bytes()) for name, path in views.items()}
    step = rig.grid_edge - rig.grid_pixels
    for i, view in enumerate(SUBNET_GRID):
        x, y = i % 2 * step, i // 2 * step
        drawn[GRID + view.name] = drawn[GRID][y : y + rig.grid_pixels, x : x + rig.grid_pixels]
    return drawn


def difference(one: Picture, other: Picture) -> tuple[float, int]:
    """The sum of all differences over what either drew, and how many channels that are; its corner is background."""
    shown = (one != one[0, 0]).any(axis=2) | (other != other[0, 0]).any(axis=2)
    return float(np.abs(one - other)[shown].sum()), 3 * int(shown.sum())


def main() -> None:
    asked = argparse.ArgumentParser(description=__doc__)
    asked.add_argument("service")
    asked.add_argument("--kind", action="append")
    asked.add_argument("--pixels", type=int, default=256)
    asked.add_argument("--keep", type=Path)
    told = asked.parse_args()
    rig = replace(AS_THE_SUBNET, pixels=told.pixels, grid_pixels=told.pixels)
    print(f"{Threejs().version}, {told.pixels} px\n\n| kind | views | worst view | grid |\n|---|---|---|---|")
    means = {}
    for kind, module in modules().items():
        if told.kind and kind not in told.kind:
            continue
        try:
            there, here = theirs(told.service.rstrip("/"), module, rig), ours(module, rig)
        except (Refused, urllib.error.HTTPError) as error:
            print(f"| {kind} | refused: {error} | | |", flush=True)
            continue
        found = {name: difference(there[name], here[name]) for name in there}
        views, grid = ([found[name] for name in found if name.startswith(GRID) == each] for each in (False, True))
        means[kind], of_grid = (sum(d for d, _ in part) / max(1, sum(n for _, n in part)) for part in (views, grid))
        worst = max(total / max(1, count) for total, count in views)
        print(f"| {kind} | {means[kind]:.2f} | {worst:.2f} | {of_grid:.2f} |", flush=True)
        if told.keep:
            for name in there:
                both = np.hstack([there[name], here[name]]).astype(np.uint8)
                told.keep.mkdir(parents=True, exist_ok=True)
                Image.fromarray(both).save(told.keep / f"{kind}-{name}.png")
    close = sum(mean <= GOAL for mean in means.values())
    values = list(means.values())
    print(
        f"\n{close} of {len(values)} kinds within {GOAL:g} of 255; mean {np.mean(values):.2f}, worst {max(values):.2f}"
    )


if __name__ == "__main__":
    main()
