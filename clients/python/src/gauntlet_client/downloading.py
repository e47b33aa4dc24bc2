"""How do published files get here whole?  Into a part file that a later run goes on with, and checked by hash."""

from __future__ import annotations

import contextlib
import hashlib
import os
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx

from gauntlet_client import archives, receiving, requests
from gauntlet_client.archives import HASH, Damaged
from gauntlet_client.client import Client
from gauntlet_client.errors import Unreachable, Unusable
from gauntlet_client.receiving import Patience

MOST_BYTES = 50 << 30  # of one download
SPARE, TIMES = 256 << 20, 2  # how much larger than announced an archive may be: headers, the ledger, the calls
SLUG = re.compile(r"[A-Za-z0-9_][A-Za-z0-9_-]{0,99}")
Told = Callable[[int, int], None]  # bytes so far, bytes in all (0: unknown)


def silent(done: int, whole: int) -> None:
    """Nobody watches."""


@dataclass(frozen=True)
class Bundle:
    """What a server says of a bundle that can be downloaded; nothing of it is taken for a path unchecked."""

    name: str
    round: int
    sha256: str
    address: str
    most_bytes: int

    @classmethod
    def of_row(cls, slug: str, row: Mapping[str, Any]) -> Bundle:
        """Raises Damaged for a row that no platform writes."""
        number, sha256 = row.get("round"), row.get("hash")
        if not (type(number) is int and 0 <= number < 10**9 and isinstance(sha256, str) and HASH.fullmatch(sha256)):
            raise Damaged("The server lists a bundle without a round or a hash.", fix=NO_API, code="bad_row")
        if not SLUG.fullmatch(slug):
            raise Damaged(f"{slug[:100]!r} is no short name of a competition.", fix=NO_API, code="bad_row")
        told = row.get("bytes")
        most = min(MOST_BYTES, TIMES * told + SPARE) if type(told) is int and told >= 0 else MOST_BYTES
        return cls(f"{slug}-{number}", number, sha256, own_address(row.get("archive_url")), most)


NO_API = "Is the address (--server) that of a Gauntlet server?"


def own_address(address: Any) -> str:
    """A path of the server that was asked, and of no other.  Raises Damaged."""
    if not requests.is_own_path(address):
        raise Damaged("The server names a download that is none of its own paths.", fix=NO_API, code="bad_row")
    return str(address)


def download(client: Client, bundle: Bundle, into: Path, *, told: Told = silent) -> Path:
    """The bundle as a new folder `into/<slug>-<round>`; nothing else is left there, whatever the server sent.

    What broke off is gone on with by a later run; what was refused is deleted, and where it began with the rest of
    an earlier run it is fetched once more, whole.  Raises Damaged, Unreachable, Unusable.
    """
    archives.require_new(into / bundle.name)
    part = into / f"{bundle.name}.tar.part"
    try:
        into.mkdir(parents=True, exist_ok=True)
        resumed = part.exists()
        try:
            return _fetched(client, bundle, part, told=told)
        except Damaged:
            if not resumed:
                raise
        return _fetched(client, bundle, part, told=told)
    except OSError as error:
        with contextlib.suppress(OSError):
            part.unlink(missing_ok=True)
        raise Unusable(
            f"{into} cannot be written: {error.strerror or error}.",
            fix="Make room there, or name another folder with --to.",
            code="not_written",
        ) from error


def is_here(bundle: Bundle, folder: Path) -> bool:
    """Was it downloaded before?  Raises Unusable where another bundle, or something else, has its name."""
    if not folder.exists():
        return False
    manifest = folder / archives.MANIFEST
    if not manifest.is_file() or digest(manifest) != bundle.sha256:
        raise Unusable(
            f"{folder} is there, and is not the bundle that is published now.",
            fix="Move it away, or name another folder with --to.",
            code="exists",
        )
    return True


def _fetched(client: Client, bundle: Bundle, part: Path, *, told: Told) -> Path:
    try:
        _get(client, bundle.address, part, told=told, most_bytes=bundle.most_bytes)
        folder = archives.unpack(part, part.parent, name=bundle.name, manifest_sha256=bundle.sha256)
    except Damaged:
        part.unlink(missing_ok=True)
        raise
    part.unlink()
    return folder


def fetch(client: Client, address: str, to: Path, *, sha256: str = "", told: Told = silent) -> Path:
    """`address` (a path of the server) into file `to`, going on from an earlier run.  A wrong hash raises Damaged."""
    if sha256 and to.exists() and digest(to) == sha256:
        return to
    to.parent.mkdir(parents=True, exist_ok=True)
    part = to.with_name(f"{to.name}.part")
    _get(client, own_address(address), part, told=told, most_bytes=MOST_BYTES)
    if sha256 and (found := digest(part)) != sha256:
        part.unlink()
        raise Damaged(
            f"{address} has the SHA-256 {found}, published was {sha256}.",
            fix="Download it again; if it stays, tell the operator: what is served is not what was published.",
            code="wrong_hash",
        )
    os.replace(part, to)
    return to


def _get(client: Client, address: str, part: Path, *, told: Told, most_bytes: int) -> None:
    patience = Patience(receiving.GRACE_S, rate=receiving.LEAST_RATE)
    try:
        patience.wait_for(lambda: _append(client, address, part, told=told, most_bytes=most_bytes, patience=patience))
    except httpx.HTTPError as error:
        raise Unreachable(
            f"The download of {address} broke off: {error or type(error).__name__}.",
            fix="Run the same command again: it goes on where this ended.",
            code="broken_off",
        ) from error


def _append(client: Client, address: str, part: Path, *, told: Told, most_bytes: int, patience: Patience) -> None:
    if part.is_symlink():
        raise Unusable(f"{part} is a link.", fix="Delete it.", code="not_written")
    have = part.stat().st_size if part.exists() else 0
    headers = {"Range": f"bytes={have}-"} if have else {}
    with client.http.stream("GET", address, headers=headers) as answer:
        if answer.status_code == 416:  # it is all here
            return
        if not answer.is_success:
            raise Unreachable(
                f"{address} answered {answer.status_code} {answer.reason_phrase}.",
                fix="It may not be published yet: look at the round's page.",
                code="not_served",
            )
        begins = f"bytes {have}-"
        goes_on = answer.status_code == 206 and answer.headers.get("Content-Range", begins).startswith(begins)
        length = answer.headers.get("Content-Length", "")
        whole = (int(length) if length.isdecimal() and len(length) < 20 else 0) + (have if goes_on else 0)
        with part.open("ab" if goes_on else "wb") as file:
            if answer.headers.get("Content-Encoding", "identity") != "identity":
                raise Damaged(f"{address} came compressed, and was asked for plain.")
            if whole > most_bytes:
                raise _too_large(address)
            for piece in answer.iter_raw():
                patience.add(len(piece))
                if file.tell() + len(piece) > most_bytes:
                    raise _too_large(address)
                file.write(piece)
                told(file.tell(), whole)


def _too_large(address: str) -> Damaged:
    return Damaged(f"{address} is far larger than what was published.", code="too_large")


def digest(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
