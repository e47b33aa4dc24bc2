"""Run the reconciler: derive what should exist and tell the workers about every row that is due."""

from __future__ import annotations

import contextlib
import logging
import signal
import threading
from typing import Any

from django.core.management.base import BaseCommand, CommandParser
from django.db import Error, close_old_connections, connection

from core import clock
from core.machine import engine
from core.queue.heartbeats import RECONCILER, Heart

log = logging.getLogger(__name__)


class Command(BaseCommand):
    help = (
        "Look once a second (--every) for rows that are due or should exist, and send a message about each. "
        "Losing messages, workers or this process loses nothing: the next look finds the same rows."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--every", type=float, default=1.0, help="seconds between two looks (1)")
        parser.add_argument("--once", action="store_true", help="look once and say how many messages were sent")

    def handle(self, *args: Any, **options: Any) -> None:
        if options["once"]:
            self.stdout.write(f"{engine.reconcile(now=clock.now())} messages sent")
            return
        stopped = threading.Event()
        signal.signal(signal.SIGTERM, lambda *_: stopped.set())
        signal.signal(signal.SIGINT, lambda *_: stopped.set())
        heart = Heart(RECONCILER)
        while not stopped.wait(options["every"]):
            self.look(heart)
        with contextlib.suppress(Error):
            heart.stop()

    def look(self, heart: Heart) -> None:
        """One look.  A database that is away ends nothing: the next look tries again."""
        close_old_connections()
        try:
            if clock.may_act():
                engine.reconcile(now=clock.now())
            heart.beat(now=clock.now())
        except Error as error:
            log.warning("the database is away, looking again soon: %s", error)
            connection.close()
