"""Watch the real chain, set its weights and anchor the ledger, in a process of its own."""

from __future__ import annotations

import asyncio
import signal
import time
from argparse import ArgumentParser
from contextlib import ExitStack
from typing import Any

from django.conf import settings
from django.core.exceptions import ImproperlyConfigured
from django.core.management.base import BaseCommand, CommandError
from django.db import DatabaseError, connection

from core import clock
from core.queue.advisory_lock import Taken, hold_lock


class Command(BaseCommand):
    help = "Watch the chain of every active competition of `bittensor:<netuid>` until stopped."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--once", action="store_true", help="one look at each chain, then end")

    def handle(self, *args: Any, **options: Any) -> None:
        from competition.chain import running  # imports the chain's client: 0.5 s and 60 MB that only this needs

        self.stopping = False
        for number in (signal.SIGINT, signal.SIGTERM):
            signal.signal(number, self.stop)
        try:
            running.endpoints()
        except ImproperlyConfigured as error:
            raise CommandError(str(error)) from error
        with asyncio.Runner() as runner, ExitStack() as held:
            turns: dict[str, running.Turn] = {}
            while not self.stopping:
                begun = time.monotonic()
                self.look(turns, runner=runner, held=held, running=running)
                if options["once"]:
                    break
                runner.run(self.rest(begun + settings.CHAIN_POLL_SECONDS))
            for turn in turns.values():
                turn.close()

    def look(self, turns: dict[str, Any], *, runner: asyncio.Runner, held: ExitStack, running: Any) -> None:
        try:
            if clock.may_act():
                self.start_turns(turns, runner=runner, held=held, running=running)
        except DatabaseError as error:
            self.stderr.write(f"the database did not answer, trying again: {error}")
        finally:
            connection.close()

    def start_turns(self, turns: dict[str, Any], *, runner: asyncio.Runner, held: ExitStack, running: Any) -> None:
        for name in running.names():
            if name not in turns:
                try:
                    lock = held.enter_context(hold_lock(f"runchain {name}"))
                except Taken as taken:
                    raise CommandError(f"{name} is watched by another process already: stop that one") from taken
                turns[name] = running.Turn(name, runner=runner, sure=lock.sure)
            turn, now = turns[name], clock.now()
            if not turn.sure():
                raise CommandError(f"the lock on {name} was lost with its connection: starting again")
            look = turn.look(now=now)
            if not look.fault:
                turn.weigh(now=now, send=settings.CHAIN_SETS_WEIGHTS)
                turn.anchor(now=now)

    async def rest(self, until: float) -> None:
        """Sleep in the loop, so that the nodes' pings are answered."""
        while not self.stopping and time.monotonic() < until:
            await asyncio.sleep(min(0.5, max(0.0, until - time.monotonic())))

    def stop(self, *_: object) -> None:
        self.stopping = True
