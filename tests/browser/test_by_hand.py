"""What can a visitor do with keys, with colours, and with the record itself?"""

from __future__ import annotations

from typing import Any

import pytest

from tests.browser.conftest import Site
from tests.browser.test_in_a_browser import complaints_of, visitor

pytestmark = pytest.mark.browser


def focused(page: Any) -> str:
    return str(
        page.evaluate("document.activeElement.id || document.activeElement.className || document.activeElement.tagName")
    )


def test_single_keys_lead_from_duel_to_duel(chromium: Any, site: Site) -> None:
    with visitor(chromium) as page:
        page.goto(site.url("duel"))
        here = page.url
        page.keyboard.press("j")
        page.wait_for_url("**/prompt-002/**")
        page.keyboard.press("ArrowRight")
        page.wait_for_url("**/prompt-003/**")
        for place in ("**/prompt-002/**", "**/prompt-000/**"):
            page.keyboard.press("k")
            page.wait_for_url(place)
        page.keyboard.press("3")
        page.wait_for_url("**view=back")
        assert page.url != here


def test_a_list_of_duels_is_walked(chromium: Any, site: Site) -> None:
    with visitor(chromium) as page:
        page.goto(site.url("match"))
        for key, place in (("j", 0), ("j", 1), ("k", 0)):
            page.keyboard.press(key)
            assert page.evaluate("[...document.querySelectorAll('.trio > a')].indexOf(document.activeElement)") == place


def test_search_is_one_key_away_and_no_key_works_while_writing(chromium: Any, site: Site) -> None:
    with visitor(chromium) as page:
        page.goto(site.url("duel"))
        page.keyboard.press("/")
        assert focused(page) == "q"
        page.keyboard.type("j3?")
        assert page.locator("#q").input_value() == "j3?"
        assert page.url == site.url("duel")


def test_the_keys_are_listed_and_can_be_switched_off(chromium: Any, site: Site) -> None:
    with visitor(chromium) as page:
        page.goto(site.url("duel"))
        page.keyboard.press("?")
        assert page.locator("#keys").is_visible()
        page.get_by_label("switch single keys off").check()
        page.get_by_role("button", name="Close").click()
        page.reload()
        page.keyboard.press("/")
        assert focused(page) != "q", "remembered by this browser"
        page.get_by_role("button", name="Keys").click()
        page.get_by_label("switch single keys off").uncheck()
        page.keyboard.press("Escape")
        page.keyboard.press("/")
        assert focused(page) == "q"


def test_in_3d_the_digits_are_the_judges_cameras(chromium: Any, site: Site) -> None:
    with visitor(chromium) as page:
        page.goto(site.url("turned"))
        page.get_by_role("button", name="Turn both in 3D").click()
        page.locator("#turn[data-state=ready]").wait_for()
        before = page.locator("canvas").first.screenshot()
        page.locator("h1").click()
        page.keyboard.press("8")
        assert page.locator("canvas").first.screenshot() != before
        assert "view=" not in page.url


def test_a_theme_is_chosen_without_a_script_and_holds(chromium: Any, site: Site) -> None:
    with visitor(chromium, java_script_enabled=False) as page:
        page.goto(site.url("match"))
        ground = "getComputedStyle(document.body).backgroundColor"
        light = page.evaluate(ground)
        page.get_by_role("link", name="dark", exact=True).click()
        assert page.url == site.url("match")
        assert page.evaluate(ground) != light
        page.goto(site.url("round"))
        assert page.evaluate(ground) != light
        page.get_by_role("link", name="as the system").click()
        assert page.evaluate(ground) == light
        assert not page.get_by_role("button", name="Keys").is_visible(), "without scripts there are none"


def test_the_browser_counts_the_published_record_again(chromium: Any, site: Site) -> None:
    with visitor(chromium) as page:
        heard = complaints_of(page, site=site)
        page.goto(site.url("match"))
        page.get_by_role("button", name="Count it again here").click()
        page.locator("#recount[data-state=agrees]").wait_for()
        told = page.locator("#recount [role=status]").inner_text()
        assert told.startswith("It agrees: 4 of 20 duels, a margin of 20.00 %.")
        assert heard == []


def test_a_record_that_was_changed_on_its_way_is_told(chromium: Any, site: Site) -> None:
    with visitor(chromium) as page:
        page.route("**/bundle/matches.json", lambda route: route.fulfill(body="[]"))
        page.goto(site.url("match"))
        page.get_by_role("button", name="Count it again here").click()
        page.locator("#recount[data-state=differs]").wait_for()
        assert "matches.json has the SHA-256" in page.locator("#recount [role=status]").inner_text()


def test_a_page_that_says_something_else_than_the_record_is_told(chromium: Any, site: Site) -> None:
    with visitor(chromium) as page:
        page.goto(site.url("match"))
        page.evaluate("document.getElementById('recount').dataset.tally = JSON.stringify({won: 99})")
        page.get_by_role("button", name="Count it again here").click()
        page.locator("#recount[data-state=differs]").wait_for()
        assert "the page says 99" in page.locator("#recount [role=status]").inner_text()
