"""Make, change or end the account of a person who decides cases."""

from __future__ import annotations

import re
import secrets
from typing import Any

from django.contrib.auth.models import Group, User
from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.db import transaction
from django_otp.plugins.otp_static.models import StaticDevice
from django_otp.plugins.otp_totp.models import TOTPDevice

from audits.decisions.people import OPERATOR, ROLES

NAME = re.compile(r"[a-z][a-z0-9-]{1,29}")
BACKUPS = 8


class Command(BaseCommand):
    help = (
        "Make an account: a name that the ledger will show beside each decision, and roles. Prints, once, a password, "
        "the address of a second factor for any authenticator app, and backup codes that work once each. Without a "
        "name: list everybody with roles, second factor, last sign-in and whether the account is open."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument(
            "name", nargs="?", help="the public name, such as ann: a small letter, then letters, digits, dashes"
        )
        parser.add_argument("--role", action="append", choices=ROLES, help="may be given more than once (reviewer)")
        parser.add_argument("--reset", action="store_true", help="new password and second factor for who is there")
        parser.add_argument("--end", action="store_true", help="the person may sign in no more; what it signed stays")
        parser.add_argument("--lock", action="store_true", help="the same for a while: the roles stay")
        parser.add_argument("--unlock", action="store_true", help="let a locked account in again, with its old secrets")

    @transaction.atomic
    def handle(self, *args: Any, **options: Any) -> None:
        name = options["name"]
        if name is None:
            self._list()
            return
        if not NAME.fullmatch(name):
            raise CommandError(f"name: {name!r} is not a public name; give one like ann or ann-2")
        user = User.objects.filter(username=name).first()
        if options["end"] or options["lock"] or options["unlock"]:
            self._let_in(user, name, options)
            return
        if user is not None and not (options["reset"] or options["role"]):
            raise CommandError(f"name: {name} is there already; --reset gives new secrets, --role changes the roles")
        new = user is None
        user = user or User(username=name)
        self._roles(user, options["role"] or ([] if not new else [ROLES[0]]))
        if new or options["reset"]:
            self._secrets(user)

    def _roles(self, user: User, roles: list[str]) -> None:
        if roles:
            user.is_staff = OPERATOR in roles
            user.save()
            user.groups.set([Group.objects.get_or_create(name=role)[0] for role in roles])
        self.stdout.write(f"{user.username}: {', '.join(sorted(g.name for g in user.groups.all()))}")

    def _secrets(self, user: User) -> None:
        password = secrets.token_urlsafe(15)
        user.set_password(password)
        user.is_active = True
        user.save()
        TOTPDevice.objects.filter(user=user).delete()
        StaticDevice.objects.filter(user=user).delete()
        totp = TOTPDevice.objects.create(user=user, name="authenticator")
        backup = StaticDevice.objects.create(user=user, name="backup")
        codes = [secrets.token_hex(5) for _ in range(BACKUPS)]
        for code in codes:
            backup.token_set.create(token=code)
        self.stdout.write(f"password       {password}\nsecond factor  {totp.config_url}")
        self.stdout.write(f"backup codes   {' '.join(codes)}\nThese are shown once. Sign in at /reviews/sign-in/.")

    def _let_in(self, user: User | None, name: str, options: dict[str, Any]) -> None:
        """Or not.  Whoever is signed in is out: its sessions end."""
        if user is None:
            raise CommandError(f"name: there is no {name}; without a name the command lists who is there")
        if options["unlock"] and not user.groups.exists():
            raise CommandError(f"--unlock: {name}'s account was ended; give --role and --reset to make it again")
        user.is_active = options["unlock"]
        user.save(update_fields=["is_active"])
        if options["end"]:
            user.groups.clear()
        self.stdout.write(f"{name} may sign in {'again' if options['unlock'] else 'no more'}")

    def _list(self) -> None:
        """Everybody: roles, whether a second factor is set, the last sign-in, and whether the account is open."""
        users = list(User.objects.order_by("username").prefetch_related("groups"))
        for user in users:
            roles = ", ".join(sorted(group.name for group in user.groups.all())) or "no role"
            confirmed = TOTPDevice.objects.filter(user=user, confirmed=True).exists()
            factor = "second factor" if confirmed else "NO second factor"
            last = f"last in {user.last_login:%Y-%m-%d %H:%M}" if user.last_login else "never signed in"
            state = "open" if user.is_active else "locked" if user.groups.all() else "ended"
            self.stdout.write(f"{user.username}  {roles}  {factor}  {last}  {state}")
        if not users:
            self.stdout.write("nobody yet: manage.py reviewer NAME --role lead makes an account")
