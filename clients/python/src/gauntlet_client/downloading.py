"""How do published files get here whole?  Into a part file that a later run goes on with, and checked by hash."""

from __future__ import annotations

import hashlib
import os
import tarfile
from collections.abc import Callable
from pathlib import Path
from typing import IO

import httpx

from gauntlet_client.client import Client
from gauntlet_client.errors import Trouble, Unreachable, Unusable

PIECE = 1 << 18
MOST_FILES, MOST_BYTES = 200_000, 50 << 30  # of an archive: more is not unpacked
Told = Callable[[int, int], None]  # bytes so far, bytes in all (0: unknown)


class Damaged(Trouble):
    """The bytes are not those that were published."""

    exit_code = 5


def silent(done: int, whole: int) -> None:
    """Nobody watches."""


def fetch(client: Client, address: str, to: Path, *, sha256: str = "", told: Told = silent) -> Path:
    """`address` (a path of the server) into file `to`, going on from an earlier run.  A wrong hash raises Damaged."""
    if to.exists() and (not sha256 or digest(to) == sha256):
        return to
    to.parent.mkdir(parents=True, exist_ok=True)
    part = to.with_name(f"{to.name}.part")
    try:
        _append(client, address, part, told=told)
    except httpx.HTTPError as error:
        raise Unreachable(
            f"The download of {address} broke off: {error or type(error).__name__}.",
            fix="Run the same command again: it goes on where this ended.",
            code="broken_off",
        ) from error
    if sha256 and (found := digest(part)) != sha256:
        part.unlink()
        raise Damaged(
            f"{address} has the SHA-256 {found}, published was {sha256}.",
            fix="Download it again; if it stays, tell the operator: what is served is not what was published.",
            code="wrong_hash",
        )
    os.replace(part, to)
    return to


def _append(client: Client, address: str, part: Path, *, told: Told) -> None:
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
        goes_on = answer.status_code == 206
        whole = int(answer.headers.get("Content-Length", 0)) + (have if goes_on else 0)
        with part.open("ab" if goes_on else "wb") as file:
            for piece in answer.iter_bytes(PIECE):
                file.write(piece)
                told(file.tell(), whole)


def digest(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def unpack(archive: Path, folder: Path) -> Path:
    """The bundle's own folder, in `folder`.  Only files are written, and none outside it."""
    with tarfile.open(archive) as packed:
        files, bytes_, top = 0, 0, folder
        for member in packed:
            files, bytes_ = files + 1, bytes_ + member.size
            if files > MOST_FILES or bytes_ > MOST_BYTES:
                raise Unusable(f"{archive} holds more than a bundle may.", fix="Do not trust it.", code="too_large")
            if member.isfile():
                top = folder / _inside(member.name).parts[0]
                _write(packed.extractfile(member), folder / _inside(member.name))
    return top


def _inside(name: str) -> Path:
    path = Path(name)
    if path.is_absolute() or ".." in path.parts:
        raise Unusable(f"The archive names a file {name!r} outside it.", fix="Do not trust it.", code="bad_name")
    return path


def _write(source: IO[bytes] | None, to: Path) -> None:
    if source is not None:
        to.parent.mkdir(parents=True, exist_ok=True)
        with to.open("wb") as file:
            while piece := source.read(PIECE):
                file.write(piece)
