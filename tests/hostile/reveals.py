"""Messages that a hostile or careless miner could put on the chain: one payload of each kind, the same in every run.

`PAYLOADS`: name of the kind -> the bytes as the chain hands them over.  Whatever they are, ingest keeps them with a
sentence, and a round beside them ends.
"""

from __future__ import annotations

import json
import struct
from collections.abc import Iterator
from random import Random
from typing import Any

COMMIT = "c0ffee" * 6 + "cafe"
GOOD: dict[str, Any] = {"repo": "owner/name", "commit": COMMIT, "cdn_url": "https://cdn.example.org/x"}
FIELDS = tuple(GOOD)


def scale(text: bytes) -> bytes:
    """With the SCALE compact length that the chain puts before it."""
    size = len(text)
    if size < 1 << 6:
        return bytes([size << 2]) + text
    if size < 1 << 14:
        return (size << 2 | 1).to_bytes(2, "little") + text
    return (size << 2 | 2).to_bytes(4, "little") + text


def encoded(value: Any, **how: Any) -> bytes:
    return json.dumps(value, **how).encode("utf-8", "surrogatepass")


VALUES: dict[str, Any] = {
    "null": None,
    "true": True,
    "false": False,
    "zero": 0,
    "minus one": -1,
    "a large number": 2**63,
    "half": 0.5,
    "an empty text": "",
    "a blank": " ",
    "a newline": "\n",
    "a list": ["x"],
    "an empty list": [],
    "an object": {"x": 1},
    "an empty object": {},
    "a NUL": "a\0b",
    "an escape sequence": "\x1b[31mred",
    "a bell": "\a",
    "a deletion": "a\x7fb",
    "half a surrogate pair": "a\ud800b",
    "a text from right to left": "\u202eevil",
    "no width": "a\u200bb",
    "another alphabet": "оwner/nаme",
    "an emoji": "\U0001f600",
    "a byte order mark": "\ufeffx",
    "600 letters": "x" * 600,
    "500 letters": "x" * 500,
    "501 letters": "x" * 501,
    "markup": "<script>alert(1)</script>",
    "a comma": ",",
    "dots": "..",
    "a quotation": 'say "hi"',
    "an apostrophe": "it's",
    "a backslash": "a\\b",
    "a template": "{{ 7*7 }}",
    "SQL": "'; --",
    "a format": "%s%n{0}",
    "a shell": "$(reboot)",
    "a path upwards": "../../etc/passwd",
    "a word for nothing": "None",
}
"""What stands where a repo, a commit or an address should."""

REPOS = (
    "owner",
    "/name",
    "owner/",
    "owner/name/more",
    "owner//name",
    " owner/name ",
    "owner/..",
    "owner/.",
    "-owner/name",
    ".owner/name",
    "owner/-name",
    "owner/na me",
    "owner/name.git",
    "https://github.com/owner/name",
    "git@host:owner/name",
    "owner\\name",
    "owner/name?x",
    "owner/name#x",
    "o" * 101 + "/name",
    "owner/" + "n" * 101,
    "owner/%2e%2e",
    "@/x",
)
COMMITS = (
    COMMIT.upper(),
    COMMIT[:39],
    COMMIT + "a",
    "g" * 40,
    "0" * 40,
    f" {COMMIT} ",
    f"0x{COMMIT[:38]}",
    "HEAD",
    "main",
    COMMIT[:7],
    "c" * 64,
    f"{COMMIT}\n",
    f"{COMMIT[:20]}\n{COMMIT[20:]}",
    "refs/heads/main",
    "--upload-pack=reboot",
)
ADDRESSES = (
    "http://cdn.example.org/x",
    "ftp://cdn.example.org/x",
    "file:///etc/passwd",
    "javascript:alert(1)",
    "//cdn.example.org",
    "https://",
    "https:///x",
    "https:cdn.example.org",
    "https://user:secret@cdn.example.org/x",
    "https://cdn.example.org:22/x",
    "https://cdn.example.org:443/x",
    "https://cdn.example.org:0/x",
    "https://cdn.example.org:99999/x",
    "https://[::1]/x",
    "https://cdn.example.org:port/x",
    "https://127.0.0.1/x",
    "https://[::ffff:127.0.0.1]/x",
    "https://0x7f000001/x",
    "https://2130706433/x",
    "https://169.254.169.254/latest",
    "https://localhost/x",
    "https://cdn.example.org/x?y=1",
    "https://cdn.example.org/x#y",
    "https://cdn.example.org/ x",
    "https://cdn.example.org\\@evil.example.org/x",
    "https://[/x",
    "https://[::1/x",
    "https://]/x",
    "https://cdn.example.org/../../x",
    "https://cdn.example.org//x//",
    "https://" + "a" * 70 + ".example.org/x",
    "HTTPS://CDN.EXAMPLE.ORG/X",
    "https://cdn.example.org./x",
    "https://cdn..example.org/x",
    "https://xn--a/x",
    "https://cdn.example.org/%00",
    "https://%6c/x",
    "https://cdn.example.org/" + "x" * 470,
    "data:text/plain,x",
    "https://cdn.example.org:/x",
    "https://a,b/x",
    "https:// /x",
)


def _with_values() -> Iterator[tuple[str, bytes]]:
    for field in FIELDS:
        for name, value in VALUES.items():
            yield f"{field} is {name}", encoded(GOOD | {field: value})
        yield f"{field} is missing", encoded({name: value for name, value in GOOD.items() if name != field})
        yield f"{field} alone", encoded({field: GOOD[field]})
        yield f"{field} stands twice", encoded(GOOD)[:-1] + f', "{field}": "other"}}'.encode()
    for field, wrong in (("repo", REPOS), ("commit", COMMITS), ("cdn_url", ADDRESSES)):
        for value in wrong:
            yield f"{field} {value[:60]!r}", encoded(GOOD | {field: value})


def _quoted() -> Iterator[tuple[str, bytes]]:
    text = encoded(GOOD)
    mixed = text.replace(b'"owner/name"', b"'owner/name'")
    yield "single quotes", text.replace(b'"', b"'")
    yield "mixed quotes", mixed
    yield "one text opens with one kind and closes with the other", text.replace(b'"owner/name"', b"\"owner/name'")
    yield "single quotes and an apostrophe", encoded(GOOD | {"note": "it's"}).replace(b'"', b"'")
    yield "double quotes and an apostrophe in a note", encoded(GOOD | {"note": "it's"})
    yield "mixed quotes and an apostrophe", mixed[:-1] + b', "note": "it\'s"}'
    yield "two ways to read it, by the quotes", b"{\"note\": \"', 'repo': 'evil/repo', 'x': '\", " + text[1:]
    yield "an escaped single quote", mixed[:-1] + rb", 'note': 'it\'s'}"
    yield "an escaped double quote in single ones", text[:-1] + rb", 'note': '\"'}"
    yield "only single quotes", b"'" * 60
    yield "typographic quotes", text.decode().replace('"', "\u201c").encode()
    yield "backticks", text.replace(b'"', b"`")
    yield "no quotes", text.replace(b'"', b"")


def _written_otherwise() -> Iterator[tuple[str, bytes]]:
    text = encoded(GOOD)
    for codec in ("utf-16", "utf-16-le", "utf-32", "utf-8-sig", "cp037", "utf-7"):
        yield f"written in {codec}", text.decode().encode(codec)
    yield "a trailing comma", text[:-1] + b",}"
    yield "a comment", b"// hello\n" + text
    yield "two objects", text + text
    yield "an object and more", text + b" and more"
    yield "blanks around it", b"\n\t " + text + b" \r\n"
    yield "a form feed before it", b"\x0c" + text
    yield "a NUL after it", text + b"\0"
    yield "NULs before it", b"\0" * 8 + text
    yield "cut off", text[:-20]
    yield "cut off inside a letter", "{“".encode()[:-1]
    yield "escaped letters", encoded({"\\u0072epo": 1}) + text
    yield "names in capitals", text.upper()
    yield "names with blanks", encoded({f" {name} ": value for name, value in GOOD.items()})
    yield "one inside the other", encoded({"reveal": GOOD})
    yield "in a list", encoded([GOOD])
    yield "a text of it", encoded(text.decode())
    yield "in hex", text.hex().encode()
    yield "a dictionary of another language", str(GOOD | {"x": None, "y": True}).encode()
    yield "YAML", b"repo: owner/name\ncommit: " + COMMIT.encode()
    yield "a form", b"repo=owner%2Fname&commit=" + COMMIT.encode()
    yield "XML", b"<repo>owner/name</repo>"
    yield "a pickle", b"\x80\x04\x95\x05\x00\x00\x00\x00\x00\x00\x00\x8c\x01a\x94."
    yield "gzip", bytes.fromhex("1f8b0800000000000003") + b"x" * 20
    yield "invalid UTF-8", b"\xff\xfe{}"
    yield "an overlong letter", b'{"repo": "\xc0\xaf"}'
    yield "an encoded surrogate", b'{"repo": "\xed\xa0\x80"}'
    yield "many more names", encoded(GOOD | {f"x{n}": n for n in range(200)})
    yield "a name of a prototype", encoded(GOOD | {"__proto__": 1, "constructor": 2, "__class__": 3})


def _of_any_kind() -> Iterator[tuple[str, bytes]]:
    plain = (
        "5",
        "-0",
        "1e400",
        "null",
        "true",
        "NaN",
        "Infinity",
        '""',
        '"x"',
        "[]",
        "{}",
        "[[]]",
        "{}{}",
        "0x10",
        "()",
    )
    for text in plain:
        yield f"nothing but {text}", text.encode()
    yield "nothing at all", b""
    yield "one byte", b"\x00"
    yield "brackets", b"[" * 4000
    yield "nested objects", b'{"a":' * 800
    yield "nine brackets", encoded(GOOD | {"x": [[[[[[[[1]]]]]]]]})
    yield "brackets in a text", encoded(GOOD | {"note": "[" * 30})
    yield "a number of 4,000 digits", b'{"commit": ' + b"9" * 4000 + b"}"
    yield "an exponent", b'{"commit": 1e999999999}'
    yield "4,096 bytes", encoded(GOOD | {"x": ""})[:-2] + b"x" * (4096 - len(encoded(GOOD | {"x": ""}))) + b'"}'
    yield "4,097 bytes", encoded(GOOD | {"x": ""})[:-2] + b"x" * (4097 - len(encoded(GOOD | {"x": ""}))) + b'"}'
    yield "20,000 bytes", encoded(GOOD | {"x": "x" * 20_000})
    yield "a megabyte", b"x" * 2**20
    yield "all bytes", bytes(range(256))
    for number in range(12):
        random = Random(number)
        yield f"noise {number}", random.randbytes(random.randint(1, 600))
    for number in range(12):
        random = Random(1000 + number)
        text = bytearray(encoded(GOOD))
        for _ in range(random.randint(1, 4)):
            text[random.randrange(len(text))] = random.randrange(256)
        yield f"a message with bytes changed {number}", bytes(text)


def _prefixed() -> Iterator[tuple[str, bytes]]:
    text = encoded(GOOD)
    yield "with its length", scale(text)
    yield "with its length twice", scale(scale(text))
    yield "short, with its length", scale(b"{}")
    yield "long, with its length", scale(text + b" " * 2000)
    yield "with a length that is too large", scale(text + b" ")[:-1]
    yield "with a length that is too small", scale(text[:-1]) + b"}"
    yield "with a length of four bytes", struct.pack("<I", len(text) << 2 | 2) + text
    yield "with a length of mode three", b"\x03" + struct.pack("<I", len(text)) + text
    yield "a length and nothing", b"\x28"
    yield "a length of nothing", b"\x00"
    yield "half a length", b"\x01"
    yield "withdrawn", encoded({"withdraw": True})
    yield "withdrawn in words", encoded({"withdraw": "true"})
    yield "withdrawn and entered", encoded(GOOD | {"withdraw": True})
    yield "the word of a withdrawal", encoded(dict.fromkeys(FIELDS, "withdrawn"))


PAYLOADS: dict[str, bytes] = {
    name: payload
    for kinds in (_with_values(), _quoted(), _written_otherwise(), _of_any_kind(), _prefixed())
    for name, payload in kinds
}
