"""Judges due duels, many at once, until the process is told to stop: the worker for judges behind a server."""

import os
import signal
import threading
from argparse import ArgumentParser
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from competition.models import Competition
from judging.backends import judge_named
from judging.backends.base import NoAnswer, Served
from judging.judge_worker import JudgeWorker
from judging.panel.answer_rows import keep_examined

UNFIT = {"unmeasurable", "no_pictures"}  # what no patience mends: the server must be started otherwise


class Command(BaseCommand):
    help = "Judge due duels, prompt by prompt and many at once, until SIGTERM or SIGINT: for judges behind a server."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--duels", type=int, default=32, help="duels at once (default: %(default)s)")

    def handle(self, *args: Any, **options: Any) -> None:
        for name in sorted(set(Competition.objects.filter(active=True).values_list("judge", flat=True))):
            self.examine(name)
        stop = threading.Event()
        for number in (signal.SIGTERM, signal.SIGINT):
            signal.signal(number, lambda *_: stop.set())
        worker = threading.Thread(target=JudgeWorker(duels=options["duels"]).run, args=[stop], daemon=True)
        worker.start()
        stop.wait()
        worker.join(5)
        os._exit(0)  # a duel that outlives the grace must not hold the process: its lease runs out, and it is redone

    def examine(self, name: str) -> None:
        """Say what is behind a judge's address.  Raises CommandError for a server that no round may be judged by.

        A server that is not there yet may still come: its questions are asked again, and the round pauses meanwhile.
        """
        try:
            judge = judge_named(name)
            lines = []
            if isinstance(judge, Served):
                server = judge.examine()
                keep_examined(judge, server)
                lines = server.lines()
        except (KeyError, ValueError) as error:
            lines = [f"there is no such judge here: {error}"]
        except NoAnswer as silence:
            if silence.code in UNFIT:
                raise CommandError(f"{name} cannot judge: {silence.sentence}") from silence
            lines = [f"cannot judge yet ({silence.code}): {silence.sentence}"]
        for line in lines:
            self.stderr.write(f"{name}: {line}")
