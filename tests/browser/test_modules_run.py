"""What can a module do that a visitor asked to run, even one that no rule had refused?"""

from __future__ import annotations

import io
from typing import Any

import numpy as np
import pytest
from PIL import Image

from tests.browser.conftest import Site
from tests.browser.test_in_a_browser import visitor

pytestmark = pytest.mark.browser


def test_a_module_draws_after_a_click_and_reaches_nothing(chromium: Any, site: Site) -> None:
    """The one that pries throws what it could reach: the page shows that as the reason of its end."""
    site.order("modules")
    try:
        with visitor(chromium) as page:
            asked: list[str] = []
            page.on("request", lambda request: asked.append(request.url))
            page.goto(f"{site.url('match')}prompt-004/")
            page.get_by_role("button", name="Turn both in 3D").click()
            page.get_by_text("What the modules built, as data: 12 and 12 triangles. The judge saw the same.").wait_for()
            assert not [url for url in asked if url.endswith(".js") and "/blob/" in url], "no module, but what it built"
            good, prying = page.get_by_role("button", name="Run the module itself").all()
            assert not [url for url in asked if "/live/" in url], "nothing runs before the click"
            prying.click()
            page.get_by_text("It was ended: origin null, reached nothing of 10").wait_for()
            assert page.locator("iframe").count() == 0
            good.click()
            page.get_by_text("Running in a closed frame").wait_for()
            (frame,) = page.frames[1:]
            assert page.locator("iframe").get_attribute("sandbox") == "allow-scripts"
            assert frame.evaluate("self.origin") == "null"
            drawn = Image.open(io.BytesIO(frame.locator("canvas").screenshot())).convert("RGB")
            assert np.asarray(drawn).std() > 10, "there is something to see"
    finally:
        site.order("meshes")
