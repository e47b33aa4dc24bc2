"""Carry a paused round on, once what stopped it is mended."""

from __future__ import annotations

from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from competition.chain.base import ChainFault
from competition.models import Round
from competition.steps import resume
from core import clock


class Command(BaseCommand):
    help = "Carry a paused round back to the stage in which it stopped. What was stuck is tried again."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("competition", help="the competition's slug, such as demo")
        parser.add_argument("round", type=int, help="the round's number")
        parser.add_argument("--why", default="the operator found the cause and mended it", help="kept in the ledger")

    def handle(self, *args: Any, **options: Any) -> None:
        round_ = Round.objects.filter(competition__slug=options["competition"], number=options["round"]).first()
        if round_ is None:
            raise CommandError(f"there is no round {options['round']} in {options['competition']!r}")
        if round_.state != "paused":
            raise CommandError(f"{round_} is not paused: it is in {round_.state}")
        if round_.source:
            raise CommandError(f"{round_} is played elsewhere and was imported: import it again when it has gone on")
        stage = round_.paused_from
        try:
            moved = resume(round_, why=options["why"], now=clock.now())
        except ChainFault as error:
            raise CommandError(f"the chain does not tell its block, by which the window is longer: {error}") from error
        if not moved:
            raise CommandError(f"{round_} was moved by somebody else meanwhile; look at its page")
        self.stdout.write(f"{round_} goes on in {stage}")
