"""How do tests differ from a deployment?  Their own folder and server, no disk syncs, no messages sent."""

import os
import tempfile

# Set once, by the first process; the workers of a parallel run inherit it and share one server.
if "GAUNTLET_TEST_VAR" not in os.environ:
    os.environ["GAUNTLET_TEST_VAR"] = tempfile.mkdtemp(prefix="gauntlet-test-")
os.environ["GAUNTLET_VAR"] = os.environ["GAUNTLET_TEST_VAR"]
os.environ["BROKER_URL"] = "stub://"

from competition.settings import *  # noqa: F403
from competition.settings import EMBEDDED_POSTGRES_OPTIONS

EMBEDDED_POSTGRES_OPTIONS += ["fsync=off", "full_page_writes=off", "synchronous_commit=off"]
PASSWORD_HASHERS = ["django.contrib.auth.hashers.MD5PasswordHasher"]
