"""The page on a submission's code: which audit is shown, and which file is compared."""

from __future__ import annotations

from django.http import Http404, HttpRequest, HttpResponse
from django.urls import reverse

from audits.source.queries import latest_audit
from dashboard.facts import source_pages
from dashboard.pages import url_lookup
from dashboard.pages.answers import FactsPage
from dashboard.pages.url_lookup import Elsewhere

LONGEST = 400


def source_facts(request: HttpRequest, slug: str, number: int, hotkey: str) -> source_pages.SourcePage | HttpResponse:
    round_ = url_lookup.round_(slug, number)
    try:
        miner = url_lookup.miner(request, hotkey, url=lambda full: reverse("source-audit", args=[slug, number, full]))
    except Elsewhere as other:
        return other.response
    audit = latest_audit(round_, miner=miner)
    if audit is None:
        raise Http404("This miner's code was not audited in this round.")
    chosen = [request.GET.get(name, "")[:LONGEST] for name in ("with", "path", "their")]
    return source_pages.page(audit, compared=(chosen[0], chosen[1], chosen[2]) if all(chosen) else None)


source_page = FactsPage(source_facts, template="source_audit.html")
