"""What does every test run share?  How its database is emptied, and which tests a machine can't run."""

import importlib.util
import shutil
from collections.abc import Iterator

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
