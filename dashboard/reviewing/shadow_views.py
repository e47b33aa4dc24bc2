"""Where do reviewers read what another judge makes of a round?  For staff only: it is nobody's verdict."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect, JsonResponse
from django.urls import reverse
from django.views.decorators.http import require_safe

from core import clock
from dashboard.facts import shadow_pages
from dashboard.facts.shadow_pages import ShadowList, ShadowPage
from dashboard.pages.answers import FactsPage
from dashboard.reviewing.signing_in import signer_of, unkept
from judging.shadow import queries

View = Callable[..., HttpResponse]


def for_staff(view: View) -> View:
    """Whoever is not signed in with both factors is led to the door."""

    @require_safe
    def answered(request: HttpRequest, **named: Any) -> HttpResponse:
        if signer_of(request) is None:
            return HttpResponseRedirect(f"{reverse('sign-in')}?next={request.path}")
        return unkept(view(request, **named))

    return answered


def list_facts(request: HttpRequest) -> ShadowList:
    return shadow_pages.shadow_list(queries.runs(), now=clock.now())


def run_facts(request: HttpRequest, number: int) -> ShadowPage:
    """Raises Http404."""
    run = queries.run_numbered(number)
    if run is None:
        raise Http404("There is no such run of a second judge.")
    return shadow_pages.shadow_page(run, now=clock.now())


def margins(request: HttpRequest, number: int) -> HttpResponse:
    """What plotly draws."""
    return JsonResponse(shadow_pages.margins(run_facts(request, number)).figure)


def beside_list(request: HttpRequest, page: ShadowList) -> dict[str, Any]:
    return {"signer": signer_of(request)}


def beside_run(request: HttpRequest, page: ShadowPage) -> dict[str, Any]:
    return {"signer": signer_of(request), "plot": shadow_pages.margins(page)}


shadow_list = FactsPage(list_facts, template="reviewing/shadows.html", more=beside_list)
shadow_run = FactsPage(run_facts, template="reviewing/shadow.html", more=beside_run)
