"""Which code is this?  One name for the content of a folder, whoever computes it."""

import hashlib
from pathlib import Path

IGNORED = frozenset({"__pycache__", ".git"})


def commit_of(folder: Path) -> str:
    """40 lower-case hex characters that change when any file, or any file's name, changes.

    sha1 over one line per file, `<sha1 of its bytes>  <path relative to folder>`, in the order of the paths.
    A git tree would also do; this needs no git on the machine that runs the pod.
    """
    digest = hashlib.sha1(usedforsecurity=False)
    for path in sorted(files_of(folder)):
        content = hashlib.sha1((folder / path).read_bytes(), usedforsecurity=False).hexdigest()
        digest.update(f"{content}  {path}\n".encode())
    return digest.hexdigest()


def files_of(folder: Path) -> list[str]:
    """Relative POSIX paths of what counts: regular files only, without what Python or git leave behind.

    Raises ValueError for a symbolic link: what it points at is not part of the solution.
    """
    paths = []
    for path in folder.rglob("*"):
        relative = path.relative_to(folder)
        if IGNORED & set(relative.parts):
            continue
        if path.is_symlink():
            raise ValueError(f"{relative} is a symbolic link")
        if path.is_file():
            paths.append(relative.as_posix())
    return paths
