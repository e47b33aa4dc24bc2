"""Write docs/competition.md anew from the readers of a competition's configuration."""

from __future__ import annotations

from typing import Any

from django.core.management.base import BaseCommand

from competition import configuration_page


class Command(BaseCommand):
    help = "Write docs/competition.md anew from the readers of a competition's configuration."

    def handle(self, *args: Any, **options: Any) -> None:
        configuration_page.PAGE.write_text(configuration_page.page())
        self.stdout.write(str(configuration_page.PAGE.relative_to(configuration_page.ROOT)))
