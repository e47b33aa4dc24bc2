"""How does a page's table open in a spreadsheet?  As CSV, with the names of the JSON twin."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Iterable, Mapping
from typing import Any

from django.http import HttpRequest, HttpResponse
from django.utils.decorators import method_decorator
from django.views.decorators.http import require_safe

from dashboard.facts.twins import twin
from dashboard.pages.answers import Facts, fresh

FORMULA = ("=", "+", "-", "@", "\t", "\r")  # a cell that begins so is computed by a spreadsheet


class Sheet:
    """`table` is the field of a page's facts that holds the rows: every field of a row is a column."""

    def __init__(self, facts: Facts, *, table: str) -> None:
        self.facts, self.table = facts, table

    @method_decorator(require_safe)
    def csv(self, request: HttpRequest, **named: Any) -> HttpResponse:
        facts = self.facts(request, **named)
        if isinstance(facts, HttpResponse):
            return facts
        return fresh(
            HttpResponse(written(getattr(facts, self.table), nested=True), content_type="text/csv; charset=utf-8")
        )


def written(rows: Iterable[Any], *, nested: bool = False) -> str:
    """One line per row; `{"miner": {"hotkey": "5…"}}` stands in a column `miner_hotkey`.

    `nested`: what a list holds besides plain values is written, too; the API's tables leave it to their JSON.
    """
    flat = [dict(_flat(twin(row), nested=nested)) for row in rows]
    columns = list(dict.fromkeys(name for row in flat for name in row))
    buffer = io.StringIO()
    writer = csv.writer(buffer, lineterminator="\n")
    writer.writerow(columns)
    writer.writerows([_cell(row.get(name)) for name in columns] for row in flat)
    return buffer.getvalue()


def _flat(row: Mapping[str, Any], *, nested: bool, before: str = "") -> Iterable[tuple[str, Any]]:
    for name, value in row.items():
        if isinstance(value, Mapping):
            yield from _flat(value, nested=nested, before=f"{before}{name}_")
        elif isinstance(value, list):
            shown = [item for item in value if nested or not isinstance(item, Mapping | list)]
            yield f"{before}{name}", " ".join(map(_item, shown))
        else:
            yield f"{before}{name}", value


def _item(item: Any) -> str:
    """One of several in a cell: a miner by its hotkey, any other object as JSON."""
    if isinstance(item, Mapping) and "hotkey" in item:
        return str(item["hotkey"])
    return json.dumps(item, ensure_ascii=False) if isinstance(item, Mapping | list) else str(item)


def _cell(value: Any) -> Any:
    """A text of a miner's must not become a formula of the reader's."""
    if isinstance(value, str) and value.startswith(FORMULA) and not value[1:].replace("/", "").isdigit():
        return f"'{value}"
    return value
