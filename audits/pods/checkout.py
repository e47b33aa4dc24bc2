"""Which bytes will run?  A private copy of the miner's folder, and only if it is the commit they revealed."""

from __future__ import annotations

import os
import re
import shutil
from collections.abc import Callable
from pathlib import Path

from audits.pods.base import INFRASTRUCTURE, MINER, UNCLEAR, Image, PodFault

REPO = re.compile(r"(?P<owner>[A-Za-z0-9][A-Za-z0-9._-]{0,99})/(?P<name>[A-Za-z0-9][A-Za-z0-9._-]{0,99})")
COMMIT = re.compile(r"[0-9a-f]{40}")
NOT_CODE = frozenset({"__pycache__", ".git"})
ENTRY = "serve.py"
LARGEST = 64 << 20
MOST_FILES = 2000
DEEPEST = 12


def checkout(image: Image, *, repos: Path, into: Path, commit_of: Callable[[Path], str]) -> Path:
    """The folder that will run: copied first, then hashed, so that nobody can change it in between.

    `repos` holds one folder per repository: `owner/name`, or only `name`.
    """
    named = REPO.fullmatch(image.repo)
    if not named or not COMMIT.fullmatch(image.commit):
        raise PodFault(MINER, "bad_image", "The repository must be owner/name and the commit 40 lower-case hex digits.")
    folders = (repos / named["owner"] / named["name"], repos / named["name"])
    source = next((folder for folder in folders if folder.is_dir() and not folder.is_symlink()), None)
    if source is None and not repos.is_dir():
        raise PodFault(INFRASTRUCTURE, "no_repositories", "Our folder of repositories is not there. We try again.")
    if source is None:
        raise PodFault(MINER, "code_not_found", f"There is no repository {image.repo} here.")
    shutil.rmtree(into, ignore_errors=True)
    try:
        _copy(source, into=into, budget=_Budget(), depth=0)
    except OSError as reason:
        raise PodFault(
            UNCLEAR, "copy_failed", f"We could not copy the code: {reason.strerror}. We try again."
        ) from reason
    commit = commit_of(into)
    if commit != image.commit:
        raise PodFault(
            MINER,
            "code_not_found",
            f"{image.repo} holds commit {commit}, not {image.commit} as revealed: the revealed code is not there.",
        )
    if not (into / ENTRY).is_file():
        raise PodFault(MINER, "no_entry", f"The repository has no {ENTRY} at its top: there is nothing to start.")
    return into


class _Budget:
    """What is left of the allowance for one copy."""

    def __init__(self) -> None:
        self.files, self.bytes = MOST_FILES, LARGEST

    def spend(self, size: int) -> None:
        self.files -= 1
        self.bytes -= size
        if self.files < 0 or self.bytes < 0:
            raise PodFault(
                MINER, "code_too_large", f"A repository has at most {MOST_FILES} files and {LARGEST >> 20} MiB."
            )


def _copy(source: Path, *, into: Path, budget: _Budget, depth: int) -> None:
    if depth > DEEPEST:
        raise PodFault(MINER, "code_too_deep", f"Folders may be nested {DEEPEST} deep.")
    into.mkdir(mode=0o755)
    with os.scandir(source) as listed:
        entries = [entry for entry in listed if entry.name not in NOT_CODE]
    for entry in entries:
        if entry.is_dir(follow_symlinks=False):
            budget.spend(0)
            _copy(source / entry.name, into=into / entry.name, budget=budget, depth=depth + 1)
        elif entry.is_file(follow_symlinks=False):
            _copy_file(source / entry.name, into=into / entry.name, budget=budget)
        else:
            raise PodFault(MINER, "code_has_links", f"{entry.name!r} is not a plain file: links are not copied.")


def _copy_file(source: Path, *, into: Path, budget: _Budget) -> None:
    """O_NOFOLLOW: the entry may have become a link since it was listed."""
    descriptor = os.open(source, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC)
    with open(descriptor, "rb") as reading, open(into, "xb") as writing:
        size = os.fstat(descriptor).st_size
        budget.spend(size)
        while size > 0 and (chunk := reading.read(min(size, 1 << 20))):
            writing.write(chunk)
            size -= len(chunk)
    into.chmod(0o644)
