"""Whatever stands in an address, a header, a cookie or a field, it is answered below 500 and no traceback is logged."""

from __future__ import annotations

import itertools
import json
import logging
import random
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.test import Client
from django_otp import DEVICE_ID_SESSION_KEY
from django_otp.plugins.otp_totp.models import TOTPDevice

from core.web.log_filters import NoTraceOfRefusals
from tests.dashboard import made_round
from tests.hostile import odd
from tests.hostile.odd import PLACE, filled, routes

pytestmark = pytest.mark.django_db
SAMPLE = 120
EVERY = (4, pytest.param(1, marks=pytest.mark.long))


@dataclass
class Door:
    """The site, its log, and values that lead somewhere."""

    client: Client
    good: dict[str, str]
    traces: list[str] = field(default_factory=list)

    def check(self, method: str, address: str, **how: Any) -> Any:
        answer = self.client.generic(method, address, **how)
        assert answer.status_code < 500, f"{answer.status_code} {method} {address[:300]} {how}"
        assert not self.traces, f"{method} {address[:300]} {how}: {self.traces}"
        return answer


@pytest.fixture
def door(client: Client, monkeypatch: pytest.MonkeyPatch) -> Iterator[Door]:
    monkeypatch.setattr("django.conf.settings.API_REQUESTS_PER_MINUTE", 10**8)
    made = made_round.make()
    winner = made.miners[1].hotkey
    client.raise_request_exception = False
    door = Door(client, {**odd.GOOD, "hotkey": winner, "challenger": winner})

    class Traces(logging.Handler):
        def emit(self, record: logging.LogRecord) -> None:
            if record.exc_info:
                door.traces.append(f"{record.getMessage()}: {record.exc_info[1]!r}")

    handler = Traces()
    logging.getLogger().addHandler(handler)
    yield door
    logging.getLogger().removeHandler(handler)


def odd_addresses(good: dict[str, str]) -> list[str]:
    """Each place of each route with each odd value; all parameters at once with each on every page."""
    places = [
        filled(route, good, **{name: value})
        for route in routes()
        for name in dict.fromkeys(PLACE.findall(route))
        for value in odd.BYTES
    ]
    asked = [
        f"{filled(route, good)}?{'&'.join(f'{name}={value}' for name in odd.PARAMETERS)}"
        for route in routes()
        for value in odd.BYTES[:12]
    ]
    alone = [
        f"{filled(route, good)}?{name}={'9' * 3000}" for route in routes() for name in ("page", "round", "edition")
    ]
    return places + asked + alone


def sample(of: Iterable[Any]) -> list[Any]:
    every = list(of)
    return random.Random(1).sample(every, min(SAMPLE, len(every)))


def test_an_odd_address_is_answered_below_500_without_a_traceback(door: Door) -> None:
    for address in sample(odd_addresses(door.good)):
        door.check("GET", address)


@pytest.mark.long
def test_every_odd_address_is_answered_below_500_without_a_traceback(door: Door) -> None:
    for address in odd_addresses(door.good):
        door.check("GET", address)


@pytest.mark.parametrize(
    "address", ["/c/made/r/1/bundle/%00", "/c/made/findings/?kind=%00", f"/c/made/r/1/bundle/{'a' * 5000}"]
)
def test_what_no_text_of_ours_holds_is_refused_in_front(door: Door, address: str) -> None:
    answer = door.check("GET", address)
    assert answer.status_code in (400, 404, 414)
    assert "You, the caller, must act." in answer.content.decode()
    assert answer.headers["Content-Security-Policy"] and "no-store" in answer.headers["Cache-Control"]


def test_programs_are_refused_in_json(door: Door) -> None:
    for address in ("/api/v1/rounds?cursor=%00", "/c/made.json?x=%00"):
        error = door.check("GET", address).json()["error"]
        assert error["code"] == "unreadable" and error["class"] == "miner" and error["fix"]


@pytest.mark.parametrize("every", EVERY)
def test_an_odd_header_is_answered_below_500_without_a_traceback(every: int, door: Door) -> None:
    """To each of these addresses, one header after the other."""
    some = [
        "/",
        "/c/made/",
        "/c/made/r/1/",
        "/api/v1/rounds",
        "/reviews/",
        "/static/dashboard/style.css",
        "/status.json",
    ]
    for address, (name, value) in [*itertools.product(some, odd.HEADERS)][::every]:
        meta = name.upper().replace("-", "_")
        meta = meta if meta.startswith("CONTENT_") else f"HTTP_{meta}"
        door.check("GET", address, **{meta: value})


@pytest.mark.parametrize("every", EVERY)
def test_an_odd_field_of_a_form_is_answered_below_500_without_a_traceback(every: int, door: Door) -> None:
    """Each form meets other values than the one before it."""
    doors = ["/reviews/sign-in/", "/reviews/sign-out/", "/admin/login/", "/reviews/made/1/correct/", "/c/made/"]
    names = (
        "username",
        "password",
        "otp_token",
        "otp_device",
        "otp_challenge",
        "next",
        "ruling",
        "csrfmiddlewaretoken",
    )
    for place, address in enumerate(doors):
        for text in odd.TEXTS[place % every :: every]:
            fields = {name: text.encode("utf-8", "surrogatepass") for name in names}
            door.client.post(address, fields)
            assert not door.traces, (address, text[:40], door.traces)
        for value in odd.BYTES[place % every :: every]:
            body = "&".join(f"{name}={value}" for name in names)
            door.check("POST", address, data=body, content_type="application/x-www-form-urlencoded")
        for kind in (
            "multipart/form-data",
            "multipart/form-data; boundary=\xff",
            "multipart/form-data; boundary=a",
            "application/x-www-form-urlencoded; charset=utf-7",
            "application/json",
        ):
            door.check("POST", address, data=b"--a\r\n\0\xff&=&username=%00", content_type=kind)
        assert door.check("POST", address, data=b"a=b&" * 2000, content_type=odd_form()).status_code == 400
        big = door.check("POST", address, data=b"a=" + b"b" * 1_100_000, content_type=odd_form())
        assert big.status_code == 413


@pytest.mark.parametrize("every", EVERY)
def test_staff_may_send_odd_addresses_too_and_the_log_has_no_traceback(every: int, door: Door, caplog: Any) -> None:
    user = User.objects.create_superuser("otto")
    device = TOTPDevice.objects.create(user=user, name="authenticator")
    door.client.force_login(user, backend="django.contrib.auth.backends.ModelBackend")
    session = door.client.session
    session[DEVICE_ID_SESSION_KEY] = device.persistent_id
    session.save()
    assert door.client.get("/admin/audits/audit/").status_code == 200
    asked = ("p", "o", "q", "state", "password__startswith", "round__competition__slug", "_to_field", "_popup", "e")
    for value in odd.BYTES[:40:every]:
        for place in ("", f"{value}/change/", f"{value}/history/"):
            for name in asked if not place else asked[:1]:
                answer = door.client.get(f"/admin/audits/audit/{place}?{name}={value}")
                assert answer.status_code < 500, (place, name, value)
    for record in caplog.records:
        assert NoTraceOfRefusals().filter(record) and not record.exc_info, record.getMessage()


def odd_form() -> str:
    return "application/x-www-form-urlencoded"


@pytest.mark.parametrize("value", ["²", "9" * 5000, "-1", "٣"])
def test_a_number_that_is_none_is_no_number(value: str) -> None:
    from dashboard.doors.numbers import whole_number

    assert whole_number(value) is None
    assert whole_number("0012") == 12


def test_a_content_type_that_is_none_is_refused_by_the_web_server_s_own_application(door: Door) -> None:
    """Django reads it while it makes a request, before any middleware."""
    from competition.wsgi import application

    for kind in ("text/plain; x*=bogus''y", "text/plain; charset*=utf-8''%00", "text/plain; charset=rot13"):
        environ = door.client._base_environ(PATH_INFO="/", CONTENT_TYPE=kind)
        statuses: list[str] = []
        application(environ, lambda status, headers, statuses=statuses: statuses.append(status))
        assert statuses == ["400 Bad Request"] and not door.traces, kind


def test_an_odd_json_body_is_answered_below_500_without_a_traceback(door: Door) -> None:
    bodies = [json.dumps({"document": {"x": text}, "signature": text}) for text in ("\0", "\ud800", "²")]
    bodies += ['{"a": 1e400}', '{"a": ' + "9" * 4000 + "}", "[" * 5000, '{"a\\u0000": 1}', "\0", "\ufeff{}"]
    for address in ("/api/v1/me/appeals", "/api/v1/webhooks", "/api/v1/me/reveals", "/reviews/sign-in/"):
        for body in bodies:
            door.check("POST", address, data=body.encode(), content_type="application/json")
