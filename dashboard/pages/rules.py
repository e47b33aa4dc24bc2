"""What is shown of the rulesets, and which charts of their simulation?"""

from __future__ import annotations

from django.http import Http404, HttpRequest, HttpResponse, JsonResponse
from django.views.decorators.http import require_safe

from dashboard.facts import rules
from dashboard.facts.rules import RulesPage
from dashboard.pages.answers import FactsPage, fresh


def rules_facts(request: HttpRequest) -> RulesPage:
    return rules.rules_facts()


@require_safe
def chart(request: HttpRequest, name: str) -> HttpResponse:
    """What plotly draws of one chart of the simulation."""
    plots = {plot.name: plot for plot in rules.rules_facts().plots}
    if name not in plots:
        raise Http404(f"There is no chart of this name; there are {', '.join(plots)}.")
    return fresh(JsonResponse(plots[name].figure))


rules_page = FactsPage(rules_facts, template="rules.html")
