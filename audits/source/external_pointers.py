"""Which files of the repository stand for something outside the commit?  LFS pointers, submodules, git's filters."""

from __future__ import annotations

import re
from collections.abc import Iterator

from audits.source.findings import NOTICE, PERSON, SourceFinding, excerpt
from audits.source.tree import SourceFile, Tree

POINTER = "version https://git-lfs.github.com/spec/"
FILTER = re.compile(r"\b(?:filter|diff|merge)=(?!lfs\b)\S+|\bexport-(?:ignore|subst)\b")


def check(tree: Tree) -> Iterator[SourceFinding]:
    for source in tree.files:
        text = source.text or ""
        if text.startswith(POINTER):
            why = "This is a pointer of git LFS: the file itself is not in the commit, and was not audited."
            yield SourceFinding(severity=PERSON, rule="lfs_pointer", sentence=why, file=source.path, line=1)
        elif source.name == ".gitattributes":
            yield from filters(source)
        elif source.name == ".gitmodules" and text.strip():
            why = "Submodules are not fetched: what they would bring was not audited."
            yield SourceFinding(severity=NOTICE, rule="submodules_named", sentence=why, file=source.path, line=1)


def filters(attributes: SourceFile) -> Iterator[SourceFinding]:
    why = "It asks git to change files on the way. We read the commit's own bytes, without filters."
    for number, line in enumerate(attributes.lines(), start=1):
        if FILTER.search(line):
            yield SourceFinding(
                severity=NOTICE,
                rule="git_filter",
                sentence=why,
                file=attributes.path,
                line=number,
                excerpt=excerpt(line),
            )
