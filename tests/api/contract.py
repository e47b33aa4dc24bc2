"""Does an answer look as the OpenAPI document says?"""

from __future__ import annotations

import re
from functools import cache
from typing import Any

import jsonschema
from django.test import Client
from drf_spectacular.generators import SchemaGenerator


@cache
def document() -> dict[str, Any]:
    return dict(SchemaGenerator().get_schema(request=None, public=True))


def operation(path: str, method: str) -> dict[str, Any]:
    """Of the template that this path is one of; the most literal template wins."""
    plain = path.partition("?")[0]
    found = [
        (template.count("{"), operations[method.lower()])
        for template, operations in document()["paths"].items()
        if re.fullmatch(re.sub(r"{\w+}", "[^/]+", template), plain) and method.lower() in operations
    ]
    assert found, f"{method} {plain} is not documented"
    return min(found, key=lambda pair: pair[0])[1]


def check(path: str, answer: Any, *, method: str = "GET") -> Any:
    """The decoded body, once it is what the document promises for this status."""
    told = operation(path, method)["responses"]
    status = str(answer.status_code)
    assert status in told, f"{method} {path} answered {status}, which is not documented: {answer.content[:300]!r}"
    if status in ("204", "304"):
        assert answer.content == b""
        return None
    schema = told[status]["content"]["application/json"]["schema"]
    validator = jsonschema.Draft202012Validator({**schema, "components": document()["components"]})
    body = answer.json()
    errors = sorted(validator.iter_errors(body), key=lambda error: list(error.path))
    assert not errors, f"{method} {path}: {errors[0].json_path}: {errors[0].message[:400]}"
    return body


def get(client: Client, path: str, *, status: int = 200, **more: Any) -> Any:
    answer = client.get(path, **more)
    assert answer.status_code == status, (path, answer.status_code, answer.content[:500])
    return check(path, answer)
