"""Does every reader find the same in a file: the check, both renderers, the site's viewer, and whoever converts it?"""

from __future__ import annotations

import base64
import io
import json
import struct
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from core.sandbox.chromium import walls
from core.sandbox.chromium.browser import BROWSING
from core.sandbox.chromium.scripts import own, vendored
from core.sandbox.outcomes import Refused
from formats import examiner, known_good_files
from formats.conversion import convert
from formats.glb import canonical as glb_canonical
from formats.glb import gltf
from formats.one_reading import require_same
from formats.rules import EXTENSIONS
from judging.renderers.raycast import Raycast
from judging.renderers.rig import EMBEDDED
from judging.renderers.threejs import DRAWING, HTML, Threejs, scripts
from tests.hostile.files import REDIRECTS, large_square, recipes
from tests.judging.broken_glb import Glb, broken, chunked, good
from tests.judging.made_splats import cloud

RIG = replace(EMBEDDED, pixels=128, grid_pixels=128, views=EMBEDDED.views[:2], gray=())
needs_browser = pytest.mark.skipif(walls.program("") is None, reason=f"no Chromium here: {walls.INSTALL}")


def drawn(data: bytes, folder: Path, renderer: Raycast | Threejs, *, file_format: str = "glb") -> np.ndarray:
    """Both views beside each other."""
    folder.mkdir(exist_ok=True)
    (folder / "asset").write_bytes(data)
    views = renderer.render(folder / "asset", rig=RIG, out=folder, file_format=file_format).views
    return np.concatenate([np.asarray(Image.open(path).convert("RGB"), np.int16) for path in views.values()], axis=1)


def canonical(data: bytes) -> bytes:
    return examiner("glb")(data).derived[glb_canonical.NAME]()


# -- written anew


GLB_INPUTS = {name: make for name, make in recipes() if name.startswith("glb/")}


def test_the_file_written_anew_holds_one_scene_and_nothing_unread() -> None:
    tree, _ = gltf.chunks(canonical(good()))
    known = {"asset", "scene", "scenes", "nodes", "meshes", "accessors", "bufferViews", "buffers"}
    assert set(tree) == known | {"materials", "textures", "samplers", "images"}
    assert [image["mimeType"] for image in tree["images"]] == ["image/png"]
    data = canonical(good())
    assert struct.unpack_from("<I", data, 8)[0] == len(data)


@pytest.mark.parametrize(
    "name",
    [
        pytest.param(name, marks=[pytest.mark.long] if place % 5 or "8192" in name else [])
        for place, name in enumerate([*GLB_INPUTS][::5])
    ],
)
def test_the_file_written_anew_is_checked_as_the_first_was(name: str) -> None:
    data = GLB_INPUTS[name]()
    try:
        before = examiner("glb")(data)
    except Refused:
        return
    after = examiner("glb")(before.derived[glb_canonical.NAME]())
    assert after.count == before.count
    assert np.allclose(after.bounds, before.bounds, atol=1e-6)
    assert after.derived[glb_canonical.NAME]() == before.derived[glb_canonical.NAME](), "and is its own writing"


def test_a_renderer_that_drew_something_else_draws_nothing() -> None:
    box = ((0.0, 0.0, 0.0), (0.1, 0.1, 0.1))
    require_same(2, box, triangles=2, bounds=box)
    for count, reach in ((3, box), (2, ((0.0, 0.0, 0.0), (0.1, 0.2, 0.1)))):
        with pytest.raises(Refused, match="READ_TWO_WAYS"):
            require_same(count, reach, triangles=2, bounds=box)


# -- what one reader passes over and another draws


def other_positions(glb: Glb) -> None:
    glb.primitive["attributes"] = {"position": large_square(glb), **glb.primitive["attributes"]}


def redirected(glb: Glb) -> None:
    """Every offer of another shape or picture at once, none of them required."""
    glb.tree["extensionsUsed"] = sorted(REDIRECTS)
    for holder in (glb.tree["nodes"][0], glb.tree["textures"][0], glb.tree["bufferViews"][0], glb.primitive):
        holder["extensions"] = dict(REDIRECTS)


def another_scene(glb: Glb) -> None:
    glb.tree["meshes"].append({"primitives": [{"attributes": {"POSITION": large_square(glb)}}]})
    glb.tree["nodes"].append({"mesh": 1})
    glb.tree["scenes"].append({"nodes": [1]})


def bounds_that_are_only_said(glb: Glb) -> None:
    """A renderer that believes them leaves the mesh out: it would be behind the camera."""
    glb.tree["accessors"][0] |= {"min": [90, 90, 90], "max": [91, 91, 91]}


def ktx2_beside(glb: Glb) -> None:
    view = glb.view(b"\xabKTX 20\xbb\r\n\x1a\n" + bytes(64))
    glb.tree["images"].append({"mimeType": "image/ktx2", "bufferView": view})
    glb.tree["textures"][0]["extensions"] = {"KHR_texture_basisu": {"source": 1}}
    glb.tree["textures"].append({})
    glb.tree["extensionsUsed"] = ["KHR_texture_basisu"]


PASSED_OVER = {
    each.__name__: each for each in (other_positions, redirected, another_scene, bounds_that_are_only_said, ktx2_beside)
}


@needs_browser
@pytest.mark.parametrize(
    "name", ["other_positions", *(pytest.param(name, marks=pytest.mark.long) for name in list(PASSED_OVER)[1:])]
)
def test_what_is_passed_over_is_passed_over_by_all(name: str, tmp_path: Path) -> None:
    data = broken(PASSED_OVER[name])
    for renderer in (Raycast(), Threejs()):
        seen = drawn(data, tmp_path / f"{renderer.name} odd", renderer)
        assert np.array_equal(seen, drawn(good(), tmp_path / f"{renderer.name} plain", renderer))
    assert viewed(data) == viewed(good())


def viewed(data: bytes) -> Any:
    """What the site's viewer finds in the very bytes of a file: its own reading of them, in a page."""
    program = """import * as three from "/three.js"; import { read, measure } from "/scene.js";
      globalThis.found = async (kind, text) => {
        try {
          const model = await read(three, kind, Uint8Array.fromBase64(text).buffer), pictures = [];
          model.traverse(({ material }) => {
            const image = material?.map?.image;
            if (image) pictures.push([image.width, image.height]);
          });
          model.traverse(({ geometry }) => geometry && pictures.push(geometry.boundingSphere));
          return { ...measure(three, model), pictures };
        }
        catch (fault) { return fault.message; } };
      globalThis.ready = true;"""
    files = {**scripts(), "/": HTML.replace("darkroom", "probe"), "/probe.js": program}
    with DRAWING.one() as browser, browser.page(files, size=256, allowance=BROWSING) as page:
        page.until("globalThis.ready")
        return page.ask(f"found('glb', {json.dumps(base64.b64encode(data).decode())})")


@needs_browser
def test_the_viewer_finds_what_the_check_counted_or_shows_nothing() -> None:
    facts = examiner("glb")(good())
    found = viewed(good())
    assert found["count"] == facts.count
    assert np.allclose([found["low"], found["high"]], facts.bounds, atol=1e-6)
    for kind in (b"JSON", b"BIN\0", b"MORE"):
        assert viewed(chunked(kind)) == "This glb holds more than one JSON and one BIN chunk."
    assert viewed(good() + b"\0\0\0\0") == "This file is not a whole glb."


@needs_browser
def test_a_page_that_draws_other_bytes_than_were_checked_is_believed_in_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from judging.renderers import derived_file

    monkeypatch.setattr(derived_file, "regular_file", lambda path, *, most: canonical(known_good_files.glb()))
    with pytest.raises(Refused, match="READ_TWO_WAYS"):
        drawn(good(), tmp_path, Threejs())


def test_the_browser_reads_the_extensions_that_the_check_reads() -> None:
    text = own("reading.js").decode()
    listed = json.loads(text.partition("EXTENSIONS = ")[2].partition(";")[0])
    assert set(listed) == EXTENSIONS - {"KHR_lights_punctual"}, "lights are put out"
    assert vendored("three")


# -- pictures


@needs_browser
@pytest.mark.parametrize("kind", ["JPEG", *(pytest.param(kind, marks=pytest.mark.long) for kind in ("PNG", "WEBP"))])
def test_a_picture_is_shown_as_it_is_stored_whatever_its_exif_says(kind: str, tmp_path: Path) -> None:
    exif = Image.Exif()
    exif[0x0112] = 6
    stored = Image.fromarray(np.repeat(np.array([[[255, 0, 0], [0, 0, 255]]], np.uint8).repeat(8, 0), 8, 1))
    assert stored.size == (16, 8)
    plain, turned = io.BytesIO(), io.BytesIO()
    stored.save(plain, kind, quality=95)
    stored.save(turned, kind, quality=95, exif=exif)
    one, other = (drawn(Glb(each.getvalue()).bytes(), tmp_path / "x", Threejs()) for each in (plain, turned))
    assert np.array_equal(one, other)
    assert viewed(Glb(turned.getvalue()).bytes())["pictures"][0] == list(stored.size), "nor in the site's viewer"


def test_a_moving_picture_is_refused() -> None:
    frames = [Image.new("RGB", (8, 8), colour) for colour in ("#ff0000", "#00ff00")]
    for kind in ("PNG", "WEBP"):
        file = io.BytesIO()
        frames[0].save(file, kind, save_all=True, append_images=frames[1:])
        with pytest.raises(Refused, match="it moves"):
            examiner("glb")(Glb(file.getvalue()).bytes())


def checkers() -> bytes:
    file = io.BytesIO()
    Image.fromarray(np.indices((4, 4)).sum(0).astype(np.uint8) % 2 * 255).convert("RGB").save(file, "PNG")
    return file.getvalue()


@needs_browser
def test_nearest_texels_are_hard_squares_to_both_renderers(tmp_path: Path) -> None:
    def filtered(how: int) -> bytes:
        glb = Glb(checkers())
        glb.tree["samplers"] = [{"magFilter": how, "minFilter": how}]
        glb.tree["textures"][0]["sampler"] = 0
        return glb.bytes()

    hard, soft = (drawn(filtered(how), tmp_path / str(how), Raycast()) for how in (9728, 9729))
    assert np.abs(hard - soft).mean() > 5
    for how, rays in ((9728, hard), (9729, soft)):
        assert np.abs(rays - drawn(filtered(how), tmp_path / f"three {how}", Threejs())).mean() < 1


# -- valid files


def test_a_texture_that_nobody_shows_needs_no_picture() -> None:
    def unused(glb: Glb) -> None:
        glb.tree["textures"].append({})
        glb.tree["images"].append({"bufferView": glb.view(b"what nobody reads")})

    assert examiner("glb")(broken(unused)).count == 2


# -- splats


@needs_browser
def test_a_header_with_cr_lf_is_read_as_one_with_lf(tmp_path: Path) -> None:
    data = cloud(50, degree=1)
    end = data.index(b"end_header\n") + len(b"end_header\n")
    windows = data[:end].replace(b"\n", b"\r\n") + data[end:]
    one, other = (drawn(each, tmp_path, Threejs(), file_format="ply") for each in (data, windows))
    assert np.array_equal(one, other)


def test_columns_may_stand_in_any_order(tmp_path: Path) -> None:
    data = cloud(20)
    splats = examiner("ply")(data)
    end = data.index(b"end_header\n") + len(b"end_header\n")
    header = data[:end].replace(b"property float x\nproperty float y\n", b"property float y\nproperty float x\n")
    values = np.frombuffer(data[end:], "<f4").reshape(20, -1).copy()
    values[:, [0, 1]] = values[:, [1, 0]]
    turned = examiner("ply")(header + values.tobytes())
    assert turned.derived["splats.f32"]() == splats.derived["splats.f32"]()


def test_no_browser_is_given_a_ply() -> None:
    for name in ("scene.js", "splats.js", "darkroom.js"):
        assert "end_header" not in own(name).decode()


# -- converted


def test_a_copy_holds_what_was_judged_and_nothing_else(tmp_path: Path) -> None:
    file = tmp_path / "asset.glb"
    file.write_bytes(broken(redirected))
    tree, _ = gltf.chunks(convert(file, file_format="glb", to="glb", provenance={"round": "demo/1"}))
    assert "extensionsUsed" not in tree
    assert tree["asset"]["extras"] == {"round": "demo/1"}
