"""What may a body hold?  Every field has a type and a sentence; an unknown field is refused, not ignored."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any, ClassVar

from drf_spectacular.drainage import set_override
from drf_spectacular.extensions import OpenApiSerializerExtension
from rest_framework import fields, serializers

from dashboard.api.errors import bad
from dashboard.api.filters import TEXT, Kind

LONGEST = 500  # characters of a text


class StrictField(fields.Field):
    """Refuses a value of another JSON type by name, where the framework would convert it."""

    python_type: ClassVar[type]
    json_type: ClassVar[str]

    def run_validation(self, data: Any = fields.empty) -> Any:
        if data is not fields.empty:
            self.check(data)
        return super().run_validation(data)

    def check(self, data: Any) -> None:
        """Raises RequestRefused."""
        if type(data) is not self.python_type:
            name, kind = self.field_name, self.json_type
            raise bad(name, f"{name} is not of the type {kind}.", fix=f"Send {name} as {kind}: {self.help_text}")


class TextField(StrictField, fields.CharField):
    """A text of some kind, as it was sent."""

    python_type, json_type = str, "string"

    def __init__(self, *, kind: Kind = TEXT, longest: int = LONGEST, **options: Any) -> None:
        super().__init__(allow_blank=kind == TEXT, trim_whitespace=False, **options)
        self.kind, self.longest = kind, longest
        set_override(self, "field", text_schema(kind, longest))

    def check(self, data: Any) -> None:
        super().check(data)
        check_text(self.field_name, data, kind=self.kind, longest=self.longest)


class TextsField(StrictField, fields.ListField):
    """A list of texts."""

    python_type, json_type = list, "array"

    def __init__(self, *, longest: int = LONGEST, **options: Any) -> None:
        super().__init__(**options)
        self.longest = longest
        texts = {"type": "array", "items": text_schema(TEXT, longest), "minItems": 1, "maxItems": 20}
        set_override(self, "field", texts)

    def check(self, data: Any) -> None:
        super().check(data)
        for text in data:
            check_text(self.field_name, text, kind=TEXT, longest=self.longest)


class FlagField(StrictField, fields.BooleanField):
    python_type, json_type = bool, "boolean"


class ObjectField(StrictField, fields.DictField):
    """An object that whoever acts on it checks; `properties` is what the documentation has of each of its fields."""

    python_type, json_type = dict, "object"

    def __init__(self, *, properties: Mapping[str, Any], **options: Any) -> None:
        super().__init__(**options)
        shape = {"type": "object", "properties": dict(properties), "required": list(properties)}
        set_override(self, "field", {**shape, "additionalProperties": False})


def text_schema(kind: Kind, longest: int) -> dict[str, Any]:
    schema = {"type": "string", "maxLength": longest}
    return schema if kind == TEXT else {**schema, "pattern": f"^({kind.pattern})$"}


def check_text(name: str, text: Any, *, kind: Kind, longest: int) -> None:
    """Raises RequestRefused for a text that is too long, cannot be stored, or is not of its kind."""
    halves = isinstance(text, str) and any("\ud800" <= letter <= "\udfff" for letter in text)
    if not isinstance(text, str) or len(text) > longest or "\0" in text or halves:
        raise bad(name, f"{name} holds no usable text.", fix=f"At most {longest} characters, without NUL.")
    if not re.fullmatch(kind.pattern, text, re.ASCII):
        raise bad(name, f"{name} is not {kind.says}.", fix=f"Send {name} as {kind.says}.")


class BodySerializer(serializers.Serializer[Any]):
    """Reads the body of a request.  Raises RequestRefused for an unknown or a missing field, and for a bad value."""

    def to_internal_value(self, data: Mapping[str, Any]) -> Any:
        known = self.fields
        unknown = sorted(set(data) - set(known))
        if unknown:
            shown = unknown[0][:40] if unknown[0].isascii() and unknown[0].isprintable() else "of this name"
            fix = f"Leave it out; known are {', '.join(known)}."
            raise bad(shown, f"There is no field {shown}.", fix=fix, code="unknown_field")
        missing = [name for name, field in known.items() if field.required and name not in data]
        if missing:
            name = missing[0]
            raise bad(name, f"{name} is missing.", fix=str(known[name].help_text), code="missing_field")
        return super().to_internal_value(data)


class BodySchema(OpenApiSerializerExtension):
    """An unknown field is refused, and the documentation says so."""

    target_class = BodySerializer
    match_subclasses = True

    def map_serializer(self, auto_schema: Any, direction: Any) -> dict[str, Any]:
        schema = auto_schema._map_serializer(self.target, direction, bypass_extensions=True)
        return {**schema, "additionalProperties": False}
