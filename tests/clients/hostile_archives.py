"""What a server may send for a bundle, and what no bundle is: archives by name, each to be refused whole."""

from __future__ import annotations

import bz2
import gzip
import io
import lzma
import tarfile
import zipfile
from collections.abc import Callable

BLOCK = 512
END = bytes(2 * BLOCK)
MANIFEST = b'{"files":[]}'


def header(name: bytes, size: int = 0, **fields: bytes) -> bytes:
    """512 bytes; `fields` may set `octal` (its size), `kind`, `link`, `magic`, `prefix`, `mode`, `checksum`."""
    raw = bytearray(BLOCK)
    parts = {
        0: name[:100],
        100: fields.get("mode", b"0000644\0"),
        108: b"0000000\0",
        116: b"0000000\0",
        124: fields.get("octal", b"%011o\0" % size),
        136: b"00000000000\0",
        156: fields.get("kind", b"0"),
        157: fields.get("link", b""),
        257: fields.get("magic", b"ustar\x0000"),
        345: fields.get("prefix", b""),
    }
    for at, value in parts.items():
        raw[at : at + len(value)] = value
    total = sum(raw[:148]) + 8 * ord(" ") + sum(raw[156:])
    raw[148:156] = fields.get("checksum", b"%06o\0 " % total)
    return bytes(raw)


def entry(name: str | bytes, data: bytes = b"", **fields: bytes) -> bytes:
    name = name.encode() if isinstance(name, str) else name
    return header(name, len(data), **fields) + data + bytes(-len(data) % BLOCK)


def pax(records: bytes, *, kind: bytes = b"x") -> bytes:
    return entry("././@PaxHeader", records, kind=kind)


def record(key: str, value: str) -> bytes:
    rest = f" {key}={value}\n"
    length = len(rest) + 1
    while len(f"{length}{rest}") != length:
        length += 1
    return f"{length}{rest}".encode()


FILE = entry("demo-1/manifest.json", MANIFEST)
GOOD = FILE + entry("demo-1/blobs/a", b"one") + END


def beside(*members: bytes) -> bytes:
    """A good manifest, and what else there is."""
    return FILE + b"".join(members) + END


def linked(kind: bytes, target: bytes) -> bytes:
    return beside(entry("demo-1/out", kind=kind, link=target), entry("demo-1/out/authorized_keys", b"mine"))


def zipped() -> bytes:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w") as file:
        file.writestr("demo-1/manifest.json", MANIFEST)
    return out.getvalue()


def made(kind: int, *, name: str) -> bytes:
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode="w", format=kind) as file:
        told = tarfile.TarInfo(name)
        told.size = 3
        file.addfile(told, io.BytesIO(b"one"))
    return out.getvalue()


NAMES = (
    ".profile",
    ".ssh/authorized_keys",
    "/etc/passwd",
    "//etc/passwd",
    "../.profile",
    "demo-1/../.profile",
    "demo-1/../../x",
    "demo-1/./x",
    "demo-1//x",
    "demo-1/",
    "demo-1",
    ".",
    "..",
    "",
    "/",
    "demo-2/x",
    "demo-1x/x",
    "DEMO-1/x",
    "./demo-1/x",
    "demo-1/.hidden",
    "demo-1/a\\b",
    "demo-1/a:b",
    "C:/x",
    "demo-1/a b",
    "demo-1/-rf",
    "demo-1/~",
    "demo-1/a\nb",
    "demo-1/\x1b[31m",
    "demo-1/\u00e9",
    "demo-1/a/b/c/d/e/f/g/h/i",
    "~/x",
    "demo-1/x/",
    "demo-1/...",
)

ARCHIVES: dict[str, Callable[[], bytes]] = {
    **{f"a file named {name!r}": lambda name=name: beside(entry(name, b"mine")) for name in NAMES},
    "nothing": lambda: b"",
    "a page of a network that wants a sign-in": lambda: b"<html>Please sign in to this network.</html>",
    "zeros": lambda: bytes(1 << 16),
    "only an end": lambda: END,
    "noise": lambda: bytes(range(256)) * 64,
    "a zip": zipped,
    "gzip": lambda: gzip.compress(GOOD),
    "a bomb in gzip": lambda: gzip.compress(bytes(64 << 20)),
    "bzip2": lambda: bz2.compress(GOOD),
    "xz": lambda: lzma.compress(GOOD),
    "the tar of version 7": lambda: entry("demo-1/manifest.json", MANIFEST, magic=bytes(8)) + END,
    "another manifest": lambda: entry("demo-1/manifest.json", b"{}") + END,
    "no manifest": lambda: entry("demo-1/blobs/a", b"one") + END,
    "the manifest elsewhere": lambda: entry("demo-1/blobs/manifest.json", MANIFEST) + END,
    "a wrong checksum": lambda: entry("demo-1/manifest.json", MANIFEST, checksum=b"0000001\0") + END,
    "no checksum": lambda: entry("demo-1/manifest.json", MANIFEST, checksum=bytes(8)) + END,
    "cut off in a header": lambda: GOOD[: len(FILE) + 100],
    "cut off in a file": lambda: FILE + entry("demo-1/blobs/a", bytes(4096))[:1024],
    "without an end": lambda: FILE,
    "something behind the end": lambda: GOOD + entry(".profile", b"mine"),
    "a symbolic link": lambda: linked(b"2", b"../.ssh"),
    "an absolute link": lambda: linked(b"2", b"/root/.ssh"),
    "a hard link": lambda: linked(b"1", b"../.ssh/authorized_keys"),
    "a link to its own folder": lambda: linked(b"2", b"."),
    "a file that names a link": lambda: beside(entry("demo-1/a", b"x", link=b"../.profile")),
    "a character device": lambda: beside(entry("demo-1/null", kind=b"3")),
    "a block device": lambda: beside(entry("demo-1/disk", kind=b"4")),
    "a pipe": lambda: beside(entry("demo-1/pipe", kind=b"6")),
    "a contiguous file": lambda: beside(entry("demo-1/a", b"x", kind=b"7")),
    "an unknown kind": lambda: beside(entry("demo-1/a", b"x", kind=b"Z")),
    "a volume": lambda: beside(entry("demo-1/a", kind=b"V")),
    "a folder with bytes": lambda: beside(entry("demo-1/a/", b"x" * 600, kind=b"5")),
    "a folder elsewhere": lambda: beside(entry("../out/", kind=b"5")),
    "a sparse file of GNU": lambda: beside(entry("demo-1/a", b"x", kind=b"S", octal=b"77777777777\0")),
    "a sparse file of POSIX": lambda: beside(
        pax(record("GNU.sparse.major", "1") + record("GNU.sparse.realsize", "9" * 15)), entry("demo-1/a", b"x")
    ),
    "a sparse name": lambda: beside(pax(record("GNU.sparse.name", "../.profile")), entry("demo-1/a", b"x")),
    "a long name of GNU": lambda: beside(entry("././@LongLink", b"../.profile\0", kind=b"L"), entry("demo-1/a", b"x")),
    "a long link of GNU": lambda: beside(entry("././@LongLink", b"../.ssh\0", kind=b"K"), entry("demo-1/a", kind=b"2")),
    "a header for all of POSIX": lambda: pax(record("path", "demo-1/x"), kind=b"g") + GOOD,
    "a header that never ends": lambda: pax(b"9" * 200_000) + GOOD,
    "a long header": lambda: pax(record("comment", "x" * 4000)) + GOOD,
    "many records": lambda: pax(record("path", "demo-1/a") * 200) + GOOD,
    "a name in a header that leaves": lambda: beside(pax(record("path", "../.profile")), entry("demo-1/a", b"x")),
    "an absolute name in a header": lambda: beside(pax(record("path", "/root/.profile")), entry("demo-1/a", b"x")),
    "a link in a header": lambda: beside(pax(record("linkpath", "../.ssh")), entry("demo-1/a", b"x")),
    "a name of bytes": lambda: beside(pax(record("hdrcharset", "BINARY")), entry("demo-1/a", b"x")),
    "two headers in a row": lambda: beside(pax(record("path", "demo-1/a")), pax(record("path", "x")), entry("y", b"x")),
    "a size in a header": lambda: beside(pax(record("size", "9" * 12)), entry("demo-1/a", b"x")),
    "a size below zero in a header": lambda: beside(pax(record("size", "-1")), entry("demo-1/a", b"x")),
    "a wrong length in a header": lambda: beside(pax(b"12 path=demo-1/aaaaaaaaaaaa\n"), entry("demo-1/a", b"x")),
    "a length of zeros": lambda: beside(pax(b"0000000000 path=x\n"), entry("demo-1/a", b"x")),
    "a header about nothing": lambda: FILE + pax(record("path", "demo-1/a")) + END[:0],
    "a file larger than the archive": lambda: beside(entry("demo-1/a", b"x", octal=b"77777777777\0")),
    "a size below zero": lambda: beside(entry("demo-1/a", b"x", octal=b"-0000000001\0")),
    "a size in base 256": lambda: beside(entry("demo-1/a", b"x", octal=b"\x80" + bytes(10) + b"\x01")),
    "a size of letters": lambda: beside(entry("demo-1/a", b"x", octal=b"0000000000x\0")),
    "no size": lambda: beside(entry("demo-1/a", b"x", octal=bytes(12))),
    "a name twice": lambda: beside(entry("demo-1/a", b"x"), entry("demo-1/a", b"y")),
    "the manifest twice": lambda: beside(entry("demo-1/manifest.json", b"other")),
    "names that differ by case": lambda: beside(entry("demo-1/a", b"x"), entry("demo-1/A", b"y")),
    "folders that differ by case": lambda: beside(entry("demo-1/a/b", b"x"), entry("demo-1/A/c", b"y")),
    "a file that is a folder": lambda: beside(entry("demo-1/a", b"x"), entry("demo-1/a/b", b"y")),
    "a folder that is a file": lambda: beside(entry("demo-1/a/b", b"y"), entry("demo-1/a", b"x")),
    "a folder twice, once as a file": lambda: beside(entry("demo-1/a/", kind=b"5"), entry("demo-1/a", b"x")),
    "a name with a tail": lambda: beside(entry(b"demo-1/a\0/../../.profile", b"x")),
    "a prefix that leaves": lambda: beside(entry("authorized_keys", b"x", prefix=b"../.ssh")),
    "an absolute prefix": lambda: beside(entry("x", b"x", prefix=b"/root")),
    "a prefix in an archive of GNU": lambda: beside(entry("demo-1/a", b"x", magic=b"ustar  \0", prefix=b"../..")),
    "a name of 200 letters": lambda: beside(pax(record("path", "demo-1/" + "a" * 201)), entry("x", b"x")),
    "a name beyond all": lambda: beside(pax(record("path", "demo-1/" + "a/" * 400)), entry("x", b"x")),
    "a made long name of GNU": lambda: made(tarfile.GNU_FORMAT, name="demo-1/" + "a" * 150),
    "a made name beside": lambda: made(tarfile.PAX_FORMAT, name="demo-1" + "b" * 150),
    "a hundred thousand names twice": lambda: FILE + entry("demo-1/a") * 100_000 + END,
    "more files than any bundle has": lambda: FILE + b"".join(entry(f"demo-1/{n}") for n in range(200_000)) + END,
    "a header for each of too many": lambda: FILE + (pax(record("mtime", "1")) + entry("demo-1/a")) * 50_000 + END,
}


def good(kind: int = tarfile.PAX_FORMAT, **files: bytes) -> bytes:
    """As Python's `tarfile` writes it."""
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode="w", format=kind) as file:
        for name, data in {"manifest.json": MANIFEST, **files}.items():
            told = tarfile.TarInfo(f"demo-1/{name}")
            told.size = len(data)
            file.addfile(told, io.BytesIO(data))
    return out.getvalue()
