"""How is an export committed to git, and pushed?"""

from __future__ import annotations

import os
import subprocess
from pathlib import Path

AUTHOR = ("-c", "user.name=Gauntlet", "-c", "user.email=gauntlet@localhost", "-c", "commit.gpgsign=false")
PUSH_SECONDS = 300


class GitRefused(Exception):
    """git did not do it; says what it said."""


def commit(folder: Path, *, message: str) -> str:
    """Commit all that changed; makes the repository where there is none.  Returns what happened, in a line."""
    if not (folder / ".git").exists():
        _git(folder, "init", "--quiet", "--initial-branch=main")
    _git(folder, "add", "--all", ".")
    if not _git(folder, "status", "--porcelain", "--", "."):
        return "nothing to commit"
    _git(folder, *AUTHOR, "commit", "--quiet", "--no-verify", "-m", message)
    return f"committed {_git(folder, 'rev-parse', 'HEAD')}"


def push(folder: Path, *, remote: str) -> str:
    """Never forced: a remote that has other commits refuses, and is left as it is."""
    branch = _git(folder, "symbolic-ref", "--short", "HEAD")
    _git(folder, "push", "--quiet", "--", remote, f"HEAD:refs/heads/{branch}")
    return f"pushed {branch} to {remote}"


def _git(folder: Path, *arguments: str) -> str:
    environment = {**os.environ, "GIT_TERMINAL_PROMPT": "0"}
    try:
        command = ["git", "-C", str(folder), *arguments]
        ran = subprocess.run(command, capture_output=True, text=True, timeout=PUSH_SECONDS, env=environment)
    except (OSError, subprocess.TimeoutExpired) as error:
        raise GitRefused(f"git {arguments[0]}: {error}") from error
    if ran.returncode:
        raise GitRefused(f"git {arguments[0]} failed: {ran.stderr.strip()[-400:]}")
    return ran.stdout.strip()
