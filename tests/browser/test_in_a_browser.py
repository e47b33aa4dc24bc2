"""What does a visitor's browser make of the pages?"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest

from tests.browser.conftest import Site

pytestmark = pytest.mark.browser
SOME = ("home", "round", "match", "duel", "audit", "winner", "charts", "compare", "status", "search", "missing")
ALL = ((1280, "light"), (360, "dark"), (380, "light"))
SCREENS = [
    pytest.param(1280, "light", SOME, id="1280-light, some pages"),
    *(pytest.param(width, scheme, (), id=f"{width}-{scheme}", marks=pytest.mark.long) for width, scheme in ALL),
]
NARROW = {"width": 360, "height": 800}
WAIT_MS = 120_000


@contextmanager
def visitor(chromium: Any, *, width: int = 1280, scheme: str = "light", **more: Any) -> Iterator[Any]:
    context = chromium.new_context(viewport={"width": width, "height": 800}, color_scheme=scheme, **more)
    page = context.new_page()
    page.set_default_timeout(WAIT_MS)
    yield page
    context.close()


def is_complaint(message: Any) -> bool:
    """An error or warning that is about the page: the graphics driver's remarks on speed are about this machine."""
    return message.type in ("error", "warning") and "GL Driver Message (OpenGL, Performance" not in message.text


def complaints_of(page: Any, *, site: Site) -> list[str]:
    """Collects what a browser complains about, and every request that leaves the site."""
    heard: list[str] = []
    page.on("console", lambda message: heard.append(message.text) if is_complaint(message) else None)
    page.on("pageerror", lambda error: heard.append(str(error)))
    page.on("dialog", lambda dialog: heard.append(f"dialog: {dialog.message}"))
    page.on("request", lambda r: None if r.url.startswith(site.address) else heard.append(f"left the site: {r.url}"))
    return heard


@pytest.mark.parametrize(("width", "scheme", "names"), SCREENS)
def test_no_page_errs_leaks_or_scrolls_sideways(
    chromium: Any, site: Site, width: int, scheme: str, names: tuple[str, ...]
) -> None:
    for name in names or site.pages:
        with visitor(chromium, width=width, scheme=scheme) as page:
            heard = complaints_of(page, site=site)
            page.goto(site.url(name))
            page.evaluate("document.querySelectorAll('details').forEach(each => { each.open = true })")
            assert too_wide(page) <= 0, f"{name} at {width} px"
            page.set_viewport_size(NARROW)
            page.emulate_media(color_scheme="dark")
            assert too_wide(page) <= 0, f"{name}, made narrow"
            expected = ["Failed to load resource: the server responded with a status of 404 (Not Found)"]
            assert heard == (expected if name == "missing" else []), name


def too_wide(page: Any) -> int:
    """By how many pixels the page can be scrolled sideways."""
    return int(page.evaluate("document.documentElement.scrollWidth - document.documentElement.clientWidth"))


def test_every_picture_of_a_duel_is_there(chromium: Any, site: Site) -> None:
    with visitor(chromium) as page:
        page.goto(site.url("duel"))
        widths = page.evaluate("[...document.querySelectorAll('.triple img')].map(i => i.naturalWidth)")
        assert widths == [96, 96, 96]


def test_without_scripts_a_view_is_chosen_by_a_link(chromium: Any, site: Site) -> None:
    with visitor(chromium, java_script_enabled=False) as page:
        page.goto(site.url("duel"))
        before = page.locator(".side img").first.get_attribute("src")
        page.get_by_label("Views the judge saw").get_by_role("link", name="back", exact=True).click()
        assert page.locator(".side img").first.get_attribute("src") != before
        assert page.locator(".views [aria-current]").inner_text() == "back"


@pytest.mark.parametrize("names", [pytest.param(SOME, id="some"), pytest.param((), id="all", marks=pytest.mark.long)])
def test_without_scripts_every_page_has_its_heading(chromium: Any, site: Site, names: tuple[str, ...]) -> None:
    with visitor(chromium, java_script_enabled=False) as page:
        for name in names or site.pages:
            page.goto(site.url(name), wait_until="domcontentloaded")
            assert page.locator("h1").count() == 1, name


def test_decisive_duels_lead_to_each_other(chromium: Any, site: Site) -> None:
    with visitor(chromium) as page:
        page.goto(site.url("duel"))
        page.locator("a[rel=next]").click()
        assert page.locator("h1 .cell").inner_text() in "WLFD"


def test_the_first_tab_stop_skips_to_the_content(chromium: Any, site: Site) -> None:
    with visitor(chromium) as page:
        page.goto(site.url("round"))
        page.keyboard.press("Tab")
        focused = page.locator(":focus")
        assert focused.inner_text() == "Skip to the content"
        assert focused.bounding_box()["x"] >= 0
        page.keyboard.press("Enter")
        assert page.evaluate("document.activeElement.id") == "main"


def test_a_running_round_moves_by_itself_and_then_rests(chromium: Any, site: Site) -> None:
    site.order("start over")
    with visitor(chromium) as page:
        heard, polls = complaints_of(page, site=site), []
        page.on("request", lambda request: polls.append(request.url) if "/live?" in request.url else None)
        page.goto(site.url("running"))
        page.evaluate("document.body.dataset.same = 'yes'")
        line = page.locator(".progress li", has_text="Duels settled").locator(".number")
        done = int(line.inner_text().split()[0])
        site.order("settle")
        page.locator(".progress li", has_text=f"{done + 1} of 24").wait_for()
        assert page.locator("body").get_attribute("data-same") == "yes", "only the fragment was replaced"
        assert polls
        site.order("finish")
        page.get_by_role("heading", name="The leader defends.").wait_for()
        assert page.locator("[data-hx-get]").count() == 0, "a finished round asks no more"
        assert heard == []
    site.order("start over")
