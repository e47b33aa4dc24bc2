"""Is every hostile module refused in words its miner can act on, or harmless?"""

from __future__ import annotations

import base64
import json
import re
import tempfile
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from core.sandbox.chromium import walls
from core.sandbox.chromium.browser import excess
from core.sandbox.chromium.browsers import Browsers
from core.sandbox.chromium.using import BrowserUse
from core.sandbox.outcomes import Refused
from formats import known_good_files
from formats.format_sandbox import sandbox_of
from formats.threejs import baking, built, module_names
from formats.threejs import examine as threejs
from formats.threejs.rules import MODULE_RULES
from tests.judging.hostile_modules import EXECUTED, GREEDY, HARMLESS, STATIC, TAKEN

ROOT = Path(__file__).parents[2]
needs_browser = pytest.mark.skipif(walls.program("") is None, reason=f"no Chromium here: {walls.INSTALL}")


def refused_with(module: str, browsers: Browsers = baking.BAKING) -> Refused:
    with pytest.raises(Refused) as refused:
        threejs.check(module.encode())
        triangles(baking.baked(module.encode(), browsers=browsers))
    return refused.value


def triangles(baked: bytes) -> int:
    """As the check counts them of what a page made."""
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder, "built")
        file.write_bytes(baked)
        return int(sandbox_of("threejs").run({"built": True}, data=file, folder=Path(folder)).answer["count"])


@pytest.fixture(scope="module")
def tight() -> Iterator[Browsers]:
    """With a small heap, which is soon full."""
    made = Browsers(heap_megabytes=64)
    yield made
    made.close()


# -- the text


@pytest.mark.parametrize("name", STATIC)
def test_a_hostile_text_is_refused_by_its_rule(name: str) -> None:
    rule, text = STATIC[name]
    with pytest.raises(Refused) as refused:
        threejs.check(text.encode())
    assert refused.value.code == rule, refused.value.sentence
    assert len(refused.value.sentence) < 400


@pytest.mark.parametrize("name", TAKEN)
def test_what_harms_nobody_is_let_through(name: str) -> None:
    threejs.check(TAKEN[name].encode())


def test_there_are_a_hundred_of_them_and_more() -> None:
    assert len(STATIC) + len(EXECUTED) + len(GREEDY) + len(HARMLESS) >= 150


def test_a_refusal_of_a_text_names_its_line() -> None:
    with pytest.raises(Refused, match=r"Line 3: the name fetch is not offered"):
        threejs.check(b"export default function generate(THREE) {\n\n  fetch('x');\n}")


def test_every_rule_for_modules_has_a_module_that_breaks_it() -> None:
    broken = {rule for rule, _ in (*STATIC.values(), *EXECUTED.values(), *GREEDY.values())}
    assert set(MODULE_RULES) - broken == {"MODULE_CHANGES"}, "test_two_different_scenes_are_refused"


def test_no_sentence_begins_with_a_name_that_must_stay_small() -> None:
    assert [name for name, rule in MODULE_RULES.items() if rule.observation.startswith("generate(")] == []


def test_ordinary_modules_are_let_through() -> None:
    for text in (
        known_good_files.MODULE,
        *(path.read_text() for path in sorted((ROOT / "tests/judging/modules").glob("*.js"))),
    ):
        threejs.check(text.encode())


def test_every_offered_name_exists_in_three() -> None:
    vendored = (ROOT / "judging/static/vendor/three-core-0.183.2.js").read_text()
    assert {name for name in module_names.THREE if not re.search(rf"\b{name}\b", vendored)} == set()


# -- what it does


@needs_browser
@pytest.mark.timeout(200)
@pytest.mark.long
def test_what_breaks_a_rule_at_work_is_refused_by_it() -> None:
    found = {name: refused_with(module).code for name, (_, module) in EXECUTED.items()}
    assert found == {name: rule for name, (rule, _) in EXECUTED.items()}


@needs_browser
@pytest.mark.timeout(600)
@pytest.mark.parametrize(
    "name", ["endless loop", *(pytest.param(name, marks=pytest.mark.long) for name in GREEDY if name != "endless loop")]
)
def test_a_module_that_never_ends_is_ended(name: str, tight: Browsers, monkeypatch: pytest.MonkeyPatch) -> None:
    """By the limit it runs into, on a machine of any speed: the other one is out of reach."""
    rule, module = GREEDY[name]
    seconds = 1 if rule == "MODULE_TOO_SLOW" else 500
    far = replace(baking.RUNNING, cpu_seconds=seconds, wall_seconds=500, heap=64 << 20)
    monkeypatch.setattr(baking, "RUNNING", far)
    assert refused_with(module, tight).code == rule


MIB = 1 << 20


@pytest.mark.parametrize(
    ("grown", "seconds", "cause"),
    [
        (0, 5.9, None),
        (500 * MIB, 5.9, None),  # not collected yet
        (0, 6.1, "cpu"),
        (256 * MIB, 6.1, "cpu"),
        (257 * MIB, 6.1, "memory"),  # a slow machine is still searching for room
        (513 * MIB, 0.1, "memory"),
        (513 * MIB, 6.1, "memory"),
    ],
)
def test_a_full_heap_is_named_however_slow_the_machine_is(grown: int, seconds: float, cause: str | None) -> None:
    before = BrowserUse(memory=200 * MIB, cpu_seconds=40.0)
    now = BrowserUse(memory=before.memory + grown, cpu_seconds=40.0 + seconds)
    found = excess(now, before=before, allowance=baking.RUNNING)
    assert (found and found.what) == cause


def test_the_browser_as_a_whole_has_a_limit_too() -> None:
    before, now = BrowserUse(memory=1900 * MIB, cpu_seconds=0.0), BrowserUse(memory=2049 * MIB, cpu_seconds=0.0)
    found = excess(now, before=before, allowance=baking.RUNNING)
    assert found is not None
    assert (found.what, found.limit) == ("memory", 2 << 30)


@needs_browser
@pytest.mark.timeout(120)
def test_a_module_reaches_nobody_else() -> None:
    before = baking.baked(known_good_files.MODULE.encode())
    for module in HARMLESS.values():
        try:
            triangles(baking.baked(module.encode()))
        except Refused as refused:
            assert refused.code in MODULE_RULES or refused.code in ("NOT_A_GLB", "NO_GEOMETRY"), "its own loss"
    assert baking.baked(known_good_files.MODULE.encode()) == before


@needs_browser
def test_two_different_scenes_are_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    outcomes = iter([page_answer(), page_answer(vertices=3, range=[0, 3])])
    monkeypatch.setattr(baking, "_answered", lambda module, browsers: next(outcomes))
    with pytest.raises(Refused, match="two different things"):
        baking.baked(known_good_files.MODULE.encode())


LIES = {
    "nothing": None,
    "a number": 5,
    "an object": {},
    "no line": "x",
    "a list": "[]\n",
    "a rule that is none": '{"refused": ["X", {}]}\n',
    "a rule without its words": '{"refused": ["MODULE_DEPTH", {}]}\n',
    "no base64": '{"nodes": [], "meshes": [], "materials": [], "textures": []}\n\u00e9',
    "a parent below": '{"nodes": [{"parent": 0}], "meshes": [], "materials": [], "textures": []}\n',
    "deep": "[" * 100_000,
}


@pytest.mark.parametrize("name", LIES)
def test_what_a_broken_page_says_is_not_believed(name: str) -> None:
    with pytest.raises(Refused, match="broke the page"):
        built.read(LIES[name])


@pytest.mark.parametrize("said", [None, 5, {}, "\u00e9", "%"])
def test_what_is_no_base64_is_no_glb(said: object) -> None:
    with pytest.raises(Refused, match="broke the page"):
        baking._glb(said)


NODE = {"parent": -1, "id": 0, "group": False, "renderOrder": 0, "place": [0, 0, 0], "turn": [0, 0, 0, 1]}
NODE |= {"scale": [1, 1, 1]}
PAINT = {"type": "MeshBasicMaterial", "id": 0}


def page_answer(**changed: object) -> str:
    """What an honest page says of one triangle, with something changed."""
    mesh = {
        "node": 0,
        "shape": "mesh",
        "vertices": 3,
        "instances": 1,
        "position": [0, 9],
        "range": [0, 9],
        "paints": [0],
    }
    tree = {"nodes": [NODE], "meshes": [mesh | changed], "materials": [PAINT], "textures": []}
    return json.dumps(tree) + "\n" + base64.b64encode(bytes(36)).decode()


def test_counts_are_those_of_the_bytes_that_were_sent() -> None:
    assert built.read(page_answer()).tree["meshes"][0]["vertices"] == 3
    for lie in (
        {"vertices": -400_000},
        {"vertices": 1},
        {"position": [0, 10]},
        {"position": [2, 8]},
        {"instances": 2},
        {"instances": 0},
        {"paints": [1]},
        {"index": [0, 10]},
        {"range": [0]},
        {"node": 1},
        {"node": -1},
        {"paints": [0, 0]},
        {"paints": [True]},
        {"groups": [[0, 3]]},
        {"uv2": [0, 7]},
        {"alpha": [0, 3]},
        {"matrices": [0, 9]},
        {"shape": "cube"},
        {"shape": "points"},
        {"shape": "points", "wide": 0},
        {"shape": "strip", "wide": 2},
    ):
        with pytest.raises(Refused, match="broke the page"):
            built.read(page_answer(**lie))
    with pytest.raises(Refused, match="MODULE_DRAWS"):
        built.read(page_answer(groups=[[0, 3, i] for i in range(2_001)]))
    assert built.read(page_answer(groups=[[0, 3, 0]] * 201))
