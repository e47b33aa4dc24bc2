"""A host is asked for a few files at a time, however many workers there are."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, suppress

import pytest
from django.db import OperationalError, connection

from core.net.host_slots import AdvisoryLocks, InProcess


@contextmanager
def another_worker(slots: AdvisoryLocks, host: str) -> Iterator[tuple[bool, int]]:
    """Holds a slot from a thread, and so from a database session, of its own: did it get one, and which session?"""
    held: list[tuple[bool, int]] = []
    taken, go = threading.Event(), threading.Event()

    def work() -> None:
        with suppress(OperationalError), slots.hold(host) as ours:  # its session may be gone at the end
            with connection.cursor() as cursor:
                cursor.execute("SELECT pg_backend_pid()")
                held.append((ours, cursor.fetchone()[0]))
            taken.set()
            go.wait(120)
        connection.close()

    thread = threading.Thread(target=work)
    thread.start()
    assert taken.wait(120)
    try:
        yield held[0]
    finally:
        go.set()
        thread.join(120)


def test_a_slot_is_given_back_even_after_a_failure() -> None:
    slots = InProcess(1)
    with pytest.raises(RuntimeError), slots.hold("a.example") as ours:
        assert ours
        raise RuntimeError
    with slots.hold("a.example") as ours:
        assert ours


def test_hosts_do_not_share_slots() -> None:
    slots = InProcess(1)
    with slots.hold("a.example") as first, slots.hold("b.example") as second, slots.hold("a.example") as third:
        assert (first, second, third) == (True, True, False)


@pytest.mark.django_db
def test_workers_share_the_slots_of_a_host() -> None:
    slots = AdvisoryLocks(2)
    with ExitStack() as stack:
        assert stack.enter_context(another_worker(slots, "a.example"))[0]
        assert stack.enter_context(another_worker(slots, "a.example"))[0]
        with slots.hold("a.example") as third, slots.hold("b.example") as elsewhere:
            assert not third
            assert elsewhere
    with slots.hold("a.example") as again:
        assert again


@pytest.mark.django_db
def test_a_worker_that_dies_gives_its_slot_back() -> None:
    """Its session ends in mid-download, as it does when its process is killed."""
    slots = AdvisoryLocks(1)
    with another_worker(slots, "a.example") as (held, session):
        assert held
        with connection.cursor() as cursor:
            cursor.execute("SELECT pg_terminate_backend(%s)", [session])
        assert soon_free(slots, "a.example")


def soon_free(slots: AdvisoryLocks, host: str) -> bool:
    """The server needs a moment to notice that a session has ended."""
    deadline = time.monotonic() + 120
    while time.monotonic() < deadline:
        with slots.hold(host) as ours:
            if ours:
                return True
        time.sleep(0.02)
    return False
