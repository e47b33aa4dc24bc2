"""What does somebody see who opens the API's documentation?"""

from __future__ import annotations

from typing import Any

import pytest

from tests.browser.conftest import Site
from tests.browser.test_in_a_browser import complaints_of, visitor

pytestmark = pytest.mark.browser


def test_the_operations_are_there_under_the_strict_policy_and_from_here_alone(chromium: Any, site: Site) -> None:
    with visitor(chromium) as page:
        heard, asked = complaints_of(page, site=site), []
        page.on("request", lambda request: asked.append(request.url))
        page.goto(f"{site.address}/api/v1/docs/")
        page.locator(".opblock").first.wait_for()
        assert page.locator(".opblock").count() > 40
        page.locator("#operations-weights-weights .opblock-summary-control").click()
        page.locator("#operations-weights-weights .execute").click()
        page.locator("#operations-weights-weights .live-responses-table .response-col_status").first.wait_for()
        assert "200" in page.locator("#operations-weights-weights .live-responses-table").inner_text()
        assert [url for url in asked if not url.startswith((site.address, "data:", "blob:"))] == []
        assert heard == []
