"""What is in a pod's archive?  A reader for hostile ZIP files: every number in one is a claim by its sender.

The directory's size is checked before the standard library parses it, entries before they are inflated, and each file
again while it is: no step can take more memory than a chunk, or more disk than the limits.
"""

from __future__ import annotations

import contextlib
import hashlib
import json
import stat
import struct
import zipfile
import zlib
from collections.abc import Collection, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import IO

from audits.pods.base import INFRASTRUCTURE, PodFault

CHUNK = 64 << 10
FAILED = "_failed.json"
MISSING = "missing from the archive"
END, END64_LOCATOR, END64 = b"PK\x05\x06", b"PK\x06\x07", b"PK\x06\x06"
LARGEST_COMMENT = 1 << 16
BEFORE_END = 76  # a 64-bit archive has so much more before its end
LARGEST_REASON = 500
BROKEN = (
    zipfile.BadZipFile,
    zlib.error,
    struct.error,
    EOFError,
    OSError,
    ValueError,
    RuntimeError,
    NotImplementedError,
    ArithmeticError,
    LookupError,
)


@dataclass(frozen=True, kw_only=True)
class ArchiveLimits:
    archive_bytes: int = 64 << 20
    entries: int = 100
    directory_bytes: int = 128 << 10
    file_bytes: int = 200 << 20
    total_bytes: int = 512 << 20
    ratio: int = 200  # of what is inflated to what was sent, for files above `free_bytes`
    free_bytes: int = 1 << 20
    failed_bytes: int = 64 << 10


LIMITS = ArchiveLimits()


class BadResults(Exception):
    """The archive breaks a rule of the batch API; always the miner's to mend."""

    def __init__(self, code: str, sentence: str) -> None:
        self.code, self.sentence = code, sentence
        super().__init__(f"{code}: {sentence}")


@dataclass(frozen=True, kw_only=True)
class Delivered:
    path: Path
    sha256: str
    size: int


@dataclass(frozen=True, kw_only=True)
class Results:
    """Each stem asked for is in exactly one of the two."""

    files: dict[str, Delivered]
    failed: dict[str, str]


def unpack(
    archive: Path, *, stems: Collection[str], extension: str, into: Path, limits: ArchiveLimits = LIMITS
) -> Results:
    """The files of one batch, written below `into` under names of ours.  Raises BadResults, and PodFault for our disk.

    A stem that is in the archive and in `_failed.json`, or in neither, has failed; so has an empty file.
    """
    with _our_disk():
        into.mkdir(parents=True, exist_ok=True)
        file = archive.open("rb")
    try:
        with file:
            _check_end(file, limits=limits)
            with zipfile.ZipFile(file) as opened:
                entries = _check_entries(opened, stems=stems, extension=extension, limits=limits)
                failed = _failed(opened, entries=entries, stems=stems, limits=limits)
                files = {
                    stem: _write(
                        opened, entries[f"{stem}.{extension}"], to=into / f"{place:03}.{extension}", limits=limits
                    )
                    for place, stem in enumerate(sorted(stems))
                    if f"{stem}.{extension}" in entries and stem not in failed
                }
    except BROKEN as reason:
        raise BadResults("not_a_zip", f"The archive cannot be read ({type(reason).__name__}).") from reason
    failed |= {stem: "the file is empty" for stem, file in files.items() if file.size == 0}
    failed |= {stem: MISSING for stem in stems if stem not in files and stem not in failed}
    return Results(files={stem: file for stem, file in files.items() if stem not in failed}, failed=failed)


def _check_end(file: IO[bytes], *, limits: ArchiveLimits) -> None:
    """Checks the claimed size of the directory, where the standard library will look for it, before it does."""
    size = file.seek(0, 2)
    if size > limits.archive_bytes:
        raise BadResults("too_large", f"An archive has at most {limits.archive_bytes >> 20} MiB.")
    file.seek(max(0, size - LARGEST_COMMENT - 22 - BEFORE_END))
    tail = file.read()
    end = len(tail) - 22 if tail[-22:-18] == END and tail.endswith(b"\0\0") else tail.rfind(END)
    if end < 0 or len(tail) - end < 22:
        raise BadResults("not_a_zip", "The archive has no end: it was cut off, or is no ZIP file.")
    entries, directory = struct.unpack_from("<HL", tail, end + 10)
    if end >= 20 and tail[end - 20 : end - 16] == END64_LOCATOR:
        if end < BEFORE_END or tail[end - 76 : end - 72] != END64:
            raise BadResults("not_a_zip", "The archive's 64-bit end is not where it belongs.")
        entries, directory = struct.unpack_from("<QQ", tail, end - 76 + 32)
    _check_counts(entries, directory=directory, limits=limits)


def _check_counts(entries: int, *, directory: int, limits: ArchiveLimits) -> None:
    if entries > limits.entries or directory > limits.directory_bytes:
        raise BadResults("too_many_entries", f"An archive has at most {limits.entries} entries.")


def _check_entries(
    opened: zipfile.ZipFile, *, stems: Collection[str], extension: str, limits: ArchiveLimits
) -> dict[str, zipfile.ZipInfo]:
    entries = opened.infolist()
    _check_counts(len(entries), directory=0, limits=limits)
    allowed = {f"{stem}.{extension}" for stem in stems} | {FAILED}
    for entry in entries:
        _check_entry(entry, allowed=allowed, limits=limits)
    if len({entry.filename for entry in entries}) != len(entries):
        raise BadResults("duplicate_entry", "A name is in the archive more than once.")
    if sum(entry.file_size for entry in entries) > limits.total_bytes:
        raise BadResults("too_large", f"The files have at most {limits.total_bytes >> 20} MiB together.")
    end = opened.start_dir
    for entry in sorted(entries, key=lambda entry: entry.header_offset, reverse=True):
        if entry.header_offset + 30 + entry.compress_size > end:  # shared bytes inflate more than was sent
            raise BadResults("overlap", "Two files of the archive share the same bytes.")
        end = entry.header_offset
    return {entry.filename: entry for entry in entries}


def _check_entry(entry: zipfile.ZipInfo, *, allowed: Collection[str], limits: ArchiveLimits) -> None:
    # orig_filename: the library cuts a name at NUL, which would let one name pass for another
    if entry.orig_filename != entry.filename or entry.filename not in allowed:
        name = entry.orig_filename[:80].encode("unicode_escape").decode()
        raise BadResults("unexpected_name", f"{name!r} is neither <stem>.<ext> of a prompt of this batch nor {FAILED}.")
    kind = stat.S_IFMT(entry.external_attr >> 16)
    if kind not in (0, stat.S_IFREG) or entry.external_attr & 0x10:
        raise BadResults("not_a_file", f"{entry.filename} is a link or a folder, not a file.")
    if entry.flag_bits & 0x1:
        raise BadResults("encrypted", f"{entry.filename} is encrypted.")
    if entry.compress_type not in (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED):
        raise BadResults("unknown_compression", f"{entry.filename} is neither stored nor deflated.")
    if entry.file_size > limits.file_bytes:
        raise BadResults("too_large", f"{entry.filename} has more than {limits.file_bytes >> 20} MiB.")
    if entry.file_size > limits.free_bytes and entry.file_size > limits.ratio * entry.compress_size:
        raise BadResults("bomb", f"{entry.filename} inflates more than {limits.ratio} times.")


def _failed(
    opened: zipfile.ZipFile, *, entries: dict[str, zipfile.ZipInfo], stems: Collection[str], limits: ArchiveLimits
) -> dict[str, str]:
    """What the service reports that it could not make: {stem: reason}.  A stem that was not asked for is left out."""
    if FAILED not in entries:
        return {}
    if entries[FAILED].file_size > limits.failed_bytes:
        raise BadResults("bad_failed", f"{FAILED} has more than {limits.failed_bytes >> 10} KiB.")
    with opened.open(entries[FAILED]) as file:
        text = file.read(limits.failed_bytes + 1)
    try:
        reasons = json.loads(text)
    except (ValueError, RecursionError):
        reasons = None
    if not isinstance(reasons, dict):
        raise BadResults("bad_failed", f"{FAILED} is not a JSON object of stem and reason.")
    return {stem: _reason(reasons[stem]) for stem in stems if stem in reasons}


def _reason(value: object) -> str:
    text = value if isinstance(value, str) else "no reason given"
    return "".join(letter for letter in text[:LARGEST_REASON] if letter.isprintable()) or "no reason given"


def _write(opened: zipfile.ZipFile, entry: zipfile.ZipInfo, *, to: Path, limits: ArchiveLimits) -> Delivered:
    digest, size = hashlib.sha256(), 0
    with _our_disk():
        target = to.open("wb")
    # the target first: an entry that cannot be opened must not leave it open
    with target, opened.open(entry) as source:
        while chunk := source.read(CHUNK):
            size += len(chunk)
            if size > min(entry.file_size, limits.file_bytes):
                raise BadResults("too_large", f"{entry.filename} is longer than the archive says.")
            digest.update(chunk)
            with _our_disk():
                target.write(chunk)
        with _our_disk():
            target.flush()  # what is kept back until the end may find no room either
    if size != entry.file_size:
        raise BadResults("not_a_zip", f"{entry.filename} is shorter than the archive says.")
    return Delivered(path=to, sha256=digest.hexdigest(), size=size)


@contextlib.contextmanager
def _our_disk() -> Iterator[None]:
    """A full disk of ours must not look like a bad archive of theirs."""
    try:
        yield
    except OSError as reason:
        raise PodFault(
            INFRASTRUCTURE, "disk", f"We could not keep the results: {reason.strerror}. We try again."
        ) from reason
