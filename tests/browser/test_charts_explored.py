"""What does a visitor get who explores a chart?"""

from __future__ import annotations

from typing import Any

import pytest

from tests.browser.conftest import Site
from tests.browser.test_budgets import KB, weighed
from tests.browser.test_in_a_browser import complaints_of, visitor

pytestmark = pytest.mark.browser


def explore(page: Any) -> None:
    page.locator("figure[data-plot] button").first.click()
    page.locator("figure[data-state=ready]").first.wait_for()


def test_nothing_of_plotly_comes_before_it_is_asked_for(chromium: Any, site: Site) -> None:
    with visitor(chromium) as page:
        before = weighed(page, site.url("charts"))
    with visitor(chromium) as page:
        after = weighed(page, site.url("charts"), then=explore)
    assert not [url for url in before.urls if "plotly" in url]
    assert 300 * KB < after.text - before.text <= 400 * KB
    assert after.requests - before.requests == 2, "the library and the data"


def test_a_chart_is_drawn_under_the_same_strict_policy(chromium: Any, site: Site) -> None:
    with visitor(chromium) as page:
        heard = complaints_of(page, site=site)
        page.goto(site.url("charts"))
        table = page.locator("figure[data-plot] + details tbody tr").count()
        assert table
        explore(page)
        figure = page.locator("figure[data-state=ready]").first
        # those that delivered nothing are in the table, and in the chart once their name is clicked
        assert 0 < figure.locator(".scatterlayer .point").count() < table
        assert figure.locator(".main-svg").first.bounding_box()["height"] > 200
        assert heard == []


def test_a_point_leads_to_its_evidence(chromium: Any, site: Site) -> None:
    with visitor(chromium) as page:
        page.goto(site.url("charts"))
        explore(page)
        place = page.locator(".scatterlayer .point").first.bounding_box()
        page.mouse.move(place["x"] + place["width"] / 2, place["y"] + place["height"] / 2)
        page.locator(".hoverlayer .hovertext").first.wait_for()
        page.mouse.down()
        page.mouse.up()
        page.wait_for_url("**-vs-**")


def test_a_chart_takes_the_colours_of_the_theme(chromium: Any, site: Site) -> None:
    with visitor(chromium, scheme="dark") as page:
        page.goto(site.url("charts"))
        explore(page)
        colour = "getComputedStyle(document.querySelector('.xtitle')).fill"
        dark = page.evaluate(colour)
        page.emulate_media(color_scheme="light")
        page.wait_for_function(f"(night) => {colour} !== night", arg=dark)


def test_where_the_library_does_not_come_the_sketch_stays(chromium: Any, site: Site) -> None:
    with visitor(chromium) as page:
        page.route("**/plotly-basic*", lambda route: route.abort())
        page.goto(site.url("charts"))
        page.locator("figure[data-plot] button").first.click()
        figure = page.locator("figure[data-state=error]").first
        figure.wait_for()
        assert "table below" in figure.locator("[role=status]").inner_text()
        assert figure.locator("svg.sketch").is_visible()


def test_without_scripts_the_sketch_and_the_table_are_there(chromium: Any, site: Site) -> None:
    with visitor(chromium, java_script_enabled=False) as page:
        page.goto(site.url("charts"))
        assert page.locator("svg.sketch").first.is_visible()
        assert not page.get_by_role("button", name="Explore").first.is_visible()
