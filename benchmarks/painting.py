"""When is the largest thing of a page there, on a phone with a slow line (1.6 Mbit/s, 150 ms)?

    python -m benchmarks.painting

Serves the browser tests' made rounds, opens each page three times and prints the median.
"""

from __future__ import annotations

import os
import statistics
from typing import Any

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "tests.settings")

import tests.settings  # noqa: F401 (makes the folder that the site's process shares)
from tests.browser.conftest import Site, browsing, serving
from tests.browser.test_budgets import LARGEST_MS
from tests.browser.test_in_a_browser import visitor

SLOW_PHONE = {"offline": False, "latency": 150, "downloadThroughput": 200_000, "uploadThroughput": 90_000}
PAINTED = """() => new Promise((done) => {
  new PerformanceObserver((list) => done(list.getEntries().at(-1).startTime))
    .observe({ type: "largest-contentful-paint", buffered: true });
})"""
TIMES = 3


def painted(chromium: Any, url: str) -> float:
    """Milliseconds after the visitor asked."""
    with visitor(chromium, width=380) as page:
        page.context.new_cdp_session(page).send("Network.emulateNetworkConditions", SLOW_PHONE)
        page.goto(url)
        return float(page.evaluate(PAINTED))


def table(chromium: Any, site: Site) -> None:
    print("| page | largest thing | budget |\n|---|---|---|")
    for name, most in LARGEST_MS.items():
        middle = statistics.median(painted(chromium, site.url(name)) for _ in range(TIMES))
        print(f"| {name} | {middle:.0f} ms | {most} ms |", flush=True)


def main() -> None:
    with browsing() as chromium, serving() as site:
        table(chromium, site)


if __name__ == "__main__":
    main()
