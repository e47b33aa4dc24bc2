"""Whose word on a visitor counts, and in which codings an answer is taken."""

from __future__ import annotations

import gzip
from typing import Any

import pytest
from django.test import Client, RequestFactory

from dashboard.doors import encodings, visitors
from tests.dashboard.made_round import Made

SAID = {
    "HTTP_X_FORWARDED_FOR": "9.9.9.9, 8.8.8.8",
    "HTTP_X_FORWARDED_PROTO": "https",
    "HTTP_X_FORWARDED_HOST": "evil.example.org",
    "HTTP_FORWARDED": "for=7.7.7.7;proto=https;host=evil.example.org",
    "HTTP_X_REAL_IP": "7.7.7.7",
}


def settled(peer: str, **said: str) -> dict[str, Any]:
    meta = {"REMOTE_ADDR": peer, **(said or SAID)}
    visitors.settle(meta)
    return meta


def test_without_a_configured_proxy_nobody_is_believed(settings: Any) -> None:
    settings.API_PROXIES = 0
    for peer in ("127.0.0.1", "10.0.0.1", ""):
        assert settled(peer) == {"REMOTE_ADDR": peer}


def test_a_configured_proxy_is_believed_from_its_address_only(settings: Any) -> None:
    settings.API_PROXIES, settings.PROXY_ADDRESSES = 1, ["10.1.0.0/16", "fd01::/64"]
    believed = {"REMOTE_ADDR": "8.8.8.8", "HTTP_X_FORWARDED_PROTO": "https"}
    for peer in ("10.1.2.3", "fd01::5", "::ffff:10.1.2.3", ""):
        assert settled(peer) == believed, peer
    for peer in ("127.0.0.1", "10.2.0.1", "fd02::5", "nonsense"):
        assert settled(peer) == {"REMOTE_ADDR": peer}


def test_of_two_proxies_the_first_one_s_word_counts(settings: Any) -> None:
    settings.API_PROXIES = 2
    chain = {"HTTP_X_FORWARDED_FOR": "1.1.1.1, 9.9.9.9, 10.0.0.7", "HTTP_X_FORWARDED_PROTO": "http, https, http"}
    assert settled("127.0.0.1", **chain) == {"REMOTE_ADDR": "9.9.9.9", "HTTP_X_FORWARDED_PROTO": "https"}


@pytest.mark.parametrize("said", ["nonsense", "", ",", "999.1.1.1", "\xff", "unknown"])
def test_an_address_that_is_none_leaves_the_connections_own(settings: Any, said: str) -> None:
    settings.API_PROXIES = 1
    assert settled("127.0.0.1", HTTP_X_FORWARDED_FOR=said) == {"REMOTE_ADDR": "127.0.0.1"}


def test_visitors_are_counted_by_address_and_of_ipv6_by_site() -> None:
    def counted(peer: str) -> str:
        return visitors.address_of(RequestFactory().get("/", REMOTE_ADDR=peer))

    assert counted("2001:db8::1") == counted("2001:db8::ffff:2") == "2001:db8::"
    assert counted("2001:db8:0:1::1") != counted("2001:db8::1")
    assert counted("::ffff:1.2.3.4") == counted("1.2.3.4") == "1.2.3.4"


@pytest.mark.django_db
def test_https_is_believed_from_our_proxy_only(client: Client, made: Made, settings: Any) -> None:
    settings.SECURE_PROXY_SSL_HEADER = ("HTTP_X_FORWARDED_PROTO", "https")
    poster = '"og:image" content="http://testserver'

    def page(**how: Any) -> str:
        return client.get(
            "/c/made/r/1/", headers={"X-Forwarded-Proto": "https", "X-Forwarded-Host": "evil.org"}, **how
        ).content.decode()

    assert poster in page()
    settings.API_PROXIES = 1
    assert '"og:image" content="https://testserver' in page() and "evil.org" not in page()
    assert poster in page(REMOTE_ADDR="10.9.9.9")


@pytest.mark.parametrize(
    ("header", "codings"),
    [
        ("", ""),
        ("gzip", "gzip"),
        ("GZIP ; Q=0.5", "gzip"),
        ("gzip;q=0", ""),
        ("gzip;q=0.0", ""),
        ("gzip; q=0.000, br", "br"),
        ("gzip;q=0, *", "br"),
        ("*;q=0", ""),
        ("*", "gzip, br"),
        ("identity;q=0", ""),
        ("identity;q=0, gzip", "gzip"),
        ("identity;q=0, *;q=0", ""),
        ("*;q=0, gzip;q=1", "gzip"),
        ("x-gzip", "gzip"),
        ("notgzip, gzip-like", ""),
        ("gzip;q=²", ""),
        ("gzip;q=1e9", ""),
        ("gzip;level=9", "gzip"),
        (";;,,=", ""),
    ],
)
def test_a_coding_is_taken_where_the_header_says_so(header: str, codings: str) -> None:
    assert encodings.accepted(header) == codings


@pytest.mark.django_db
@pytest.mark.parametrize("kept", [0, 30])
@pytest.mark.parametrize("path", ["/c/made/r/1/", "/c/made.json", "/api/v1/rounds", "/static/dashboard/style.css"])
def test_who_takes_no_gzip_gets_none(client: Client, made: Made, settings: Any, path: str, kept: int) -> None:
    settings.PAGES_KEPT_SECONDS = kept
    for header in ("gzip;q=0", "identity, gzip;q=0.0", "*;q=0", "gzip;q=0, *", "identity;q=0"):
        for _ in range(2):
            answer = client.get(path, headers={"Accept-Encoding": header})
            assert answer.headers.get("Content-Encoding") in (None, "identity"), header
            for close in answer._resource_closers:
                close()
    if path == "/c/made/r/1/":
        packed = client.get(path, headers={"Accept-Encoding": "gzip;q=0.1"})
        assert gzip.decompress(packed.content).startswith(b"<!doctype html>")
