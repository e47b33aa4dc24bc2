"""Which stored files belong to the audits, and how is a lost archive of a commit made again?  By another fetch."""

from __future__ import annotations

from collections.abc import Iterable

from audits.models import Build, CheckRun, SourceCopy
from audits.source import archive, source_audits


def archives_and_outputs() -> Iterable[str]:
    for row in SourceCopy.objects.values_list("archive", "fingerprint").iterator():
        yield from row
    yield from CheckRun.objects.exclude(raw="").values_list("raw", flat=True).iterator()
    yield from Build.objects.exclude(archive="").values_list("archive", flat=True).iterator()


def fetched_again(sha256: str) -> bytes | None:
    """Our archive of a commit is the same for the same files."""
    copy = SourceCopy.objects.filter(archive=sha256).first()
    return archive.pack(source_audits.origin().fetch(copy.repo, copy.commit).files) if copy else None
