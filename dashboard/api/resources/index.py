"""Where does one begin?  The index, the OpenAPI document and its pages, and an answer for addresses that are none."""

from __future__ import annotations

import json
from dataclasses import dataclass
from functools import cache
from threading import Lock
from typing import Annotated, Any

from django.conf import settings
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.urls import reverse
from django.views.decorators.http import require_safe
from drf_spectacular.generators import SchemaGenerator

from competition.models import Competition
from core import clock
from dashboard.api.errors import missing
from dashboard.api.views import ApiView, DetailView
from dashboard.pages.answers import fresh

VERSION = "1.0.0"
WRITING = Lock()


@dataclass(frozen=True, kw_only=True)
class Index:
    """The way in."""

    version: Annotated[str, "Of this API: see docs/api/versions.md for what may change under it."]
    time: Annotated[Any, "The server's clock: a signature's timestamp must lie within 60 seconds of it."]
    requests_per_minute: Annotated[int, "From one address."]
    signed_per_minute: Annotated[int, "From one hotkey."]
    competitions: Annotated[tuple[str, ...], "Those that are played, newest first."]
    documentation: str
    openapi: str


class ApiIndex(DetailView):
    """Version, clock, quotas, and where everything is."""

    group, dataclass = "index", Index

    def get_object(self) -> Index:
        rows = Competition.objects.filter(active=True).order_by("-created_at", "-pk")[:50]
        return Index(
            version=VERSION,
            time=clock.now(),
            requests_per_minute=settings.API_REQUESTS_PER_MINUTE,
            signed_per_minute=settings.API_SIGNED_PER_MINUTE,
            competitions=tuple(rows.values_list("slug", flat=True)),
            documentation=reverse("api-docs"),
            openapi=reverse("api-openapi"),
        )


class NothingHere(ApiView):
    """No such address."""

    def initial(self, request: Any, *args: Any, **kwargs: Any) -> None:
        self.check_throttles(request)
        raise missing("The API has nothing at this address.", fix="See /api/v1/docs/ for what there is.")

    def get(self, request: Any, **named: Any) -> Any:
        raise AssertionError("answered before")

    post = delete = get


def document() -> bytes:
    """By one thread at a time: the generator loads its extensions as it goes, and two at once break each other."""
    with WRITING:
        return _written()


@cache
def _written() -> bytes:
    """It takes half a second of processor time: once for each process."""
    return json.dumps(SchemaGenerator().get_schema(request=None, public=True)).encode()


class OpenApi(ApiView):
    """This API, as OpenAPI 3.1."""

    def get(self, request: Any, **named: Any) -> HttpResponse:
        self.parameters(request)
        return HttpResponse(document(), content_type="application/json")


@require_safe
def docs(request: HttpRequest) -> HttpResponse:
    """The operations to browse and try, by Redoc: its script is served from here, and nothing else is loaded."""
    return fresh(render(request, "api/docs.html"))
