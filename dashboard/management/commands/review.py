"""Sign a decision about an audit without a browser."""

from __future__ import annotations

import getpass
from typing import Any

from django.contrib.auth.models import User
from django.core.management.base import BaseCommand, CommandError, CommandParser
from django_otp import match_token

from audits.decisions.people import REASONS
from audits.models import Audit
from audits.reviews import rulings, waiting_cases
from audits.reviews.rulings import RulingRefused, Signer
from competition.attempts import LAST_TO_FIRST
from core import clock

OUTCOMES = {"pass": "passed", "reject": "rejected"}


class Command(BaseCommand):
    help = (
        "Decide an audit that waits for people, as on the site: the first person proposes, another, running the same "
        "command, confirms. Asks for the password and the second factor of --as. Both signatures become events."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("competition", help="the competition's slug, such as demo")
        parser.add_argument("round", type=int, help="the round's number")
        parser.add_argument("hotkey", help="the audited miner")
        parser.add_argument("kind", choices=Audit.Kind.values)
        parser.add_argument("decision", choices=OUTCOMES)
        parser.add_argument("--as", dest="name", required=True, help="who signs")
        parser.add_argument("--code", required=True, help="the reason's code; a wrong one lists them")
        parser.add_argument("--why", required=True, help="a sentence the miner will read")

    def handle(self, *args: Any, **options: Any) -> None:
        audit, signer = self._audit(options), self._signer(options["name"])
        outcome, now = OUTCOMES[options["decision"]], clock.now()
        proposal = waiting_cases.of_case(audit).proposal
        try:
            if proposal is None:
                rulings.propose(
                    audit, signer=signer, outcome=outcome, code=options["code"], sentence=options["why"], now=now
                )
                self.stdout.write(f"{signer.person.name} proposes {outcome}; somebody else must confirm it")
                return
            if (proposal.outcome, proposal.code) != (outcome, options["code"]):
                raise CommandError(
                    f"{proposal.first_name} proposed {proposal.outcome}, {proposal.code}: confirm exactly that, or "
                    "decline it on the site"
                )
            rulings.confirm(proposal, signer=signer, now=now)
        except RulingRefused as error:
            codes = f" ({', '.join(REASONS[outcome])})" if error.field == "code" else ""
            raise CommandError(f"{error.sentence}{codes}") from error
        self.stdout.write(f"{audit.kind} audit of {options['hotkey']}: {outcome}")

    def _audit(self, options: dict[str, Any]) -> Audit:
        rows = Audit.objects.filter(
            round__competition__slug=options["competition"],
            round__number=options["round"],
            kind=options["kind"],
            submission__miner__hotkey=options["hotkey"],
        ).order_by(LAST_TO_FIRST)
        audit = rows.first()
        if audit is None:
            raise CommandError("there is no such audit; the round's page lists them")
        if audit.round.source:
            raise CommandError("this round was played elsewhere, and its audits are decided there")
        if audit.state != "reviewing":
            raise CommandError(f"this audit waits for nobody: it is in {audit.state}")
        return audit

    def _signer(self, name: str) -> Signer:
        user = User.objects.filter(username=name, is_active=True).first()
        good = user is not None and user.check_password(getpass.getpass(f"password of {name}: "))
        if user is None or not good or match_token(user, getpass.getpass("second factor: ")) is None:
            raise CommandError("name, password or second factor is wrong")
        return Signer.of(user, second_factor=True)
