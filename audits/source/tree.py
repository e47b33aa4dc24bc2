"""What files does a miner's code have?  A bounded reader: hostile trees are deep, wide, huge or full of links."""

from __future__ import annotations

import os
from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path

from audits.source.archive import DEEPEST, MOST_FILES, File
from audits.source.findings import BLOCKING, PERSON, UNCHECKED, SourceFinding

LARGEST_TEXT = 1 << 20
LARGEST_TREE = 64 << 20
LONGEST_LINE = 5000
SKIPPED = frozenset({".git", "__pycache__"})


@dataclass(frozen=True, kw_only=True)
class SourceFile:
    """One file.  `text` is None where it is binary or too large to read, `data` empty where it was not read at all."""

    path: str
    size: int
    text: str | None
    data: bytes = b""

    @property
    def name(self) -> str:
        return self.path.rpartition("/")[2]

    @property
    def at_top(self) -> bool:
        return "/" not in self.path

    def lines(self) -> list[str]:
        """Cut, so that no later pattern sees a line of a million characters."""
        return [line[:LONGEST_LINE] for line in (self.text or "").splitlines()]


@dataclass
class Tree:
    files: list[SourceFile] = field(default_factory=list)
    findings: list[SourceFinding] = field(default_factory=list)
    read: int = 0

    def find(self, severity: str, rule: str, sentence: str, *, file: str) -> None:
        self.findings.append(SourceFinding(severity=severity, rule=rule, sentence=sentence, file=file))


def read(folder: Path) -> Tree:
    tree = Tree()
    if folder.is_dir() and not folder.is_symlink():
        _read_folder(folder, within="", depth=0, tree=tree)
    else:
        tree.find(UNCHECKED, "no_code", "The code to be audited is not where we put it.", file="")
    return tree


def of_files(files: Iterable[File]) -> Tree:
    """The tree of an archive of ours: links and odd paths were left out, and said so, when it was made."""
    tree = Tree()
    for file in files:
        size = len(file.content)
        if size > LARGEST_TEXT and b"\0" not in file.content[:LARGEST_TEXT]:
            sentence = f"The text has {size} bytes: too large for the checks to read."
            tree.find(PERSON, "not_read", sentence, file=file.path)
        tree.files.append(SourceFile(path=file.path, size=size, text=_text(file.content), data=file.content))
    return tree


def _text(data: bytes) -> str | None:
    return None if len(data) > LARGEST_TEXT or b"\0" in data else data.decode("utf-8", errors="replace")


def _read_folder(folder: Path, *, within: str, depth: int, tree: Tree) -> None:
    if depth > DEEPEST:
        tree.find(BLOCKING, "too_deep", f"Folders are nested more than {DEEPEST} deep.", file=within)
        return
    with os.scandir(folder) as entries:
        for entry in sorted(entries, key=lambda entry: entry.name):
            if len(tree.files) >= MOST_FILES:
                tree.find(BLOCKING, "too_many_files", f"There are more than {MOST_FILES} files.", file=within)
                return
            path = f"{within}{entry.name}"
            if entry.name in SKIPPED:
                continue
            if entry.is_dir(follow_symlinks=False):
                _read_folder(Path(entry.path), within=f"{path}/", depth=depth + 1, tree=tree)
            elif entry.is_file(follow_symlinks=False):
                tree.files.append(_read_file(Path(entry.path), path=path, tree=tree))
            else:
                why = "Links, pipes and devices are not part of a solution: what they point at is not in the commit."
                tree.find(BLOCKING, "not_a_file", why, file=path)


def _read_file(file: Path, *, path: str, tree: Tree) -> SourceFile:
    descriptor = os.open(file, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC)
    with open(descriptor, "rb") as opened:
        size = os.fstat(descriptor).st_size
        if size > LARGEST_TEXT or tree.read + size > LARGEST_TREE:
            tree.find(PERSON, "not_read", f"The file has {size} bytes: too large for the checks to read.", file=path)
            return SourceFile(path=path, size=size, text=None)
        data = opened.read(LARGEST_TEXT)
    tree.read += len(data)
    return SourceFile(path=path, size=size, text=_text(data), data=data)
