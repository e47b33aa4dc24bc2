"""What is shown of imported records: the verifier's findings, and the files themselves?"""

from __future__ import annotations

import zlib
from collections.abc import Mapping
from typing import Any

from django.http import Http404, HttpRequest, HttpResponse
from django.utils.cache import get_conditional_response
from django.views.decorators.http import require_safe

from dashboard.doors.numbers import whole_number
from dashboard.facts import finding_pages
from dashboard.facts.finding_pages import FindingFilters, FindingsPage
from dashboard.models import RecordFile
from dashboard.pages import query, url_lookup
from dashboard.pages.answers import FactsPage, fresh

NOTHING_RUNS = "default-src 'none'; sandbox"  # whatever the bytes are, a browser does nothing with them


def findings_facts(request: HttpRequest, slug: str) -> FindingsPage:
    page = whole_number(request.GET.get("page", "")[:9]) or 1  # nine digits of a longer number are beyond the last page
    values = {name: request.GET.get(name, "")[:60] for name in ("round", "kind", "severity")}
    filters = FindingFilters(**values, page=min(10_000, page))
    return finding_pages.read(url_lookup.competition(slug), filters)


def findings_more(request: HttpRequest, page: FindingsPage) -> Mapping[str, Any]:
    return query.sheet_links(request, page.page, sheets=page.pages)


findings_page = FactsPage(findings_facts, template="findings.html", more=findings_more)


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
