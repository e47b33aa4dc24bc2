"""What do we have of a file already, and may the rest be fetched on its own?"""

from __future__ import annotations

import contextlib
import errno
import fcntl
import json
import os
import re
import shutil
from collections.abc import Iterator
from dataclasses import asdict, dataclass, replace
from functools import cache
from pathlib import Path
from typing import BinaryIO

from core.net.failures import FetchFailed

_STRONG = re.compile(r'"[!#-~]{1,200}"')  # a weak tag (W/…) does not promise the same bytes


@dataclass(frozen=True, slots=True)
class PartialLabel:
    """What is known of the file a partial copy belongs to; lies beside it as JSON.

    `boot` tells whether the machine has gone down since: after that, a file may be long and hold nothing but zeros.
    """

    url: str
    etag: str = ""
    total: int | None = None
    boot: str = ""
    tries: int = 0  # that failed for a reason of the miner's


@contextlib.contextmanager
def opened(into: Path) -> Iterator[Partial]:
    """The partial copy at `into`, ours alone while it is open."""
    with guarded():
        into.parent.mkdir(parents=True, exist_ok=True)
        file = os.fdopen(os.open(into, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o644), "r+b", buffering=0)
    with file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError as taken:
            raise FetchFailed("our_fault", "another worker is writing the same file") from taken
        yield Partial(into, file)


class Partial:
    """The open copy and its label."""

    def __init__(self, into: Path, file: BinaryIO) -> None:
        self.into, self.file = into, file
        self.label = read_label(into)

    def have(self, url: str) -> int:
        """How many bytes may stay: 0 unless the host gave this very file a strong tag."""
        sound = self.label.url == url and self.label.etag and self.label.boot == boot() != ""
        return os.fstat(self.file.fileno()).st_size if sound else 0

    def restart(self, *, url: str, etag: str, total: int | None) -> None:
        """From zero, with what the host says of the file now."""
        strong = etag if _STRONG.fullmatch(etag) else ""
        self.label = replace(self.label, url=url, etag=strong, total=total, boot=boot())
        with guarded():
            self.file.truncate(0)
            self.file.seek(0)
            write_label(self.into, self.label)

    def read(self, offset: int, length: int) -> bytes:
        with guarded():
            return os.pread(self.file.fileno(), length, offset)

    def write(self, data: bytes, *, at: int) -> None:
        with guarded():
            view = memoryview(data)
            while view:
                written = os.pwrite(self.file.fileno(), view, at)
                view, at = view[written:], at + written

    def cut(self, length: int) -> None:
        with guarded():
            self.file.truncate(length)


def read_label(into: Path) -> PartialLabel:
    try:
        return PartialLabel(**json.loads(_beside(into).read_text()))
    except (OSError, ValueError, TypeError):
        return PartialLabel(url="")


def write_label(into: Path, label: PartialLabel) -> None:
    fresh = _beside(into).with_suffix(f".{os.getpid()}.new")
    fresh.write_text(json.dumps(asdict(label)))
    fresh.replace(_beside(into))


def forget(into: Path) -> None:
    """Remove the copy and its label."""
    for path in (into, _beside(into)):
        path.unlink(missing_ok=True)


def count_try(into: Path, *, ours: bool) -> int:
    """How many tries have failed for a reason of the miner's, this one counted in unless the reason is `ours`.

    Kept beside the copy, so that an outage of ours uses up none of them.
    """
    label = read_label(into)
    label = replace(label, tries=label.tries + (not ours))
    into.parent.mkdir(parents=True, exist_ok=True)
    write_label(into, label)
    return max(1, label.tries)


def require_room(folder: Path, *, least: int) -> None:
    with guarded():
        folder.mkdir(parents=True, exist_ok=True)
        free = shutil.disk_usage(folder).free
    if free < least:
        raise FetchFailed("our_disk_full", f"{free >> 20} MiB free, {least >> 20} MiB needed")


@contextlib.contextmanager
def guarded() -> Iterator[None]:
    """Our disk's failures are ours, never the miner's."""
    try:
        yield
    except OSError as failed:
        full = failed.errno in (errno.ENOSPC, errno.EDQUOT, errno.EFBIG)
        raise FetchFailed("our_disk_full" if full else "our_disk", failed.strerror or str(failed)) from failed


@cache
def boot() -> str:
    try:
        return Path("/proc/sys/kernel/random/boot_id").read_text().strip()
    except OSError:
        return ""  # unknown: then nothing is ever resumed


def _beside(into: Path) -> Path:
    return into.with_name(f"{into.name}.json")
