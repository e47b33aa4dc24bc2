"""What may a body say?  Every field has a type and a sentence; an unknown field is refused, not ignored."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from dashboard.api.errors import bad
from dashboard.api.filters import Kind

Schema = dict[str, Any]


@dataclass(frozen=True, kw_only=True)
class Field:
    """`kind`: of a text, or of each text of a list.  `schema` overrides what the documentation says."""

    about: str
    type: type = str
    kind: Kind | None = None
    required: bool = False
    most: int = 500
    schema: Mapping[str, Any] = field(default_factory=dict)

    def told(self) -> Schema:
        plain: Schema = {"type": JSON_TYPES[self.type], "description": self.about}
        text: Schema = {"type": "string", "maxLength": self.most}
        if self.kind is not None and self.kind.name != "text":
            text["pattern"] = f"^({self.kind.pattern})$"
        if self.type is str:
            plain |= text
        if self.type is list:
            plain |= {"items": text, "minItems": 1, "maxItems": 20}
        return {**plain, **self.schema}

    def check(self, name: str, value: Any) -> Any:
        if type(value) is not self.type:
            says = JSON_TYPES[self.type]
            raise bad(name, f"{name} is not of the type {says}.", fix=f"Send {name} as {says}: {self.about}")
        if self.type is str:
            self._text(name, value)
        for text in value if isinstance(value, list) else ():
            self._text(name, text)
        return value

    def _text(self, name: str, text: Any) -> None:
        if not isinstance(text, str) or len(text) > self.most or "\0" in text or not _plain(text):
            raise bad(name, f"{name} holds no usable text.", fix=f"At most {self.most} characters, without NUL.")
        if self.kind is not None and not re.fullmatch(self.kind.pattern, text, re.ASCII):
            raise bad(name, f"{name} is not {self.kind.says}.", fix=f"Send {name} as {self.kind.says}.")


JSON_TYPES = {str: "string", int: "integer", bool: "boolean", dict: "object", list: "array"}


@dataclass(frozen=True, kw_only=True)
class Takes:
    """What a call takes: its fields, and one body that would do."""

    fields: Mapping[str, Field]
    example: Mapping[str, Any]

    @property
    def schema(self) -> Schema:
        return {
            "type": "object",
            "properties": {name: each.told() for name, each in self.fields.items()},
            "required": [name for name, each in self.fields.items() if each.required],
            "additionalProperties": False,
        }

    def read(self, body: Mapping[str, Any]) -> dict[str, Any]:
        """The known fields.  Raises RequestRefused."""
        unknown = sorted(set(body) - set(self.fields))
        if unknown:
            shown = unknown[0][:40] if unknown[0].isascii() and unknown[0].isprintable() else "of this name"
            fix = f"Leave it out; known are {', '.join(self.fields)}."
            raise bad(shown, f"There is no field {shown}.", fix=fix, code="unknown_field")
        missing = [name for name, each in self.fields.items() if each.required and name not in body]
        if missing:
            raise bad(missing[0], f"{missing[0]} is missing.", fix=self.fields[missing[0]].about, code="missing_field")
        return {name: self.fields[name].check(name, value) for name, value in body.items()}


def _plain(text: str) -> bool:
    """No half of a surrogate pair: it cannot be kept."""
    return not any("\ud800" <= letter <= "\udfff" for letter in text)
