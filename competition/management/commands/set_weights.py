"""Show the weights that are due against those on the chain; with --send, set them and read them back."""

from __future__ import annotations

import asyncio
import time
from argparse import ArgumentParser
from typing import Any

from django.conf import settings
from django.core.exceptions import ImproperlyConfigured
from django.core.management.base import BaseCommand, CommandError

from competition import weights
from competition.chain.base import ChainFault
from competition.chain.observations import WeightSetting
from competition.models import Competition
from core import clock
from core.queue.advisory_lock import Held, Taken, hold_lock

SETTLED_S = 900  # sixty-four blocks are 768 s: after that what was sent has arrived or never will


class Command(BaseCommand):
    help = "A dry run: the weights that are due against those on the chain. --send sets them where that is due."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("slug", help="the competition")
        parser.add_argument("--send", action="store_true", help="set them, wait for a finalised block, read them back")

    def handle(self, *args: Any, **options: Any) -> None:
        competition = Competition.objects.filter(slug=options["slug"]).first()
        if competition is None or not competition.chain.startswith("bittensor:"):
            raise CommandError(f"{options['slug']}: no such competition on bittensor:<netuid>")
        try:
            with hold_lock(f"runchain {competition.chain}") as lock, asyncio.Runner() as runner:
                self.play(competition.chain, lock=lock, runner=runner, send=options["send"])
        except Taken as taken:
            if options["send"]:
                raise CommandError(
                    "runchain watches this chain and sets its weights itself where GAUNTLET_CHAIN_SETS_WEIGHTS=1"
                ) from taken
            self.show(competition.chain)
        except ImproperlyConfigured as error:
            raise CommandError(str(error)) from error

    def play(self, name: str, *, lock: Held, runner: asyncio.Runner, send: bool) -> None:
        from competition.chain import running  # the chain's client: 0.5 s and 60 MB

        turn = running.Turn(name, runner=runner, sure=lock.sure)
        try:
            look = turn.look(now=clock.now())
            if look.fault:
                raise CommandError(f"{look.fault} ({look.code})")
            action = self.show(name)
            if send and action == "set":
                self.stdout.write(turn.weigh(now=clock.now(), send=True))
                self.read_back(turn)
        finally:
            turn.close()

    def show(self, name: str) -> str:
        from competition.chain import terminal_tables  # the chain's client: 0.5 s and 60 MB

        try:
            made = weights.plan(name, now=clock.now(), look_only=True)
        except (ChainFault, weights.Unproven) as error:
            raise CommandError(f"cannot be decided: {error}") from error
        self.stdout.write("\n".join(terminal_tables.difference(made)))
        return made.action.do

    def read_back(self, turn: Any) -> None:
        """Until a finalised block shows what became of it."""
        end = time.monotonic() + SETTLED_S
        while time.monotonic() < end:
            turn.look(now=clock.now())
            turn.weigh(now=clock.now(), send=False)
            last = WeightSetting.objects.filter(chain__name=turn.name).first()
            if last and last.outcome:
                if last.outcome not in ("set", "committed"):
                    raise CommandError(f"{last.outcome}: {last.error}")
                self.stdout.write(f"read back from the chain: {last.outcome}")
                return
            time.sleep(min(settings.CHAIN_POLL_SECONDS, 12))
        raise CommandError("no finalised block has shown what became of it; `runchain` goes on looking")
