"""What is shown of imported records: the verifier's findings, and the files themselves?"""

from __future__ import annotations

import zlib
from collections.abc import Mapping
from typing import Any

from django.db.models import Count, Q
from django.http import Http404, HttpRequest, HttpResponse
from django.utils.cache import get_conditional_response
from django.views.decorators.http import require_safe

from dashboard.doors.numbers import whole_number
from dashboard.facts import finding_pages
from dashboard.facts.finding_pages import MOST, NO_ROUND, Asked, FindingsPage
from dashboard.models import RecordFile, VerifierFinding
from dashboard.pages import url_lookup
from dashboard.pages.answers import Page, fresh

NOTHING_RUNS = "default-src 'none'; sandbox"  # whatever the bytes are, a browser does nothing with them
MOST_FILES = 500


def asked_for(request: HttpRequest) -> Asked:
    page = whole_number(request.GET.get("page", "")[:9]) or 1  # nine digits of a longer number are beyond the last page
    filters = {name: request.GET.get(name, "")[:60] for name in ("round", "kind", "severity")}
    return Asked(**filters, page=min(10_000, page))


def facts(request: HttpRequest, slug: str) -> FindingsPage:
    competition, asked = url_lookup.competition(slug), asked_for(request)
    every = VerifierFinding.objects.filter(competition=competition)
    counted = every.order_by().values_list("round__number", "kind", "severity").annotate(n=Count("pk"))
    rows = every.filter(chosen(asked)).select_related(
        "round__competition", "match__defender__miner", "match__challenger__miner", "submission__miner"
    )
    shown = rows.prefetch_related("submission__audits")[(asked.page - 1) * MOST : asked.page * MOST]
    odd = RecordFile.objects.filter(competition=competition, current=True).filter(Q(known=False) | ~Q(troubles=[]))
    files = list(odd.defer("content")[:MOST_FILES])
    return finding_pages.page(competition, asked, counted=list(counted), found=list(shown), files=files)


def chosen(asked: Asked) -> Q:
    """The rows that the filters leave; a round that is no number leaves none."""
    wanted = Q()
    if asked.kind:
        wanted &= Q(kind=asked.kind)
    if asked.severity:
        wanted &= Q(severity=asked.severity)
    if asked.round == NO_ROUND:
        wanted &= Q(round=None)
    elif asked.round:
        number = whole_number(asked.round)
        wanted &= Q(round__number=-1 if number is None else number)
    return wanted


def more(request: HttpRequest, page: FindingsPage) -> Mapping[str, Any]:
    """Addresses of the pages beside this one, with the filters kept."""
    query = request.GET.copy()

    def at(number: int) -> str:
        query["page"] = str(number)
        return f"?{query.urlencode()}" if 1 <= number <= page.pages else ""

    return {"before": at(page.page - 1), "after": at(page.page + 1)}


findings = Page(facts, template="findings.html", more=more)


@require_safe
def record_file(request: HttpRequest, slug: str, path: str) -> HttpResponse:
    """A file of an imported repository as it was read, as text to look at."""
    competition = url_lookup.competition(slug)
    row = RecordFile.objects.filter(competition=competition, path=path, current=True).first()
    if row is None:
        raise Http404("No file of this name was imported.")
    tag = f'"{row.sha256}"'
    response = get_conditional_response(request, etag=tag) or HttpResponse(
        zlib.decompress(bytes(row.content)), content_type="text/plain; charset=utf-8"
    )
    response.headers["ETag"] = tag
    response.headers["Content-Security-Policy"] = NOTHING_RUNS
    response.headers["X-Content-Type-Options"] = "nosniff"
    return fresh(response)
