"""What holds for every miner's code of the demo, and what Chooser chooses."""

import importlib.util
import io
import sys
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType

import cv2
import numpy as np
import pytest
import trimesh

from examples.cast import CAST, MINERS
from examples.kit import FILES, KIT, OWN, OWN_FILES, assemble
from examples.prompts import prompts

ALL = sorted(path.parent.name for path in OWN.glob("*/generator.py"))
NAMES = [name for name in ALL if name not in ("mist", "spray", "carver", "turner")]  # test_other_formats.py
OTHERS = {member.folder for member in CAST if member.extension != "glb"}
MESHES = [name for name in NAMES if name not in OTHERS]
PICTURES = ("mug", "vase", "chair", "television")
TALL = ("cutout", "solids")


@pytest.fixture(scope="module")
def generators() -> Iterator[dict[str, ModuleType]]:
    """All of them side by side: they share the kit's modules, and a test below says that their copies are equal."""
    sys.path.insert(0, str(KIT))
    loaded = {}
    for name in NAMES:
        spec = importlib.util.spec_from_file_location(f"generator_{name}", MINERS / name / "generator.py")
        loaded[name] = importlib.util.module_from_spec(spec)
        spec.loader.exec_module(loaded[name])
    yield loaded
    sys.path.remove(str(KIT))
    for module in TALL:
        sys.modules.pop(module)


def scene_of(data: bytes) -> trimesh.Trimesh:
    (mesh,) = trimesh.load(io.BytesIO(data), file_type="glb", process=False).geometry.values()
    return mesh


@pytest.mark.parametrize("picture", PICTURES)
@pytest.mark.parametrize("name", MESHES)
def test_a_picture_becomes_one_small_closed_solid(name: str, picture: str, generators: dict[str, ModuleType]) -> None:
    image = prompts()[picture].read_bytes()
    data = generators[name].generate(image, seed=1)
    assert data == generators[name].generate(image, seed=1), "the same picture and seed must give the same bytes"
    assert len(data) <= 1 << 20
    mesh = scene_of(data)
    assert 0 < len(mesh.faces) <= 3000
    assert np.abs(mesh.bounds).max() <= 0.5
    assert 0.9 <= mesh.extents.max() <= 1.0
    assert max(mesh.visual.material.baseColorTexture.size) <= 256
    mesh.merge_vertices(merge_tex=True, merge_norm=True)
    assert mesh.is_watertight
    assert mesh.volume > 0


@pytest.mark.parametrize("name", NAMES)
def test_a_thing_that_is_no_picture_is_refused_with_a_reason(name: str, generators: dict[str, ModuleType]) -> None:
    for image in (b"", b"not a picture", blank_png()):
        with pytest.raises((ValueError, cv2.error)):
            generators[name].generate(image, seed=1)


def blank_png() -> bytes:
    return cv2.imencode(".png", np.full((4, 4, 3), 200, np.uint8))[1].tobytes()


def test_a_transparent_background_is_taken_at_its_word(generators: dict[str, ModuleType]) -> None:
    pixels = np.zeros((128, 128, 4), np.uint8)
    pixels[32:96, 48:80] = (30, 60, 200, 255)
    mesh = scene_of(generators["extruder"].generate(cv2.imencode(".png", pixels)[1].tobytes(), seed=1))
    assert mesh.extents[0] / mesh.extents[1] == pytest.approx(0.5, abs=0.04)


@pytest.mark.parametrize(
    ("picture", "lathe"),
    [("vase", True), ("bottle", True), ("pumpkin", True), ("book", False), ("clock", False), ("mug", False)],
)
def test_chooser_takes_the_lathe_for_lathe_work_only(
    picture: str, lathe: bool, generators: dict[str, ModuleType]
) -> None:
    chooser = generators["chooser"]
    assert chooser.is_round(chooser.cut_out(prompts()[picture].read_bytes())) is lathe


@pytest.mark.parametrize("name", ALL)
@pytest.mark.parametrize("shared", FILES)
def test_what_the_miners_share_is_the_kits_copy(name: str, shared: str) -> None:
    assert (MINERS / name / shared).read_bytes() == (KIT / shared).read_bytes()


def test_a_repository_that_was_touched_is_put_right_and_one_that_is_right_is_left_alone(tmp_path: Path) -> None:
    first, *_ = assemble(tmp_path)
    untouched = (first / "serve.py").stat().st_mtime_ns
    (first / "generator.py").write_text("raise SystemExit\n")
    assemble(tmp_path)
    assert (first / "generator.py").read_bytes() == (OWN / first.name / "generator.py").read_bytes()
    assert (first / "serve.py").stat().st_mtime_ns == untouched


@pytest.mark.parametrize("name", ALL)
def test_a_miners_folder_is_a_whole_repository(name: str) -> None:
    assert sorted(path.relative_to(MINERS / name).as_posix() for path in files(MINERS / name)) == sorted(
        [*FILES, *OWN_FILES]
    )


def files(folder: Path) -> list[Path]:
    return [path for path in folder.rglob("*") if path.is_file() and "__pycache__" not in path.parts]


def test_the_miners_pins_are_the_platforms() -> None:
    platform = set((KIT.parent.parent / "requirements.txt").read_text().split())
    assert set((KIT / "requirements.txt").read_text().split()) <= platform
