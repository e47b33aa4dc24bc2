"""How are files written so that a reader never sees half of one?"""

from __future__ import annotations

import os
import shutil
import tempfile
from collections.abc import Iterable, Mapping
from pathlib import Path

from competition.records.rounds import announced

Pieces = Iterable[Mapping[str, bytes]]


def write_tree(folder: Path, files: Mapping[str, bytes]) -> int:
    """Write what differs, each file beside its place and then renamed.  Returns how many."""
    return sum(_replace(folder / path, content) for path, content in files.items())


def write_repository(folder: Path, pieces: Pieces) -> int:
    """A new folder appears at once; in one that is there, each file changes at once, in the order given.

    Files of the layout that are no longer in it are taken away; what else lies there, `.git` for one, is left alone.
    Returns how many files changed.
    """
    if not folder.exists():
        folder.parent.mkdir(parents=True, exist_ok=True)
        draft = Path(tempfile.mkdtemp(prefix=f".{folder.name}-", dir=folder.parent))
        try:
            draft.chmod(0o755)
            files_written = sum(write_tree(draft, files) for files in pieces)
            draft.rename(folder)
        finally:
            shutil.rmtree(draft, ignore_errors=True)
        return files_written
    written, written_paths = 0, set[str]()
    for files in pieces:
        written += write_tree(folder, files)
        written_paths |= files.keys()
    there = [path for path in sorted(folder.rglob("*")) if path.is_file() and ".git" not in path.parts]
    named = [path.relative_to(folder).as_posix() for path in there]
    gone = [path for path in named if announced(path) and path != "README.md" and path not in written_paths]
    for path in gone:
        (folder / path).unlink()
    return written + len(gone)


def _replace(target: Path, content: bytes) -> bool:
    if target.is_file() and not target.is_symlink() and target.read_bytes() == content:
        return False
    target.parent.mkdir(parents=True, exist_ok=True)
    handle, name = tempfile.mkstemp(prefix=".incoming-", dir=target.parent)
    try:
        with os.fdopen(handle, "wb") as file:
            file.write(content)
        Path(name).chmod(0o644)
        Path(name).replace(target)
    finally:
        Path(name).unlink(missing_ok=True)
    return True
