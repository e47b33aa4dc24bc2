"""Does every hostile file and module end in a picture, or in a refusal that is its miner's?"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import replace
from pathlib import Path

import pytest

from core.sandbox.chromium import walls
from core.sandbox.outcomes import Refused
from judging.renderers.raycast import Raycast
from judging.renderers.rig import EMBEDDED
from judging.renderers.threejs import Threejs
from tests.hostile import files, modules

RIG = replace(EMBEDDED, views=EMBEDDED.views[:1], gray=(), pixels=32, samples=1)
RENDERERS: dict[str, Callable[[], Raycast | Threejs]] = {"raycast": Raycast, "threejs": Threejs}
needs_browser = pytest.mark.skipif(walls.program("") is None, reason=f"no Chromium here: {walls.INSTALL}")


def ends(inputs: Iterable[tuple[str, bytes]], folder: Path, *, renderer: str) -> int:
    """How many were drawn.  Anything but a drawing or a refusal is raised, with the name of the input."""
    drawn = 0
    for name, data in inputs:
        file_format = name.partition("/")[0]
        if renderer == "raycast" and file_format != "glb":
            continue
        file = folder / "asset"
        file.write_bytes(data)
        try:
            RENDERERS[renderer]().render(file, rig=RIG, out=folder / "out", file_format=file_format)
            drawn += 1
        except Refused as refused:
            assert refused.failure_class == "miner"
            assert 10 < len(refused.sentence) <= 400, name
        except Exception as error:
            raise AssertionError(f"{name} ended in {error!r}") from error
    return drawn


def test_there_are_200_kinds_of_each_always_the_same() -> None:
    for each in (files.recipes(), modules.inputs()):
        names = [name for name, _ in each]
        assert len(set(names)) == len(names) >= 200
    assert dict(files.inputs()) == dict(files.inputs())


def made(every: int) -> list[tuple[str, bytes]]:
    """One of so many."""
    return [(name, make()) for name, make in [*files.recipes()][::every]]


def test_hostile_files_end_by_rays(tmp_path: Path) -> None:
    assert ends(made(7), tmp_path, renderer="raycast")


@needs_browser
def test_hostile_files_end_in_a_browser(tmp_path: Path) -> None:
    assert ends(made(60), tmp_path, renderer="threejs")


@needs_browser
def test_hostile_modules_end(tmp_path: Path) -> None:
    assert ends([*modules.inputs()][::120], tmp_path, renderer="threejs") >= 0


@pytest.mark.long
@pytest.mark.timeout(1200)
def test_every_hostile_file_ends_by_rays(tmp_path: Path) -> None:
    assert ends(files.inputs(), tmp_path, renderer="raycast")


@needs_browser
@pytest.mark.long
@pytest.mark.timeout(2400)
def test_every_hostile_file_ends_in_a_browser(tmp_path: Path) -> None:
    assert ends(files.inputs(), tmp_path, renderer="threejs")


@needs_browser
@pytest.mark.long
@pytest.mark.timeout(7200)
@pytest.mark.parametrize("part", range(8))
def test_every_hostile_module_ends(part: int, tmp_path: Path) -> None:
    ends([*modules.inputs()][part::8], tmp_path, renderer="threejs")
