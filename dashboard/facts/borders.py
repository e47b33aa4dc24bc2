"""How does one fact become the row of a page, of the API, of a bundle?  Field by field, by the same name."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import fields
from functools import cache
from typing import Any, TypeVar, get_type_hints

Shape = TypeVar("Shape")
NOT_THERE = object()
NAMED_BY_URL = "its url and its place on the page name it"
NOT_IN_BUNDLE = object()
"""In the `Annotated` of a fact's field: it depends on luck (which worker was quick, what failed), and a bundle holds
only what follows from the round."""


def names_of(facts: type) -> dict[str, Any]:
    """Fields and addresses, each with its type and its words."""
    named = {name: hint for name, hint in get_type_hints(facts, include_extras=True).items() if name[0] != "_"}
    addresses = {name: value for name, value in vars(facts).items() if isinstance(value, property)}
    return named | {name: get_type_hints(value.fget)["return"] for name, value in addresses.items()}


def row_of(facts: type, *, but: Mapping[str, str]) -> Callable[[type[Shape]], type[Shape]]:
    """The class is a row that shows `facts`: whatever it does not declare itself it gets from there.

    `but`: reason -> the fields that it does without.  Stands below `@dataclass`.  So a field that is added to the facts
    is a field of every page's row, of its JSON twin and CSV, and of the API's, by no further line.
    Raises TypeError where the row leaves out what it declares, or what the facts do not have.
    """

    def completed(shape: type[Shape]) -> type[Shape]:
        left_out = {name for names in but.values() for name in names.split()}
        own, there = shape.__annotations__, names_of(facts)
        if wrong := sorted(left_out & own.keys() | left_out - there.keys()):
            raise TypeError(f"{shape.__name__} leaves out {wrong}, which it has, or {facts.__name__} has not")
        shape.left_out = but  # type: ignore[attr-defined]
        own.update({name: hint for name, hint in there.items() if name not in own and name not in left_out})
        return shape

    return completed


@cache
def field_names(shape: type) -> tuple[str, ...]:
    return tuple(field.name for field in fields(shape))


def shown_as(shape: type[Shape], facts: Any, **others: Any) -> Shape:
    """A `shape` with every field that `facts` has by the same name; `others` are its own, or another value's.

    `facts`: facts of something, or the row of the database itself: whose column is read where `others` has no value.
    Addresses are properties of the facts: a worker that writes a bundle asks for none, and loads none of the site's
    views.
    """
    for name in field_names(shape):  # type: ignore[arg-type]
        if name not in others and (value := getattr(facts, name, NOT_THERE)) is not NOT_THERE:
            others[name] = value
    return shape(**others)
