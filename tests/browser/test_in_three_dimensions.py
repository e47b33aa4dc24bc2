"""What does a visitor see who turns two files in 3D?"""

from __future__ import annotations

import io
from typing import Any

import numpy as np
import pytest
from PIL import Image

from tests.browser.conftest import Site
from tests.browser.test_in_a_browser import complaints_of, visitor

pytestmark = pytest.mark.browser
READY, BROKEN = "#turn[data-state=ready]", "#turn[data-state=error]"
NO_WEBGL = "HTMLCanvasElement.prototype.getContext = () => null"


def opened(page: Any, site: Site) -> Any:
    page.goto(site.url("turned"))
    page.get_by_role("button", name="Turn both in 3D").click()
    page.locator(READY).wait_for()
    return page


def shot(page: Any, role: str) -> Any:
    png = page.locator(f"figure[data-role={role}] .shot").screenshot()
    return np.asarray(Image.open(io.BytesIO(png)).convert("RGB"), np.int16)


def test_nothing_of_the_viewer_is_loaded_before_the_click(chromium: Any, site: Site) -> None:
    with visitor(chromium) as page:
        asked: list[str] = []
        page.on("request", lambda request: asked.append(request.url))
        page.goto(site.url("turned"))
        page.wait_for_load_state("networkidle")
        assert not [url for url in asked if "three-" in url or "viewer.js" in url or url.endswith(".glb")]
        page.get_by_role("button", name="Turn both in 3D").click()
        page.locator(READY).wait_for()
        assert sum("three-0.183.2" in url for url in asked) == 1
        assert sum(url.endswith(".glb") for url in asked) == 2


def test_both_files_turn_without_a_word_of_complaint(chromium: Any, site: Site) -> None:
    for width in (1280, 380):
        with visitor(chromium, width=width) as page:
            heard = complaints_of(page, site=site)
            opened(page, site)
            triangles = [f.get_attribute("data-triangles") for f in page.locator("figure[data-file]").all()]
            assert triangles == ["12", "12"], "counted in the file itself"
            assert "The bytes match their SHA-256." in page.locator("#turn").inner_text()
            for choice in ("wireframe", "normals", "surface"):
                page.get_by_label(choice).check()
            page.get_by_label("gray ground").check()
            sideways = page.evaluate("document.documentElement.scrollWidth - document.documentElement.clientWidth")
            assert (sideways, heard) == (0, [])


@pytest.mark.parametrize("view", ["front_left", pytest.param("top_down", marks=pytest.mark.long)])
def test_the_judges_camera_and_lamp_are_the_viewers(chromium: Any, site: Site, view: str) -> None:
    """The judge's picture and the viewer's differ along edges only."""
    with visitor(chromium) as page:
        page.goto(f"{site.url('turned')}?view={view}")
        judged = [shot(page, role) for role in ("Defender", "Challenger")]
        opened_here = page.get_by_role("button", name="Turn both in 3D")
        opened_here.click()
        page.locator(READY).wait_for()
        turned = [shot(page, role) for role in ("Defender", "Challenger")]
        for before, after in zip(judged, turned, strict=True):
            assert before.std() > 10, "there is something to see"
            differ = np.abs(before - after).max(axis=2) > 24
            assert differ.mean() < 0.03


def test_a_button_turns_both_sides_and_one_alone_is_left_alone(chromium: Any, site: Site) -> None:
    with visitor(chromium) as page:
        opened(page, site)
        before = {role: shot(page, role) for role in ("Defender", "Challenger")}
        page.get_by_role("button", name="back", exact=False).first.click()
        moved = {role: shot(page, role) for role in before}
        assert all((moved[role] != before[role]).any() for role in before)
        page.locator("figure[data-role=Defender] canvas").focus()
        page.keyboard.press("ArrowRight")
        together = {role: shot(page, role) for role in before}
        assert all((together[role] != moved[role]).any() for role in before), "the other side follows"
        page.get_by_label("turn both together").uncheck()
        page.keyboard.press("ArrowRight")
        page.locator("figure[data-role=Defender] canvas").focus()
        page.keyboard.press("ArrowRight")
        alone = {role: shot(page, role) for role in before}
        assert (alone["Defender"] != together["Defender"]).any()
        assert (alone["Challenger"] == together["Challenger"]).all()


def test_without_webgl_the_pictures_stay(chromium: Any, site: Site) -> None:
    with visitor(chromium) as page:
        page.add_init_script(NO_WEBGL)
        page.goto(site.url("turned"))
        page.get_by_role("button", name="Turn both in 3D").click()
        page.locator(BROKEN).wait_for()
        assert "no WebGL. The pictures stay." in page.locator("#turn").inner_text()
        assert page.locator("canvas").count() == 0
        assert page.locator(".shot img").count() == 2


def test_a_lost_context_gives_the_pictures_back(chromium: Any, site: Site) -> None:
    with visitor(chromium) as page:
        opened(page, site)
        page.evaluate(
            "document.querySelector('canvas').getContext('webgl2').getExtension('WEBGL_lose_context').loseContext()"
        )
        page.locator("#turn[data-state=lost]").wait_for()
        assert page.locator("canvas").count() == 0
        page.get_by_role("button", name="Turn in 3D again").click()
        page.locator(READY).wait_for()
        assert page.locator("canvas").count() == 2
        page.get_by_role("button", name="back to the pictures").click()
        page.locator("#turn[data-state=closed]").wait_for()
        assert page.locator("canvas").count() == 0


def test_a_file_that_is_not_the_judged_one_is_not_shown(chromium: Any, site: Site) -> None:
    with visitor(chromium) as page:
        page.route("**/*.glb", lambda route: route.fulfill(body=b"glTF something else"))
        page.goto(site.url("turned"))
        page.get_by_role("button", name="Turn both in 3D").click()
        page.locator(BROKEN).wait_for()
        assert "its SHA-256 differs" in page.locator("#turn").inner_text()
        assert page.locator("canvas").count() == 0


def test_without_scripts_nothing_offers_to_turn(chromium: Any, site: Site) -> None:
    with visitor(chromium, java_script_enabled=False) as page:
        page.goto(site.url("turned"))
        assert not page.locator("#turn button").first.is_visible()
        assert page.locator(".shot img").first.is_visible()


def test_light_copies_come_first_and_the_originals_when_they_are_asked_for(chromium: Any, site: Site) -> None:
    with visitor(chromium) as page:
        heard, asked = complaints_of(page, site=site), []
        page.on("request", lambda request: asked.append(request.url) if request.url.endswith(".glb") else None)
        page.goto(site.url("lightened"))
        figures = page.locator("figure[data-light]")
        light = {site.address + each.get_attribute("data-light") for each in figures.all()}
        whole = {site.address + each.get_attribute("data-file") for each in figures.all()}
        page.get_by_role("button", name="Turn both in 3D").click()
        page.locator(READY).wait_for()
        assert set(asked) == light
        assert "The judge saw the originals." in page.locator(".tools").inner_text()
        assert "The bytes match their SHA-256." in page.locator("#turn").inner_text()
        simplified = shot(page, "Defender")
        page.get_by_role("button", name="Load the originals").click()
        page.get_by_text("These are the files that were judged").wait_for()
        page.locator(READY).wait_for()
        assert set(asked) == light | whole
        assert page.locator("canvas").count() == 2
        assert (np.abs(shot(page, "Defender") - simplified).max(axis=2) > 40).mean() < 0.01, "they look alike"
        assert heard == []
