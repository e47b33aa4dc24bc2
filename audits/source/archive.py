"""Which bytes were audited?  One tar per commit, the same for the same files: sorted, without times, owners or links.

Paths come from strangers.  A path that could mean another place on some machine is a finding and is left out, so
whoever unpacks the archive later meets plain files in plain folders only.
"""

from __future__ import annotations

import io
import re
import tarfile
import unicodedata
from collections.abc import Collection, Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

from audits.source.findings import BLOCKING, SourceFinding, excerpt

MOST_FILES = 2000
DEEPEST = 12
LARGEST_FILE = 32 << 20
LARGEST_ARCHIVE = 96 << 20
LONGEST_PATH = 300
LARGEST_SHOWN = 1 << 20
# What some file system or git itself would read as its own folder: .git, .GIT, git~1, "​.git" with invisible letters.
GIT_FOLDER = re.compile(r"\.git|git~[0-9]+", re.IGNORECASE)
WINDOWS = re.compile(r"(?:con|prn|aux|nul|com[0-9]|lpt[0-9])(?:\..*)?", re.IGNORECASE)


class BadArchive(Exception):
    """The archive is not one of ours: a bug or a damaged store, never something a miner can do."""


@dataclass(frozen=True, kw_only=True)
class File:
    path: str
    content: bytes
    runs: bool = False  # is it marked as a program?


def pack(files: Iterable[File]) -> bytes:
    """Two calls with the same files give the same bytes, whatever their order."""
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w", format=tarfile.PAX_FORMAT) as tar:
        for file in sorted(files, key=lambda file: file.path.encode()):
            member = tarfile.TarInfo(file.path)
            member.size, member.mode, member.mtime = len(file.content), 0o755 if file.runs else 0o644, 0
            tar.addfile(member, io.BytesIO(file.content))
    return buffer.getvalue()


def unpack(archive: bytes) -> Iterator[File]:
    """The files of an archive of ours, in memory.  Raises BadArchive."""
    with _opened(io.BytesIO(archive)) as tar:
        for member in tar:
            if not member.isfile() or objection(member.name):
                raise BadArchive(f"{excerpt(member.name)} does not belong into an archive of ours")
            content = tar.extractfile(member)
            yield File(path=member.name, content=content.read() if content else b"", runs=bool(member.mode & 0o100))


@contextmanager
def _opened(file: BinaryIO) -> Iterator[tarfile.TarFile]:
    """Raises BadArchive, also for what goes wrong while the archive is read."""
    try:
        with tarfile.open(fileobj=file, mode="r:") as tar:
            yield tar
    except (tarfile.TarError, EOFError, ValueError) as reason:
        raise BadArchive(str(reason)[:200]) from reason


def contents(archive: bytes) -> Mapping[str, bytes]:
    return {file.path: file.content for file in unpack(archive)}


def some(path: Path, wanted: Collection[str], *, most: int = LARGEST_SHOWN) -> Mapping[str, bytes]:
    """A few files of an archive, read from where they stand, each cut at `most` bytes: for a page."""
    contents: dict[str, bytes] = {}
    with path.open("rb") as file, _opened(file) as tar:
        for member in tar:
            if member.name in wanted and member.isfile() and (content := tar.extractfile(member)):
                contents[member.name] = content.read(most)
            if len(contents) == len(set(wanted)):
                break
    return contents


def objection(path: str) -> str | None:
    """Why this path may not be in an archive; None if it is a plain relative path everywhere."""
    parts = path.split("/")
    if not path or len(path) > LONGEST_PATH or len(parts) > DEEPEST + 1:
        return f"The path is empty, longer than {LONGEST_PATH} characters, or more than {DEEPEST} folders deep."
    if any(part in ("", ".", "..") for part in parts):
        return "The path leads out of the repository, or through an empty name."
    if any(unicodedata.category(letter).startswith("C") for letter in path) or "\\" in path or ":" in path:
        return "The path has letters that are invisible, or that separate folders on some machines."
    if any(GIT_FOLDER.fullmatch(part.rstrip(". ")) for part in parts):
        return "The path is git's own folder: on a checkout it would be git's settings."
    if any(WINDOWS.fullmatch(part) for part in parts):
        return "The path is a device on some machines."
    return None


def odd_path(path: str, why: str) -> SourceFinding:
    return SourceFinding(severity=BLOCKING, rule="odd_path", sentence=why, file=excerpt(path), excerpt=excerpt(path))
