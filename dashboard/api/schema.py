"""What does the OpenAPI document say of an address?  What its view declares: nothing is written twice."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from functools import cache
from pathlib import Path
from typing import Any

from drf_spectacular.openapi import AutoSchema

from dashboard.api import refusals, shapes
from dashboard.api.bodies import Takes
from dashboard.api.filters import COMMIT, ENTRY, HOTKEY, LONGEST, ROUND, SHA256, SLUG, STEM, UUID, WORD, Kind, one_of
from dashboard.api.rendering import PARQUET

Schema = dict[str, Any]
MATCH_KINDS = one_of("screen", "ladder", "audit", "title")
PATHS: Mapping[str, tuple[Kind, str]] = {
    "competition": (SLUG, "The competition's short name."),
    "number": (ROUND, "The round's number."),
    "entry": (ENTRY, "`leader`, or a challenger's hotkey."),
    "hotkey": (HOTKEY, "A hotkey."),
    "defender": (ENTRY, "`leader`, or a hotkey."),
    "challenger": (ENTRY, "A hotkey (`leader` only for a match of the leader with itself)."),
    "kind": (MATCH_KINDS, "The kind of match."),
    "stem": (STEM, "The prompt's name."),
    "sha256": (SHA256, "Of the file."),
    "commit": (COMMIT, "Of the code."),
    "name": (WORD, "A name."),
    "subscription": (UUID, "The webhook's id."),
    "delivery": (UUID, "The delivery's id."),
}
HEADERS: Schema = {
    "RateLimit": {"schema": {"type": "string"}, "description": 'What is left: `"address";r=597;t=41`.'},
    "RateLimit-Policy": {"schema": {"type": "string"}, "description": 'What is allowed: `"address";q=600;w=60`.'},
}
VALIDATORS: Schema = {
    "ETag": {"schema": {"type": "string"}, "description": "Send it back as If-None-Match: unchanged costs a 304."}
}


@cache
def examples() -> dict[str, Any]:
    """Operation -> a real answer, as it was recorded over the competition that the tests make."""
    return dict(json.loads((Path(__file__).parent / "examples.json").read_text()))


class Described(AutoSchema):
    """One operation, from the attributes of its view."""

    def get_operation(
        self, path: str, path_regex: str, path_prefix: str, method: str, registry: Any
    ) -> dict[str, Any] | None:
        self.path, self.method = path, method.upper()
        if self.method == "HEAD" or not self.view.group:
            return None
        operation = {
            "operationId": self._id(),
            "summary": self._words()[0],
            "description": "\n\n".join(self._words()),
            "tags": [self.view.group],
            "parameters": self._parameters(),
            "responses": self._responses(),
        }
        takes = getattr(self.view, "takes", None)
        if self.method == "POST" and takes is not None:
            operation["requestBody"] = {"required": True, "content": {"application/json": _media(takes)}}
        if self.view.private:
            operation["security"] = self._security()
        return operation

    def _security(self) -> list[Schema]:
        """Epistula binds no address, so it changes nothing; a token only where the view has a scope."""
        ways: list[Schema] = [{"hotkeySignature": []}]
        ways += [{"epistula": []}] if self.method == "GET" else []
        return ways + ([{"token": []}] if getattr(self.view, "scope", "") else [])

    def _id(self) -> str:
        name = re.sub(r"(?<!^)(?=[A-Z])", "_", type(self.view).__name__).lower()
        return name if self.method == "GET" else f"{name}_{self.method.lower()}"

    def _words(self) -> list[str]:
        """The docstring of the method, else of the view, paragraph by paragraph."""
        own = getattr(type(self.view), self.method.lower()).__doc__ if self.method != "GET" else ""
        text = (own or type(self.view).__doc__ or "").strip()
        return [" ".join(part.split()) for part in re.split(r"\n\s*\n", text)]

    def _parameters(self) -> list[Schema]:
        found = [_parameter(name, *PATHS[name], place="path") for name in re.findall(r"{(\w+)}", self.path)]
        if self.method != "GET":
            return found
        abouts = {**PAGING, **self.view.about, **{n: f.about for n, f in getattr(self.view, "filters", {}).items()}}
        found += [_parameter(name, kind, abouts.get(name, ""), place="query") for name, kind in self.view.kinds.items()]
        if "fields" in self.view.besides:
            found.append(_fields(self.view.shape))
        formats = [renderer.format for renderer in self.view.renderer_classes]
        found.append(_query("format", {"type": "string", "enum": formats}, "Instead of an Accept header."))
        return found

    def _responses(self) -> Schema:
        view, code = self.view, {"GET": "200", "POST": "201", "DELETE": "204"}[self.method]
        answers: Schema = {code: self._success()}
        if self.method == "GET" and not view.private:
            answers["304"] = {"description": "Nothing changed since the ETag you sent."}
        possible = refusals.of(self.method, has_path="{" in self.path, private=view.private, more=view.refuses)
        return {**answers, **{str(status): refusals.response(status) for status in possible}}

    def _success(self) -> Schema:
        if self.method == "DELETE":
            return {"description": "It is gone.", "headers": HEADERS}
        reads = self.method == "GET"
        schema = shapes.reference(self.view.shape if reads else self.view.gives)
        tabular = reads and any(renderer.format == "csv" for renderer in self.view.renderer_classes)
        paged = reads and hasattr(self.view, "rows")
        content = {"application/json": {"schema": _page(schema) if paged else schema}}
        example = examples().get(self._id())
        if example is not None:
            content["application/json"]["example"] = example
        if tabular:
            content["text/csv"] = {"schema": {"type": "string"}}
            content[PARQUET] = {"schema": {"type": "string", "format": "binary"}}
        headers = HEADERS | (VALIDATORS if reads and not self.view.private else {})
        return {"description": "The answer." if reads else "Done.", "content": content, "headers": headers}


PAGING = {
    "limit": "Rows of a page.",
    "cursor": "Where the page begins: take it from `next`.",
    "order": "Oldest or newest first.",
}


def _page(row: Schema) -> Schema:
    return {
        "type": "object",
        "properties": {
            "results": {"type": "array", "items": row},
            "next": {"type": ["string", "null"], "format": "uri", "description": "The next page; null at the end."},
        },
        "required": ["results", "next"],
        "additionalProperties": False,
    }


def _media(takes: Takes) -> Schema:
    return {"schema": takes.schema, "example": takes.example}


def _parameter(name: str, kind: Kind, about: str, *, place: str) -> Schema:
    told = {"name": name, "in": place, "required": place == "path", "description": about or kind.says}
    return {**told, "schema": kind_schema(kind)}


def kind_schema(kind: Kind) -> Schema:
    if kind.name == "choice":
        return {"type": "string", "enum": [word.replace("\\", "") for word in kind.pattern.split("|")]}
    if kind.name == "flag":
        return {"type": "string", "enum": ["true", "false"]}
    if kind.number:
        return {"type": "integer", "minimum": 0, "maximum": kind.most}
    if kind.name == "limit":
        return {"type": "integer", "minimum": 1, "maximum": kind.most}
    return {"type": "string", "pattern": f"^({kind.pattern})$", "maxLength": LONGEST}


def _query(name: str, schema: Schema, about: str) -> Schema:
    return {"name": name, "in": "query", "required": False, "description": about, "schema": schema}


def _fields(shape: type) -> Schema:
    listed = {"type": "array", "items": {"type": "string", "enum": shapes.field_names(shape)}, "minItems": 1}
    about = "Only these fields of each row, with commas between them."
    return _query("fields", listed, about) | {"style": "form", "explode": False}


def ours(endpoints: list[Any]) -> list[Any]:
    """Drf-spectacular's first hook: the API, without the pages' JSON twins and without the catch-all."""
    return [each for each in endpoints if each[0].startswith("/api/v1/") and getattr(each[3].cls, "group", "")]


def finished(result: Schema, generator: Any, request: Any, public: bool) -> Schema:
    """Drf-spectacular's last hook: the components that the operations point to, and how requests are signed."""
    parts = result.setdefault("components", {})
    parts["schemas"] = {**parts.get("schemas", {}), **shapes.components(), "Error": refusals.SCHEMA}
    parts["securitySchemes"] = {
        "hotkeySignature": {
            "type": "apiKey",
            "in": "header",
            "name": "Gauntlet-Signature",
            "description": "With Gauntlet-Hotkey, Gauntlet-Timestamp and Gauntlet-Nonce: the sr25519 signature in hex "
            "over `gauntlet/1`, method, host, path with query, sha256 of the body in hex, timestamp and nonce, one per "
            "line. Docs: docs/api/signatures.md.",
        },
        "epistula": {
            "type": "apiKey",
            "in": "header",
            "name": "Epistula-Request-Signature",
            "description": "Epistula v2, for reads only: it binds neither method nor address.",
        },
        "token": {"type": "http", "scheme": "bearer", "description": "For staff and services: `manage.py api_token`."},
    }
    return result
