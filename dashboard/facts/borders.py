"""How does one fact become the row of a page, of the API, of a bundle?  Field by field, by the same name."""

from __future__ import annotations

from dataclasses import fields
from typing import Any, TypeVar

Shape = TypeVar("Shape")


def shown_as(shape: type[Shape], facts: Any, **others: Any) -> Shape:
    """A `shape` with every field that `facts` has by the same name; `others` are its own, or another value's.

    So a field that is added to the facts and to a shape is carried over by no further line.
    """
    known = {field.name for field in fields(facts)} - set(others)
    names = [field.name for field in fields(shape) if field.name in known]  # type: ignore[arg-type]
    return shape(**{name: getattr(facts, name) for name in names}, **others)
