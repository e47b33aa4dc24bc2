"""End every pod on this machine; what they were doing is begun again when the platform runs again."""

from __future__ import annotations

from typing import Any

from django.core.management.base import BaseCommand

from audits.pods.runs import provider_named


class Command(BaseCommand):
    help = "End every local pod of this deployment. A pod run that was not finished starts a new pod next time."

    def handle(self, *args: Any, **options: Any) -> None:
        ended = provider_named("local").sweep(set)
        self.stdout.write(f"{len(ended)} pods ended" if ended else "no pod was running")
