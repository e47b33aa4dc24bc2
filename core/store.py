"""Where do files live?  Under the hash of their bytes, so that a name can neither lie, collide nor lead elsewhere.

The hash is compared whenever a file is opened: what rots on our disk is ours, and must never be taken for a miner's.
"""

from __future__ import annotations

import hashlib
import os
import re
import tempfile
import time
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import BinaryIO, Protocol

_SHA256 = re.compile(r"[0-9a-f]{64}")
_PIECE = 1 << 20  # bytes read at a time
SMALL = 1 << 22  # bytes: so few are hashed whenever they are opened, which takes milliseconds
COMPARED_FOR_S = 60.0  # a larger file is hashed once in so long; rot keeps its size and times, and shows no sooner
MOST_COMPARED = 20_000
OPERATOR_MUST = "This is our fault: the operator must put the file back from a backup, or run: manage.py scrub --repair"
_COMPARED: dict[tuple[str, int, int, int], float] = {}


class StoreFault(Exception):
    """A file of ours cannot be used.  `code` is stable; class `infrastructure`, and the operator must act."""

    code = "STORED_FILE"
    problem = "damaged"

    def __init__(self, sha256: str, what: str) -> None:
        super().__init__(f"{what} {OPERATOR_MUST}")
        self.sha256, self.what = sha256, what


class NotInStore(StoreFault, LookupError):
    """No file with this hash has been put, or it is lost."""

    code = "STORED_FILE_MISSING"
    problem = "missing"

    def __init__(self, sha256: str) -> None:
        super().__init__(sha256, f"The file {sha256} is not in the store.")


class RottenFile(StoreFault):
    """The bytes under this name are no longer those that were put."""

    code = "STORED_FILE_ROTTEN"
    problem = "rotten"

    def __init__(self, sha256: str) -> None:
        super().__init__(sha256, f"The stored file {sha256} no longer has the bytes that its name promises.")


class AssetStore(Protocol):
    """What another store, S3-compatible for one, has to offer.

    Every `sha256` is 64 lower-case hex digits, else ValueError; a missing file is NotInStore, a changed one RottenFile.
    """

    def put(self, content: bytes | Path) -> str:
        """Keep a copy of the bytes, or of the file at the path; the hash is its name from now on."""

    def path(self, sha256: str) -> Path:
        """A local file to read, its hash just compared; a remote store brings it here first.  Never write to it."""

    def open(self, sha256: str) -> BinaryIO:
        """To be served: a file of more than `SMALL` bytes whose size and times stay is compared once in
        `COMPARED_FOR_S`, a smaller one each time."""

    def exists(self, sha256: str) -> bool: ...

    def size(self, sha256: str) -> int:
        """In bytes."""

    def verify(self, sha256: str) -> bool:
        """Are the bytes still the ones that were put?"""

    def walk(self) -> Iterator[Path]:
        """Every file that lies there, whatever its name."""


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
        with self._opened(sha256) as file:
            _compare(file, sha256)
        return self._place(sha256)

    def open(self, sha256: str) -> BinaryIO:
        file = self._opened(sha256)
        try:
            at = os.fstat(file.fileno())
            key = (sha256, at.st_ino, at.st_size, at.st_mtime_ns)
            if at.st_size <= SMALL or time.monotonic() - _COMPARED.get(key, -COMPARED_FOR_S) >= COMPARED_FOR_S:
                _compare(file, sha256)
                if len(_COMPARED) >= MOST_COMPARED:
                    _COMPARED.clear()
                _COMPARED[key] = time.monotonic()
        except BaseException:
            file.close()
            raise
        return file

    def exists(self, sha256: str) -> bool:
        return self._place(sha256).is_file()

    def size(self, sha256: str) -> int:
        with self._opened(sha256) as file:
            return os.fstat(file.fileno()).st_size

    def verify(self, sha256: str) -> bool:
        try:
            self.path(sha256)
        except RottenFile:
            return False
        return True

    def walk(self) -> Iterator[Path]:
        for folder, folders, names in os.walk(self.root):
            folders.sort()
            yield from (Path(folder) / name for name in sorted(names))

    def _opened(self, sha256: str) -> BinaryIO:
        try:
            return self._place(sha256).open("rb")
        except (FileNotFoundError, IsADirectoryError, NotADirectoryError):
            raise NotInStore(sha256) from None

    def _place(self, sha256: str) -> Path:
        if not isinstance(sha256, str) or not _SHA256.fullmatch(sha256):
            raise ValueError(f"{str(sha256)[:80]!r} is not the SHA-256 of a file: 64 lower-case hex digits are")
        return self.root / sha256[:2] / sha256[2:4] / sha256

    def _settle(self, incoming: Path, sha256: str) -> None:
        goal = self._place(sha256)
        with suppress(StoreFault):
            self.path(sha256)
            return  # the same bytes; a stump or a rotten file, left by a failing disk, is replaced
        goal.parent.mkdir(parents=True, exist_ok=True)
        incoming.chmod(0o444)
        incoming.replace(goal)
        _sync_folder(goal.parent)


def sha256_of(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _compare(file: BinaryIO, sha256: str) -> None:
    """Raises RottenFile, also where the disk cannot read the file; else the file stands at its beginning again."""
    try:
        digest = hashlib.file_digest(file, "sha256").hexdigest()  # type: ignore[arg-type]  # typeshed asks for readinto, which every opened file has
        file.seek(0)
    except OSError:
        raise RottenFile(sha256) from None
    if digest != sha256:
        raise RottenFile(sha256)


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
