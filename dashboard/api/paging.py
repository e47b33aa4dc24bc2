"""Where does the next page begin?  After a row, not after a number of rows: what is added meanwhile shifts nothing."""

from __future__ import annotations

import base64
import re
from collections.abc import Mapping
from typing import Any
from urllib.parse import urlencode

from django.db.models import QuerySet
from rest_framework.pagination import Cursor, CursorPagination
from rest_framework.response import Response

from dashboard.api.errors import bad
from dashboard.api.filters import LARGEST, Kind, Parameter, one_of

USUAL, MOST = 50, 200
LIMIT = Kind("limit", r"[0-9]{1,4}", f"a whole number from 1 to {MOST}", int, least=1, most=MOST)
CURSOR = Kind("cursor", r"[A-Za-z0-9_-]{1,40}", "the cursor of an answer's next address")
ORDER = one_of("asc", "desc")
PARAMETERS: Mapping[str, Parameter] = {
    "limit": Parameter(LIMIT, "Rows of a page."),
    "cursor": Parameter(CURSOR, "Where the page begins: take it from `next`."),
    "order": Parameter(ORDER, "Oldest or newest first."),
}


class AfterRow(CursorPagination):
    """Pages in the order of the primary key.  Raises RequestRefused for a limit or a cursor that is none."""

    page_size, page_size_query_param, max_page_size = USUAL, "limit", MOST
    template = None

    def get_page_size(self, request: Any) -> int:
        text = request.query_params.get("limit")
        limit = USUAL if text is None else LIMIT.value("limit", text)
        if not 1 <= limit <= MOST:
            raise bad("limit", f"limit is from 1 to {MOST}.", fix=f"Ask for {MOST} at most, then follow next.")
        return int(limit)

    def get_ordering(self, request: Any, queryset: QuerySet[Any], view: Any) -> tuple[str, ...]:
        order = request.query_params.get("order", "desc" if view.newest_first else "asc")
        return ("-pk",) if order == "desc" else ("pk",)

    def decode_cursor(self, request: Any) -> Cursor | None:
        text = request.query_params.get("cursor")
        return None if text is None else Cursor(offset=0, reverse=False, position=opened(text))

    def encode_cursor(self, cursor: Cursor) -> str:
        """The address of the next page: the same request, with the cursor."""
        given = {name: self.request.query_params[name] for name in self.request.query_params}
        query = urlencode({**given, "cursor": sealed(cursor.position)})
        return f"{self.request.build_absolute_uri(self.request.path)}?{query}"

    def get_paginated_response(self, data: Any) -> Response:
        following = self.get_next_link()
        headers = {"Link": f'<{following}>; rel="next"'} if following else {}
        return Response({"results": data, "next": following}, headers=headers)

    def get_paginated_response_schema(self, schema: dict[str, Any]) -> dict[str, Any]:
        following = {"type": ["string", "null"], "format": "uri", "description": "The next page; null at the end."}
        return {
            "type": "object",
            "properties": {"results": schema, "next": following},
            "required": ["results", "next"],
            "additionalProperties": False,
        }

    def get_schema_operation_parameters(self, view: Any) -> list[dict[str, Any]]:
        return [
            {"name": name, "in": "query", "required": False, "description": each.about, "schema": each.kind.schema}
            for name, each in PARAMETERS.items()
        ]


def sealed(pk: int | str) -> str:
    """Opaque on purpose: what it holds may change."""
    return base64.urlsafe_b64encode(f"after:{pk}".encode()).decode().rstrip("=")


def opened(cursor: str) -> int:
    """The row that a page begins after.  Raises RequestRefused."""
    try:
        text = base64.urlsafe_b64decode(cursor + "=" * (-len(cursor) % 4)).decode("ascii")
    except ValueError:
        text = ""
    word, _, number = text.partition(":")
    if word != "after" or not re.fullmatch("[0-9]{1,19}", number, re.ASCII) or int(number) > LARGEST:
        raise bad("cursor", "This cursor was not given by this server.", fix="Begin without one, then follow next.")
    return int(number)
