"""A real Chromium and a site for it."""

from __future__ import annotations

import asyncio
import json
import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from core.sandbox.chromium import walls

ROOT = Path(__file__).parent.parent.parent
# WebGL is drawn by SwiftShader; pages themselves are not, which would take most of the processor time.
FLAGS = [
    "--no-sandbox",
    "--disable-gpu-compositing",
    "--disable-gpu-rasterization",
    "--use-angle=swiftshader",
    "--enable-unsafe-swiftshader",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]


@dataclass
class Site:
    address: str
    pages: dict[str, str]
    process: subprocess.Popen[str] = field(repr=False)

    def order(self, what: str) -> None:
        """Have the rows changed under the visitor's eyes."""
        self.process.stdin.write(f"{what}\n")
        self.process.stdin.flush()
        assert self.process.stdout.readline().strip() == "done"

    def url(self, name: str) -> str:
        return self.address + self.pages[name]


PROGRAM = walls.program("")


@contextmanager
def browsing() -> Iterator[Any]:
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=PROGRAM, args=FLAGS, timeout=120_000)
        loop = asyncio._get_running_loop()
        yield browser
        asyncio._set_running_loop(loop)  # from the tests of others it is hidden
        browser.close()


@contextmanager
def serving() -> Iterator[Site]:
    """Its own process, in the throw-away folder and PostgreSQL of this test run."""
    environment = {**os.environ, "DJANGO_SETTINGS_MODULE": "tests.settings"}
    command = [sys.executable, "-W", "ignore", "-m", "tests.browser.site"]
    process = subprocess.Popen(
        command, cwd=ROOT, env=environment, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    )
    told = process.stdout.readline()
    assert told, "the site did not start; its error is above"
    yield Site(process=process, **json.loads(told))
    process.stdin.close()
    process.wait(timeout=120)


@pytest.fixture(scope="session")
def chromium() -> Iterator[Any]:
    if PROGRAM is None:
        pytest.skip(f"no Chromium on this machine: {walls.INSTALL}")
    with browsing() as browser:
        yield browser


@pytest.fixture(scope="session")
def site() -> Iterator[Site]:
    with serving() as site:
        yield site
