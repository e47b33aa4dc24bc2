"""What does the OpenAPI document say of an address?  drf-spectacular reads it off the view; here is what it cannot."""

from __future__ import annotations

import json
import re
from functools import cache
from pathlib import Path
from typing import Any, Literal

from drf_spectacular.extensions import OpenApiAuthenticationExtension
from drf_spectacular.openapi import AutoSchema
from drf_spectacular.plumbing import ResolvedComponent
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import OpenApiExample, OpenApiParameter, OpenApiResponse

from dashboard.api import refusals
from dashboard.api.auth import ByHotkey, ByToken
from dashboard.api.filters import Parameter
from dashboard.api.rendering import PARQUET
from dashboard.api.serializers import RowSerializer, field_names

Schema = dict[str, Any]
SUCCESS = {"GET": 200, "POST": 201, "DELETE": 204}
HEADERS = (
    OpenApiParameter(
        "RateLimit", str, "header", description='What is left: `"address";r=597;t=41`.', response=[200, 201, 204]
    ),
    OpenApiParameter(
        "RateLimit-Policy",
        str,
        "header",
        description='What is allowed: `"address";q=600;w=60`.',
        response=[200, 201, 204],
    ),
    OpenApiParameter("Retry-After", str, "header", description="Seconds.", response=refusals.RETRIED),
)
ETAG = OpenApiParameter(
    "ETag", str, "header", description="Send it back as If-None-Match: unchanged costs a 304.", response=[200]
)


class Described(AutoSchema):
    """One operation of a view; its words are the docstring's, its parameters those that the view checks."""

    def get_operation_id(self) -> str:
        name = re.sub(r"(?<!^)(?=[A-Z])", "_", type(self.view).__name__.removesuffix("List")).lower()
        return name if self.method == "GET" else f"{name}_{self.method.lower()}"

    def get_tags(self) -> list[str]:
        return [self.view.group]

    def get_summary(self) -> str:
        return self._paragraphs()[0]

    def get_description(self) -> str:
        return "\n\n".join(self._paragraphs())

    def _paragraphs(self) -> list[str]:
        """Of the docstring of the method, else of the view."""
        own = getattr(type(self.view), self.method.lower()).__doc__ if self.method != "GET" else ""
        text = (own or type(self.view).__doc__ or "").strip()
        return [" ".join(part.split()) for part in re.split(r"\n\s*\n", text)]

    def get_override_parameters(self) -> list[Any]:
        """What the filters and the pages do not declare: the address, the fields, the format, and headers."""
        view, in_path = self.view, re.findall(r"{(\w+)}", self.path)
        parameters = [_parameter(name, view.in_path[name], "path") for name in in_path]
        if self.method != "GET":
            return [*parameters, *HEADERS]
        parameters += [_parameter(name, each, "query") for name, each in view.in_query.items()]
        listed = {
            "type": "array",
            "items": {"type": "string", "enum": list(field_names(view.dataclass))},
            "minItems": 1,
        }
        about = "Only these fields of each row, with commas between them."
        formats = {"type": "string", "enum": self.map_renderers("format")}
        return [
            *parameters,
            OpenApiParameter("fields", listed, description=about, style="form", explode=False),
            OpenApiParameter("format", formats, description="Instead of an Accept header."),
            *HEADERS,
            *([] if view.private else [ETAG]),
        ]

    def get_request_serializer(self) -> Any:
        return getattr(self.view, "body_class", None)

    def get_response_serializers(self) -> dict[Any, Any]:
        view, status = self.view, SUCCESS[self.method]
        possible = refusals.of(self.method, private=view.private, more=view.refuses)
        responses = self._success(status)
        if self.method == "GET" and not view.private:
            responses[304] = OpenApiResponse(None, "Nothing changed since the ETag you sent.")
        error = ResolvedComponent("Error", ResolvedComponent.SCHEMA, schema=refusals.SCHEMA, object="Error")
        self.registry.register_on_missing(error)
        for each in possible:
            case = refusals.CASES[each]
            example = OpenApiExample(case.code, refusals.example(each))
            responses[each, "application/json"] = OpenApiResponse(error.ref, case.about, [example])
        return responses

    def _success(self, status: int) -> dict[Any, Any]:
        if self.method == "DELETE":
            return {status: OpenApiResponse(None, "It is gone.")}
        if self.method == "POST":
            created = RowSerializer(dataclass=self.view.created_dataclass)
            return {(status, "application/json"): OpenApiResponse(created, "Done.")}
        types = {"text/csv": OpenApiTypes.STR, PARQUET: OpenApiTypes.BINARY}
        answer = {"application/json": RowSerializer(dataclass=self.view.dataclass)} | types
        return {
            (status, media_type): OpenApiResponse(answer[media_type], "The answer.")
            for media_type in self.map_renderers("media_type")
        }


def _parameter(name: str, parameter: Parameter, place: Literal["path", "query"]) -> OpenApiParameter:
    return OpenApiParameter(name, parameter.kind.schema, place, description=parameter.about)


class HotkeyScheme(OpenApiAuthenticationExtension):
    """Epistula binds no address, so it changes nothing."""

    target_class = ByHotkey
    name = ["hotkeySignature", "epistula"]

    def get_security_requirement(self, auto_schema: Any) -> Any:
        if not auto_schema.view.private:
            return None
        ways = self.name if auto_schema.method == "GET" else self.name[:1]
        return [{name: []} for name in ways]

    def get_security_definition(self, auto_schema: Any) -> list[Schema]:
        return [
            {
                "type": "apiKey",
                "in": "header",
                "name": "Gauntlet-Signature",
                "description": "With Gauntlet-Hotkey, Gauntlet-Timestamp and Gauntlet-Nonce: the sr25519 signature in "
                "hex over `gauntlet/1`, method, host, path with query, sha256 of the body in hex, timestamp and nonce, "
                "one per line. Docs: docs/api/signatures.md.",
            },
            {
                "type": "apiKey",
                "in": "header",
                "name": "Epistula-Request-Signature",
                "description": "Epistula v2, for reads only: it binds neither method nor address.",
            },
        ]


class TokenScheme(OpenApiAuthenticationExtension):
    """Only where the view has a scope."""

    target_class = ByToken
    name = "token"

    def get_security_requirement(self, auto_schema: Any) -> Any:
        return {"token": []} if getattr(auto_schema.view, "scope", "") else None

    def get_security_definition(self, auto_schema: Any) -> Schema:
        return {"type": "http", "scheme": "bearer", "description": "For staff and services: `manage.py api_token`."}


@cache
def examples() -> dict[str, Any]:
    """Operation -> a real answer, as it was recorded over the competition that the tests make."""
    return dict(json.loads((Path(__file__).parent / "examples.json").read_text()))


def ours(endpoints: list[Any]) -> list[Any]:
    """Drf-spectacular's first hook: the API, without the pages' JSON twins and without the catch-all."""
    return [each for each in endpoints if each[0].startswith("/api/v1/") and getattr(each[3].cls, "group", "")]


def with_examples(result: Schema, generator: Any, request: Any, public: bool) -> Schema:
    """Drf-spectacular's last hook: each operation's recorded answer."""
    for operations in result["paths"].values():
        for operation in operations.values():
            example = examples().get(operation["operationId"])
            if example is not None:
                status = next(status for status in operation["responses"] if status.startswith("2"))
                operation["responses"][status]["content"]["application/json"]["example"] = example
    return result
