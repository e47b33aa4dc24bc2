"""How is a request answered?  Checked first, in one transaction with a time limit, and only the wanted fields."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any, ClassVar, NoReturn, cast

from django.conf import settings
from django.db import connection, transaction
from django.utils.cache import patch_cache_control
from django_filters.rest_framework import DjangoFilterBackend
from rest_framework.generics import GenericAPIView, ListAPIView, RetrieveAPIView
from rest_framework.negotiation import DefaultContentNegotiation
from rest_framework.response import Response
from rest_framework.views import APIView

from dashboard.api import errors, filters, paging, throttles
from dashboard.api.auth import ByHotkey, ByToken
from dashboard.api.filters import IN_PATHS, FilterSet, Kind, Parameter
from dashboard.api.parsing import StrictJson
from dashboard.api.rendering import Csv, Json, Parquet
from dashboard.api.schema import Described
from dashboard.api.serializers import RowSerializer, field_names


class Negotiation(DefaultContentNegotiation):
    """`?format=csv`, or the Accept header."""

    def filter_renderers(self, renderers: Any, format: str) -> Any:
        matching = [renderer for renderer in renderers if renderer.format == format]
        if not matching:
            known = ", ".join(renderer.format for renderer in renderers)
            raise errors.bad("format", f"There is no format {format[:20]} here.", fix=f"Ask for one of: {known}.")
        return matching


class ApiView(APIView):
    """What all answers of the API have in common."""

    authentication_classes = [ByHotkey, ByToken]
    permission_classes: list[Any] = []
    throttle_classes: list[Any] = [throttles.AddressThrottle]
    parser_classes = [StrictJson]
    renderer_classes: Sequence[Any] = [Json]
    content_negotiation_class = Negotiation
    http_method_names = ["get", "head", "post", "delete"]
    schema = Described()
    group: ClassVar[str] = ""
    in_path: ClassVar[Mapping[str, Parameter]] = IN_PATHS
    in_query: ClassVar[Mapping[str, Parameter]] = {}
    private: ClassVar[bool] = False
    refuses: ClassVar[tuple[int, ...]] = ()
    use: throttles.QuotaUse | None = None

    def get_exception_handler(self) -> Callable[..., Any]:
        return errors.answer

    def initial(self, request: Any, *args: Any, **kwargs: Any) -> None:
        self.check_throttles(request)  # before anything else is looked at; the framework's own turn comes later
        for name, value in kwargs.items():
            kind = self.in_path[name].kind
            if not re.fullmatch(kind.pattern, str(value), re.ASCII):
                raise errors.missing("There is nothing at this address.", fix=f"{name} is {kind.says}.")
        super().initial(request, *args, **kwargs)

    def throttled(self, request: Any, wait: float | None) -> NoReturn:
        raise throttles.refused(cast(throttles.QuotaUse, self.use))

    def parameters(self, request: Any, *, besides: Iterable[str] = ("format",)) -> dict[str, Any]:
        """What the query holds, each value of its kind.  Raises RequestRefused."""
        return filters.parameters(request.query_params, self.kinds(), besides=besides)

    def kinds(self) -> dict[str, Kind]:
        """What the query may hold."""
        return {name: each.kind for name, each in self.in_query.items()}

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


def chosen(request: Any, dataclass: type) -> set[str] | None:
    """What `?fields=` asks for; None for everything.  A decimal comes along with its exact fraction."""
    values = request.query_params.getlist("fields")
    if not values:
        return None
    if len(values) > 1:
        raise errors.bad("fields", "fields is given more than once.", fix="Give it once, with commas.")
    names, known = values[0].split(","), field_names(dataclass)
    unknown = [name for name in names if name not in known]
    if unknown:
        shown = unknown[0][:40] if unknown[0].isascii() and unknown[0].isprintable() else "of this name"
        raise errors.bad("fields", f"There is no field {shown}.", fix=f"Choose from {', '.join(known)}.")
    return set(names)


class ReadView(ApiView, GenericAPIView):
    """What is read: `dataclass` is that of an answer, or of each row of a table."""

    dataclass: ClassVar[type]
    params: Mapping[str, Any]
    names: set[str] | None

    def read_query(self, request: Any) -> None:
        """Sets `params` and `names`.  Raises RequestRefused."""
        self.params = self.parameters(request, besides=("format", "fields"))
        self.names = chosen(request, self.dataclass)

    def get_serializer(self, instance: Any, *, many: bool = False) -> Any:
        return RowSerializer(instance, dataclass=self.dataclass, names=self.names, many=many)


class ListView(ReadView, ListAPIView):
    """A table: filtered, in pages, as JSON, CSV or Parquet.

    `queryset` gives the models, `to_row` the dataclass of each.  No row is ever declared unchanging: an answer is known
    again by its content alone, whose hash is the ETag (`ConditionalGetMiddleware`).
    """

    renderer_classes = [Json, Csv, Parquet]
    pagination_class = paging.AfterRow
    filter_backends = [DjangoFilterBackend]
    filterset_class: ClassVar[type[FilterSet]] = FilterSet
    newest_first: ClassVar[bool] = False

    @staticmethod
    def to_row(row: Any, /) -> Any:
        raise NotImplementedError

    def kinds(self) -> dict[str, Kind]:
        return {**{name: each.kind for name, each in paging.PARAMETERS.items()}, **self.filterset_class.kinds()}

    def to_rows(self, page: Sequence[Any]) -> Sequence[Any]:
        return [self.to_row(each) for each in page]

    def list(self, request: Any, *args: Any, **kwargs: Any) -> Response:
        self.read_query(request)
        with patient():
            return super().list(request, *args, **kwargs)

    def get_serializer(self, instance: Any, *, many: bool = False) -> Any:
        return super().get_serializer(self.to_rows(instance), many=many)


class DetailView(ReadView, RetrieveAPIView):
    """One thing: `get_object` gives its dataclass."""

    def retrieve(self, request: Any, *args: Any, **kwargs: Any) -> Response:
        self.read_query(request)
        with patient():
            return super().retrieve(request, *args, **kwargs)
