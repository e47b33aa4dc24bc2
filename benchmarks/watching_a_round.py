"""What does it cost to let many watch a round: by polling with If-None-Match, or by a stream to each?

    python -m benchmarks.watching_a_round

The real web server over the made competition (`tests.api.fuzz` makes and serves it).  A stream of server-sent events
holds one of the server's 32 threads for as long as somebody watches; a poll holds one for as long as it takes.
"""

from __future__ import annotations

import http.client
import statistics
import time
from concurrent.futures import ThreadPoolExecutor
from urllib.parse import urlsplit

from tests.api.fuzz import fill, served

POLLS, CLIENTS, EVERY_S, THREADS = 2000, 4, 5, 32
PATH = "/api/v1/competitions/made/rounds/2/progress"


def polls(address: tuple[str, int], number: int, headers: dict[str, str]) -> tuple[list[float], int]:
    """Seconds of each poll over one kept connection, and the bytes of the last body."""
    line, waits, size = http.client.HTTPConnection(*address), [], 0
    for _ in range(number):
        began = time.perf_counter()
        line.request("GET", PATH, headers=headers)
        size = len(line.getresponse().read())
        waits.append(time.perf_counter() - began)
    return waits, size


def measured(address: tuple[str, int], headers: dict[str, str]) -> tuple[float, float, int]:
    """Polls a second of all clients together, the 95th percentile in ms, and bytes of a body."""
    began = time.perf_counter()
    with ThreadPoolExecutor(CLIENTS) as pool:
        told = list(pool.map(lambda _: polls(address, POLLS // CLIENTS, headers), range(CLIENTS)))
    waits = [wait for each, _ in told for wait in each]
    return POLLS / (time.perf_counter() - began), 1000 * statistics.quantiles(waits, n=20)[-1], told[0][1]


def main() -> None:
    fill()
    with served() as base:
        address = (str(urlsplit(base).hostname), int(urlsplit(base).port or 0))
        line = http.client.HTTPConnection(*address)
        line.request("GET", PATH)
        answer = line.getresponse()
        answer.read()
        tag = answer.headers["ETag"]
        print("| poll | a second, one process | p95 | body | watchers at one poll in 5 s |\n|---|---|---|---|---|")
        for name, headers in (("changed", {}), ("unchanged (304)", {"If-None-Match": tag})):
            rate, p95, size = measured(address, headers)
            print(f"| {name} | {rate:.0f} | {p95:.1f} ms | {size} bytes | {rate * EVERY_S:,.0f} |")
        print(
            f"\nBy server-sent events the same process has at most {THREADS} watchers, and no thread for anybody else."
        )


if __name__ == "__main__":
    main()
