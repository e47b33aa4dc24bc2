"""Is what the subnet's public checker takes taken here, and what it refuses refused, but for what has a reason?"""

from __future__ import annotations

import tempfile
from collections.abc import Iterable, Iterator
from pathlib import Path

import pytest

from core.sandbox.chromium import walls
from core.sandbox.outcomes import Refused
from formats.format_sandbox import sandbox_of
from formats.threejs import baking
from formats.threejs import examine as threejs
from formats.threejs.rules import MODULE_RULES
from formats.threejs.subnet_rules import NARROWER, WIDER, rows
from tests.judging.subnet_modules import MODULES

ROOT = Path(__file__).parents[2]
KINDS = sorted({name.partition("-")[0] for name in MODULES})
SOME = ("object-points", "scene-interleaved")
needs_browser = pytest.mark.skipif(walls.program("") is None, reason=f"no Chromium here: {walls.INSTALL}")


@pytest.fixture(scope="module", autouse=True)
def put_away() -> Iterator[None]:
    yield
    baking.BAKING.close()


def refused_text(data: bytes) -> str:
    """The rule by which its text is refused, or ""."""
    try:
        threejs.check(data)
    except Refused as refused:
        return refused.code
    return ""


def verdict(data: bytes) -> str:
    """ "accepted", or the rule by which the text, the run or what was baked is refused."""
    try:
        threejs.check(data)
        with tempfile.TemporaryDirectory() as folder:
            file = Path(folder, "built")
            file.write_bytes(baking.baked(data))
            sandbox_of("threejs").run({"built": True}, data=file, folder=Path(folder))
    except Refused as refused:
        return refused.code
    return "accepted"


@pytest.mark.parametrize("kind", KINDS)
def test_a_text_that_the_subnet_takes_is_taken(kind: str) -> None:
    """What is no JavaScript in strict mode, or takes from THREE by another name, is refused when it is run."""
    modules = {name: each for name, each in MODULES.items() if name.partition("-")[0] == kind}
    found = {name: refused_text(each.data) for name, each in modules.items()}
    narrower = {name for name, code in found.items() if code and modules[name].taken}
    assert {name: found[name] for name in narrower} == {name: modules[name].ours for name in narrower}
    later = {
        name for name, each in modules.items() if each.there in ("PARSE_ERROR (text)", "THREE_ALIAS_FORBIDDEN (text)")
    }
    passed = {name for name, code in found.items() if not code and modules[name].there.endswith("(text)")}
    assert {name for name in passed - later if not modules[name].ours} == set(), "refused there by its text"


@needs_browser
@pytest.mark.timeout(200)
def test_points_and_interleaved_numbers_are_baked() -> None:
    assert {name: verdict(MODULES[name].data) for name in SOME} == dict.fromkeys(SOME, "accepted")


def agree(names: Iterable[str]) -> None:
    """Each ends as the corpus says, text, run and bake."""
    found = {name: verdict(MODULES[name].data) for name in names}
    taken = {name for name, code in found.items() if code == "accepted"}
    assert taken == {name for name in found if MODULES[name].taken_here}
    ours = {name: MODULES[name].ours for name in found if MODULES[name].ours not in ("", "accepted")}
    assert {name: found[name] for name in ours} == ours


@needs_browser
@pytest.mark.long
@pytest.mark.timeout(900)
def test_some_of_all_kinds_end_as_at_the_subnet_when_they_are_run() -> None:
    """One of twelve; `make hostile` runs them all."""
    agree({*sorted(MODULES)[::12], "root-line-segments", "texture-half-floats", "scene-groups-many"})


def test_every_difference_has_its_reason() -> None:
    differing = {name: each for name, each in MODULES.items() if each.ours}
    narrower = {name: each.ours for name, each in differing.items() if each.taken}
    named = {each.ours for each in NARROWER} | {"MODULE_CHANCE", "TOO_MANY_TRIANGLES"}
    assert {name: code for name, code in narrower.items() if code not in named} == {}
    wider = {name: each.there.split()[0] for name, each in differing.items() if not each.taken and each.taken_here}
    reasons = {each.theirs for each in WIDER}
    assert {name: code for name, code in wider.items() if code not in reasons} == {}


def test_the_document_lists_every_difference() -> None:
    text = (ROOT / "docs" / "formats.md").read_text()
    assert [row for row in (*rows(NARROWER), *rows(WIDER)) if row not in text] == []


def test_every_rule_that_a_difference_names_exists() -> None:
    from formats.rules import known_rules

    assert {each.ours for each in NARROWER} - set(known_rules()) == set()
    assert all(each.why and each.what for each in (*NARROWER, *WIDER))
    assert "{{" not in "".join(rule.advice for rule in MODULE_RULES.values()), "advice is shown as it is written"
