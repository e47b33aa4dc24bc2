"""Is what a module built kept whole as data, and is a hostile scene refused before anything is made of it?"""

from __future__ import annotations

import copy
import json
import struct
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from core.sandbox.chromium import walls
from core.sandbox.outcomes import Refused
from formats import known_good_files
from formats.format_sandbox import sandbox_of
from formats.glb import gltf
from formats.threejs import baking, built, scene_file
from formats.threejs.glb_losses import losses
from formats.threejs.scene_parameters import CHOICES, KINDS, MATERIALS
from judging.renderers.rig import EMBEDDED, SUBNET, CameraView
from judging.renderers.threejs import Threejs
from tests.judging.filmic_tones import aces

Json = dict[str, Any]
HEADER = scene_file.HEADER
needs_browser = pytest.mark.skipif(walls.program("") is None, reason=f"no Chromium here: {walls.INSTALL}")
NUMBERS = (-0.4, -0.4, 0.0, 0.4, -0.4, 0.0, 0.0, 0.4, 0.0)
DATA = struct.pack("<9f3I", *NUMBERS, 0, 1, 2) + bytes(range(16))
AFTER = 48  # where four texels lie
NODE = {"parent": -1, "id": 7, "group": False, "renderOrder": 0, "place": [0, 0, 0], "turn": [0, 0, 0, 1]}
NODE |= {"scale": [1, 1, 1]}
TEXTURE = {
    "data": [AFTER, 16],
    "width": 2,
    "height": 2,
    "type": 1009,
    "format": 1023,
    "wrapS": 1000,
    "wrapT": 1001,
    "magFilter": 1003,
    "minFilter": 1003,
    "colorSpace": "srgb",
    "channel": 0,
    "anisotropy": 1,
    "flipY": True,
    "generateMipmaps": False,
    "premultiplyAlpha": False,
    "uploaded": True,
    "rotation": 0.5,
    "repeat": [1, 1],
    "offset": [0, 0],
    "center": [0.5, 0.5],
}
MESH = {"node": 0, "shape": "mesh", "vertices": 3, "instances": 1, "position": [0, 9], "index": [36, 3]}
MESH |= {"range": [0, 99], "paints": [0]}
FAN = {"node": 0, "shape": "mesh", "vertices": 9_999, "instances": 1, "position": [len(DATA), 3 * 9_999]}
FAN |= {"range": [0, 9_999], "paints": [0]}
TREE = {
    "nodes": [NODE],
    "textures": [TEXTURE],
    "materials": [{"type": "MeshPhysicalMaterial", "id": 3, "color": [1, 0.5, 0], "map": 0, "transmission": 0.5}],
    "meshes": [MESH],
}


@pytest.fixture(scope="module", autouse=True)
def put_away() -> Iterator[None]:
    yield
    baking.BAKING.close()


def packed(tree: Any, data: bytes = DATA, *, text: bytes | None = None) -> bytes:
    """As `scene_file.pack` writes it, of any tree."""
    written = json.dumps(tree).encode() if text is None else text
    written += b" " * (-len(written) % 4)
    return HEADER.pack(b"GNTSCENE", 1, len(written), len(data)) + written + data


def changed(*path: str | int, to: Any) -> Json:
    tree = copy.deepcopy(TREE)
    place: Any = tree
    for step in path[:-1]:
        place = place[step]
    place[path[-1]] = to
    return tree


def code(content: bytes) -> str:
    with pytest.raises(Refused) as refused:
        scene_file.drawn(scene_file.parse(content))
    return refused.value.code


def test_a_scene_survives_its_file_and_holds_nothing_else() -> None:
    tree = changed("materials", 0, "onBeforeRender", to="run me") | {"extras": 5}
    tree["nodes"][0] |= {"userData": {"x": 1}}
    scene = scene_file.parse(packed(tree))
    assert scene.tree == TREE
    again = scene_file.pack(scene)
    assert scene_file.pack(scene_file.parse(again)) == again
    kept, drawn = scene_file.drawn(scene)
    assert kept.tree == TREE
    assert (drawn.count, drawn.bounds) == (1, (pytest.approx((-0.4, -0.4, 0)), pytest.approx((0.4, 0.4, 0))))


WHOLE = packed(TREE)
FILES: dict[str, bytes] = {
    "nothing": b"",
    "half a header": WHOLE[:10],
    "another magic": b"glTF" + WHOLE[4:],
    "another version": WHOLE[:8] + struct.pack("<I", 2) + WHOLE[12:],
    "a byte more": WHOLE + b"\0",
    "a byte less": WHOLE[:-1],
    "a text of 4 GB": WHOLE[:12] + struct.pack("<I", 2**32 - 4) + WHOLE[16:],
    "data of 4 GB": WHOLE[:16] + struct.pack("<I", 2**32 - 1) + WHOLE[20:],
    "a text that ends anywhere": HEADER.pack(b"GNTSCENE", 1, 3, 0) + b"{} ",
    "no JSON": packed(None, text=b"{'nodes'"),
    "no UTF-8": packed(None, text=b'{"nodes": "\xff"}'),
    "a list": packed([]),
    "deep": packed(None, text=b"[" * 100_000),
    "no text": packed(None, text=b""),
}
TREES: dict[str, tuple[str, Json]] = {
    "no nodes": ("MODULE_THREW", changed("nodes", to=[])),
    "nodes that are a number": ("MODULE_THREW", changed("nodes", to=5)),
    "a parent of itself": ("MODULE_THREW", changed("nodes", 0, "parent", to=0)),
    "a parent before all": ("MODULE_THREW", changed("nodes", 0, "parent", to=-2)),
    "a parent that is true": ("MODULE_THREW", changed("nodes", 0, "parent", to=True)),
    "an id that is no number": ("MODULE_THREW", changed("nodes", 0, "id", to="1")),
    "a place of two numbers": ("MODULE_THREW", changed("nodes", 0, "place", to=[0, 0])),
    "a place that is text": ("MODULE_THREW", changed("nodes", 0, "place", to="abc")),
    "a place that is none": ("NOT_FINITE", changed("nodes", 0, "place", to=[0, 0, None])),
    "a place of NaN": ("NOT_FINITE", changed("nodes", 0, "place", to=[0, 0, float("nan")])),
    "a scale without end": ("NOT_FINITE", changed("nodes", 0, "scale", to=[1, 1, float("inf")])),
    "a scale beyond floats": ("NOT_FINITE", changed("nodes", 0, "scale", to=[1, 1, 10**400])),
    "a place that overflows": ("OUTSIDE_UNIT_CUBE", changed("nodes", 0, "place", to=[3e38, 0, 0])),
    "a colour of NaN": ("NOT_FINITE", changed("materials", 0, "color", to=[0, 0, float("nan")])),
    "a colour of two": ("MODULE_THREW", changed("materials", 0, "color", to=[0, 0])),
    "a material of no class": ("MODULE_THREW", changed("materials", 0, "type", to="ShaderMaterial")),
    "a material that is a list": ("MODULE_THREW", changed("materials", 0, "type", to=[])),
    "a map that is not there": ("MODULE_THREW", changed("materials", 0, "map", to=1)),
    "a map that is half": ("MODULE_THREW", changed("materials", 0, "map", to=0.5)),
    "a texture of other size": ("MODULE_THREW", changed("textures", 0, "width", to=3)),
    "a texture of no size": ("MODULE_THREW", changed("textures", 0, "height", to=0)),
    "a texture of huge size": ("MODULE_TEXTURES", changed("textures", 0, "width", to=2**52)),
    "a texture of negative size": ("MODULE_THREW", changed("textures", 0, "width", to=-2)),
    "texels of another type": ("MODULE_THREW", changed("textures", 0, "type", to=1015)),
    "texels of no type": ("MODULE_THREW", changed("textures", 0, "type", to=1014)),
    "texels of no layout": ("MODULE_THREW", changed("textures", 0, "format", to=1)),
    "texels beyond the data": ("MODULE_THREW", changed("textures", 0, "data", to=[AFTER + 4, 16])),
    "a texture turned by NaN": ("NOT_FINITE", changed("textures", 0, "rotation", to=float("nan"))),
    "positions beyond the data": ("MODULE_THREW", changed("meshes", 0, "position", to=[60, 9])),
    "positions before the data": ("MODULE_THREW", changed("meshes", 0, "position", to=[-4, 9])),
    "positions between numbers": ("MODULE_THREW", changed("meshes", 0, "position", to=[2, 9])),
    "a billion vertices": ("MODULE_THREW", changed("meshes", 0, "vertices", to=10**9)),
    "a billion instances": ("MODULE_THREW", changed("meshes", 0, "instances", to=10**9)),
    "a billion groups of one": ("MODULE_THREW", changed("meshes", 0, "groups", to=10**9)),
    "an index beyond the data": ("MODULE_THREW", changed("meshes", 0, "index", to=[36, 10**9])),
    "an index of missing vertices": ("INDEX_OUT_OF_RANGE", changed("meshes", 0, "index", to=[AFTER, 3])),
    "a node that is not there": ("MODULE_THREW", changed("meshes", 0, "node", to=1)),
    "two meshes of one node": ("MODULE_THREW", changed("meshes", to=[MESH, MESH])),
    "a paint that is not there": ("MODULE_THREW", changed("meshes", 0, "paints", to=[1])),
    "paints without groups": ("MODULE_THREW", changed("meshes", 0, "paints", to=[0, 0])),
    "no meshes": ("NO_GEOMETRY", changed("meshes", to=[])),
    "nothing of a mesh": ("NO_GEOMETRY", changed("meshes", 0, "range", to=[2, 99])),
    "a mesh that is not shown": ("NO_GEOMETRY", changed("materials", 0, "visible", to=False)),
    "a mesh beside the cube": ("OUTSIDE_UNIT_CUBE", changed("nodes", 0, "place", to=[0.2, 0, 0])),
    "a draw too many": ("MODULE_THREW", changed("meshes", to=[MESH] * 201)),
    "too many pieces": ("MODULE_DRAWS", changed("meshes", 0, "groups", to=[[0, 3, i] for i in range(2_001)])),
}


@pytest.mark.parametrize("name", FILES)
def test_a_file_that_is_no_whole_scene_is_refused(name: str) -> None:
    assert code(FILES[name]) == "MODULE_THREW"


@pytest.mark.parametrize("name", TREES)
def test_a_hostile_scene_is_refused_by_its_rule(name: str) -> None:
    rule, tree = TREES[name]
    assert code(packed(tree)) == rule


def test_groups_that_draw_the_same_triangles_again_count_them_again() -> None:
    tree = {**TREE, "meshes": [FAN | {"groups": [[0, 9_999, 0]] * 601}]}
    assert code(packed(tree, DATA + bytes(12 * 9_999))) == "TOO_MANY_TRIANGLES"


def test_positions_that_are_no_numbers_are_refused() -> None:
    assert code(packed(TREE, struct.pack("<f", float("nan")) + DATA[4:])) == "NOT_FINITE"
    assert code(packed(TREE, struct.pack("<f", float("inf")) + DATA[4:])) == "NOT_FINITE"


def test_a_value_that_is_none_is_left_at_three_s_own() -> None:
    for value in (None, float("nan"), float("inf"), 1e39, "1", [], True):
        tree = changed("materials", 0, "transmission", to=value)
        assert "transmission" not in scene_file.parse(packed(tree)).tree["materials"][0], value
    for value in (5, -1, 1.0, True, "0", None):
        assert "blending" not in scene_file.parse(packed(changed("materials", 0, "blending", to=value))).tree
    assert scene_file.parse(packed(changed("textures", 0, "wrapS", to=5))).tree["textures"][0]["wrapS"] == 1001


def test_lines_that_name_missing_vertices_are_not_drawn_and_others_are() -> None:
    lines = MESH | {"shape": "pairs", "wide": 0.01}
    other = lines | {"node": 1, "index": [AFTER, 2]}
    tree = TREE | {"nodes": [NODE, NODE], "meshes": [lines, other]}
    kept, drawn = scene_file.drawn(scene_file.parse(packed(tree)))
    assert [mesh["node"] for mesh in kept.tree["meshes"]] == [0]
    assert drawn.count == 1, "three corners are one line"


@pytest.mark.parametrize(
    ("shape", "range_", "count"),
    [("mesh", [0, 5], 1), ("pairs", [0, 5], 2), ("strip", [0, 5], 4), ("strip", [4, 9], 1), ("points", [1, 99], 5)],
)
def test_pieces_are_counted_as_a_graphics_card_draws_them(shape: str, range_: list[int], count: int) -> None:
    mesh = {"node": 0, "shape": shape, "vertices": 6, "instances": 1, "position": [0, 18]}
    mesh |= {"range": range_, "paints": [0]} | ({} if shape == "mesh" else {"wide": 0.01})
    tree = {"nodes": [NODE], "textures": [], "materials": [{"type": "PointsMaterial", "id": 0}], "meshes": [mesh]}
    assert scene_file.drawn(scene_file.parse(packed(tree, bytes(72))))[1].count == count


def test_every_parameter_has_a_kind_that_is_read() -> None:
    assert {kind for table in MATERIALS.values() for kind in table.values()} == set(KINDS)
    assert set(CHOICES) < set(KINDS)
    page = (Path(built.__file__).parents[2] / "judging/static/judging/building.js").read_text()
    for kind in ("flag", "texture", "colour", "point", "pair"):
        assert f'kind === "{kind}"' in page


@pytest.mark.parametrize(
    ("words", "tree"),
    [
        ("transmission", TREE),
        ("wireframe", changed("materials", 0, "wireframe", to=True)),
        ("blending", changed("materials", 0, "blending", to=2)),
        (
            "emission above 1",
            changed("materials", 0, to={"type": "MeshStandardMaterial", "id": 0, "emissive": [2, 0, 0]}),
        ),
        ("other maps", changed("materials", 0, "normalMap", to=0)),
        ("centre of textures", TREE),
        ("colour space of textures", changed("textures", 0, "colorSpace", to="")),
        (
            "lines and points as such (they are thin solids)",
            changed("meshes", 0, to=MESH | {"shape": "strip", "wide": 0.1}),
        ),
        ("alpha of vertex colours", changed("meshes", 0, to=MESH | {"color": [0, 9], "alpha": [36, 3]})),
    ],
)
def test_a_glb_names_what_it_does_not_hold(words: str, tree: Json) -> None:
    assert words in losses(scene_file.parse(packed(tree)))


def test_a_conversion_says_what_it_lost_and_a_plain_one_says_nothing(tmp_path: Path) -> None:
    plain = {**TREE, "textures": [], "materials": [{"type": "MeshStandardMaterial", "id": 0}]}
    glb, work = known_good_files.glb(), {"built": True, "convert": {"to": "glb", "provenance": {"round": "1"}}}
    for tree, lost in ((TREE, "transmission, centre of textures"), (plain, None)):
        scene = scene_file.parse(packed(tree))
        (tmp_path / "built").write_bytes(scene_file.join(scene, glb))
        sandbox_of("threejs").run(work, data=tmp_path / "built", folder=tmp_path)
        told = gltf.chunks((tmp_path / "converted.glb").read_bytes())[0]["asset"]["extras"]
        assert (told["round"], told.get("not held")) == ("1", lost)


# -- what is drawn

PLAIN = "new THREE.MeshStandardMaterial({ color: 0x3366aa, roughness: 0.4 })"
SHAPE = """export default function generate(THREE) {
  const group = new THREE.Group();
  const texels = new Uint8Array([200, 60, 30, 255, 30, 60, 200, 90, 90, 200, 30, 255, 9, 9, 9, 255]);
  const geometry = new THREE.SphereGeometry(0.4, 24, 16);
  const map = (change) => {
    const made = new THREE.DataTexture(texels, 2, 2);
    change(made);
    made.needsUpdate = true;
    return made;
  };
  const physical = (more) => new THREE.MeshPhysicalMaterial({ color: 0x3366aa, roughness: 0.4, ...more });
  const box = new THREE.Mesh(new THREE.BoxGeometry(0.1, 0.1, 0.9), new THREE.MeshBasicMaterial({ color: 0xcc2200 }));
  group.add(box);
  SHAPE
  return group;
}
"""
ADD = "group.add(new THREE.Mesh(geometry, MATERIAL));"
TEXTURED = ADD.replace("MATERIAL", "new THREE.MeshBasicMaterial({ map: map((made) => { CHANGE }) })")
KEPT: dict[str, tuple[str, str]] = {
    "wireframe": (ADD, "physical({ wireframe: true })"),
    "transmission": (ADD, "physical({ transmission: 0.9, thickness: 0.1 })"),
    "clearcoat": (ADD, "physical({ clearcoat: 1 })"),
    "sheen": (ADD, "physical({ sheen: 1, sheenColor: 0xffffff })"),
    "iridescence": (ADD, "physical({ iridescence: 1 })"),
    "anisotropy": (ADD, "physical({ anisotropy: 1 })"),
    "emission above one": (ADD, "physical({ emissive: 0x333333, emissiveIntensity: 4 })"),
    "blending": (ADD, "physical({ transparent: true, blending: THREE.AdditiveBlending })"),
    "roughness map": (ADD, "physical({ roughnessMap: map(() => {}) })"),
    "normal map": (ADD, "physical({ normalMap: map(() => {}) })"),
    "vertex alpha": (
        "const n = geometry.attributes.position.count; geometry.setAttribute('color', "
        "new THREE.Float32BufferAttribute(new Float32Array(4 * n).fill(0.5), 4));" + ADD,
        "physical({ color: 0x6699ff, vertexColors: true, transparent: true })",
    ),
    "lines": ("group.add(new THREE.LineSegments(geometry, new THREE.LineBasicMaterial({ color: 0x3366aa })));", ""),
    "points": ("group.add(new THREE.Points(geometry, new THREE.PointsMaterial({ color: 0x3366aa, size: 0.1 })));", ""),
    "a texture": (TEXTURED, ""),
    "its colour space": (TEXTURED.replace("CHANGE", "made.colorSpace = THREE.SRGBColorSpace;"), ""),
    "its centre": (TEXTURED.replace("CHANGE", "made.center.set(0.3, 0.5); made.rotation = 1;"), ""),
    "its turn": (TEXTURED.replace("CHANGE", "made.rotation = 1;"), ""),
    "its direction": (TEXTURED.replace("CHANGE", "made.flipY = true;"), ""),
}
SOME = ("wireframe", "vertex alpha", "transmission", "lines")
ONE = replace(EMBEDDED, views=(CameraView("front", 20, -20),), gray=(), pixels=96, light=SUBNET)


def module(kind: str) -> bytes:
    shape, material = KEPT[kind] if kind else (ADD, PLAIN)
    return SHAPE.replace("SHAPE", shape.replace("MATERIAL", material).replace("CHANGE", "")).encode()


def picture(content: bytes, folder: Path) -> Any:
    folder.mkdir()
    file = folder / "module.js"
    file.write_bytes(content)
    views = Threejs().render(file, rig=ONE, out=folder / "out", file_format="threejs").views
    return np.asarray(Image.open(views["front"]), np.int16)


def differ(kinds: tuple[str, ...], folder: Path) -> None:
    """Each has a picture of its own."""
    drawn = {kind: picture(module(kind), folder / str(i)) for i, kind in enumerate(("", *kinds))}
    alike: Callable[[str, str], bool] = lambda one, other: float(np.abs(drawn[one] - drawn[other]).mean()) < 0.2  # noqa: E731
    assert [(a, b) for i, a in enumerate(drawn) for b in [*drawn][i + 1 :] if alike(a, b)] == []


@needs_browser
@pytest.mark.timeout(300)
@pytest.mark.long
def test_what_a_glb_cannot_hold_is_in_the_picture(tmp_path: Path) -> None:
    differ(tuple(KEPT), tmp_path)


@needs_browser
def test_wires_and_see_through_vertices_are_in_the_picture(tmp_path: Path) -> None:
    differ(("wireframe", "vertex alpha"), tmp_path)


FACING = b"""export default function generate(THREE) {
  return new THREE.Mesh(new THREE.PlaneGeometry(0.9, 0.9), new THREE.MeshLambertMaterial({ color: 0xffffff }));
}
"""


@needs_browser
def test_the_subnets_lamp_stands_beside_the_camera(tmp_path: Path) -> None:
    """White paint that faces the front gives back 1/π of what it gets: 0.4 from all sides, 1.5 at the lamp's angle."""
    lit = (0.4 + 1.5 * 2 / 6**0.5) / np.pi
    grey = 255 * (1.055 * lit ** (1 / 2.4) - 0.055)
    front = replace(ONE, views=(CameraView("front", 0, 0),))
    file = tmp_path / "plane.js"
    file.write_bytes(FACING)
    views = Threejs().render(file, rig=front, out=tmp_path / "out", file_format="threejs").views
    shown = Image.open(views["front"]).getpixel((48, 48))
    assert np.abs(np.subtract(shown, aces((grey, grey, grey)))).max() <= 1
