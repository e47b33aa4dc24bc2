"""Is the documentation of the API as the API is?  Write its pages again from the OpenAPI document."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand

from dashboard.api import manual


class Command(BaseCommand):
    help = "Write docs/api/<group>.md from the OpenAPI document."

    def handle(self, *args: Any, **options: Any) -> None:
        folder = Path(settings.BASE_DIR) / "docs" / "api"
        for group, text in manual.pages().items():
            (folder / f"{group}.md").write_text(text)
        self.stdout.write(f"{len(manual.pages())} pages in {folder}")
