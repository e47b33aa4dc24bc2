"""How are tens of thousands of rows written at once?  By PostgreSQL's COPY, in the transaction of the caller."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from typing import Any

from django.db import connection, models


def copy_rows(model: type[models.Model], rows: Iterable[Mapping[str, Any]]) -> int:
    """Insert rows given by column attribute (`match_id`, not `match`); what is left out takes the field's default.

    JSON must be given as text.  No signals, no primary keys back: for rows that nobody else can know of yet.
    """
    fields = [field for field in model._meta.concrete_fields if not field.primary_key]
    defaults = {field.attname: _plain(field) for field in fields}
    columns = ", ".join(connection.ops.quote_name(str(field.column)) for field in fields)
    table, written = connection.ops.quote_name(model._meta.db_table), 0
    with connection.cursor() as cursor, cursor.copy(f"COPY {table} ({columns}) FROM STDIN") as copy:
        for row in rows:
            copy.write_row([row.get(field.attname, defaults[field.attname]) for field in fields])
            written += 1
    return written


def _plain(field: models.Field[Any, Any]) -> Any:
    """The default as COPY takes it."""
    default = field.get_default()
    if isinstance(field, models.JSONField):
        return None if default is None else json.dumps(default)
    return field.get_db_prep_save(default, connection)
