"""Who asks a judge about many duels at once?  This process, until it is told to stop."""

import os
import signal
import threading
from argparse import ArgumentParser
from typing import Any

from django.core.management.base import BaseCommand

from judging.hearing import Hearing


class Command(BaseCommand):
    help = "Judge due duels, prompt by prompt and many at once, until SIGTERM or SIGINT: for judges behind a server."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--duels", type=int, default=32, help="duels at once (default: %(default)s)")

    def handle(self, *args: Any, **options: Any) -> None:
        stop = threading.Event()
        for number in (signal.SIGTERM, signal.SIGINT):
            signal.signal(number, lambda *_: stop.set())
        hearing = threading.Thread(target=Hearing(duels=options["duels"]).run, args=[stop], daemon=True)
        hearing.start()
        stop.wait()
        hearing.join(5)
        os._exit(0)  # a duel that outlives the grace must not hold the process: its lease runs out, and it is redone
