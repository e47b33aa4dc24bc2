"""What does a git host's refusal mean?  Only a plain "it is not here" is about the miner; everything else is ours.

An outage must never become a verdict, so a message that is not recognised counts as trouble: it is retried, and nobody
is blamed.
"""

from __future__ import annotations

import re

COMMIT_MISSING, REPOSITORY_MISSING, REPOSITORY_MOVED, TROUBLE = (
    "commit_missing",
    "repository_missing",
    "repository_moved",
    "trouble",
)

# Lower-case pieces of what git and the known hosts print.  Order: the more particular first.
WORDS = (
    ("not our ref", COMMIT_MISSING),
    ("couldn't find remote ref", COMMIT_MISSING),
    ("no such remote ref", COMMIT_MISSING),
    ("reference is not a tree", COMMIT_MISSING),
    ("unable to update url base from redirection", REPOSITORY_MOVED),
    ("the requested url returned error: 301", REPOSITORY_MOVED),
    ("the requested url returned error: 302", REPOSITORY_MOVED),
    ("the requested url returned error: 307", REPOSITORY_MOVED),
    ("the requested url returned error: 308", REPOSITORY_MOVED),
    ("repository not found", REPOSITORY_MISSING),
    ("repository '' not found", REPOSITORY_MISSING),
    ("the requested url returned error: 404", REPOSITORY_MISSING),
    ("the requested url returned error: 410", REPOSITORY_MISSING),
    ("the requested url returned error: 451", REPOSITORY_MISSING),
    ("access to this repository has been disabled", REPOSITORY_MISSING),
    ("repository has been disabled", REPOSITORY_MISSING),
    ("could not read username", REPOSITORY_MISSING),  # how GitHub answers for what is private or was deleted
    ("terminal prompts disabled", REPOSITORY_MISSING),
    ("does not appear to be a git repository", REPOSITORY_MISSING),
)
# Said together with the words above they show that the host, not the repository, has a problem.
OUTAGE = (
    "error: 5",
    "error: 429",
    "timed out",
    "could not resolve",
    "connection reset",
    "connection refused",
    "early eof",
    "gnutls",
    "ssl",
    "certificate",
    "temporarily",
    "rate limit",
)


ADDRESS = re.compile(r"https?://[^\s']*")


def meaning(complaint: str, *, repo: str = "") -> str:
    """One of the four.  The words of the address and of the repository's own name, `owner/name`, say nothing: a miner
    chose them."""
    words = ADDRESS.sub("", complaint.lower())
    for name in (f"{repo.lower()}.git", repo.lower()) if repo else ():
        words = words.replace(name, "")
    if any(piece in words for piece in OUTAGE):
        return TROUBLE
    return next((means for piece, means in WORDS if piece in words), TROUBLE)


def reach(commit: str, *, tips: frozenset[str], history: frozenset[str] | None, whole: bool) -> bool | None:
    """Does a branch or tag of the repository lead to the commit?  None where what was fetched does not show it.

    `tips` are where branches and tags point, `history` the fetched commits behind them, `whole` whether these are all.
    """
    if commit in tips or (history is not None and commit in history):
        return True
    return False if history is not None and whole else None
