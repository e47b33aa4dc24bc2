"""Does axe find nothing to object to: on every page, wide and narrow, light and dark, as it is loaded and unfolded?"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import axe_playwright_python
import pytest

from tests.browser.conftest import Site
from tests.browser.test_in_a_browser import SOME, visitor

pytestmark = pytest.mark.browser
AXE = (Path(axe_playwright_python.__file__).parent / "axe.min.js").read_text()
UNFOLD = "document.querySelectorAll('details').forEach(each => { each.open = true })"
RUN = """(only) => axe.run(document, {
  resultTypes: ["violations"], ...(only ? { runOnly: { type: "rule", values: only } } : {}),
})"""
COLOURS = ["color-contrast", "link-in-text-block"]


def objections(page: Any, *, only: list[str] | None = None) -> list[str]:
    found = page.evaluate(RUN, only)
    return [
        f"{each['id']}: {each['help']}; {[node['target'] for node in each['nodes']][:3]}"
        for each in found["violations"]
    ]


@pytest.mark.parametrize(
    ("width", "names"),
    [
        pytest.param(1280, SOME[::2], id="1280, some pages"),
        pytest.param(1280, (), id="1280", marks=pytest.mark.long),
        pytest.param(380, (), id="380", marks=pytest.mark.long),
    ],
)
def test_axe_objects_to_nothing(chromium: Any, site: Site, width: int, names: tuple[str, ...]) -> None:
    found = {}
    with visitor(chromium, width=width) as page:
        for name in names or site.pages:
            page.emulate_media(color_scheme="light")
            page.goto(site.url(name))
            page.evaluate(UNFOLD)
            page.evaluate(AXE)
            found[name, "light"] = objections(page)
            page.emulate_media(color_scheme="dark")
            found[name, "dark"] = objections(page, only=COLOURS)
    assert {where: told for where, told in found.items() if told} == {}


def test_axe_would_object(chromium: Any, site: Site) -> None:
    """The gate can fail: a page with a picture that says nothing, and gray words on gray."""
    with visitor(chromium) as page:
        page.goto(site.url("data"))
        page.evaluate(AXE)
        page.evaluate("""() => {
          document.querySelector("main").append(new Image());
          Object.assign(document.querySelector("h1").style, { color: "#999", background: "#aaa" });
        }""")
        told = " ".join(objections(page))
        assert "image-alt" in told
        assert "color-contrast" in told


def test_a_file_turned_in_3d_with_its_defects_is_accessible_too(chromium: Any, site: Site) -> None:
    with visitor(chromium) as page:
        page.goto(site.url("faulty"))
        page.get_by_role("button", name="Turn both in 3D").click()
        page.locator("#turn[data-state=ready]").wait_for()
        page.get_by_label("defects").check()
        page.locator("figure[data-marked]").first.wait_for()
        page.evaluate(AXE)
        assert objections(page) == []


def test_a_chart_being_explored_is_accessible_too(chromium: Any, site: Site) -> None:
    with visitor(chromium, scheme="dark") as page:
        page.goto(site.url("charts"))
        page.locator("figure[data-plot] button").first.click()
        page.locator("figure[data-state=ready]").first.wait_for()
        page.evaluate(AXE)
        assert objections(page) == []
