"""How is a page answered?  The same facts as HTML and as JSON, always revalidated, so that nobody sees an old round."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, TypeVar

from django.http import HttpRequest, HttpResponse
from django.http.response import HttpResponseBase
from django.shortcuts import render
from django.utils.cache import patch_cache_control, patch_vary_headers
from django.utils.decorators import method_decorator
from django.views.decorators.http import require_safe
from rest_framework.decorators import api_view
from rest_framework.response import Response

from dashboard.facts.twins import twin
from dashboard.pages import page_cache
from dashboard.pages.query import BadChoice

Facts = Callable[..., Any]
More = Callable[[HttpRequest, Any], Mapping[str, Any]]


class FactsPage:
    """`facts(request, **named)` says what there is to tell, or answers itself (a redirect, a chooser); `settled(facts)`
    whether only an event of the ledger can change it."""

    def __init__(
        self, facts: Facts, *, template: str, more: More | None = None, settled: Callable[[Any], bool] | None = None
    ) -> None:
        self.facts, self.template, self.more, self.settled = facts, template, more, settled

    @method_decorator(require_safe)
    def html(self, request: HttpRequest, **named: Any) -> HttpResponse:
        if self.settled is None:
            return self._written(request, named)[0]
        key = page_cache.key_of(request, named)
        if page := page_cache.cached(key):
            return fresh(page.answer(request))
        response, facts = self._written(request, named)
        if facts is not None and self.settled(facts):
            return fresh(page_cache.put(key, request, response))
        return response

    def _written(self, request: HttpRequest, named: dict[str, Any]) -> tuple[HttpResponse, Any]:
        """The page, and the facts it tells; None where the answer is another, or says of a choice that it is none."""
        refused: list[BadChoice] = []
        while True:
            try:
                facts = self.facts(request, **named)
                if isinstance(facts, HttpResponse):
                    return facts, None
                extra = self.more(request, facts) if self.more else {}
                break
            except BadChoice as bad:  # shown without it
                refused.append(bad)
                query = request.GET.copy()
                del query[bad.name]
                request.GET = query  # type: ignore[assignment]
        context = {"page": facts, "twin": twin_url(facts.url), "bad_choices": refused, **extra}
        return fresh(render(request, self.template, context)), None if refused else facts

    @property
    def json(self) -> Callable[..., HttpResponse]:
        @api_view(["GET", "HEAD"])
        def answer(request: Any, **named: Any) -> HttpResponse:
            facts = self.facts(request, **named)
            return facts if isinstance(facts, HttpResponse) else fresh(Response(twin(facts)))

        return answer  # type: ignore[no-any-return]


def always(facts: Any) -> bool:
    """Only an event of its competition's ledger can change it, whatever still runs."""
    return True


def twin_url(url: str) -> str:
    """`/c/mesh/r/6/` has its facts at `/c/mesh/r/6.json`; what was asked for stays."""
    path, separator, query = url.partition("?")
    return f"{path.rstrip('/')}.json{separator}{query}"


Answered = TypeVar("Answered", bound=HttpResponseBase)


def fresh(response: Answered) -> Answered:
    """May be kept, must be asked about: an unchanged page costs a 304."""
    patch_cache_control(response, no_cache=True)
    patch_vary_headers(response, ["Cookie"])  # the theme is a cookie's
    return response
