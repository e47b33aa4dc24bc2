"""Where do files live?  Under the hash of their bytes, so that a name can neither lie, collide nor lead elsewhere."""

from __future__ import annotations

import hashlib
import os
import re
import tempfile
from contextlib import suppress
from pathlib import Path
from typing import BinaryIO, Protocol

_SHA256 = re.compile(r"[0-9a-f]{64}")
_PIECE = 1 << 20  # bytes read at a time


class NotInStore(LookupError):
    """No file with this hash has been put."""


class AssetStore(Protocol):
    """What another store, S3-compatible for one, has to offer.

    Every `sha256` is 64 lower-case hex digits, else ValueError; a missing file is NotInStore.
    """

    def put(self, content: bytes | Path) -> str:
        """Keep a copy of the bytes, or of the file at the path; the hash is its name from now on."""

    def path(self, sha256: str) -> Path:
        """A local file to read; a remote store brings it here first.  Never write to it."""

    def open(self, sha256: str) -> BinaryIO: ...

    def exists(self, sha256: str) -> bool: ...

    def size(self, sha256: str) -> int:
        """In bytes."""

    def verify(self, sha256: str) -> bool:
        """Are the bytes still the ones that were put?"""


class Store:
    """A folder: the file with hash aabb… lies at aa/bb/aabb….  Any number of processes may put at once."""

    def __init__(self, root: Path | str) -> None:
        self.root = Path(root)

    def put(self, content: bytes | Path) -> str:
        """Write beside the goal, sync, then rename: a reader sees the whole file or none."""
        self.root.mkdir(parents=True, exist_ok=True)
        handle, name = tempfile.mkstemp(prefix="incoming-", dir=self.root)
        incoming = Path(name)
        try:
            with os.fdopen(handle, "wb") as file:
                sha256 = _write(content, file)
                file.flush()
                os.fsync(file.fileno())
            self._settle(incoming, sha256)
        finally:
            with suppress(FileNotFoundError):
                incoming.unlink()
        return sha256

    def path(self, sha256: str) -> Path:
        path = self._place(sha256)
        if not path.is_file():
            raise NotInStore(f"no file with the hash {sha256} is in the store")
        return path

    def open(self, sha256: str) -> BinaryIO:
        return self.path(sha256).open("rb")

    def exists(self, sha256: str) -> bool:
        return self._place(sha256).is_file()

    def size(self, sha256: str) -> int:
        return self.path(sha256).stat().st_size

    def verify(self, sha256: str) -> bool:
        return sha256_of(self.path(sha256)) == sha256

    def _place(self, sha256: str) -> Path:
        if not isinstance(sha256, str) or not _SHA256.fullmatch(sha256):
            raise ValueError(f"{str(sha256)[:80]!r} is not the SHA-256 of a file: 64 lower-case hex digits are")
        return self.root / sha256[:2] / sha256[2:4] / sha256

    def _settle(self, incoming: Path, sha256: str) -> None:
        goal = self._place(sha256)
        if goal.is_file() and goal.stat().st_size == incoming.stat().st_size:
            return  # the same bytes by name; a stump of another size, left by a failing disk, is replaced
        goal.parent.mkdir(parents=True, exist_ok=True)
        incoming.chmod(0o444)
        incoming.replace(goal)
        _sync_folder(goal.parent)


def sha256_of(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def default() -> AssetStore:
    """The store of this deployment."""
    from django.conf import settings  # here, so that everything else works without Django

    return Store(settings.STORE_DIR)


def _write(content: bytes | Path, file: BinaryIO) -> str:
    """Copy and hash in one pass: the name is the hash of what was written, whatever happens to the source."""
    digest = hashlib.sha256()
    if isinstance(content, bytes):
        digest.update(content)
        file.write(content)
        return digest.hexdigest()
    with Path(content).open("rb") as source:
        while piece := source.read(_PIECE):
            digest.update(piece)
            file.write(piece)
    return digest.hexdigest()


def _sync_folder(folder: Path) -> None:
    """Without this a power cut may forget the rename, though not the bytes."""
    handle = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
