"""What survives a kill between any two lines?  The real commands, in processes of their own."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from django.conf import settings as deployed
from django.core.management import CommandError, call_command
from django.db import connection

from competition import steps
from competition.chain.observations import Anchor, ObservedChain, WeightSetting
from core.queue.advisory_lock import Taken, hold_lock
from tests.competition.chain.fake_node import Faults
from tests.competition.chain.rig import NAME, START, Rig, running
from tests.competition.chain.test_weights import EQUAL, on_chain, told

ROOT = Path(__file__).resolve().parents[3]
pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def rig(transactional_db: Any, settings: Any) -> Iterator[Rig]:
    with running(settings) as made:
        made.chain.produce(60)
        made.look()
        steps.checkpoint(made.competition, now=START)
        yield made


def environment(rig: Rig) -> dict[str, str]:
    told = connection.settings_dict
    address = f"postgres://{told['USER']}:{told['PASSWORD']}@{told['HOST']}:{told['PORT']}/{told['NAME']}"
    clean = {name: value for name, value in os.environ.items() if not name.startswith(("GAUNTLET_", "DATABASE"))}
    return clean | {
        "DJANGO_SETTINGS_MODULE": "competition.settings",
        "DATABASE_URL": address,
        "BROKER_URL": "",
        "GAUNTLET_VAR": str(deployed.VAR_DIR),
        "GAUNTLET_OPERATOR_KEY": str(deployed.OPERATOR_KEY_FILE),
        "GAUNTLET_CHAIN_ENDPOINTS": ",".join(node.url for node in rig.nodes),
        "GAUNTLET_CHAIN_SETS_WEIGHTS": "1",
        "GAUNTLET_CHAIN_TIMEOUT_SECONDS": "30",
        "GAUNTLET_CHAIN_POLL_SECONDS": "1",
    }


@contextmanager
def runchain(rig: Rig, *more: str) -> Iterator[subprocess.Popen[str]]:
    command = [sys.executable, "manage.py", "runchain", *more]
    process = subprocess.Popen(
        command, cwd=ROOT, env=environment(rig), text=True, stdout=subprocess.PIPE, stderr=subprocess.STDOUT
    )
    try:
        yield process
    finally:
        if process.poll() is None:
            process.send_signal(signal.SIGKILL)
        process.communicate(timeout=120)


def until(holds: Callable[[], Any], *, seconds: float = 120) -> None:
    end = time.monotonic() + seconds
    while not holds():
        assert time.monotonic() < end, "it never came to that"
        time.sleep(0.05)


def test_killed_between_setting_and_recording_nothing_is_set_twice(rig: Rig) -> None:
    for node in rig.nodes:
        node.faults = Faults(deaf_to_extrinsics=True)
    with runchain(rig) as process:
        until(lambda: rig.chain.pool)
        process.send_signal(signal.SIGKILL)
        process.wait(120)
    assert WeightSetting.objects.get().outcome == "", "it was written down before it was sent"
    for node in rig.nodes:
        node.faults = Faults()
    rig.chain.produce(8)
    with runchain(rig):
        until(lambda: told(rig))
        rig.chain.produce(5)
        until(lambda: ObservedChain.objects.get().block >= rig.chain.finalised - 5)
    assert len(rig.calls()) == 1 and len(told(rig)) == 1 and on_chain(rig) == EQUAL
    assert WeightSetting.objects.get().outcome == "set"


def test_a_second_process_ends_at_once_and_the_first_goes_on(rig: Rig) -> None:
    with runchain(rig):
        until(lambda: rig.calls())
        with runchain(rig) as second:
            assert second.wait(120) == 1
            assert second.stdout is not None and "another process" in second.stdout.read()
        with pytest.raises(CommandError, match="runchain watches"):
            call_command("set_weights", "real", "--send")
        until(lambda: Anchor.objects.exclude(block=None).exists() or not rig.chain.produce(1))
        assert len(rig.calls()) == 1
    with hold_lock(f"runchain {NAME}") as held:
        assert held.sure(), "a process that was killed holds nothing"
        with pytest.raises(Taken), hold_lock(f"runchain {NAME}"):
            pass
