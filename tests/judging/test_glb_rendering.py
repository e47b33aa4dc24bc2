"""Does a file get from bytes to pictures through the sandbox, and is whatever comes out of it checked?"""

import hashlib
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import trimesh
from PIL import Image

from core.sandbox.outcomes import Refused, RendererFault
from core.sandbox.policy import SandboxPolicy
from core.sandbox.processes import ROOT
from formats.sandbox import Done, Sandbox
from judging.renderers import RENDERERS, raycast, renderer
from judging.renderers.base import Rendered
from judging.renderers.raycast import Raycast, develop
from judging.renderers.rig import FRONT, VIEWS, Rig
from tests.judging.broken_glb import BROKEN, BROKEN_WHEN_DECODED, Glb, good, picture

SMALL = Rig(views=VIEWS, gray=FRONT, pixels=64, grid_pixels=64)


# -- the same each time, in a sandbox


def digests(pictures: dict[str, Path]) -> dict[str, str]:
    return {name: hashlib.sha256(path.read_bytes()).hexdigest() for name, path in pictures.items()}


@pytest.fixture
def asset(tmp_path: Path) -> Path:
    ball = trimesh.creation.icosphere(subdivisions=4, radius=0.4)
    ball.visual.vertex_colors = ((ball.vertices + 0.5) * 255).astype(np.uint8)
    path = tmp_path / "asset.glb"
    path.write_bytes(ball.export(file_type="glb"))
    return path


def test_rendering_twice_gives_the_same_bytes(asset: Path, tmp_path: Path) -> None:
    first = renderer("raycast").render(asset, rig=SMALL, out=tmp_path / "1")
    again = renderer("raycast").render(asset, rig=SMALL, out=tmp_path / "2")
    assert digests(first.views) == digests(again.views)


def test_another_process_and_another_number_of_processors_give_the_same_bytes(asset: Path, tmp_path: Path) -> None:
    mine = Raycast().render(asset, rig=SMALL, out=tmp_path / "1")
    script = (
        "import os, sys; from pathlib import Path; from judging.renderers.raycast import draw; from PIL import Image;"
        "from judging.renderers.rig import Rig, VIEWS, FRONT;"
        "os.sched_setaffinity(0, {min(os.sched_getaffinity(0))}) if sys.argv[2] == 'one' else None;"
        "rig = Rig(views=VIEWS, gray=FRONT, pixels=64, grid_pixels=64);"
        "[Image.fromarray(p).save(Path(sys.argv[3], name + '.png'), compress_level=6) for name, p in"
        " draw(Path(sys.argv[1]).read_bytes(), rig=rig).items()]"
    )
    for processors in ("one", "all"):
        out = tmp_path / processors
        out.mkdir()
        subprocess.run(
            [sys.executable, "-c", script, str(asset), processors, str(out)], cwd=ROOT, check=True, timeout=120
        )
        assert digests({name: out / f"{name}.png" for name in mine.views}) == digests(mine.views)


def test_a_rendering_tells_its_facts_and_walls(asset: Path, tmp_path: Path) -> None:
    rendered = Raycast().render(asset, rig=SMALL, out=tmp_path / "out")
    assert set(rendered.views) == set(SMALL.pictures())
    assert rendered.triangles == 5120
    assert rendered.bytes == asset.stat().st_size
    assert rendered.bounds[0] == pytest.approx((-0.4, -0.4, -0.4), abs=0.01)
    assert "no network" in " ".join(rendered.isolation)
    assert sorted(path.name for path in (tmp_path / "out").iterdir()) == sorted(f"{n}.png" for n in SMALL.pictures())
    for name, path in rendered.views.items():
        with Image.open(path) as image:
            assert image.size == (SMALL.pictures()[name],) * 2
            assert image.format == "PNG"
            assert not image.info


@pytest.mark.parametrize("name", [*BROKEN, *BROKEN_WHEN_DECODED])
def test_a_broken_file_is_refused_in_the_sandbox_too(name: str, tmp_path: Path) -> None:
    rule, data = (BROKEN | BROKEN_WHEN_DECODED)[name]
    path = tmp_path / "asset.glb"
    path.write_bytes(data)
    with pytest.raises(Refused) as refused:
        Raycast().render(path, rig=SMALL, out=tmp_path / "out")
    assert refused.value.code == rule
    assert not list((tmp_path / "out").iterdir())


@pytest.mark.parametrize("kind", ["PNG", "JPEG", "WEBP"])
def test_pictures_with_metadata_need_nothing_from_outside_the_walls(kind: str, tmp_path: Path) -> None:
    more: dict[str, Any] = {"exif": Image.Exif()} if kind != "PNG" else {}
    more.get("exif", {})[0x0112] = 6
    path = tmp_path / "asset.glb"
    path.write_bytes(Glb(picture(16, 16, kind, **more)).bytes())
    assert Raycast().render(path, rig=SMALL, out=tmp_path / "out").triangles == 2


def test_a_file_that_needs_too_much_memory_is_refused(asset: Path, tmp_path: Path) -> None:
    huge = tmp_path / "huge.glb"
    huge.write_bytes(Glb(picture(8000, 8000)).bytes())
    with pytest.raises(Refused, match="TOO_MUCH_MEMORY"):
        Raycast(limits=SandboxPolicy(memory=600 << 20)).render(huge, rig=SMALL, out=tmp_path / "out")


# -- whose fault a crash is


class Faulty(Sandbox):
    """A sandbox that crashes on some files."""

    def __init__(self, *crashes: bool) -> None:
        super().__init__("judging.renderers.sandbox_render:work")
        self.crashes = list(crashes)

    def run(self, *told: Any, **more: Any) -> Done:
        if self.crashes.pop(0):
            raise RendererFault("CRASHED", "the work crashed with SIGSEGV")
        return raycast.SANDBOX.run(*told, **more)


def _render(asset: Path, *crashes: bool) -> Rendered:
    return Raycast(sandbox=Faulty(*crashes)).render(asset, rig=SMALL, out=asset.parent / "out")


def test_a_single_crash_is_tried_again(asset: Path) -> None:
    assert _render(asset, True, False).triangles == 5120


def test_a_file_that_alone_crashes_each_time_is_refused(asset: Path) -> None:
    with pytest.raises(Refused, match="CANNOT_RENDER"):
        _render(asset, True, True, False)


def test_a_renderer_that_crashes_on_good_files_is_at_fault_itself(asset: Path) -> None:
    with pytest.raises(RendererFault, match="CRASHED"):
        _render(asset, True, True, True)


# -- what comes out of the sandbox is not trusted


def test_only_exactly_so_many_pixels_become_a_picture(tmp_path: Path) -> None:
    folder, out = tmp_path / "folder", tmp_path / "out"
    folder.mkdir(), out.mkdir()
    (folder / "front.rgb").write_bytes(bytes(4 * 4 * 3))
    with Image.open(develop(folder, "front", 4, out=out)) as drawn:
        assert drawn.size == (4, 4)
    for wrong in (b"", bytes(47), bytes(49)):
        (folder / "front.rgb").write_bytes(wrong)
        with pytest.raises(RendererFault):
            develop(folder, "front", 4, out=out)


def test_a_link_a_pipe_or_a_folder_is_no_picture(tmp_path: Path) -> None:
    secret = tmp_path / "secret"
    secret.write_bytes(bytes(48))
    (tmp_path / "link.rgb").symlink_to(secret)
    os.mkfifo(tmp_path / "pipe.rgb")
    (tmp_path / "folder.rgb").mkdir()
    for name in ("link", "pipe", "folder", "missing"):
        with pytest.raises(RendererFault):
            develop(tmp_path, name, 4, out=tmp_path)


def test_every_renderer_of_the_table_names_itself() -> None:
    for name in RENDERERS:
        assert renderer(name).name == name
    assert "embreex-" in renderer("raycast").version
    with pytest.raises(KeyError):
        renderer("crayons")


def test_a_good_textured_file_is_drawn(tmp_path: Path) -> None:
    path = tmp_path / "asset.glb"
    path.write_bytes(good())
    assert Raycast().render(path, rig=SMALL, out=tmp_path / "out").triangles == 2
