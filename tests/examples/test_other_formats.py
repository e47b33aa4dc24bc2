"""What holds for the demo's miners that make no meshes: their files keep every rule of their format."""

from __future__ import annotations

import importlib.util
import json
import sys
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType

import pytest

from competition.demo import demo_setting
from examples.cast import CAST, MINERS
from examples.kit import KIT
from examples.prompts import prompts
from formats import examiner, registry

ROOT = Path(__file__).parents[2]
MEMBERS = {one.folder: one.extension for one in CAST if one.extension != "glb"}
PICTURES = ("mug", "vase", "chair")


@pytest.fixture(scope="module")
def generators() -> Iterator[dict[str, ModuleType]]:
    sys.path.insert(0, str(KIT))
    loaded = {}
    for name in MEMBERS:
        spec = importlib.util.spec_from_file_location(f"generator_{name}", MINERS / name / "generator.py")
        loaded[name] = importlib.util.module_from_spec(spec)
        spec.loader.exec_module(loaded[name])
    yield loaded
    sys.path.remove(str(KIT))
    for module in ("cutout", "solids"):
        sys.modules.pop(module)


@pytest.mark.parametrize("picture", PICTURES)
@pytest.mark.parametrize("name", MEMBERS)
def test_a_picture_becomes_a_file_that_is_let_through(
    name: str, picture: str, generators: dict[str, ModuleType]
) -> None:
    image, generator = prompts()[picture].read_bytes(), generators[name]
    data = generator.generate(image, seed=1)
    assert data == generator.generate(image, seed=1), "the same picture and seed must give the same bytes"
    wanted = next(row for row in registry.FORMATS.values() if row.extension == generator.EXTENSION)
    assert wanted.extension == MEMBERS[name]
    examiner(wanted.name)(data)


@pytest.mark.parametrize("name", ["ply", "threejs"])
def test_the_demo_of_a_format_names_members_that_speak_it(name: str) -> None:
    told = demo_setting.read_setting(ROOT / "examples" / f"{name}.json")
    members = {one.name: one.extension for one in CAST if one.hosts != "nothing" or not one.reveals}
    named = {told["config"]["leader"], *(each for cast in told["config"]["cast"].values() for each in cast)}
    assert {members[each] for each in named if each in members} == {registry.FORMATS[name].extension}


def test_a_renderer_that_cannot_draw_the_format_is_refused_with_a_choice(tmp_path: Path) -> None:
    told = json.loads((ROOT / "examples/ply.json").read_text()) | {"renderer": "raycast"}
    file = tmp_path / "wrong.json"
    file.write_text(json.dumps(told))
    with pytest.raises(demo_setting.BadCompetition, match="'raycast' cannot draw ply files; choose threejs"):
        demo_setting.read_setting(file)
