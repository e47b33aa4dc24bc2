"""Migrate as the owner of the tables, then let the application's role do what it needs and nothing else."""

from __future__ import annotations

from typing import Any

from django.conf import settings
from django.core.exceptions import ImproperlyConfigured
from django.core.management.base import CommandError
from django.core.management.commands import migrate
from django.db import connections

from core.postgres.backend import roles


class Command(migrate.Command):
    help = "Bring the tables up to date, as their owner; afterwards grant the application's role what it needs."

    def handle(self, *args: Any, **options: Any) -> None:
        connection = connections[options["database"]]
        with roles.as_owner(connection) as application:
            super().handle(*args, **options)
            roles.grant(connection, application=application)
        try:
            roles.require_separate(connection)
        except ImproperlyConfigured as error:
            raise CommandError(str(error)) from error
        if not roles.separate() and options["verbosity"]:
            self.stderr.write(
                f"The role {settings.DATABASES['default'].get('USER')} owns the ledger and could change it: set "
                "DATABASE_OWNER_URL (deploy/README.md)."
            )
