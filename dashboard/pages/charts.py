"""Which charts can a visitor explore: over the rounds, of one audit, of the field of a round and of leaders?"""

from __future__ import annotations

from django.http import Http404, HttpRequest, HttpResponse, JsonResponse
from django.urls import reverse
from django.views.decorators.http import require_safe

from competition import queries
from core import clock
from dashboard.facts import chart_data, page_queries
from dashboard.facts.chart_pages import PLOTS, ChartsPage
from dashboard.facts.field import FieldPage
from dashboard.facts.plots import Plot
from dashboard.pages import over_rounds, query, url_lookup
from dashboard.pages.answers import FactsPage, always, fresh
from dashboard.pages.csv_tables import Sheet


def charts_facts(request: HttpRequest, slug: str) -> ChartsPage:
    before = query.number(request, "before")
    return chart_data.charts_facts(url_lookup.competition(slug), before=before)


@require_safe
def chart(request: HttpRequest, slug: str, name: str) -> HttpResponse:
    """What plotly draws of one chart over the rounds."""
    if name not in PLOTS:
        raise Http404(f"There is no chart of this name; there are {', '.join(PLOTS)}.")
    return fresh(JsonResponse(PLOTS[name](charts_facts(request, slug)).figure))


@require_safe
def audit_chart(request: HttpRequest, slug: str, number: int, hotkey: str, name: str) -> HttpResponse:
    """What plotly draws of one chart of an audit."""
    round_, miner = url_lookup.round_(slug, number), queries.miner_at(hotkey)
    if miner is None:
        raise Http404("No miner has this hotkey; write it out in full.")
    match = page_queries.audit_page(round_, miner=miner, now=clock.now()).match
    for plot in chart_data.plots_of_audit(round_, hotkey=hotkey, match=match):
        if plot.name == name:
            return fresh(JsonResponse(plot.figure))
    raise Http404("This audit has no such chart.")


def field_facts(request: HttpRequest, slug: str, number: int) -> FieldPage:
    at = [slug, number]
    urls = {"round": reverse("round", args=at), "page": reverse("field", args=at)}
    urls["data"] = reverse("round-chart", args=[*at, "field"])
    return page_queries.field_page(url_lookup.round_(slug, number), urls=urls)


@require_safe
def round_chart(request: HttpRequest, slug: str, number: int, name: str) -> HttpResponse:
    """What plotly draws of the field of a round."""
    return _field(field_facts(request, slug, number).plot, name)


@require_safe
def leaders_chart(request: HttpRequest, slug: str, name: str) -> HttpResponse:
    """What plotly draws of the field of all leaders."""
    return _field(over_rounds.leaders_facts(request, slug).plot, name)


def _field(plot: Plot, name: str) -> HttpResponse:
    if name != plot.name:
        raise Http404(f"There is no chart of this name; there is {plot.name}.")
    return fresh(JsonResponse(plot.figure))


charts_page = FactsPage(charts_facts, template="charts.html", settled=always)
charts_sheet = Sheet(charts_facts, table="margins")
field_page = FactsPage(field_facts, template="field.html", settled=lambda page: page.stage == "finished")
field_sheet = Sheet(field_facts, table="entries")
