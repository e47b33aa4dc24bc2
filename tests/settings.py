"""How do tests differ from a deployment?  Their own folder and server, no disk syncs, no messages sent."""

import atexit
import os
import shutil
import tempfile
from pathlib import Path

from core.postgres.server import Cluster


def throw_away(folder: Path, maker: int) -> None:
    """What the run has made, when the process that made it ends; the parallel workers have ended before it."""
    if os.getpid() == maker:
        Cluster(folder / "postgres").stop()
        shutil.rmtree(folder, ignore_errors=True)


# Made once, by the first process; the workers of a parallel run inherit it and share one server.
if "GAUNTLET_TEST_VAR" not in os.environ:
    os.environ["GAUNTLET_TEST_VAR"] = tempfile.mkdtemp(prefix="gauntlet-test-")
    atexit.register(throw_away, Path(os.environ["GAUNTLET_TEST_VAR"]), os.getpid())
os.environ["GAUNTLET_VAR"] = os.environ["GAUNTLET_TEST_VAR"]
os.environ["BROKER_URL"] = "stub://"
# A browser test leaves its event loop in this thread; Django takes that for a view that would block one.
os.environ["DJANGO_ALLOW_ASYNC_UNSAFE"] = "1"

from competition.settings import *  # noqa: E402, F403
from competition.settings import DATABASES, EMBEDDED_POSTGRES_OPTIONS, STATIC_ROOT  # noqa: E402

os.fsync = lambda _: None  # type: ignore[assignment]  # nothing here need survive a power cut
STATIC_ROOT.mkdir(exist_ok=True)  # whitenoise warns where it is missing
EMBEDDED_POSTGRES_OPTIONS += ["fsync=off", "full_page_writes=off", "synchronous_commit=off"]
# A test is one transaction, and a busy machine may take long between two of its queries.
DATABASES["default"]["OPTIONS"]["options"] = "-c idle_in_transaction_session_timeout=0"
# Tests make, copy and empty databases; `tests/scenarios` and `test_roles` are the application.
DATABASES["default"]["ROLE"] = "owner"
PAGES_KEPT_SECONDS = 0  # tests change rows that never change so
PASSWORD_HASHERS = ["django.contrib.auth.hashers.MD5PasswordHasher"]
