"""Hostile bodies for the API's doors that change something: appeals, webhooks, reveals.

`bodies(document, sign=…)` gives each kind once, always the same and in the same order.  `document` is an appeal that
would be taken; what is wrong with a kind is the only thing that is wrong with it, so most appeals are signed rightly.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from itertools import product
from typing import Any

APPEALS, WEBHOOKS, REVEALS = "/api/v1/me/appeals", "/api/v1/webhooks", "/api/v1/me/reveals"
Sign = Callable[[Mapping[str, Any]], str]

NO_TEXTS: Mapping[str, Any] = {
    "null": None,
    "true": True,
    "zero": 0,
    "number": 1.5,
    "list": [],
    "object": {},
    "deep": [[[[[[[[[[]]]]]]]]]],
    "nul": "a\0b",
    "half a pair": "\ud800",
    "other half": "\udfff",
    "empty": "",
    "spaces": " " * 40,
    "long": "x" * 9000,
    "turned": "\u202egnp.exe is not in our code, it says.",
    "escape": "\x1b[2J\x1b[31m is not in our code, it says.",
    "markup": "<script>alert(1)</script> is not in our code.",
    "quote": "'; DROP TABLE audits_appeal; -- is no code.",
    "template": "{{ settings.SECRET_KEY }} {% debug %} ${7*7} %(x)s",
    "lines": "\r\nSet-Cookie: a=b\r\n is a header here.",
    "wide": "\U0001f600" * 30,
    "combining": "a" + "\u0301" * 1500,
    "control": "".join(map(chr, range(1, 32))) * 2,
}
NO_NUMBERS: Mapping[str, Any] = {
    "null": None,
    "true": True,
    "text": "1",
    "real": 1.0,
    "minus": -1,
    "huge": 2**63,
    "beyond": 10**300,
    "exact": 2**53,
    "small int": 2**31,
    "list": [1],
    "object": {"n": 1},
    "empty": "",
    "least": -(2**63),
    "fraction": 0.1,
    "tiny": 5e-324,
}
STATEMENTS = ("turned", "escape", "markup", "quote", "template", "lines", "wide", "combining", "control")
"""Texts that a statement may be: whatever stands in it, it is only words."""
TEXTS = ("format", "competition", "entry", "audit", "ground", "statement", "evidence", "appellant")
NUMBERS = ("round", "version", "finding")


@dataclass(frozen=True)
class Hostile:
    """One request: the name of its kind, its address, the bytes of its body; `fits` where only its words are hostile,
    and it may be taken."""

    kind: str
    path: str
    body: bytes
    fits: bool = False


def bodies(document: Mapping[str, Any], *, sign: Sign) -> list[Hostile]:
    return [*_appeals(document, sign), *_raw(document, sign), *_webhooks(), *_reveals(str(document["competition"]))]


def encoded(value: Any) -> bytes:
    return json.dumps(value).encode()  # ASCII: halves of pairs and NUL go as escapes


def _signed(document: Mapping[str, Any], sign: Sign) -> str:
    """By the appellant's key where the document has a canonical form at all."""
    try:
        return sign(document)
    except (ValueError, TypeError, RecursionError):
        return "00" * 64


def _wrong_types() -> Iterator[tuple[str, str, Any]]:
    """(field, how it is wrong, value) for each field and each value that is not of its type."""
    right = [("evidence", ""), ("finding", None)]
    for names, values in ((TEXTS, NO_TEXTS), (NUMBERS, NO_NUMBERS)):
        for name, (odd, value) in product(names, values.items()):
            if (name, value) not in right:
                yield name, odd, value


def _appeals(document: Mapping[str, Any], sign: Sign) -> Iterator[Hostile]:
    def made(kind: str, changed: Mapping[str, Any], signature: str | None = None, *, fits: bool = False) -> Hostile:
        signature = _signed(changed, sign) if signature is None else signature
        return Hostile(f"appeal: {kind}", APPEALS, encoded({"document": changed, "signature": signature}), fits)

    for name, odd, value in _wrong_types():
        yield made(f"{name} is {odd}", {**document, name: value}, fits=name == "statement" and odd in STATEMENTS)
    for name in document:
        yield made(f"without {name}", {key: value for key, value in document.items() if key != name})
        yield made(f"{name} in capitals too", {**document, name.upper(): document[name]})
    for name, value in {
        "competition": ["nowhere", "../etc", "made ", "MADE"],
        "entry": ["5" * 48, "Leader", "5F\u2026"],
        "audit": ["generation", "source ", "judge"],
        "ground": ["because", "LICENCE", "licence\n"],
        "evidence": ["0" * 63, "G" * 64, "A" * 64, "0" * 65],
        "format": ["gauntlet-appeal/2", "gauntlet-appeal/1\n"],
        "round": [0, 999, 29_999],
        "version": [0, 2, 29_999],
        "finding": [28_000, 29_999],
        "statement": ["x" * 19, "x" * 2001],
        "appellant": ["5" * 48, "5F\u2026", "0x" + "ab" * 32],
    }.items():
        for place, each in enumerate(value):
            yield made(f"{name} is wrong {place}", {**document, name: each})
    good = sign(document)
    for odd, signature in {
        "of nothing": "",
        "short": good[:-2],
        "long": good + "00",
        "upper": good.upper(),
        "prefixed": "0x" + good,
        "zero": "00" * 64,
        "ones": "ff" * 64,
        "swapped": good[64:] + good[:64],
        "turned": good[::-1],
        "spaced": good + " ",
        "wide digits": "０" * 128,
        "half a pair": "\ud800" * 128,
        "of another": _signed({**document, "statement": "x" * 30}, sign),
    }.items():
        yield made(f"signature {odd}", document, signature)


def _raw(document: Mapping[str, Any], sign: Sign) -> Iterator[Hostile]:
    good = encoded({"document": dict(document), "signature": sign(document)})
    for kind, body in {
        "nothing": b"",
        "nul": b"\0",
        "not utf-8": b"\xff\xfe{}",
        "utf-16": good.decode().encode("utf-16"),
        "bom": b"\xef\xbb\xbf" + good,
        "cut": good[:-1],
        "twice": good + good,
        "list": b"[]",
        "null": b"null",
        "text": b'"x"',
        "number": b"1e400",
        "infinite": b'{"document": {"round": 1e400}, "signature": ""}',
        "nan": b'{"document": NaN}',
        "minus infinity": b'{"document": -Infinity}',
        "digits": b'{"document": ' + b"9" * 5000 + b"}",
        "more digits": b'{"document": {"round": ' + b"9" * 4000 + b'}, "signature": ""}',
        "deep": b'{"document": ' + b"[" * 5000 + b"]" * 5000 + b"}",
        "deep names": b'{"a":' * 2000 + b"1" + b"}" * 2000,
        "name twice": b'{"document": {}, "document": {}, "signature": ""}',
        "inner name twice": b'{"document": {"round": 1, "round": 2}, "signature": ""}',
        "large": good + b" " * 20_000,
        "nul name": b'{"document\\u0000": {}}',
        "half a pair as name": b'{"\\ud800": 1}',
        "proto": b'{"__proto__": {}}',
        "many names": encoded({f"n{n}": n for n in range(1000)}),
        "no document": b'{"signature": "00"}',
        "document list": b'{"document": [], "signature": "00"}',
        "document text": b'{"document": "x", "signature": "00"}',
        "signature list": b'{"document": {}, "signature": []}',
        "signature null": b'{"document": {}, "signature": null}',
        "form": b"document=x&signature=y",
        "xml": b"<?xml version='1.0'?><x/>",
        "comment": b"{} // x",
        "pickle": b"\x80\x04.",
    }.items():
        yield Hostile(f"raw: {kind}", APPEALS, body)


def _webhooks() -> Iterator[Hostile]:
    good = {"address": "https://hooks.example.org/gauntlet", "kinds": ["round.*"]}
    addresses = (
        "http://127.0.0.1/",
        "https://127.0.0.1/",
        "https://[::1]/",
        "https://localhost/",
        "https://169.254.169.254/latest/",
        "https://10.0.0.1/",
        "https://0/",
        "https://0x7f000001/",
        "https://2130706433/",
        "https://127.1/",
        "file:///etc/passwd",
        "javascript:alert(1)",
        "gopher://x/",
        "https://",
        "https://x:22/",
        "https://x:99999/",
        "https://u:p@example.org/",
        "https://example.org\\@127.0.0.1/",
        "https://example.org#@127.0.0.1/",
        "https://[::ffff:127.0.0.1]/",
        "//example.org/",
        "https://exa mple.org/",
        "https://example.org/\r\nHost: x",
        "https://" + "a" * 400 + ".org/",
        "https://xn--/",
        "https://\ud800.org/",
        "https://example.org/\0",
        "https://.../",
        "https://[::1",
        "https://%31%32%37.0.0.1/",
        "x",
    )
    for place, address in enumerate(addresses):
        yield Hostile(f"webhook: address {place}", WEBHOOKS, encoded({**good, "address": address}), fits=True)
    for odd, value in {**NO_TEXTS, **{f"number {name}": value for name, value in NO_NUMBERS.items()}}.items():
        for name in ("address", "competition", "miner"):
            if isinstance(value, str) and name == "address":
                continue
            yield Hostile(f"webhook: {name} is {odd}", WEBHOOKS, encoded({**good, name: value}))
    for place, kinds in enumerate(
        ([], "round.*", {}, [None], [1], [[]], ["\0"], ["\ud800"], ["x" * 61], ["a.b.c"], ["ROUND.*"], [""], ["a"] * 21)
    ):
        yield Hostile(f"webhook: kinds {place}", WEBHOOKS, encoded({**good, "kinds": kinds}))


def _reveals(competition: str) -> Iterator[Hostile]:
    good = {
        "competition": competition,
        "repo": "owner/name",
        "commit": "0" * 40,
        "cdn_url": "https://files.example.org/x",
    }
    for name in ("competition", "repo", "commit", "cdn_url"):
        for odd, value in NO_TEXTS.items():
            if odd not in ("empty", "spaces") or name == "competition":
                yield Hostile(f"reveal: {name} is {odd}", REVEALS, encoded({**good, name: value}))
    for odd, value in NO_NUMBERS.items():
        if value is not True:
            yield Hostile(f"reveal: withdraw is {odd}", REVEALS, encoded({**good, "withdraw": value}))
