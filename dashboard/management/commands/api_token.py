"""Who may use the API without a hotkey?  Make, list and revoke tokens of staff and services."""

from __future__ import annotations

from argparse import ArgumentParser
from datetime import timedelta
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from core import clock
from dashboard.api import tokens
from dashboard.api.models import ApiToken


class Command(BaseCommand):
    help = "Make, list and revoke tokens for the API."

    def add_arguments(self, parser: ArgumentParser) -> None:
        actions = parser.add_subparsers(dest="action", required=True)
        make = actions.add_parser("create", help="make a token; it is shown once")
        make.add_argument("name")
        make.add_argument("--scope", action="append", required=True, choices=sorted(tokens.SCOPES))
        make.add_argument("--days", type=int, default=90, help="how long it lasts (90)")
        actions.add_parser("list", help="all tokens, without their secrets")
        actions.add_parser("revoke", help="end a token now").add_argument("name")

    def handle(self, *args: Any, action: str, **options: Any) -> None:
        {"create": self.create, "list": self.list, "revoke": self.revoke}[action](**options)

    def create(self, *, name: str, scope: list[str], days: int, **_: Any) -> None:
        if not 1 <= days <= 366:
            raise CommandError(f"--days {days}: from 1 to 366")
        try:
            token = tokens.make(name, scopes=scope, lasts=timedelta(days=days), now=clock.now())
        except tokens.BadToken as error:
            raise CommandError(str(error)) from error
        self.stdout.write(f"{token}\nIt is kept as a hash only: copy it now. It ends in {days} days.")

    def list(self, **_: Any) -> None:
        now, rows = clock.now(), list(ApiToken.objects.all())
        if not rows:
            self.stdout.write("none yet: `manage.py api_token create NAME --scope SCOPE` makes one")
        for row in rows:
            state = "live" if row.live(now=now) else "revoked" if row.revoked_at else "ran out"
            used = f"{row.last_used_at:%Y-%m-%d %H:%M}" if row.last_used_at else "never"
            until = f"{row.expires_at:%Y-%m-%d}"
            self.stdout.write(f"{row.name}  {state}  until {until}  used {used}  {' '.join(row.scopes)}")

    def revoke(self, *, name: str, **_: Any) -> None:
        if not tokens.revoke(name, now=clock.now()):
            raise CommandError(f"no live token is named {name!r}: see `manage.py api_token list`")
        self.stdout.write(f"{name} is revoked.")
