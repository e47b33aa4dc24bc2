"""The written documentation is never behind the API."""

from __future__ import annotations

import re
from pathlib import Path

import jsonschema

from audits.decisions import appeals
from dashboard.api import manual
from tests.api import contract

DOCS = Path(__file__).resolve().parents[2] / "docs" / "api"


def test_every_group_has_its_page_and_it_is_up_to_date() -> None:
    for group, text in manual.pages().items():
        assert (DOCS / f"{group}.md").read_text() == text, f"run `manage.py api_docs`: docs/api/{group}.md is behind"
        assert f"({group}.md)" in (DOCS / "README.md").read_text()


def test_every_link_of_the_documentation_leads_somewhere() -> None:
    for page in DOCS.glob("*.md"):
        for target in re.findall(r"\]\(([a-z_]+\.md|README\.md)\)", page.read_text()):
            assert (DOCS / target).is_file(), f"{page.name} leads to {target}"


def test_the_document_of_an_appeal_is_documented_as_it_is_checked() -> None:
    body = contract.document()["components"]["schemas"]["AppealBody"]["properties"]["document"]
    assert tuple(body["properties"]) == appeals.FIELDS == tuple(body["required"])
    assert set(body["properties"]["ground"]["enum"]) == set(appeals.GROUNDS)


def test_every_read_has_an_example_that_is_as_documented() -> None:
    components = contract.document()["components"]
    for path, operations in contract.document()["paths"].items():
        if "get" in operations and "webhooks/" not in path:
            told = operations["get"]["responses"]["200"]["content"]["application/json"]
            assert "example" in told, f"run `python -m tests.api.examples`: GET {path} has none"
            jsonschema.validate({**told["example"]}, {**told["schema"], "components": components})
