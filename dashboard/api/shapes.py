"""What may an answer hold?  The JSON Schema of a dataclass as `twin` writes it, with a sentence for every field."""

from __future__ import annotations

import dataclasses
import types
from collections.abc import Mapping, Sequence
from datetime import datetime
from fractions import Fraction
from typing import Annotated, Any, Literal, Union, get_args, get_origin, get_type_hints

Schema = dict[str, Any]
SIMPLE: Mapping[Any, Schema] = {
    str: {"type": "string"},
    int: {"type": "integer"},
    float: {"type": "number"},
    bool: {"type": "boolean"},
    datetime: {"type": "string", "format": "date-time"},
    Fraction: {"type": "string", "pattern": r"^-?\d+(/\d+)?$"},
    type(None): {"type": "null"},
    Any: {},
}
COMPONENTS: dict[str, type] = {}


def reference(shape: type) -> Schema:
    """A pointer to the component of this dataclass, which is registered with all it is made of."""
    known = COMPONENTS.setdefault(shape.__name__, shape)
    if known is not shape:
        raise TypeError(f"two shapes are named {shape.__name__}: {known.__module__} and {shape.__module__}")
    return {"$ref": f"#/components/schemas/{shape.__name__}"}


def components() -> dict[str, Schema]:
    """Every registered component; writing one may register more."""
    written: dict[str, Schema] = {}
    while left := [name for name in COMPONENTS if name not in written]:
        for name in left:
            written[name] = component(COMPONENTS[name])
    return dict(sorted(written.items()))


def component(shape: type) -> Schema:
    """All fields are always there: what is not known is null or empty, never missing (but for `?fields=`)."""
    properties: dict[str, Schema] = {}
    for name, hint in hints(shape).items():
        properties[name] = of(hint)
        if Fraction in _parts(hint):
            about = f"`{name}` as a decimal number."
            properties[f"{name}_rounded"] = {"type": ["number", "null"], "description": about}
    return {
        "type": "object",
        "description": (shape.__doc__ or "").strip(),
        "properties": properties,
        "additionalProperties": False,
    }


def hints(shape: type) -> dict[str, Any]:
    told = get_type_hints(shape, include_extras=True)
    return {f.name: told[f.name] for f in dataclasses.fields(shape) if not f.name.startswith("_")}


def of(hint: Any) -> Schema:
    """The schema of one type; `Annotated[int, "how many"]` carries the sentence."""
    if get_origin(hint) is Annotated:
        inner, *about = get_args(hint)
        schema = of(inner)
        description = " ".join(text for text in about if isinstance(text, str))
        return (
            {"allOf": [schema], "description": description}
            if "$ref" in schema
            else {**schema, "description": description}
        )
    if hint in SIMPLE:
        return dict(SIMPLE[hint])
    if dataclasses.is_dataclass(hint) and isinstance(hint, type):
        return reference(hint)
    return _composed(get_origin(hint), get_args(hint), hint)


def _composed(origin: Any, args: tuple[Any, ...], hint: Any) -> Schema:
    if origin in (Union, types.UnionType):
        return _one_of([of(arg) for arg in args])
    if origin is Literal:
        return {"type": "string", "enum": list(args)}
    if origin is tuple and len(args) == 2 and args[1] is not Ellipsis:
        return {"type": "array", "items": of(args[0]), "minItems": 2, "maxItems": 2}
    if origin in (tuple, list, Sequence):
        return {"type": "array", "items": of(args[0])}
    if origin in (dict, Mapping) or hint in (dict, Mapping):
        return {"type": "object", "additionalProperties": of(args[1]) if args else True}
    raise TypeError(f"no schema is known for {hint!r}")


def _one_of(schemas: list[Schema]) -> Schema:
    """`X | None` of a plain type is one type with null."""
    if all(set(schema) <= {"type", "format", "pattern"} and isinstance(schema.get("type"), str) for schema in schemas):
        merged = {key: value for schema in schemas for key, value in schema.items()}
        return {**merged, "type": [schema["type"] for schema in schemas]}
    return {"anyOf": schemas}


def _parts(hint: Any) -> set[Any]:
    """A type and what it is made of, as far as the field itself may be it."""
    if get_origin(hint) is Annotated:
        return _parts(get_args(hint)[0])
    if get_origin(hint) in (Union, types.UnionType):
        return {part for arg in get_args(hint) for part in _parts(arg)}
    return {hint} if not get_args(hint) else set()


def field_names(shape: type) -> list[str]:
    """The names that `?fields=` may choose from."""
    return list(component(shape)["properties"])
