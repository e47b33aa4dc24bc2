"""What does every test run share?  How its database is emptied, and which tests a machine can't run."""

import asyncio
import importlib.util
import shutil
from collections.abc import Generator, Iterator
from contextlib import contextmanager

import pytest
from django.db.backends.postgresql.operations import DatabaseOperations
from hypothesis import settings

CHROMIUM = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None)
TORCH = all(map(importlib.util.find_spec, ("torch", "transformers")))
LACKING = {
    "browser": (CHROMIUM is None, "no chromium on this machine: apt-get install chromium"),
    "torch": (not TORCH, "no torch in .venv: `make test-torch` installs it beside, in .venv-torch, and runs these"),
}

settings.register_profile("untimed", deadline=None)  # a busy machine is no reason to fail
settings.load_profile("untimed")


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    for mark, (lacking, reason) in LACKING.items():
        for item in items if lacking else ():
            if item.get_closest_marker(mark):
                item.add_marker(pytest.mark.skip(reason=reason))


@contextmanager
def without_the_browser_s_loop(item: pytest.Item) -> Iterator[None]:
    """Playwright leaves its event loop marked as running in this thread: a later test that runs one of its own would
    be refused."""
    loop = asyncio._get_running_loop()
    hidden = loop is not None and "chromium" not in getattr(item, "fixturenames", ())
    if hidden:
        asyncio._set_running_loop(None)
    try:
        yield
    finally:
        if hidden:
            asyncio._set_running_loop(loop)


@pytest.hookimpl(wrapper=True)
def pytest_runtest_setup(item: pytest.Item) -> Generator[None, object, object]:
    with without_the_browser_s_loop(item):
        return (yield)


@pytest.hookimpl(wrapper=True)
def pytest_runtest_call(item: pytest.Item) -> Generator[None, object, object]:
    with without_the_browser_s_loop(item):
        return (yield)


@pytest.fixture(scope="session", autouse=True)
def tables_can_be_emptied() -> Iterator[None]:
    """The ledger refuses TRUNCATE, and each test with real transactions ends with one: it is done as a replica would,
    whose triggers do not fire."""
    flush = DatabaseOperations.execute_sql_flush

    def as_replica(self: DatabaseOperations, sql_list: list[str]) -> None:
        flush(self, ["SET LOCAL session_replication_role = replica", *sql_list])

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(DatabaseOperations, "execute_sql_flush", as_replica)
        yield
