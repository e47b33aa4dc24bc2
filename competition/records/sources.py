"""Where do the files of a state repository come from?  A folder, a git checkout or a bare repository.

Of git only the commit `HEAD` is read, object by object, so a source commit can be named and no work tree is trusted.
"""

from __future__ import annotations

import os
import re
import shutil
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Protocol

from core.sandbox import processes
from core.sandbox.policy import SandboxPolicy

LARGEST_BYTES = 64 * 2**20
ROUND_FOLDER = re.compile(r"rounds/(0|[1-9][0-9]{0,8})/.+")
# A repository may hold settings and hooks of its own: none of them is to be run, and nothing is to be fetched.
GIT_ENVIRONMENT = {
    "GIT_CONFIG_GLOBAL": "/dev/null",
    "GIT_CONFIG_NOSYSTEM": "1",
    "GIT_TERMINAL_PROMPT": "0",
    "GIT_NO_LAZY_FETCH": "1",
    "GIT_OPTIONAL_LOCKS": "0",
    "GIT_NO_REPLACE_OBJECTS": "1",
}
READING = SandboxPolicy(
    memory=8 << 30,  # of addresses: git maps whole packs
    cpu_seconds=600,
    wall_seconds=120.0,  # of one list; the files of a repository are read for as long as they are wanted
    file_bytes=1 << 20,
    open_files=256,
    answer_bytes=256 << 20,
    environment=GIT_ENVIRONMENT,
)
QUIET = ("-c", "safe.directory=*", "-c", "core.fsmonitor=false", "-c", "core.hooksPath=/dev/null")
REGULAR = ("100644", "100755")
FOLDER = "a folder"
TOO_LARGE = f"larger than {LARGEST_BYTES // 2**20} MB"


class NoRepository(Exception):
    """Nothing at this path can be imported; says what was looked for."""


class GitFailed(Exception):
    """git did not answer; says what it said."""


class Unreadable(Exception):
    """One file cannot be read; says why."""


@dataclass(frozen=True, kw_only=True)
class Listed:
    """A file before it is read.  `objection` says why it will not be; `key` is how its source names it.

    `bytes` is 0 where its source tells no size before it is read.
    """

    path: str
    bytes: int
    key: str = ""
    objection: str = ""


class RecordSource(Protocol):
    """`origin` is what a person called it, `commit` the git commit read, or empty."""

    origin: str
    commit: str

    def listing(self) -> list[Listed]:
        """Raises NoRepository where nothing can be listed."""

    def close(self) -> None: ...

    def read(self, file: Listed) -> bytes:
        """Raises Unreadable."""


class Folder:
    """The files below a folder; links are not followed."""

    commit = ""

    def __init__(self, root: Path) -> None:
        self.root, self.origin = root, str(root)

    def listing(self) -> list[Listed]:
        return sorted(self._below(""), key=lambda file: file.path)

    def close(self) -> None:
        return

    def _below(self, at: str) -> Iterator[Listed]:
        with os.scandir(self.root / at) as entries:
            for entry in entries:
                path = f"{at}/{entry.name}" if at else entry.name
                if entry.is_symlink():
                    yield Listed(path=path, bytes=0, objection="a link, which is not followed")
                elif entry.is_dir(follow_symlinks=False):
                    yield from self._below(path) if entry.name != ".git" else ()
                elif entry.is_file(follow_symlinks=False):
                    yield sized(path, entry.stat(follow_symlinks=False).st_size)
                else:
                    yield Listed(path=path, bytes=0, objection="neither a file nor a folder")

    def read(self, file: Listed) -> bytes:
        try:
            return (self.root / file.path).read_bytes()
        except OSError as error:
            raise Unreadable(f"it cannot be read: {error.strerror}") from error


class Git:
    """The files of the commit `HEAD`, through one `git cat-file --batch`.  `below` is a folder inside the commit."""

    def __init__(self, root: Path, *, below: str = "") -> None:
        self.root, self.below = root, f"{below}/" if below else ""
        self.origin = f"{root}/{below}".rstrip("/")
        self.commit = _git(root, "rev-parse", "--verify", "HEAD^{commit}").decode().strip()
        self._batch: processes.WalledProgram | None = None

    def listing(self) -> list[Listed]:
        """By name only: of a file that the repository does not hold, not even the size can be asked."""
        try:
            try:
                listed = [*_of_tree(_git(self.root, "ls-tree", "-r", "-z", self.commit))]
            except GitFailed:  # a folder is missing, too: folder by folder
                listed = [*self._walk(self.commit, "")]
        except (GitFailed, OSError) as error:
            raise NoRepository(f"{self.root}: git cannot read its commit HEAD") from error
        files = (file for file in listed if file.path.startswith(self.below))
        return sorted((_below(file, self.below) for file in files), key=lambda file: file.path)

    def _walk(self, tree: str, at: str) -> Iterator[Listed]:
        try:
            lines = _git(self.root, "ls-tree", "-z", tree)
        except GitFailed:
            if not at:
                raise
            yield Listed(path=at.rstrip("/"), bytes=0, objection="git does not have this folder")
            return
        for file in _of_tree(lines, at=at):
            yield from self._walk(file.key, f"{file.path}/") if file.objection == FOLDER else (file,)

    def read(self, file: Listed) -> bytes:
        try:
            return self._content(file)
        except OSError as error:
            self.close()  # git stops at a damaged object: the next file asks another git
            raise Unreadable("git cannot read its content, which is damaged") from error

    def _content(self, file: Listed) -> bytes:
        pipe = self._pipe()
        if pipe.stdin is None or pipe.stdout is None:
            raise OSError("git gives no pipe")
        pipe.stdin.write(f"{file.key}\n".encode())
        pipe.stdin.flush()
        head = pipe.stdout.readline().split()
        if head[-1:] == [b"missing"]:
            raise Unreadable("git does not have its content")
        if len(head) != 3 or head[1] != b"blob":
            raise OSError("git gave no file")
        if int(head[2]) > LARGEST_BYTES:
            self.close()
            raise Unreadable(TOO_LARGE)
        content = pipe.stdout.read(int(head[2]))
        pipe.stdout.read(1)
        if len(content) != int(head[2]):
            raise OSError("git gave less of it than it said")
        return content

    def _pipe(self) -> processes.WalledProgram:
        if self._batch is None:
            command, policy = _command(self.root, "cat-file", "--batch")
            self._batch = processes.start_program(command, folder=None, policy=policy, complaints=False)
        return self._batch

    def close(self) -> None:
        if self._batch is not None:
            processes.end(self._batch)
            self._batch = None


def open_sources(path: Path) -> list[RecordSource]:
    """The repository at the path, or those directly inside it.  Raises NoRepository."""
    if not path.exists():
        raise NoRepository(f"{path}: there is nothing at this path")
    is_git = (path / ".git").exists() or ((path / "HEAD").is_file() and (path / "objects").is_dir())
    if is_git:
        sources: list[RecordSource] = _of_git(path)
    else:
        inside = sorted(child for child in path.iterdir() if child.is_dir()) if path.is_dir() else []
        roots = [path] if is_repository(path) else [child for child in inside if is_repository(child)]
        sources = [Folder(root) for root in roots]
    if not sources:
        problem = "no state repository here (of git, the commit HEAD is read); one has config.json and a folder rounds/"
        raise NoRepository(f"{path}: {problem}")
    return sources


def is_repository(path: Path) -> bool:
    """A founded competition has no folder `rounds` before its first round."""
    begun = (path / "rounds").is_dir() or (path / "state.json").is_file()
    return begun and (path / "config.json").is_file()


def _of_git(path: Path) -> list[RecordSource]:
    try:
        paths = [file.path for file in Git(path).listing()]
    except (GitFailed, OSError) as error:
        raise NoRepository(f"{path}: git cannot read its commit HEAD") from error
    roots = [p.removesuffix("config.json").rstrip("/") for p in paths if p.split("/")[-1] == "config.json"]
    # the root itself, or else those directly inside it
    outermost = [""] if "" in roots else [root for root in sorted(roots) if "/" not in root]
    begun = []
    for root in outermost:
        inside = (p.removeprefix(f"{root}/" if root else "") for p in paths)
        if any(p == "state.json" or p.startswith("rounds/") for p in inside):
            begun.append(Git(path, below=root))
    return list[RecordSource](begun)


def _of_tree(lines: bytes, *, at: str = "") -> Iterator[Listed]:
    """What `git ls-tree` names."""
    for line in filter(None, lines.split(b"\0")):
        about, _, name = line.partition(b"\t")
        mode, kind, key = about.decode().split()
        path = at + name.decode("utf-8", errors="replace")
        if kind == "tree":
            yield Listed(path=path, bytes=0, key=key, objection=FOLDER)
        elif kind != "blob" or mode not in REGULAR:
            yield Listed(path=path, bytes=0, objection="a link or another repository, which is not followed")
        else:
            yield Listed(path=path, bytes=0, key=key)


def _below(file: Listed, folder: str) -> Listed:
    path = file.path.removeprefix(folder)
    return replace(file, path=path) if file.objection else sized(path, file.bytes, key=file.key)


def sized(path: str, size: int, *, key: str = "") -> Listed:
    """A file as far as its name and size let it be read."""
    objection = TOO_LARGE if size > LARGEST_BYTES else ""
    if len(path) > 400 or not path.isprintable():
        path, objection = f"{path.encode('ascii', 'backslashreplace').decode()[:380]}…", "a name of no record"
    return Listed(path=path, bytes=size, key=key, objection=objection)


def _git(root: Path, *arguments: str) -> bytes:
    """What git prints.  Raises GitFailed, OSError."""
    command, policy = _command(root, *arguments)
    ended = processes.run(command, folder=None, policy=policy)
    if not ended.fine:
        raise GitFailed(ended.complaints)
    return ended.output


def _command(root: Path, *arguments: str) -> tuple[list[str], SandboxPolicy]:
    """git may read the repository, and nothing else of ours."""
    place = str(root.resolve())
    git = shutil.which("git") or "/usr/bin/git"
    return [git, *QUIET, "-C", place, *arguments], replace(READING, readable=(place,))


def by_round(files: Iterable[Listed]) -> dict[int | None, list[Listed]]:
    """Round number -> its files; None: those of no round."""
    shelves: dict[int | None, list[Listed]] = {None: []}
    for file in files:
        matched = ROUND_FOLDER.fullmatch(file.path)
        shelves.setdefault(int(matched[1]) if matched else None, []).append(file)
    return shelves
