"""How does a table leave: as JSON, as CSV for a spreadsheet, as Parquet for a data frame?"""

from __future__ import annotations

import io
import json
from collections.abc import Mapping
from typing import Any

from rest_framework.renderers import BaseRenderer, JSONRenderer

from dashboard.pages import csv_tables

PARQUET = "application/vnd.apache.parquet"


class Json(JSONRenderer):
    charset = "utf-8"


class Csv(BaseRenderer):
    media_type, format, charset = "text/csv", "csv", "utf-8"

    def render(self, data: Any, accepted_media_type: str | None = None, renderer_context: Any = None) -> bytes:
        return csv_tables.written(data["results"]).encode()


class Parquet(BaseRenderer):
    """Texts, whole numbers, fractions of them and yes-no stay what they are; what is nested is JSON text."""

    media_type, format, charset, render_style = PARQUET, "parquet", None, "binary"

    def render(self, data: Any, accepted_media_type: str | None = None, renderer_context: Any = None) -> bytes:
        import pyarrow as pa  # 100 MB of memory that a process needs only once somebody asks for this
        import pyarrow.parquet as pq

        rows = data["results"]
        names = list(dict.fromkeys(name for row in rows for name in row))
        columns = {name: pa.array(_column([row.get(name) for row in rows])) for name in names}
        buffer = io.BytesIO()
        pq.write_table(pa.table(columns), buffer, compression="zstd")
        return buffer.getvalue()


def _column(values: list[Any]) -> list[Any]:
    """One type in a column: numbers of both kinds become floats, whatever else is mixed or nested becomes text."""
    kinds = {type(value) for value in values if value is not None}
    if kinds <= {int} or kinds <= {bool} or kinds <= {str}:
        return values
    if kinds <= {int, float}:
        return [None if value is None else float(value) for value in values]
    return [
        value
        if value is None or isinstance(value, str)
        else json.dumps(value, ensure_ascii=False, default=str, sort_keys=isinstance(value, Mapping))
        for value in values
    ]
