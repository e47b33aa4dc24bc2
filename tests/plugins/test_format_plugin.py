"""A format is one folder and one row: this one lies outside the platform, which plays its files all the same."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from functools import partial
from pathlib import Path

import pytest
from PIL import Image

from core.sandbox.outcomes import Refused, RendererFault
from formats import examiner, light_copy, registry
from formats.conversion import convert
from formats.facts import MESH
from formats.format_sandbox import sandbox_of
from formats.glb import check
from judging.backends.base import Side
from judging.panel.duel_verdict import verdict_of
from judging.perceptual.perceptual import Perceptual
from judging.renderers import derived_file
from judging.renderers.raycast import Raycast
from judging.renderers.rig import EMBEDDED as RIG
from tests.plugins import toy_format

ONE, OTHER = toy_format.GOOD, b"0 0 0 0.9\n"
TOWER = b"0 -0.2 0 0.5\n0 0.2 0 0.3\n"  # alike from both sides, and its back is its front: see the duel below


@pytest.fixture(autouse=True)
def _added(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    monkeypatch.setitem(registry.FORMATS, "boxes", toy_format.ROW)
    yield
    sandbox_of("boxes").close()
    sandbox_of.cache_clear()


def stored(folder: Path, content: bytes) -> Path:
    path = folder / hashlib.sha256(content).hexdigest()
    path.write_bytes(content)
    return path


def test_its_files_are_checked_drawn_and_judged(tmp_path: Path) -> None:
    sides = {}
    for content in (TOWER, OTHER):
        file = stored(tmp_path, content)
        drawn = Raycast().render(file, rig=RIG, out=tmp_path / f"{file.name}-views", file_format="boxes")
        assert (drawn.triangles, set(drawn.views)) == (12 * content.count(b"\n"), set(RIG.pictures()))
        sides[content] = Side(file.name, drawn.views)
    reference = tmp_path / "prompt.png"
    Image.open(sides[TOWER].views[RIG.views[0].name]).save(reference)
    sha256 = hashlib.sha256(reference.read_bytes()).hexdigest()
    duel = partial(verdict_of, Perceptual(), reference=reference, reference_sha256=sha256)
    challenging = duel(defender=sides[OTHER], challenger=sides[TOWER])
    defending = duel(defender=sides[TOWER], challenger=sides[OTHER])
    assert (challenging.outcome, defending.outcome) == ("challenger", "defender"), "the tower is its own likeness"
    assert challenging.score_micro == -defending.score_micro > 0
    # Around, this judge only knows that a back should be the front mirrored: a lopsided asset such as ONE loses there
    # against a plain box, whichever of the two defends.


def derived(content: bytes) -> bytes:
    mesh: bytes = examiner("boxes")(content).derived[MESH]()
    return mesh


def test_a_derived_mesh_that_is_not_what_was_checked_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The renderer's own triangles and bounds are the check's of the file itself, not only of the mesh made of it."""
    mesh = derived(toy_format.GOOD)
    monkeypatch.setattr(derived_file, "regular_file", lambda path, *, most: mesh)
    with pytest.raises(Refused, match="READ_TWO_WAYS"):
        Raycast().render(stored(tmp_path, OTHER), rig=RIG, out=tmp_path / "out", file_format="boxes")


def test_where_good_files_are_read_two_ways_too_nobody_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    mesh = derived(OTHER)
    monkeypatch.setattr(derived_file, "regular_file", lambda path, *, most: mesh)
    with pytest.raises(RendererFault, match="READ_TWO_WAYS"):
        Raycast().render(stored(tmp_path, ONE), rig=RIG, out=tmp_path / "out", file_format="boxes")


def test_a_file_that_breaks_its_own_rule_is_refused_by_it(tmp_path: Path) -> None:
    with pytest.raises(Refused, match="BOX_LINE") as refused:
        Raycast().render(stored(tmp_path, b"0 0\n"), rig=RIG, out=tmp_path / "out", file_format="boxes")
    assert refused.value.sentence == "Line 1 is not 'x y z edge'; write four numbers on every line."
    with pytest.raises(Refused, match="OUTSIDE_UNIT_CUBE"):
        Raycast().render(stored(tmp_path, b"9 0 0 1\n"), rig=RIG, out=tmp_path / "out", file_format="boxes")


def test_its_copies_are_made(tmp_path: Path) -> None:
    file = stored(tmp_path, ONE)
    light = light_copy.lighten(file, file_format="boxes")
    assert check.check(light.content).triangles == light.triangles == 24
    for target in toy_format.ROW.targets:
        assert convert(file, file_format="boxes", to=target, provenance={"miner": "5Fx"})


def test_a_competition_can_ask_for_it() -> None:
    config = {"format": "boxes"}
    assert registry.of(config) is toy_format.ROW
    assert registry.complaint(config, renderer="raycast") == ""
    assert "cannot draw boxes" in registry.complaint(config, renderer="threejs")
    assert registry.media_types()["boxes"] == toy_format.ROW.media_type
