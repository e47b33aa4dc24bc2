"""How does one fact become the row of a page, of the API, of a bundle?  Field by field, by the same name."""

from __future__ import annotations

from dataclasses import fields
from typing import Any, TypeVar

Shape = TypeVar("Shape")
NOT_THERE = object()


def shown_as(shape: type[Shape], facts: Any, **others: Any) -> Shape:
    """A `shape` with every field that `facts` has by the same name; `others` are its own, or another value's.

    So a field that is added to the facts and to a shape is carried over by no further line.  Addresses are properties
    of the facts: a worker that writes a bundle asks for none, and loads none of the site's views.
    """
    wanted = [field.name for field in fields(shape) if field.name not in others]  # type: ignore[arg-type]
    read = {name: getattr(facts, name, NOT_THERE) for name in wanted}
    return shape(**{name: value for name, value in read.items() if value is not NOT_THERE}, **others)
