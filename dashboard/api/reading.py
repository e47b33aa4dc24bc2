"""How is a question answered?  Checked first, in one transaction with a time limit, and only the fields asked for."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any, ClassVar

from django.conf import settings
from django.db import connection, transaction
from django.db.models import QuerySet
from django.utils.cache import patch_cache_control
from rest_framework.negotiation import DefaultContentNegotiation
from rest_framework.response import Response
from rest_framework.views import APIView

from dashboard.api import errors, filters, paging, shapes, throttles
from dashboard.api.auth import ByHotkey, ByToken
from dashboard.api.filters import Filters, Kind
from dashboard.api.parsing import StrictJson
from dashboard.api.rendering import Csv, Json, Parquet
from dashboard.api.schema import PATHS, Described
from dashboard.facts.twins import twin


class Negotiation(DefaultContentNegotiation):
    """`?format=csv`, or the Accept header."""

    def filter_renderers(self, renderers: Any, format: str) -> Any:
        found = [renderer for renderer in renderers if renderer.format == format]
        if not found:
            known = ", ".join(renderer.format for renderer in renderers)
            raise errors.bad("format", f"There is no format {format[:20]} here.", fix=f"Ask for one of: {known}.")
        return found


class Answering(APIView):
    """What all answers of the API have in common."""

    authentication_classes = [ByHotkey, ByToken]
    permission_classes: list[Any] = []
    throttle_classes: list[Any] = []
    parser_classes = [StrictJson]
    renderer_classes: Sequence[Any] = [Json]
    content_negotiation_class = Negotiation
    http_method_names = ["get", "head", "post", "delete"]
    schema = Described()
    group: ClassVar[str] = ""
    kinds: ClassVar[Mapping[str, Kind]] = {}
    besides: ClassVar[tuple[str, ...]] = ("format",)
    about: ClassVar[Mapping[str, str]] = {}
    private: ClassVar[bool] = False
    refuses: ClassVar[tuple[int, ...]] = ()
    use: throttles.Use | None = None

    def get_exception_handler(self) -> Callable[..., Any]:
        return errors.answer

    def initial(self, request: Any, *args: Any, **kwargs: Any) -> None:
        self.use = throttles.by_address(request)
        if self.use.used > self.use.quota:
            raise throttles.refused(self.use)
        for name, value in kwargs.items():
            if not re.fullmatch(PATHS[name][0].pattern, str(value), re.ASCII):
                raise errors.missing("There is nothing at this address.", fix=f"{name} is {PATHS[name][0].says}.")
        super().initial(request, *args, **kwargs)

    def asked(self, request: Any) -> dict[str, Any]:
        params = {name: request.query_params.getlist(name) for name in request.query_params}
        return filters.asked(params, self.kinds, besides=self.besides)

    def finalize_response(self, request: Any, response: Any, *args: Any, **kwargs: Any) -> Any:
        answer = super().finalize_response(request, response, *args, **kwargs)
        if answer.status_code >= 400:  # whatever format was asked for, a refusal is JSON
            answer.accepted_renderer, answer.accepted_media_type = Json(), Json.media_type
        for name, value in (self.use.headers if self.use else {}).items():
            answer.headers[name] = value
        if self.private or answer.status_code >= 400:
            patch_cache_control(answer, private=True, no_store=True)
        else:
            patch_cache_control(answer, public=True, no_cache=True)
            answer.headers["Access-Control-Allow-Origin"] = "*"
        return answer


@contextmanager
def patient() -> Iterator[None]:
    """One transaction, in which no statement keeps the database busy for long."""
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute("SELECT set_config('statement_timeout', %s, true)", [f"{settings.API_QUERY_SECONDS}s"])
        yield


def chosen(request: Any, shape: type) -> set[str] | None:
    """What `?fields=` asks for; None for everything.  A decimal comes along with its exact fraction."""
    values = request.query_params.getlist("fields")
    if not values:
        return None
    if len(values) > 1:
        raise errors.bad("fields", "fields is given more than once.", fix="Give it once, with commas.")
    names, known = values[0].split(","), shapes.field_names(shape)
    unknown = [name for name in names if name not in known]
    if unknown:
        shown = unknown[0][:40] if unknown[0].isascii() and unknown[0].isprintable() else "of this name"
        raise errors.bad("fields", f"There is no field {shown}.", fix=f"Choose from {', '.join(known)}.")
    return set(names)


def trimmed(row: dict[str, Any], names: set[str] | None) -> dict[str, Any]:
    return row if names is None else {name: value for name, value in row.items() if name in names}


class Collection(Answering):
    """A table: filtered, in pages, as JSON, CSV or Parquet.

    `rows` gives the query, `told` the dataclass of a row.  No row is ever declared unchanging: what an answer may be
    asked about by is its content, whose hash is the ETag (`ConditionalGetMiddleware`).
    """

    renderer_classes = [Json, Csv, Parquet]
    shape: ClassVar[type]
    filters: ClassVar[Filters] = {}
    newest_first: ClassVar[bool] = False
    besides = ("format", "fields")

    def rows(self, asked: Mapping[str, Any], **named: Any) -> QuerySet[Any]:
        raise NotImplementedError

    def told(self, rows: list[Any]) -> Iterable[Any]:
        raise NotImplementedError

    @property
    def kinds(self) -> Mapping[str, Kind]:  # type: ignore[override]
        return {**paging.KINDS, **{name: each.kind for name, each in self.filters.items()}}

    def get(self, request: Any, **named: Any) -> Response:
        asked, names = self.asked(request), chosen(request, self.shape)
        with patient():
            rows = filters.narrowed(self.rows(asked, **named), asked, self.filters)
            page = paging.cut(rows, asked, newest_first=self.newest_first)
            results = [trimmed(twin(row), names) for row in self.told(page.rows)]
        params = {name: request.query_params[name] for name in request.query_params}
        following = paging.next_url(request.build_absolute_uri(request.path), params, page.following)
        response = Response({"results": results, "next": following})
        if following:
            response.headers["Link"] = f'<{following}>; rel="next"'
        return response


class Item(Answering):
    """One thing."""

    shape: ClassVar[type]
    besides = ("format", "fields")

    def found(self, asked: Mapping[str, Any], **named: Any) -> Any:
        raise NotImplementedError

    def get(self, request: Any, **named: Any) -> Response:
        asked, names = self.asked(request), chosen(request, self.shape)
        with patient():
            found = self.found(asked, **named)
        return Response(trimmed(twin(found), names))
