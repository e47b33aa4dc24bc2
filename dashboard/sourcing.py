"""The page on a submission's code: which audit is shown, and which file is compared."""

from __future__ import annotations

from typing import Any

from django.http import Http404, HttpRequest
from django.urls import reverse

from audits.queries_source import latest_audit
from dashboard import finding
from dashboard.answers import Page
from dashboard.finding import Elsewhere
from dashboard.presenting import source_pages

LONGEST = 400


def source_facts(request: HttpRequest, slug: str, number: int, hotkey: str) -> Any:
    round_ = finding.round_(slug, number)
    try:
        miner = finding.miner(request, hotkey, url=lambda full: reverse("source-audit", args=[slug, number, full]))
    except Elsewhere as other:
        return other.response
    audit = latest_audit(round_, miner=miner)
    if audit is None:
        raise Http404("This miner's code was not audited in this round.")
    asked = [request.GET.get(name, "")[:LONGEST] for name in ("with", "path", "their")]
    return source_pages.page(audit, asked=(asked[0], asked[1], asked[2]) if all(asked) else None)


source_page = Page(source_facts, template="source_audit.html")
