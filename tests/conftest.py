"""What does every test run share?  How its database is emptied, and which tests a machine can't run."""

import asyncio
import gc
import importlib.util
import math
import os
from collections.abc import Generator, Iterator
from contextlib import contextmanager

import pytest
from django.db import connection
from django.db.backends.postgresql.operations import DatabaseOperations
from hypothesis import settings
from pytest_django import DjangoDbBlocker
from whitenoise.middleware import WhiteNoiseMiddleware
from whitenoise.responders import StaticFile

from core import clock
from core.sandbox.chromium import walls
from tests import databases

TORCH = all(map(importlib.util.find_spec, ("torch", "transformers")))
LACKING = {
    "browser": (walls.program("") is None, f"no Chromium on this machine: {walls.INSTALL}"),
    "servers": (
        not os.environ.get("TEST_SERVERS"),
        "`make test-servers` installs the servers, and runs these",
    ),
    "torch": (not TORCH, "no torch in .venv: `make test-torch` installs it beside, in .venv-torch, and runs these"),
}

settings.register_profile("untimed", deadline=None)  # a busy machine is no reason to fail
settings.load_profile("untimed")


@pytest.hookimpl(wrapper=True)
def pytest_collection() -> Generator[None, object, object]:
    """All modules and thousands of tests are made, and nothing of them is thrown away: nobody looks through them."""
    gc.disable()
    try:
        return (yield)
    finally:
        gc.freeze()
        gc.enable()


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    for mark, (lacking, reason) in LACKING.items():
        for item in items if lacking else ():
            if item.get_closest_marker(mark):
                item.add_marker(pytest.mark.skip(reason=reason))


def pytest_configure(config: pytest.Config) -> None:
    if not hasattr(config, "workerinput"):  # not in a worker of xdist: its reports are shown by who started it
        config.pluginmanager.register(FailuresAtOnce(config), "failures-at-once")


class FailuresAtOnce:
    """Shows a failure when it happens, too: a run that is stopped by a limit of time has told what it knew."""

    def __init__(self, config: pytest.Config) -> None:
        self.config = config

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        terminal = self.config.pluginmanager.get_plugin("terminalreporter")
        if report.failed and terminal is not None:
            crash = getattr(report.longrepr, "reprcrash", None)
            why = crash.message.splitlines()[0] if crash and crash.message else report.longreprtext[-300:]
            terminal.ensure_newline()
            terminal.write_line(f"FAILED {report.nodeid} ({report.when}): {why[:300]}")


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
def pytest_runtest_teardown(item: pytest.Item) -> Generator[None, object, object]:
    with without_the_browser_s_loop(item):
        return (yield)


@pytest.hookimpl(wrapper=True)
def pytest_runtest_call(item: pytest.Item) -> Generator[None, object, object]:
    with without_the_browser_s_loop(item):
        return (yield)


@pytest.fixture(scope="session")
def django_db_modify_db_settings(
    django_db_modify_db_settings_parallel_suffix: None, django_db_blocker: DjangoDbBlocker
) -> None:
    """A worker's database is a copy of one that has all migrations."""
    with django_db_blocker.unblock():
        connection.settings_dict["TEST"]["TEMPLATE"] = databases.template()


@pytest.fixture(scope="session", autouse=True)
def tables_are_emptied_quickly() -> Iterator[None]:
    """Each test with real transactions ends with that."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(DatabaseOperations, "sql_flush", databases.emptying)
        patch.setattr("django.core.management.commands.flush.emit_post_migrate_signal", lambda *_: None)
        yield


@pytest.fixture(scope="session", autouse=True)
def static_files_are_looked_up_once() -> Iterator[None]:
    """Each test client makes the middleware anew, which would stat every static file again."""
    look_up, known = WhiteNoiseMiddleware.add_files_from_finders, dict[str, StaticFile]()

    def once(self: WhiteNoiseMiddleware) -> None:
        if not known:
            look_up(self)
            known.update(self.files)
        self.files.update(known)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(WhiteNoiseMiddleware, "add_files_from_finders", once)
        yield


@pytest.fixture
def clock_measured(db: None, monkeypatch: pytest.MonkeyPatch) -> None:
    """For tests that count queries: the database is not asked for its time meanwhile."""
    clock.now()
    monkeypatch.setattr(clock, "MEASURE_EVERY_S", math.inf)
