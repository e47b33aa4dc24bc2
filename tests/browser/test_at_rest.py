"""Does anything move by itself, and what does a page say where there is nothing to show?"""

from __future__ import annotations

from typing import Any

import pytest

from tests.browser.conftest import Site
from tests.browser.test_in_a_browser import complaints_of, visitor

pytestmark = [pytest.mark.browser, pytest.mark.timeout(240)]
STYLED = ("home", "running", "duel", "charts", "winner", "status")  # each style sheet, and what polls
MOVING = """() => [...document.querySelectorAll("*")].filter((each) => {
  const style = getComputedStyle(each);
  const moves = style.animationName !== "none" || parseFloat(style.transitionDuration) > 0;
  return moves || style.scrollBehavior === "smooth";
}).map((each) => each.outerHTML.slice(0, 80)).concat(document.getAnimations().map(String))"""


def test_nothing_moves_by_itself(chromium: Any, site: Site) -> None:
    """So whoever asks for less motion gets the same pages."""
    with visitor(chromium, reduced_motion="reduce") as page:
        for name in STYLED:
            page.goto(site.url(name))
            assert page.evaluate(MOVING) == [], name


def test_motion_would_be_seen(chromium: Any, site: Site) -> None:
    with visitor(chromium, reduced_motion="reduce") as page:
        page.goto(site.url("data"))
        page.evaluate("document.querySelector('h1').style.transition = 'color 2s'")
        assert len(page.evaluate(MOVING)) == 1


def test_a_file_in_3d_turns_only_when_somebody_turns_it(chromium: Any, site: Site) -> None:
    with visitor(chromium, reduced_motion="reduce") as page:
        page.goto(site.url("turned"))
        page.get_by_role("button", name="Turn both in 3D").click()
        page.locator("#turn[data-state=ready]").wait_for()
        canvas = page.locator("canvas").first
        before = canvas.screenshot()
        page.wait_for_timeout(700)
        assert canvas.screenshot() == before


def test_a_hotkey_is_copied_by_one_click(chromium: Any, site: Site) -> None:
    with visitor(chromium, permissions=["clipboard-read", "clipboard-write"]) as page:
        heard = complaints_of(page, site=site)
        page.goto(site.url("winner"))
        page.get_by_role("button", name="Copy the hotkey").click()
        page.get_by_text("Copied.").wait_for()
        assert page.evaluate("navigator.clipboard.readText()") == page.locator("#hotkey").inner_text()
        assert heard == []


def test_a_hotkey_is_selected_where_the_clipboard_is_closed(chromium: Any, site: Site) -> None:
    with visitor(chromium) as page:
        page.goto(site.url("winner"))
        page.evaluate("() => { navigator.clipboard.writeText = () => Promise.reject(new Error('no')); }")
        page.get_by_role("button", name="Copy the hotkey").click()
        page.get_by_text("Selected: copy it with your keys.").wait_for()
        assert page.evaluate("getSelection().toString()") == page.locator("#hotkey").inner_text()


def test_without_scripts_there_is_no_button_that_does_nothing(chromium: Any, site: Site) -> None:
    with visitor(chromium, java_script_enabled=False) as page:
        page.goto(site.url("winner"))
        assert not page.get_by_role("button", name="Copy the hotkey").is_visible()
        assert page.locator("#hotkey").is_visible()
