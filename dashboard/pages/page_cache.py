"""May a page be answered with what was written a moment ago?  If it is settled, and its ledger has not moved since.

What a settled page tells changes with an event of its competition's ledger, so the head of the ledger is part of what
it is kept under: one look into an index says whether it is fresh, for a whole answer as for an empty one (304).  A few
things are no events (a demo's names, light copies, measurements, imported records, reports of independent askers): they
show when the time is up.
Pages are kept compressed, as most visitors take them.  Visitors who are signed in see their own, which are never kept.
"""

from __future__ import annotations

import gzip
import hashlib
from dataclasses import dataclass
from typing import Any

from django.conf import settings
from django.core.cache import cache
from django.db.models import Subquery
from django.http import HttpRequest, HttpResponse
from django.utils.cache import patch_vary_headers

from competition.models import Competition, LedgerEvent

LARGEST = 2_000_000  # bytes of a page that is kept
EFFORT = 6  # of the compression, as the middleware's


@dataclass(frozen=True)
class CachedPage:
    """A page's compressed bytes, and the tag by which a browser asks whether they are still what it has."""

    packed: bytes
    tag: str

    def answer(self, request: HttpRequest) -> HttpResponse:
        compressed = "gzip" in request.headers.get("Accept-Encoding", "")  # as the front door has read it
        response = HttpResponse(self.packed if compressed else gzip.decompress(self.packed))
        response.headers["ETag"] = self.tag
        if compressed:
            response.headers["Content-Encoding"] = "gzip"
        patch_vary_headers(response, ["Accept-Encoding"])
        return response


def key_of(request: HttpRequest, named: dict[str, Any]) -> str:
    """Under which key the answer to this request may be kept; empty where it may not."""
    signed_in = settings.SESSION_COOKIE_NAME in request.COOKIES
    if not settings.PAGES_KEPT_SECONDS or signed_in or "slug" not in named:
        return ""
    parts = (request.build_absolute_uri(), request.COOKIES.get("theme", ""), head_of(named["slug"]))
    return "page:" + hashlib.sha256(repr(parts).encode()).hexdigest()


def cached(key: str) -> CachedPage | None:
    return cache.get(key) if key else None


def put(key: str, request: HttpRequest, response: HttpResponse) -> HttpResponse:
    """The answer to send: the cached one, or what holds something of one visitor's as it is."""
    personal = response.cookies or request.META.get("CSRF_COOKIE_NEEDS_UPDATE")
    if not key or personal or response.status_code != 200 or len(response.content) > LARGEST:
        return response
    digest = hashlib.sha256(response.content).hexdigest()[:32]
    page = CachedPage(gzip.compress(response.content, EFFORT, mtime=0), f'W/"{digest}"')
    cache.set(key, page, settings.PAGES_KEPT_SECONDS)
    return page.answer(request)


def head_of(slug: str) -> str:
    """The hash at the head of a ledger.  The competition is a value of its own in the query, not a join: so the index
    of the ledger's places is read from its end, however long the ledger is."""
    competition = Competition.objects.filter(slug=slug).values("pk")
    events = LedgerEvent.objects.filter(competition=Subquery(competition)).order_by("-seq")
    return events.values_list("hash", flat=True).first() or ""
