"""What does a visitor see who has a file's defects marked while turning it?"""

from __future__ import annotations

import json
import struct
from typing import Any

import numpy as np
import pytest

from formats.integrity.defect_positions import COUNTS, FIRST, HEADER, MAGIC, VERSION
from formats.integrity.marks import MOST_SHOWN
from judging.renderers.rig import Rig
from tests.browser.conftest import Site
from tests.browser.test_in_a_browser import complaints_of, too_wide, visitor
from tests.browser.test_in_three_dimensions import BROKEN, NO_WEBGL, READY, opened, shot
from tests.formats.made_meshes import SHAPES
from tests.judging.test_defect_pictures import BLUE, RED, colours_in

pytestmark = pytest.mark.browser
HOLED = "a cube without one side"
BOTH = ("Defender", "Challenger")
LEGEND = "#turn .legend"
# What the page's own reader makes of these bytes, by the page's own marks.
READING = """async (files) => {
  const { read } = await import("/static/dashboard/defects.js");
  const marks = JSON.parse(document.getElementById("turn").dataset.marks);
  return files.map((bytes) => {
    try { return read(new Uint8Array(bytes).buffer, marks).map(({ counted, positions }) => [counted, [...positions]]); }
    catch (fault) { return fault.message; }
  });
}"""


def turned(page: Any, site: Site) -> Any:
    page.goto(f"{site.url('faulty')}?view=front_left")
    page.get_by_role("button", name="Turn both in 3D").click()
    page.locator(READY).wait_for()
    return page


def mark(page: Any, *, roles: tuple[str, ...] = BOTH) -> None:
    page.get_by_label("defects").check()
    for role in roles:
        page.locator(f"figure[data-role={role}][data-marked]").wait_for()


def files_asked(page: Any) -> list[str]:
    asked: list[str] = []
    page.on("request", lambda request: asked.append(request.url) if "defects" in request.url else None)
    return asked


@pytest.mark.parametrize("width", [1280, pytest.param(380, marks=pytest.mark.long)])
def test_defects_are_drawn_over_the_files_in_their_colours_with_a_legend(chromium: Any, site: Site, width: int) -> None:
    with visitor(chromium, width=width) as page:
        heard = complaints_of(page, site=site)
        turned(page, site)
        assert [colours_in(shot(page, role)) & {RED, BLUE} for role in BOTH] == [set(), set()]
        assert not page.locator(LEGEND).is_visible()
        mark(page)
        assert [colours_in(shot(page, role)) for role in BOTH] == [{RED}, {BLUE, "mismatched_edges"}]
        counted = [page.locator(f"figure[data-role={role}]").get_attribute("data-marked") for role in BOTH]
        assert counted == ["4", "4"], "four open edges; one face and its three edges"
        rows = page.locator(f"{LEGEND} li").all_inner_texts()
        assert [row.strip() for row in rows] == ["Open edges: red", "Inverted faces: blue", "Mismatched edges: teal"]
        swatch = page.locator("[data-mark=open_edges]").evaluate("each => getComputedStyle(each).backgroundColor")
        assert swatch == "color(srgb-linear 0.9 0 0)"
        assert (too_wide(page), heard) == (0, [])


def test_open_edges_are_marked_where_the_hole_is(chromium: Any, site: Site) -> None:
    """The red reaches from the leftmost to the rightmost corner of the hole, and from top to bottom."""
    with visitor(chromium) as page:
        turned(page, site)
        rig = Rig.from_json(json.loads(page.locator("#turn").get_attribute("data-rig")))
        mark(page)
        seen = shot(page, "Defender")
    camera, hole = rig.camera("front_left"), SHAPES[HOLED].points[4:] * 0.8 - 0.4
    right, up, forward = ((hole - camera.position) @ np.array(v) for v in (camera.right, camera.up, camera.forward))
    reach, (height, width) = np.tan(np.radians(rig.fov) / 2), seen.shape[:2]
    across = (right / forward / reach * height / width + 1) / 2 * width
    down = (1 - up / forward / reach) / 2 * height
    rows, columns = np.nonzero(seen[..., 0] - seen[..., 1:].max(axis=2) > 60)
    assert np.allclose([columns.min(), columns.max()], [across.min(), across.max()], atol=4)
    assert np.allclose([rows.min(), rows.max()], [down.min(), down.max()], atol=4)


@pytest.mark.long
def test_marks_come_and_go_by_the_keyboard_and_lie_over_every_paint(chromium: Any, site: Site) -> None:
    with visitor(chromium) as page:
        turned(page, site)
        plain = shot(page, "Defender")
        page.get_by_label("defects").focus()
        page.keyboard.press("Space")
        page.locator("figure[data-role=Defender][data-marked]").wait_for()
        for choice in ("wireframe", "normals", "surface"):
            page.get_by_label(choice).check()
            assert RED in colours_in(shot(page, "Defender")), choice
        page.get_by_label("defects").focus()
        page.keyboard.press("Space")
        page.locator("figure[data-role=Defender]:not([data-marked])").wait_for()
        assert (shot(page, "Defender") == plain).all()
        assert not page.locator(LEGEND).is_visible()


def test_positions_are_loaded_when_they_are_first_wanted_and_once(chromium: Any, site: Site) -> None:
    with visitor(chromium) as page:
        asked = files_asked(page)
        turned(page, site)
        assert asked == []
        mark(page)
        page.get_by_label("defects").uncheck()
        mark(page)
        wanted = [page.locator(f"figure[data-role={role}]").get_attribute("data-defects") for role in BOTH]
        assert sorted(asked) == sorted(
            [f"{site.address}/static/dashboard/defects.js", *(site.address + each for each in wanted)]
        )


@pytest.mark.long
def test_marks_stay_where_they_are_when_originals_take_the_place_of_light_copies(chromium: Any, site: Site) -> None:
    with visitor(chromium) as page:
        turned(page, site)
        mark(page)
        assert "a light copy has other triangles" in page.locator("[data-legend]").inner_text()
        page.get_by_role("button", name="Load the originals").click()
        page.get_by_text("These are the files that were judged").wait_for()
        mark(page)
        assert colours_in(shot(page, "Defender")) == {RED}


def test_a_file_of_positions_that_is_another_one_is_not_shown_and_the_files_stay(chromium: Any, site: Site) -> None:
    with visitor(chromium) as page:
        page.route("**/*.defects", lambda route: route.fulfill(body=HEADER.pack(MAGIC, VERSION) + bytes(56)))
        turned(page, site)
        page.get_by_label("defects").click()
        page.get_by_text("The defects cannot be shown.").wait_for()
        assert "its SHA-256 differs" in page.locator("#turn").inner_text()
        assert not page.get_by_label("defects").is_checked()
        assert page.locator("canvas").count() == 2 and page.locator(READY).count() == 1


def one_edge(*, counted: int = 1, shown: int = 1, position: float = 0.25, floats: int = 6) -> bytes:
    counts = COUNTS.pack(counted, shown) + bytes(FIRST - HEADER.size - COUNTS.size)
    return HEADER.pack(MAGIC, VERSION) + counts + struct.pack(f"<{floats}f", *[position] * floats)


def test_the_page_reads_what_is_written_here_and_nothing_else(chromium: Any, site: Site) -> None:
    hostile = {
        "it ends too early": [b"", one_edge()[: FIRST - 1]],
        "it begins otherwise": [b"GNTSCENE" + one_edge()[8:], HEADER.pack(MAGIC, 2) + one_edge()[HEADER.size :]],
        "it shows other counts than it may": [
            one_edge(shown=0, floats=0),
            one_edge(counted=0),
            one_edge(counted=2**32 - 1, shown=2**32 - 1),
            one_edge(counted=MOST_SHOWN + 1, shown=MOST_SHOWN + 1),
        ],
        "its length is not that of its counts": [
            one_edge()[:-1],
            one_edge() + b"\0",
            one_edge(floats=9),
            one_edge(counted=2**32 - 1, shown=MOST_SHOWN),
        ],
        "a position is outside of what is drawn": [
            one_edge(position=position) for position in (1.5, float("nan"), float("-inf"))
        ],
    }
    with visitor(chromium) as page:
        page.goto(site.url("faulty"))
        (read,) = page.evaluate(READING, [list(one_edge())])
        assert read == [[1, [0.25] * 6], *[[0, []]] * 6]
        for why, files in hostile.items():
            results = page.evaluate(READING, [list(file) for file in files])
            assert results == [f"This is no file of defects: {why}."] * len(files)


def test_sound_files_offer_no_marks(chromium: Any, site: Site) -> None:
    with visitor(chromium) as page:
        opened(page, site)
        assert page.locator("[name=defects], [data-legend]").count() == 0


def test_without_webgl_no_marks_are_offered(chromium: Any, site: Site) -> None:
    with visitor(chromium) as page:
        page.add_init_script(NO_WEBGL)
        page.goto(site.url("faulty"))
        page.get_by_role("button", name="Turn both in 3D").click()
        page.locator(BROKEN).wait_for()
        assert not page.get_by_label("defects").is_visible()
