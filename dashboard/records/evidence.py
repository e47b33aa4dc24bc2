"""Which files of a state repository have we read, and what were their bytes?"""

from __future__ import annotations

import hashlib
import zlib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from competition.models import Competition
from competition.records.reading import ReadProblem, RoundFiles
from competition.records.rounds import announced
from competition.records.sources import Listed, RecordSource, Unreadable
from dashboard.models import RecordFile

LEVEL = 6  # of deflate: records shrink to a tenth


@dataclass(kw_only=True)
class Read:
    """The files of one round, or those beside the rounds: path -> bytes, path -> sha256, and what could not be read."""

    number: int | None
    contents: dict[str, bytes] = field(default_factory=dict)
    hashes: dict[str, str] = field(default_factory=dict)
    troubles: list[ReadProblem] = field(default_factory=list)

    def digest(self, *more: object) -> str:
        """Of all the files, and of whatever else decides which rows they become."""
        parts = [*sorted(self.hashes.items()), *map(str, more), *map(str, self.troubles)]
        return hashlib.sha256(repr(parts).encode()).hexdigest()


def read(source: RecordSource, files: Iterable[Listed], *, number: int | None) -> Read:
    result = Read(number=number)
    for file in files:
        try:
            if file.objection:
                raise Unreadable(file.objection)
            content = source.read(file)
        except Unreadable as reason:
            result.troubles.append(ReadProblem(file.path, None, f"not read: {reason}"))
            continue
        result.contents[file.path] = content
        result.hashes[file.path] = hashlib.sha256(content).hexdigest()
    return result


def recall(slug: str, read: Read) -> None:
    """A file that is listed and cannot be read now stays as it was read before; it is reported all the same."""
    unread = {trouble.file for trouble in read.troubles}
    rows = RecordFile.objects.filter(competition__slug=slug, number=read.number, path__in=unread, current=True)
    for row in rows if unread else ():
        read.contents[row.path] = zlib.decompress(bytes(row.content))
        read.hashes[row.path] = row.sha256


def keep(competition: Competition, read: Read, *, troubles: Iterable[ReadProblem]) -> None:
    """Write down what is new.  A version that was there before is marked again; one that is gone stays as history."""
    of_file: dict[str, list[dict[str, object]]] = {}
    for trouble in troubles:
        of_file.setdefault(trouble.file, []).append(trouble.as_json())
    rows = RecordFile.objects.filter(competition=competition, number=read.number)
    known = {(row.path, row.sha256): row for row in rows.defer("content")}
    gone = [row.pk for row in known.values() if row.current and read.hashes.get(row.path) != row.sha256]
    rows.filter(pk__in=gone).update(current=False)
    returned = [known[pair].pk for pair in read.hashes.items() if pair in known and not known[pair].current]
    rows.filter(pk__in=returned).update(current=True)
    for pair in read.hashes.items():
        if pair in known and known[pair].troubles != of_file.get(pair[0], []):
            rows.filter(pk=known[pair].pk).update(troubles=of_file.get(pair[0], []))
    RecordFile.objects.bulk_create(
        RecordFile(
            competition=competition,
            number=read.number,
            path=path,
            sha256=sha256,
            bytes=len(read.contents[path]),
            content=zlib.compress(read.contents[path], LEVEL),
            known=announced(path),
            troubles=of_file.get(path, []),
        )
        for path, sha256 in read.hashes.items()
        if (path, sha256) not in known
    )


def contents(competition: Competition, *, number: int | None = None) -> Mapping[str, bytes]:
    """Path -> bytes of the current files of one round, or of those beside the rounds."""
    rows = RecordFile.objects.filter(competition=competition, number=number, current=True)
    return {row.path: zlib.decompress(bytes(row.content)) for row in rows.iterator(chunk_size=100)}


def hashes(contents: Mapping[str, bytes]) -> dict[str, str]:
    return {path: hashlib.sha256(content).hexdigest() for path, content in contents.items()}


def check_the_rest(files: RoundFiles) -> None:
    """Files that no row is made of must be whole all the same."""
    for path in files.contents:
        if path.endswith(".json") and announced(path) and path not in files.parsed:
            files.json(path, kind=dict)
