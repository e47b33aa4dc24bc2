"""Who does the work of a queue?  This process, until it is told to stop."""

import contextlib
import os
import signal
import threading
from argparse import ArgumentParser
from typing import Any

from django.core.management.base import BaseCommand, CommandError
from django.db import DatabaseError, connection
from dramatiq import Worker

from core import clock
from core.postgres.backend import roles
from core.queue import actors
from core.queue.broker import get_broker
from core.queue.heartbeats import Heart

GRACE_MS = 5_000
CHECK_SECONDS = 5
DEAF_CHECKS = 12


class Command(BaseCommand):
    help = "Work on messages of the named queues until SIGTERM or SIGINT."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--queue", action="append", choices=actors.QUEUES, help="may be given again; default: all")
        parser.add_argument("--threads", type=int, default=1)

    def handle(self, *args: Any, **options: Any) -> None:
        roles.require_separate(connection)
        if why := roles.too_mighty(connection):
            self.stderr.write(f"The role {roles.application()} may change the ledger: {why} (deploy/README.md).")
        stop = threading.Event()
        for number in (signal.SIGTERM, signal.SIGINT):
            signal.signal(number, lambda *_: stop.set())
        queues = set(options["queue"] or actors.QUEUES)
        worker, heart = start(queues, threads=options["threads"]), Heart(f"worker: {', '.join(sorted(queues))}")
        deaf = wait(stop, heart, worker=worker)
        with contextlib.suppress(DatabaseError):
            heart.stop()
        worker.stop(timeout=GRACE_MS)
        get_broker().close()
        if deaf:
            raise CommandError("the database has been away for a minute")
        os._exit(0)  # a step that outlives the grace must not hold the process: its lease runs out, and it is redone


def start(queues: set[str], *, threads: int) -> Worker:
    """A worker that claims no more messages than it has threads, so that none waits behind a long one."""
    broker = get_broker()
    broker.emit_after("process_boot")
    worker = Worker(broker, queues=queues, worker_threads=threads)
    worker.queue_prefetch = threads
    worker.start()
    return worker


def wait(stop: threading.Event, heart: Heart, *, worker: Worker | None = None) -> bool:
    """True when the database stayed away for so long that a fresh process is the better listener.

    While this machine's clock is wrong, the worker takes no messages.
    """
    misses, paused = 0, False
    while misses < DEAF_CHECKS:
        if stop.wait(CHECK_SECONDS):
            return False
        misses = 0 if answers(heart) else misses + 1
        if worker and not misses and clock.CLOCK.wrong != paused:
            paused = not paused
            worker.pause() if paused else worker.resume()
    return True


def answers(heart: Heart) -> bool:
    """Does the database take our heartbeat?"""
    try:
        heart.beat(now=clock.now())
    except DatabaseError:
        return False
    finally:
        connection.close()
    return True
