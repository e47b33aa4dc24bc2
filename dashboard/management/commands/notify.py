"""Make, list or end a subscription of the platform's own people."""

from __future__ import annotations

from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from competition.models import Competition
from competition.notices import subscribing
from competition.notices.channels import CHANNELS
from competition.notices.models import Subscription
from core import clock

QUEUE = ["audit.reviewing", "appeal.lodged", "ruling.*", "correction.*", "review.due"]
OWNER = "platform"


class Command(BaseCommand):
    help = (
        "Send events of the ledger to an e-mail address, a Discord channel or a webhook: by default what waits for "
        "reviewers and what they decide. Without an address: list the subscriptions."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("channel", nargs="?", choices=[*CHANNELS])
        parser.add_argument("address", nargs="?", help="someone@example.org, or an https:// address")
        parser.add_argument("--kind", action="append", help=f"a kind of event, such as audit.* ({' '.join(QUEUE)})")
        parser.add_argument("--competition", help="one competition's slug (all)")
        parser.add_argument("--miner", default="", help="events that name this hotkey only")
        parser.add_argument("--resume", type=int, metavar="NUMBER", help="switch a suspended subscription on again")
        parser.add_argument("--end", type=int, metavar="NUMBER", help="end the subscription of this number")

    def handle(self, *args: Any, **options: Any) -> None:
        if options["end"] is not None:
            number = options["end"]
            subscription = Subscription.objects.filter(pk=number, active=True).first()
            if subscription is None:
                raise CommandError(f"--end: there is no subscription {number}; run notify to list them")
            subscribing.end(subscription, because="ended by the operator")
            self.stdout.write(f"subscription {number} has ended")
        elif options["resume"] is not None:
            number = options["resume"]
            subscription = Subscription.objects.filter(pk=number, active=True).first()
            if subscription is None or not subscribing.switch_on(subscription):
                raise CommandError(f"--resume: there is no suspended subscription {number}; run notify to list them")
            self.stdout.write(f"subscription {number} is written to again, from now on")
        elif options["channel"] and options["address"]:
            self._make(options)
        else:
            rows = list(Subscription.objects.filter(active=True))
            if not rows:
                self.stdout.write("none yet: `manage.py notify CHANNEL ADDRESS` makes one")
            for row in rows:
                about = row.competition.slug if row.competition else "all competitions"
                line = f"{row.pk}  {row.channel}  {row.owner}  {about}  {' '.join(row.kinds)}"
                why = f"  SUSPENDED: {row.suspended_because} Then: notify --resume {row.pk}" if row.suspended_at else ""
                self.stdout.write(line + why)

    def _make(self, options: dict[str, Any]) -> None:
        competition = None
        if options["competition"]:
            competition = Competition.objects.filter(slug=options["competition"]).first()
            if competition is None:
                raise CommandError(f"--competition: there is no {options['competition']!r}")
        try:
            made, secret = subscribing.subscribe(
                channel=options["channel"],
                address=options["address"],
                kinds=options["kind"] or QUEUE,
                owner=OWNER,
                miner=options["miner"],
                competition=competition,
                now=clock.now(),
            )
        except subscribing.BadSubscription as bad:
            raise CommandError(str(bad)) from bad
        signed = f", signed with {secret}" if CHANNELS[made.channel].signed else ""
        self.stdout.write(f"subscription {made.pk}: {' '.join(made.kinds)}{signed}")
