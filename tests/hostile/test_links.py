"""No page, twin, sheet or answer leads where a browser must not go: addresses that are not ours pass one function."""

from __future__ import annotations

import html
import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from django.test import Client

from competition.models import Prompt, Round
from dashboard.facts.external_links import web_address
from judging.models import Duel
from tests.dashboard import made_round
from tests.dashboard.test_pages import every_page

ROOT = Path(__file__).resolve().parents[2]
LINK = re.compile(r'\b(href|src|action|formaction|xlink:href|data|poster)\s*=\s*"([^"]*)')
OURS = re.compile(
    r"""(\{%\ (url|static|asset_file|thumb|picture)\b   # made from a name
    |[/?\#]|$                                           # on this very page or site
    |\{\{\ ([\w.]+\.)?(\w+_)?(url|twin|before|after|table)(\|default:page\.url)?\ \}\})""",
    re.VERBOSE,
)
"""A fact that is named so is an address that `reverse` made: `test_no_page_…` holds that for rows from elsewhere."""
HOSTILE = (
    "javascript:alert(document.domain)//https://files.example.org/x.png",
    "JaVaScRiPt:alert(1)",
    " javascript:alert(1)",
    "\tjavascript:alert(1)",
    "java\nscript:alert(1)",
    "data:text/html,<script>alert(1)</script>",
    "vbscript:x",
    "file:///etc",
    "//evil.example.org/x",
    "/\\evil.example.org",
    "https:evil.example.org",
    "https://",
    "http:///x",
    "https://a b/x",
    "https://gauntlet.example.org@evil.example.org/",
    "https://u:p@evil.example.org/",
    'https://x/"onmouseover="alert(1)',
    "https://x/<svg>",
    "https://x/'",
    "https://[::1",
    "https://x:99999/",
    "https://x/\u202egnp.exe",
    "https://x/\x00",
    "https://x/" + "a" * 3000,
    "blob:https://x/1",
    "ftp://x/y",
    "mailto:x@y",
    "",
    "x",
)
GOOD = (
    "https://files.example.org/a/b.png",
    "http://1.2.3.4:8080/x?y=z#t",
    "HTTPS://Example.org/%20",
    "https://é.example/x",
)


@pytest.mark.parametrize("address", HOSTILE)
def test_an_address_that_a_browser_must_not_follow_is_none(address: str) -> None:
    assert web_address(address) == ""


@pytest.mark.parametrize("address", GOOD)
def test_an_http_address_stays_as_it_was_written(address: str) -> None:
    assert web_address(address) == address


def test_every_link_of_a_template_is_made_by_us_or_passes_the_one_filter() -> None:
    wrong = []
    for path in sorted((ROOT / "templates").rglob("*")):
        text = path.read_text() if path.is_file() else ""
        for tag in re.findall(r"<[a-zA-Z](?:[^<>{]|\{\{.*?\}\}|\{%.*?%\}|\{#.*?#\})*>", text):
            for name, value in LINK.findall(tag):
                foreign = "external" in tag or "|outside" in value
                good = "|outside }}" in value if foreign else OURS.match(value) or value.startswith("{% if")
                if name != "data" and not good:
                    wrong.append(f"{path.relative_to(ROOT)}: {name}={value}")
    assert not wrong, "write it with {% url %}, or with the filter `outside` where the address is not ours"


def strings(value: Any) -> Iterator[str]:
    if isinstance(value, str):
        yield value
    for inner in value.values() if isinstance(value, dict) else value if isinstance(value, list) else ():
        yield from strings(inner)


@pytest.mark.django_db
@pytest.mark.parametrize(
    "address", [*HOSTILE[:2], *(pytest.param(address, marks=pytest.mark.long) for address in HOSTILE[2:6])]
)
def test_no_page_twin_sheet_or_answer_of_rows_from_elsewhere_leads_to_it(client: Client, address: str) -> None:
    made = made_round.make()
    Round.objects.update(source={"repository": "records"})
    Prompt.objects.update(sha256="", url=address)
    files = {side: {"png": address, "glb": address, "views": address} for side in ("defender", "challenger")}
    Duel.objects.update(detail={"files": files})
    pages = [
        *every_page(made),
        "/c/made/prompts/",
        "/c/made/prompts/prompt-000/",
        "/c/made/leaders/",
        "/c/made/audits/",
    ]
    for page in pages:
        text = client.get(page).content.decode()
        for _, value in LINK.findall(text):
            shown = html.unescape(value)
            ours = shown[:1] in ("/", "?", "#", "") and shown[:2] not in ("//", "/\\")
            assert ours or web_address(shown), (page, shown)
        twin = client.get(f"{page.rstrip('/')}.json")
        assert address not in list(strings(twin.json())), page
    for table in (
        "/c/made/prompts.csv",
        "/c/made/r/1.csv",
        "/c/made/r/1/prompts.json",
        "/feeds/made.json",
        "/feeds/made.atom",
        "/api/v1/prompts",
        "/api/v1/duels",
        "/api/v1/prompts?format=csv",
    ):
        body = client.get(table).content.decode()
        assert address.strip() not in body and json.dumps(address)[1:-1] not in body, table
