"""What does a commit hold?  Parses the lines of `git ls-tree` without trusting a number or a name in them."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field

from audits.source import archive
from audits.source.findings import BLOCKING, PERSON, SourceFinding, excerpt

FILE, PROGRAM, SUBMODULE = "100644", "100755", "160000"
OLD_FILE = "100664"  # written by git before 2005, and by hand since


@dataclass(frozen=True, kw_only=True)
class TreeEntry:
    path: str
    mode: str
    sha: str
    size: int


@dataclass
class Listing:
    """`wanted` are plain files that fit; everything else the commit holds is in `left_out`, with the reason."""

    wanted: list[TreeEntry] = field(default_factory=list)
    left_out: list[SourceFinding] = field(default_factory=list)
    size: int = 0

    def leave_out(self, severity: str, rule: str, sentence: str, path: str) -> None:
        self.left_out.append(SourceFinding(severity=severity, rule=rule, sentence=sentence, file=excerpt(path)))


def listing(output: bytes, *, cut: bool) -> Listing:
    """`cut`: git was ended because it printed too much, so the last entry may be half of one."""
    entries = Listing()
    lines = output.split(b"\0")
    for line in lines[: archive.MOST_FILES + 1] if not cut else lines[: archive.MOST_FILES + 1][:-1]:
        if not line:
            continue
        facts, _, name = line.partition(b"\t")
        mode, _, sha, length = facts.decode("ascii", "replace").split()
        path, size = name.decode("utf-8", "replace"), int(length) if length.isdigit() else 0
        if mode == SUBMODULE:
            sentence = (
                "It is a submodule: code of another repository, which is not fetched and not audited. Copy it in."
            )
            entries.leave_out(PERSON, "submodule", sentence, path)
        elif mode not in (FILE, PROGRAM, OLD_FILE):
            sentence = "Links are not part of a solution: what they point at is not in the commit."
            entries.leave_out(BLOCKING, "not_a_file", sentence, path)
        elif why := archive.objection(path):
            entries.left_out.append(archive.odd_path(path, why))
        elif size > archive.LARGEST_FILE or entries.size + size > archive.LARGEST_ARCHIVE:
            sentence = f"The file has {size} bytes: more than we archive. Fetch weights by revision instead."
            entries.leave_out(PERSON, "not_archived", sentence, path)
        else:
            entries.size += size
            entries.wanted.append(TreeEntry(path=path, mode=mode, sha=sha, size=size))
    if cut or len(lines) - 1 > archive.MOST_FILES:
        sentence = f"There are more than {archive.MOST_FILES} files, or their names fill more than we read."
        entries.leave_out(BLOCKING, "too_many_files", sentence, "")
    return entries


def blobs(output: bytes, entries: list[TreeEntry]) -> Iterator[archive.File]:
    """The answers of `git cat-file --batch`, in the order asked.  Raises ValueError where they are something else."""
    at = 0
    for entry in entries:
        head_end = output.index(b"\n", at)
        sha, kind, size = output[at:head_end].decode("ascii").split()
        if (sha, kind, int(size)) != (entry.sha, "blob", entry.size):
            raise ValueError(f"asked for {entry.sha}, got {sha} {kind}")
        start = head_end + 1
        content = output[start : start + entry.size]
        if len(content) != entry.size:
            raise ValueError("the answer was cut off")
        at = start + entry.size + 1
        yield archive.File(path=entry.path, content=content, runs=entry.mode == PROGRAM)
