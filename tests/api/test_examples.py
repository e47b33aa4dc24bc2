"""The recorded answers of the documentation are as new as the fields of their addresses."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from tests.api import contract


def missing(shape: Any, example: Any, at: str) -> Iterator[str]:
    """Fields that the document promises and the answer lacks.  `…_rounded` goes with a fraction that is set."""
    if "$ref" in shape:
        shape = contract.document()["components"]["schemas"][shape["$ref"].rpartition("/")[2]]
    for part in (*shape.get("allOf", ()), *shape.get("anyOf", ())):
        yield from missing(part, example, at)
    if isinstance(example, dict):
        for name, inner in shape.get("properties", {}).items():
            if name in example:
                yield from missing(inner, example[name], f"{at}.{name}")
            elif example.get(name.removesuffix("_rounded"), "") is not None:
                yield f"{at}.{name}"
    if isinstance(example, list) and "items" in shape:
        for each in example:
            yield from missing(shape["items"], each, at)


def test_no_example_is_older_than_the_fields_of_its_address() -> None:
    stale = {
        field: path
        for path, operations in contract.document()["paths"].items()
        for answer in (operations.get("get", {}).get("responses", {}).get("200", {}).get("content", {}),)
        for told in (answer.get("application/json", {}),)
        if "example" in told
        for field in missing(told["schema"], told["example"], path)
    }
    assert not stale, f"run `python -m tests.api.examples`: recorded before these fields were: {sorted(stale)}"
