"""Does preflight check each format a competition can ask for, also on a machine without a browser?"""

from __future__ import annotations

import ast
import re
import shutil
import subprocess
import sys
import tomllib
from functools import cache
from importlib.metadata import packages_distributions
from io import StringIO
from pathlib import Path
from typing import Any

import pytest
import trimesh
from gauntlet_client import platform_code, preflight, showing
from gauntlet_client.errors import Unusable
from rich.console import Console

from core.sandbox.chromium import walls
from core.sandbox.chromium.scripts import STATIC
from formats import known_good_files
from formats.registry import FORMATS
from judging.renderers import RENDERERS
from tests.formats.made_meshes import SHAPES

ROOT = platform_code.folder()
GOOD = {"glb": known_good_files.glb(), "ply": known_good_files.ply(), "threejs": known_good_files.MODULE.encode()}
BAD = {
    "glb": (b"no mesh at all, but long enough to be looked at", "NOT_A_GLB", ""),
    "ply": (known_good_files.ply()[:-4], "PLY_LENGTH", ""),
    "threejs": (b"export default function make(THREE) {\n  return fetch('x');\n}\n", "MODULE_GLOBAL", "Line 2"),
}


def drawing(kind: str) -> preflight.Drawing:
    return preflight.Drawing(format=kind, renderer="threejs", rig={}, chromium="")


def checked(kind: str, folder: Path) -> preflight.Report:
    extension = platform_code.formats()[kind]["extension"]
    (folder / f"fine.{extension}").write_bytes(GOOD[kind])
    (folder / f"broken.{extension}").write_bytes(BAD[kind][0])
    wanted = drawing(kind)
    report = preflight.Report(
        competition="it", round=1, judge="", judges_there="", format=kind, not_drawn=wanted.lacking
    )
    rows: list[dict[str, Any]] = [{"stem": s, "file": str(folder / f"{s}.{extension}")} for s in ("fine", "broken")]
    preflight.draw(rows, report, drawing=wanted, watch=preflight.unwatched)
    return report


def test_the_client_looks_for_the_platform_s_browsers() -> None:
    assert platform_code.BROWSERS == walls.PROGRAMS and walls.INSTALL in preflight.NOT_DRAWN_FIX


@pytest.mark.parametrize("kind", GOOD)
def test_without_a_browser_every_format_is_checked_and_the_report_says_that_nothing_was_drawn(
    kind: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    _, code, where = BAD[kind]
    told = checked(kind, tmp_path).document()
    fine, broken = told["prompts"]
    assert (fine["prompt"], fine["bytes"]) == ("fine", len(GOOD[kind])) and "refused" not in fine
    refused = broken["refused"]
    assert (refused["failure_class"], refused["code"]) == ("miner", code) and where in refused["sentence"]
    assert (told["pictured"], told["margin"], told["forfeits"]) == (False, None, 1)
    monkeypatch.setattr(showing, "out", Console(file=StringIO(), width=500))
    showing.preflight(told)
    shown = showing.out.file.getvalue()  # type: ignore[attr-defined]
    assert code in shown and "No picture was made" in shown and "GAUNTLET_CHROMIUM" in shown
    assert ("it was not run" in shown) == (kind == "threejs")
    assert ("integrity" in fine) == (kind != "threejs"), "what a module builds is not known before it is run"


def test_defects_are_shown_worst_first_with_how_to_mend_them(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    sheet, turned = SHAPES["a sheet"], SHAPES["a cube with one face turned"]
    for stem, shape in (("sheet", sheet), ("turned", turned)):
        mesh = trimesh.Trimesh(shape.points / 9, shape.faces, process=False)
        (tmp_path / f"{stem}.glb").write_bytes(mesh.export(file_type="glb"))
    wanted = drawing("glb")
    report = preflight.Report(competition="it", round=1, judge="", judges_there="", not_drawn=wanted.lacking)
    rows: list[dict[str, Any]] = [{"stem": s, "file": str(tmp_path / f"{s}.glb")} for s in ("turned", "sheet")]
    preflight.draw(rows, report, drawing=wanted, watch=preflight.unwatched)
    turned_row = report.document()["prompts"][0]["integrity"]
    assert [(d["name"], d["count"], d["share"]) for d in turned_row["defects"]] == [
        ("mismatched_edges", 3, 0.25),
        ("inverted_faces", 1, 0.083333),
    ]
    assert turned_row["numbers"]["triangles"] == 12
    monkeypatch.setattr(showing, "out", Console(file=StringIO(), width=300))
    showing.preflight(report.document())
    shown = showing.out.file.getvalue()  # type: ignore[attr-defined]
    places = [shown.index(words) for words in ("open edges", "mismatched edges", "inverted faces")]
    assert places == sorted(places) and "Recalculate Outside" in shown


def test_the_client_knows_the_platform_s_formats_and_renderers() -> None:
    known = platform_code.formats()
    assert {name: row.extension for name, row in FORMATS.items()} == {n: row["extension"] for n, row in known.items()}
    assert {renderer for row in known.values() for renderer in row["renderers"]} <= set(RENDERERS)


def test_a_format_is_one_row_and_the_client_reads_it_from_the_code_it_carries(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    shutil.copytree(ROOT / "formats", tmp_path / "formats", ignore=shutil.ignore_patterns("__pycache__"))
    registry = tmp_path / "formats" / "registry.py"
    registry.write_text(
        registry.read_text() + "\nfrom dataclasses import replace\n"
        "FORMATS['toy'] = replace(FORMATS['glb'], name='toy', extension='toy', renderers=('threejs',))\n"
    )
    monkeypatch.setattr(platform_code, "folder", lambda: tmp_path)
    monkeypatch.setattr(platform_code, "chromium", lambda: None)
    monkeypatch.setattr(platform_code, "formats", platform_code.formats.__wrapped__)
    drawn = preflight.drawing_of({"config": {"format": "toy", "rig": {}}, "parts": []})
    assert (drawn.extension, drawn.renderer) == ("toy", "threejs")


def test_a_competition_is_drawn_by_its_own_renderer(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(platform_code, "chromium", lambda: None)

    def of(kind: str, renderer: str) -> preflight.Drawing:
        config = {"format": kind, "rig": {}}
        return preflight.drawing_of({"config": config, "parts": [{"part": "renderer", "name": renderer}]})

    assert not of("glb", "raycast").lacking
    assert all(of(kind, "threejs").lacking for kind in FORMATS)
    for kind, renderer in (("usdz", "threejs"), ("glb", "another")):
        with pytest.raises(Unusable, match="this client examines"):
            of(kind, renderer)


def test_a_folder_of_another_format_is_not_called_a_row_of_forfeits(tmp_path: Path) -> None:
    (tmp_path / "chair.glb").write_bytes(GOOD["glb"])
    preflight.require_files(tmp_path, drawing("glb"))
    with pytest.raises(Unusable, match=r"holds no \.ply file, and this competition takes ply files") as trouble:
        preflight.require_files(tmp_path, drawing("ply"))
    assert "<prompt>.ply" in trouble.value.fix
    with pytest.raises(Unusable, match="is no folder"):
        preflight.require_files(tmp_path / "chair.glb", drawing("glb"))


def test_a_browser_that_is_named_must_be_there(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("GAUNTLET_CHROMIUM", "/nowhere/chromium")
    with pytest.raises(Unusable, match="/nowhere/chromium"):
        platform_code.chromium()


def test_what_checks_and_draws_is_in_the_wheel_and_needs_no_django() -> None:
    code = """if True:
        import sys
        sys.modules.update(dict.fromkeys(("django", "competition")))
        import gauntlet_client.desk
        from formats import registry
        from judging.renderers import threejs
        for row in registry.FORMATS.values():
            registry.part(f"{row.sandbox}:rehearse")()
        threejs.scripts()
        ours = ("core", "formats", "judging")
        print(*(module.__file__ for name, module in sys.modules.items() if name.split(".")[0] in ours))
    """
    source = Path(preflight.__file__).resolve().parents[1]
    path = {"PYTHONPATH": f"{source}:{ROOT}", "PATH": "/usr/bin:/bin"}
    done = subprocess.run([sys.executable, "-c", code], env=path, capture_output=True, text=True)
    assert not done.returncode, done.stderr
    project = tomllib.loads((source.parent / "pyproject.toml").read_text())
    wheel = project["tool"]["hatch"]["build"]["targets"]["wheel"]
    carried = [(source.parent / name).resolve() for name in wheel["force-include"]]
    loaded = [Path(name) for name in done.stdout.split()]
    assert STATIC in carried and ROOT / "formats/threejs/examine.py" in loaded
    assert [file for file in loaded if not {file, *file.parents} & set(carried)] == []
    asked_for = [*project["project"]["dependencies"], *project["project"]["optional-dependencies"]["preflight"]]
    named = {re.split(r"[=<>]", wish)[0] for wish in asked_for}
    lacking = {name for file in loaded for name in packages(file) if name not in named}
    assert not lacking, f"the wheel's code imports {lacking}: name them in [preflight] of clients/python/pyproject.toml"


def packages(file: Path) -> set[str]:
    """The distributions that a module imports when it is loaded."""
    body = ast.parse(file.read_text()).body
    names = [alias.name for line in body if isinstance(line, ast.Import) for alias in line.names]
    names += [line.module or "" for line in body if isinstance(line, ast.ImportFrom)]
    return {dist.lower().replace("_", "-") for name in names for dist in installed().get(name.split(".")[0], [])[:1]}


installed = cache(packages_distributions)  # it opens every distribution of the environment
