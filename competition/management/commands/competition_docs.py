"""Write docs/competition.md again from the readers of a competition's configuration."""

from __future__ import annotations

from typing import Any

from django.core.management.base import BaseCommand

from competition.configuration import page


class Command(BaseCommand):
    help = "Write docs/competition.md again from the readers of a competition's configuration."

    def handle(self, *args: Any, **options: Any) -> None:
        page.PAGE.write_text(page.page())
        self.stdout.write(str(page.PAGE.relative_to(page.ROOT)))
