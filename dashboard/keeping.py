"""May a page be answered with what was written a moment ago?  If it is settled, and its ledger has not moved since.

What a settled page tells changes with an event of its competition's ledger, so the head of the ledger is part of what
it is kept under.  A few things are no events (a demo's names, light copies, imported records): they show when the time
is up.
Visitors who are signed in see their own pages, which are never kept.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from typing import Any

from django.conf import settings
from django.core.cache import cache
from django.http import HttpRequest, HttpResponse

from competition.models import LedgerEvent

LARGEST = 2_000_000  # bytes of a page that is kept


@dataclass(frozen=True)
class Shelf:
    """Where the answer to one request lies, if it may lie anywhere."""

    key: str

    def take(self) -> HttpResponse | None:
        kept = cache.get(self.key) if self.key else None
        return HttpResponse(kept) if kept else None

    def put(self, request: HttpRequest, response: HttpResponse) -> None:
        """Not what holds something of one visitor's."""
        personal = response.cookies or request.META.get("CSRF_COOKIE_NEEDS_UPDATE")
        if self.key and not personal and response.status_code == 200 and len(response.content) <= LARGEST:
            cache.set(self.key, response.content, settings.PAGES_KEPT_SECONDS)


def shelf(request: HttpRequest, named: dict[str, Any]) -> Shelf:
    signed_in = settings.SESSION_COOKIE_NAME in request.COOKIES
    if not settings.PAGES_KEPT_SECONDS or signed_in or "slug" not in named:
        return Shelf("")
    events = LedgerEvent.objects.filter(competition__slug=named["slug"]).order_by("-seq")
    head = events.values_list("hash", flat=True).first() or ""
    told = (request.build_absolute_uri(), request.COOKIES.get("theme", ""), head)
    return Shelf("page:" + hashlib.sha256(repr(told).encode()).hexdigest())
