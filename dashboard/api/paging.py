"""Where does the next page begin?  After a row, not after a number of rows: what is added meanwhile shifts nothing."""

from __future__ import annotations

import base64
import binascii
import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlencode

from django.db.models import QuerySet

from dashboard.api.errors import bad
from dashboard.api.filters import LARGEST, Kind, one_of

USUAL, MOST = 50, 200
LIMIT = Kind("limit", r"[0-9]{1,4}", f"a whole number from 1 to {MOST}", int, most=MOST)
CURSOR = Kind("cursor", r"[A-Za-z0-9_-]{1,40}", "the cursor of an answer's next address")
ORDER = one_of("asc", "desc")
KINDS: Mapping[str, Kind] = {"limit": LIMIT, "cursor": CURSOR, "order": ORDER}


@dataclass(frozen=True)
class Cut:
    rows: list[Any]
    following: str  # the cursor after the last row; "" at the end


def cut(rows: QuerySet[Any], values: Mapping[str, Any], *, newest_first: bool) -> Cut:
    """One page in the order of the primary key.  Raises RequestRefused for a limit or a cursor that is none."""
    limit = values.get("limit", USUAL)
    if not 1 <= limit <= MOST:
        raise bad("limit", f"limit is from 1 to {MOST}.", fix=f"Ask for {MOST} at most, then follow next.")
    down = values.get("order", "desc" if newest_first else "asc") == "desc"
    if "cursor" in values:
        after = opened(values["cursor"])
        rows = rows.filter(pk__lt=after) if down else rows.filter(pk__gt=after)
    found = list(rows.order_by("-pk" if down else "pk")[: limit + 1])
    return Cut(found[:limit], sealed(found[limit - 1].pk) if len(found) > limit else "")


def sealed(pk: int) -> str:
    """Opaque on purpose: what it holds may change."""
    return base64.urlsafe_b64encode(f"after:{pk}".encode()).decode().rstrip("=")


def opened(cursor: str) -> int:
    try:
        word, _, number = base64.urlsafe_b64decode(cursor + "=" * (-len(cursor) % 4)).decode("ascii").partition(":")
    except (binascii.Error, ValueError):
        word, number = "", ""
    if word != "after" or not re.fullmatch("[0-9]{1,19}", number, re.ASCII) or int(number) > LARGEST:
        raise bad("cursor", "This cursor was not given by this server.", fix="Begin without one, then follow next.")
    return int(number)


def next_url(base: str, params: Mapping[str, str], cursor: str) -> str | None:
    """The address of the next page: the same question, with the cursor."""
    return f"{base}?{urlencode({**params, 'cursor': cursor})}" if cursor else None
