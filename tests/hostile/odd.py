"""What can stand in an address, a header, a cookie or a field that nobody of ours would write?"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

from django.urls import get_resolver
from django.urls.resolvers import URLPattern, URLResolver

# As they stand in an address: percent-encoded.
BYTES = (
    "%00",
    "a%00b",
    "%FF%FE",
    "%ED%A0%80",
    "%C3",
    "%F0%9F%98%80",
    "%E2%80%AE",
    "%C2%B2",
    "%D9%A3%D9%A4",
    "%EF%BF%BE",
    "%0a%0d",
    "%0d%0aSet-Cookie:%20a=b",
    "%7f",
    "%1b[31m",
    "%25%30%30",
    "%u0000",
    "%",
    "%zz",
    "%2e%2e%2f%2e%2e%2f",
    "..",
    ".",
    "~",
    "%2F",
    "%5C",
    "a" * 250,
    "a" * 300,
    "a" * 5000,
    "%00" * 500,
    "%E2%82%AC" * 300,
    "a/" * 900,
    "9" * 10,
    "9" * 19,
    "9" * 40,
    "9" * 4400,
    "2147483648",
    "9223372036854775808",
    "-1",
    "0",
    "00",
    "+1",
    "1e9",
    "1_0",
    "0x10",
    "NaN",
    "'",
    "%22",
    "%3Cscript%3E",
    "{{7*7}}",
    "%24%7B7%7D",
    "';--",
    "*",
    "%25s",
    "%25(x)s",
    "[",
    "a;b",
    "leader",
    "5",
    "1" * 48,
    "current",
)
TEXTS = (
    "\0",
    "a\0b",
    "\ud800",
    "²",
    "٣",
    "9" * 5000,
    "-1",
    "NaN",
    "\x1b[31m",
    "\u202e",
    "a" * 20_000,
    "%00",
    "'",
    "{}",
)
PARAMETERS = (
    "page",
    "round",
    "before",
    "kind",
    "severity",
    "q",
    "next",
    "view",
    "show",
    "order",
    "sort",
    "c",
    "a",
    "b",
    "edition",
    "outcome",
    "format",
    "fields",
    "cursor",
    "limit",
    "of",
    "stage",
    "seen",
    "hotkey",
    "state",
    "competition",
    "p",
    "o",
)
HEADERS: tuple[tuple[str, str], ...] = (
    ("Host", "evil.example.org"),
    ("Host", "a b"),
    ("Host", "[::1"),
    ("Host", "testserver:99999999"),
    ("Accept", "a/b; q=x"),
    ("Accept", "*/*; q*=bogus''1"),
    ("Accept", ";;;"),
    ("Accept", "/" * 500),
    ("Accept", "text/html; charset*=utf-8''%00"),
    ("Accept-Encoding", "gzip;q=²"),
    ("Accept-Encoding", ";=;,,"),
    ("Accept-Language", "\xff\xfe"),
    ("Authorization", "Bearer"),
    ("Authorization", "Bearer \xff\xff"),
    ("Authorization", "Bearer gnt_" + "a" * 43),
    ("Authorization", "\xff"),
    ("Cookie", "sessionid=%00; theme=\xff"),
    ("Cookie", 'sessionid="\\000"'),
    ("Cookie", 'theme="\\000dark"'),
    ("Cookie", "sessionid=" + "a" * 4000),
    ("Cookie", "csrftoken=\xff; messages=x:y:z"),
    ("Cookie", "=;=;;"),
    ("If-None-Match", "\xff\"'"),
    ("If-None-Match", "W/" * 400),
    ("If-Modified-Since", "yesterday"),
    ("If-Modified-Since", "Mon, 99 Foo 99999"),
    ("If-Range", "\xff"),
    ("Range", "bytes=9-1"),
    ("Range", "bytes=" + "9" * 400 + "-"),
    ("Range", "\xff"),
    ("Content-Type", "text/plain; charset=rot13"),
    ("Content-Type", "text/plain; charset=undefined"),
    ("Content-Type", "multipart/form-data"),
    ("Content-Type", "\xff/\xff"),
    ("Content-Length", "²"),
    ("Content-Length", "-5"),
    ("Content-Length", "9" * 30),
    ("Forwarded", "for=\xff;proto=\xff"),
    ("X-Forwarded-For", "\xff,\xff"),
    ("X-Forwarded-For", "1.2.3.4, ::1%\xff"),
    ("X-Forwarded-Proto", "\xff"),
    ("X-Forwarded-Host", "evil.example.org"),
    ("User-Agent", "\xff" * 400),
    ("Referer", "\xff://\xff"),
    ("Origin", "\xff"),
    ("Gauntlet-Hotkey", "\xff"),
    ("Gauntlet-Nonce", "\xff" * 40),
    ("Epistula-Version", "\xff"),
    ("Gauntlet-Timestamp", "²" * 13),
    ("X-HTTP-Method-Override", "DELETE"),
    ("HX-Request", "\xff"),
)
HASH = "0" * 64
GOOD = {
    "slug": "made",
    "number": "1",
    "stem": "prompt-000",
    "sha256": HASH,
    "extension": "png",
    "path": "manifest.json",
    "digest": HASH[:16],
    "kind": "source",
    "name": "x",
    "theme": "dark",
    "defender": "leader",
    "competition": "made",
    "entry": "leader",
    "object_id": "1",
    "app_label": "audits",
    "content_type_id": "1",
    "url": "x",
    "subscription": "00000000-0000-0000-0000-000000000000",
    "delivery": "00000000-0000-0000-0000-000000000000",
}
PLACE = re.compile(r"<(?:\w+:)?(\w+)>")
GROUP = re.compile(r"\(\?P<(\w+)>[^()]*\)")


def routes(patterns: Any = None, before: str = "/") -> Iterator[str]:
    """Every address that the site has, with `<name>` where something varies."""
    for each in get_resolver().url_patterns if patterns is None else patterns:
        route = before + PLACE.sub(r"<\1>", GROUP.sub(r"<\1>", str(each.pattern).lstrip("^").rstrip("$").rstrip("\\Z")))
        if isinstance(each, URLResolver):
            yield from routes(each.url_patterns, route)
        elif isinstance(each, URLPattern) and not ADMIN.match(route):
            yield route


ADMIN = re.compile(r"/admin/(?!(audits/audit|auth/user)/)\w+/\w+/")
"""Of the admin's addresses, which are all made alike, two models' stand for the others."""


def filled(route: str, good: dict[str, str], **odd: str) -> str:
    """The route with good values, but for those that are odd."""
    return PLACE.sub(lambda match: odd.get(match[1], good.get(match[1], "x")), route)
