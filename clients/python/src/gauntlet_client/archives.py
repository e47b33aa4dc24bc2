"""Is this archive a bundle, and only that?  Looked at whole before a byte of it is unpacked.

A server may be anybody's, so the archive is read by rules stricter than those of tar: headers of 512 bytes, plain files
and folders below one folder, each name once, no size larger than what is there.  Everything else is refused: links,
devices, sparse files, names by GNU's long headers, compression.  Where a name is long, a short header of POSIX (`pax`)
may carry it.
"""

from __future__ import annotations

import hashlib
import json
import os
import re
import shutil
import tempfile
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO, Any

from gauntlet_client.errors import Trouble, Unusable

BLOCK, PIECE = 512, 1 << 18
MOST_FILES = 200_000
MOST_VALUES = 8 * MOST_FILES  # of a manifest
MOST_PAX = 2 * BLOCK  # bytes of a header that carries a long name
MOST_MANIFEST = 32 << 20
MOST_PARTS, LONGEST_NAME = 8, 400
PART = re.compile(r"[A-Za-z0-9_][A-Za-z0-9_.+-]{0,199}")
OCTAL = re.compile(rb" *([0-7]{1,11})[ \0]*")
RECORD = re.compile(rb"([1-9][0-9]{0,3}) ([a-z]{1,10})=([^\0\n]{0,1000})\n")
HARMLESS = {"path", "size", "mtime", "atime", "ctime", "uid", "gid", "uname", "gname"}
HASH = re.compile(r"[0-9a-f]{64}")
MANIFEST = "manifest.json"
FIX = "Nothing was unpacked and it is deleted. Try again; if it stays, tell the operator, and do not trust the server."


class Damaged(Trouble):
    """The bytes are not those that were published."""

    exit_code = 5

    def __init__(self, sentence: str, *, fix: str = FIX, code: str = "bad_archive") -> None:
        super().__init__(sentence, fix=fix, code=code)


@dataclass(frozen=True)
class Member:
    """One plain file: its path below the bundle's folder, where its bytes begin in the archive, and how many."""

    path: str
    at: int
    size: int


@dataclass
class Names:
    """What was there so far: two names that some disk takes for one are refused, and a file that is also a folder."""

    files: set[str] = field(default_factory=set)
    folders: dict[str, str] = field(default_factory=dict)

    def add(self, path: str, *, is_folder: bool) -> None:
        """Raises Damaged."""
        folders = [path[:at] for at, c in enumerate(path) if c == "/"] + ([path] if is_folder else [])
        taken = not is_folder and (path.lower() in self.files or path.lower() in self.folders)
        for folder in folders:
            taken |= self.folders.setdefault(folder.lower(), folder) != folder or folder.lower() in self.files
        if taken:
            raise Damaged(f"The archive has two entries for {path[:200]!r}.")
        if not is_folder:
            self.files.add(path.lower())


def unpack(archive: Path, into: Path, *, name: str, manifest_sha256: str) -> Path:
    """The bundle `name` of an archive, as a new folder `into/name`.

    Everything is examined first: the entries, the manifest by its published hash, the files by the manifest.  Raises
    Damaged for an archive that is not what was published, Unusable where `into/name` is there already.
    """
    target = into / name
    require_new(target)
    with archive.open("rb") as packed:
        found = {member.path: member for member in members(packed, name=name)}
        _require_published(packed, found, manifest_sha256=manifest_sha256)
        draft = Path(tempfile.mkdtemp(prefix=f".{name}-", dir=into))
        try:
            draft.chmod(0o755)
            for member in found.values():
                _write(packed, member, draft)
            require_new(target)
            draft.rename(target)
        except BaseException:
            shutil.rmtree(draft, ignore_errors=True)
            raise
    return target


def require_new(target: Path) -> None:
    if os.path.lexists(target):
        raise Unusable(
            f"{target} is there already.", fix="Move it away, or name another folder with --to.", code="folder_exists"
        )


def members(packed: IO[bytes], *, name: str) -> Iterator[Member]:
    """The files of an archive whose entries all lie in the folder `name`.  Raises Damaged."""
    whole = os.fstat(packed.fileno()).st_size
    names, count, at, long_name, long_size = Names(), 0, 0, b"", None
    while True:
        packed.seek(at)
        header = packed.read(BLOCK)
        if len(header) < BLOCK:
            raise Damaged("The archive ends before its end." if at else "What came is no tar archive.")
        if not any(header):
            _require_zeros(packed)
            if not count:
                raise Damaged("The archive is empty.")
            return
        count += 1
        kind, entry, size = _header(header, first=at == 0)
        at += BLOCK
        size = size if long_size is None or kind == b"x" else long_size
        _require_bounds(count, size, left=whole - at)
        if kind == b"x":
            if long_name or long_size is not None or size > MOST_PAX:
                raise Damaged("The archive has extended headers that no bundle needs.")
            long_name, long_size = _extended(packed.read(size))
        else:
            is_folder = kind == b"5"
            path = _inside(long_name or entry, name=name, is_folder=is_folder)
            long_name, long_size = b"", None
            names.add(path, is_folder=is_folder)
            if is_folder and size:
                raise Damaged("The archive has a folder with bytes of its own.")
            if not is_folder:
                yield Member(path, at, size)
        at += -(-size // BLOCK) * BLOCK


def _require_bounds(count: int, size: int, *, left: int) -> None:
    """So many entries are allowed, and `size` bytes of the `left` ones are there.  Raises Damaged."""
    if count > MOST_FILES:
        raise Damaged(f"The archive has more than {MOST_FILES:,} files, which no bundle has.", code="too_large")
    if size > left:
        raise Damaged("The archive names a file that is larger than the archive.", code="too_large")


def _header(header: bytes, *, first: bool) -> tuple[bytes, bytes, int]:
    """(kind, name, bytes) of a header: `0` a file, `5` a folder, `x` more about the next.  Raises Damaged."""
    magic, kind = header[257:265], header[156:157].replace(b"\0", b"0")
    told = OCTAL.fullmatch(header[148:156])
    if magic not in (b"ustar\x0000", b"ustar  \0") or told is None or int(told[1], 8) != _checksum(header):
        raise Damaged("What came is no tar archive." if first else "The archive has a broken header.")
    if kind not in (b"0", b"5", b"x"):
        raise Damaged("The archive holds something else than plain files: a link, a device, a sparse or special entry.")
    prefix, size = _text(header[345:500]), OCTAL.fullmatch(header[124:136])
    if size is None or (kind != b"x" and any(header[157:257])) or (prefix and magic != b"ustar\x0000"):
        raise Damaged("The archive has a header that can be read in two ways.")
    entry = _text(header[:100])
    return kind, prefix + b"/" + entry if prefix else entry, int(size[1], 8)


def _checksum(header: bytes) -> int:
    return sum(header) - sum(header[148:156]) + 8 * ord(" ")


def _text(padded: bytes) -> bytes:
    text, _, rest = padded.partition(b"\0")
    if any(rest):
        raise Damaged("The archive has a name that can be read in two ways.")
    return text


def _extended(records: bytes) -> tuple[bytes, int | None]:
    """(name, size) of a short extended header; each only where it is given.  Raises Damaged."""
    values: dict[str, bytes] = {}
    at = 0
    while at < len(records):
        record = RECORD.match(records, at)
        key = record[2].decode() if record else ""
        if record is None or int(record[1]) != len(record[0]) or key not in HARMLESS or key in values:
            raise Damaged("The archive has extended headers that no bundle needs.")
        values[key] = record[3]
        at = record.end()
    size = values.get("size")
    if size is not None and not re.fullmatch(rb"[0-9]{1,15}", size):
        raise Damaged("The archive has extended headers that no bundle needs.")
    return values.get("path", b""), None if size is None else int(size)


def _inside(entry: bytes, *, name: str, is_folder: bool) -> str:
    """The path below the folder `name`.  Raises Damaged for an entry that lies elsewhere or is named oddly."""
    text = entry.decode("ascii", "replace")
    parts = (text.removesuffix("/") if is_folder else text).split("/")
    plain = len(text) <= LONGEST_NAME and len(parts) <= MOST_PARTS and all(PART.fullmatch(part) for part in parts)
    if not plain or parts[0] != name or (len(parts) == 1 and not is_folder):
        raise Damaged(f"The archive has an entry {text[:200]!r} that is no file of the folder {name}.", code="bad_name")
    return "/".join(parts)


def _require_zeros(packed: IO[bytes]) -> None:
    while piece := packed.read(PIECE):
        if piece.count(0) != len(piece):
            raise Damaged("The archive goes on behind its end.")


def _require_published(packed: IO[bytes], found: Mapping[str, Member], *, manifest_sha256: str) -> None:
    """Raises Damaged unless the manifest has the published hash, and the files are those of the manifest."""
    name = next(iter(found), "").partition("/")[0]
    manifest = found.get(f"{name}/{MANIFEST}")
    if manifest is None or manifest.size > MOST_MANIFEST:
        raise Damaged("The archive has no manifest.", code="wrong_hash")
    packed.seek(manifest.at)
    content = packed.read(manifest.size)
    if (digest := hashlib.sha256(content).hexdigest()) != manifest_sha256:
        raise Damaged(f"The manifest has the SHA-256 {digest}, published was {manifest_sha256}.", code="wrong_hash")
    seen = set[str]()
    for path, sha256 in _listed(content):
        if path in seen:  # so that every file is read once, however often it is listed
            raise Damaged(f"The manifest lists {path[:200]!r} twice.", code="wrong_hash")
        seen.add(path)
        member = found.get(f"{name}/{path}")
        if member is None or _digest(packed, member) != sha256:
            raise Damaged(f"{path[:200]!r} is missing or not the file that the manifest names.", code="wrong_hash")


def _listed(content: bytes) -> Iterator[tuple[str, str]]:
    """(path, hash) of each file of a manifest; whether it is one is for `gauntlet verify`.  Raises Damaged."""
    try:
        if content.count(b"{") + content.count(b"[") > MOST_FILES or content.count(b",") > MOST_VALUES:
            raise ValueError("too many values")
        document: Any = json.loads(content)
        rows = document.get("files", [])
        yield from [(str(row["path"]), str(row["sha256"])) for row in rows]
    except (AttributeError, KeyError, RecursionError, TypeError, ValueError) as error:
        raise Damaged("The manifest is not one.", code="wrong_hash") from error


def _digest(packed: IO[bytes], member: Member) -> str:
    digest = hashlib.sha256()
    for piece in _pieces(packed, member):
        digest.update(piece)
    return digest.hexdigest()


def _pieces(packed: IO[bytes], member: Member) -> Iterator[bytes]:
    packed.seek(member.at)
    left = member.size
    while left and (piece := packed.read(min(PIECE, left))):
        left -= len(piece)
        yield piece


def _write(packed: IO[bytes], member: Member, draft: Path) -> None:
    """A new file in a folder of our own: nothing that is there is opened, and no mode of the archive is taken over."""
    path = draft.joinpath(*member.path.split("/")[1:])
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("xb") as file:
        for piece in _pieces(packed, member):
            file.write(piece)
