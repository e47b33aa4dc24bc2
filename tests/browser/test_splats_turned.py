"""What does a visitor see who turns splats?  What the judge saw, after a click and not before."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
import pytest

from tests.browser.conftest import Site
from tests.browser.test_in_a_browser import complaints_of, visitor
from tests.browser.test_in_three_dimensions import READY, shot

pytestmark = [pytest.mark.browser, pytest.mark.timeout(240)]


@pytest.fixture(scope="module")
def splats(site: Site) -> Iterator[Site]:
    site.order("splats")
    yield site
    site.order("meshes")


def test_splats_look_to_the_visitor_as_they_looked_to_the_judge(chromium: Any, splats: Site) -> None:
    with visitor(chromium) as page:
        asked: list[str] = []
        page.on("request", lambda request: asked.append(request.url))
        heard = complaints_of(page, site=splats)
        page.goto(f"{splats.url('splats')}?view=front_left")
        judged = [shot(page, role) for role in ("Defender", "Challenger")]
        assert not [url for url in asked if url.endswith(".spz") or "splats" in url.rpartition("/")[2]]
        page.get_by_role("button", name="Turn both in 3D").click()
        page.locator(READY).wait_for()
        turned = [shot(page, role) for role in ("Defender", "Challenger")]
        assert sum(url.endswith(".spz") for url in asked) == 2
        assert not [url for url in asked if url.endswith(".ply")], "a browser is given no ply to read"
        assert page.get_by_label("wireframe").count() == 0, "splats have none"
        assert "splats bring their own light" in page.locator(".tools").inner_text()
        assert "The bytes match their SHA-256." in page.locator("#turn").inner_text()
    for before, after in zip(judged, turned, strict=True):
        assert before.std() > 10, "there is something to see"
        assert (np.abs(before - after).max(axis=2) > 24).mean() < 0.03
    assert heard == []
