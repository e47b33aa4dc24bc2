"""The fuzzer is of use: it sees an answer that is not as documented, and is content with one that is."""

from __future__ import annotations

import json
from typing import Any

import pytest
import requests
import schemathesis
from bittensor_core import Keypair
from schemathesis.core.transport import Response
from urllib3 import HTTPResponse

from tests.api import contract
from tests.api.fuzz import Run

PATH = "/api/v1/reigns"
GOOD = {"results": [], "next": None}


def outcome(status: int, body: Any, *, kind: str = "application/json") -> Run:
    """What the fuzzer makes of this answer to one request."""
    document = schemathesis.openapi.from_dict(contract.document())
    case = document[PATH]["GET"].Case()
    run = Run(base="http://127.0.0.1:9", key=Keypair.create_from_uri("//fuzz"), known={})
    answer = requests.Response()
    answer.status_code, answer._content = status, json.dumps(body).encode()
    answer.headers = requests.structures.CaseInsensitiveDict({"Content-Type": kind})
    answer.request = requests.Request("GET", f"http://127.0.0.1:9{PATH}").prepare()
    answer.url, answer.raw = str(answer.request.url), HTTPResponse(headers={"Content-Type": kind}, version=11)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(type(case), "call", lambda self, **_: Response.from_requests(answer, verify=True))
        run.one(case)
    return run


def test_an_answer_as_documented_is_right() -> None:
    assert outcome(200, GOOD).wrong == {}


@pytest.mark.parametrize(
    ("status", "body", "kind"),
    [
        (500, {"error": "x"}, "application/json"),
        (503, {"error": "x"}, "application/json"),
        (418, GOOD, "application/json"),
        (200, {"results": [{"id": 5}], "next": None}, "application/json"),
        (200, {"results": []}, "application/json"),
        (200, GOOD, "text/html"),
        (400, {"error": {"code": "x"}}, "application/json"),
    ],
)
def test_an_answer_that_is_not_as_documented_is_wrong(status: int, body: Any, kind: str) -> None:
    assert len(outcome(status, body, kind=kind).wrong) == 1
