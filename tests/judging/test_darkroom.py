"""Who draws and photographs, in which browser, and does each format come out the same every time?"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest
from PIL import Image

from core.sandbox.chromium import browsers as lending
from core.sandbox.chromium import walls
from core.sandbox.chromium.browser import BROWSING
from core.sandbox.chromium.browsers import Browsers
from core.sandbox.chromium.faults import ours
from core.sandbox.outcomes import RendererFault
from formats import known_good_files
from judging.renderers.rig import EMBEDDED
from judging.renderers.threejs import Threejs, opened, scripts
from tests.judging.made_splats import cloud

ROOT = Path(__file__).parents[2]
RIG = replace(EMBEDDED, pixels=96, grid_pixels=96, views=EMBEDDED.views[:3], gray=())
BLANK = {
    "/": '<!doctype html><title>blank</title><link rel="stylesheet" href="/page.css"><canvas></canvas>',
    "/page.css": "body{background:#123456}",
}
if walls.program("") is None:
    pytest.skip(f"no Chromium on this machine: {walls.INSTALL}", allow_module_level=True)


@pytest.fixture
def own() -> Iterator[Browsers]:
    made = Browsers()
    yield made
    made.close()


@pytest.mark.parametrize(
    ("kind", "data"),
    [
        pytest.param("ply", cloud(300, degree=3), id="ply"),
        pytest.param("threejs", known_good_files.MODULE.encode(), id="threejs", marks=pytest.mark.long),
    ],
)
def test_a_file_of_any_format_gives_the_same_pixels_in_any_browser(
    kind: str, data: bytes, own: Browsers, tmp_path: Path
) -> None:
    (tmp_path / "asset").write_bytes(data)
    seen = []
    for fresh in range(2):
        drawn = Threejs(drawing=own).render(tmp_path / "asset", rig=RIG, out=tmp_path / f"{fresh}", file_format=kind)
        seen.append({name: hashlib.sha256(path.read_bytes()).hexdigest() for name, path in drawn.views.items()})
        own.close()
    assert seen[0] == seen[1]
    assert len(set(seen[0].values())) == len(RIG.pictures()), "each view shows something else"


def test_the_judge_and_the_visitor_see_by_the_same_module() -> None:
    """The page that is photographed loads the viewer's own files, to the byte."""
    static = ROOT / "judging" / "static" / "judging"
    for name in ("scene.js", "built-scene.js", "splats.js"):
        shown = scripts()[f"/{name}"]
        assert (shown.encode() if isinstance(shown, str) else shown) == (static / name).read_bytes()
    assert 'from "/scene.js"' in (static / "darkroom.js").read_text()
    assert "{% static 'judging/scene.js' %}" in (ROOT / "templates/parts/turn.html").read_text()


def test_one_browser_draws_a_batch_and_a_new_one_the_next(own: Browsers, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(lending, "BATCH", 2)
    used = []
    for _ in range(3):
        with own.one() as browser:
            used.append(browser.process.pid)
    assert used[0] == used[1] != used[2]
    assert not Path(f"/proc/{used[0]}").exists()


def test_the_host_takes_the_picture_whatever_the_page_says(own: Browsers) -> None:
    """A page that answers for its canvas and its screen with another picture is photographed as it is."""
    lies = """for (const kind of [HTMLCanvasElement, OffscreenCanvas]) kind.prototype.toDataURL = () => 'data:,';
        WebGL2RenderingContext.prototype.readPixels = CanvasRenderingContext2D.prototype.getImageData = () => 0;
        globalThis.captureScreenshot = () => 'data:,'; JSON.stringify = () => '{}'; 1"""
    with own.one() as browser, browser.page(BLANK, size=256, allowance=BROWSING) as page:
        page.until("document.readyState === 'complete'")
        page.ask(lies)
        seen = opened(page.picture(256), size=256)
    assert isinstance(seen, Image.Image)
    assert seen.getpixel((200, 200)) == (0x12, 0x34, 0x56)


def test_wall_time_is_ours_to_answer_for(own: Browsers) -> None:
    with (
        pytest.raises(RendererFault) as fault,
        ours(),
        own.one() as browser,
        browser.page(BLANK, size=256, allowance=replace(BROWSING, wall_seconds=0.5)) as page,
    ):
        page.ask("new Promise(() => 0)")
    assert (fault.value.code, fault.value.failure_class) == ("OVERRAN", "infrastructure")
