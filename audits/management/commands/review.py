"""Decide an audit that the tools could not settle."""

from __future__ import annotations

from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.utils import timezone

from audits.models import Audit
from competition.machine import engine
from competition.machine.outcomes import Move


class Command(BaseCommand):
    help = "Decide an audit that waits for a person. The decision and its reason become an event of the ledger."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("competition", help="the competition's slug, such as demo")
        parser.add_argument("round", type=int, help="the round's number")
        parser.add_argument("hotkey", help="the audited miner")
        parser.add_argument("kind", choices=Audit.Kind.values)
        parser.add_argument("decision", choices=("pass", "reject"))
        parser.add_argument("--why", required=True, help="a sentence the miner will read")

    def handle(self, *args: Any, **options: Any) -> None:
        audit = Audit.objects.filter(
            round__competition__slug=options["competition"],
            round__number=options["round"],
            submission__miner__hotkey=options["hotkey"],
            kind=options["kind"],
        ).first()
        if audit is None:
            raise CommandError("there is no such audit; the round's page lists them")
        if audit.round.source:
            raise CommandError("this round was played elsewhere, and its audits are decided there")
        if audit.state != "reviewing":
            raise CommandError(f"this audit waits for nobody: it is in {audit.state}")
        to = "passed" if options["decision"] == "pass" else "rejected"
        sets = {"code": "reviewed", "reason": options["why"]}
        if not engine.move(audit, Move(to, because=options["why"], sets=sets), now=timezone.now()):
            raise CommandError("somebody else decided it meanwhile; look at its page")
        self.stdout.write(f"{audit.kind} audit of {options['hotkey']}: {audit.state}")
