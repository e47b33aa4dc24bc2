"""How is one commit fetched from a git host?  Shallow, by its full hash, and never checked out.

Only the two fetches have the network, and only for the configured host's protocol.  Everything that reads what came is
walled off from it.  No hooks, no submodules, no LFS, no filters, no configuration but ours: blobs are read by hash, so
`.gitattributes` has no effect.  The history is fetched without files, to see whether a branch leads to the commit.
"""

from __future__ import annotations

import re
import shutil
import tempfile
from dataclasses import dataclass, replace
from pathlib import Path
from urllib.parse import urlsplit

from audits.decisions import fetching
from audits.source import archive
from audits.source.findings import BLOCKING, NOTICE, PERSON, SourceFinding, excerpt
from audits.source.origins import git_tree
from audits.source.origins.base import INFRASTRUCTURE, MINER, FetchedCode, NotFetched
from core.sandbox import processes
from core.sandbox.policy import SandboxPolicy
from core.sandbox.processes import Ended

REPO = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,99}/[A-Za-z0-9][A-Za-z0-9._-]{0,99}")
COMMIT = re.compile(r"[0-9a-f]{40}")
LARGEST_PACK = 256 << 20
LARGEST_HISTORY = 32 << 20
LARGEST_LIST = 2 << 20
DEEPEST_HISTORY = 5000
LOOKS = 3  # times in a row that the host must say so: of its answers, not of a row's tries (those: audits/states.py)
FETCHING = SandboxPolicy(
    memory=1 << 30,
    cpu_seconds=60,
    wall_seconds=150,
    file_bytes=LARGEST_PACK,
    open_files=256,
    processes=64,
    network=True,
)
LOOKING = SandboxPolicy(
    memory=1 << 30, cpu_seconds=30, wall_seconds=60, file_bytes=LARGEST_HISTORY, open_files=256, processes=64
)
ENVIRONMENT = {
    "GIT_CONFIG_NOSYSTEM": "1",
    "GIT_CONFIG_GLOBAL": "/dev/null",
    "GIT_ATTR_NOSYSTEM": "1",
    "GIT_TERMINAL_PROMPT": "0",
    "GIT_ASKPASS": "/bin/false",
    "GIT_LFS_SKIP_SMUDGE": "1",
    "GIT_NO_LAZY_FETCH": "1",
    "GIT_NO_REPLACE_OBJECTS": "1",
    "GIT_OPTIONAL_LOCKS": "0",
}
SETTINGS = (
    "protocol.version=2",
    "protocol.allow=never",
    "http.followRedirects=false",
    "http.lowSpeedLimit=1024",
    "http.lowSpeedTime=30",
    "credential.helper=",
    "core.hooksPath=/dev/null",
    "core.fsmonitor=false",
    "core.attributesFile=/dev/null",
    "core.symlinks=false",
    "core.askPass=/bin/false",
    "submodule.recurse=false",
    "fetch.recurseSubmodules=false",
    "fetch.writeCommitGraph=false",
    "transfer.bundleURI=false",
    "gc.auto=0",
    "maintenance.auto=false",
    "pack.threads=1",
    "index.threads=1",
    "safe.directory=*",
    "advice.detachedHead=false",
)

NOT_THERE = {
    fetching.COMMIT_MISSING: "The repository answers, and the revealed commit is not in it: never pushed, or removed.",
    fetching.REPOSITORY_MISSING: "The repository is not there, or not public.",
    fetching.REPOSITORY_MOVED: "The repository was renamed: it must answer under the name that was revealed.",
}


@dataclass(frozen=True, kw_only=True)
class _Repository:
    """An empty folder of ours that git fills."""

    folder: Path
    git: str
    protocol: str

    def run(
        self, *arguments: str, limits: SandboxPolicy, most: int, network: bool = False, given: bytes = b""
    ) -> Ended:
        settings = [word for text in (*SETTINGS, f"protocol.{self.protocol}.allow=always") for word in ("-c", text)]
        command = [self.git, *settings, "--git-dir", str(self.folder / "git"), *arguments]
        environment = {**ENVIRONMENT, "GIT_ALLOW_PROTOCOL": self.protocol}
        policy = replace(limits, answer_bytes=most, network=network, environment=environment)
        try:
            ended = processes.run(command, folder=self.folder, policy=policy, given=given)
        except OSError as reason:
            raise _ours(f"git could not be started: {reason.strerror}") from reason
        if ended.no_walls:
            raise _ours(f"this machine cannot wall git in: {excerpt(ended.complaints)}")
        return ended


class GitHost:
    """`base` is https://host, or http:// on this very machine for a demo and for tests.

    `witness`: `owner/name@commit` that it hands out whenever it is well; empty where none is known.
    """

    name = "git"

    def __init__(
        self,
        base: str,
        *,
        looks: int = LOOKS,
        fetching: SandboxPolicy = FETCHING,
        looking: SandboxPolicy = LOOKING,
        witness: str = "",
    ):
        self.base, self.looks, self.fetching, self.looking = base.rstrip("/"), looks, fetching, looking
        self.witness = witness
        self.git = shutil.which("git", path="/usr/bin:/usr/local/bin:/bin") or ""

    def fetch(self, repo: str, commit: str) -> FetchedCode:
        if not REPO.fullmatch(repo) or not COMMIT.fullmatch(commit):
            why = "The repository must be owner/name and the commit 40 lower-case hex digits."
            raise _theirs("bad_image", why, looks=1)
        if not self.git:
            raise _ours("git is not installed")
        url = f"{self.base}/{repo}.git"
        with tempfile.TemporaryDirectory(prefix="gauntlet-git-") as folder:
            have = _Repository(folder=Path(folder), git=self.git, protocol=urlsplit(self.base).scheme)
            self._bring(have, url, commit=commit)
            listing = self._list(have, commit=commit)
            files = self._read(have, listing)
            listing.left_out += self._reach(url, commit=commit)
        return FetchedCode(files=files, left_out=tuple(listing.left_out), origin=url)

    def _bring(self, have: _Repository, url: str, *, commit: str) -> None:
        made = have.run("init", "--quiet", "--bare", "--template=", limits=self.looking, most=1 << 16)
        if not made.fine:
            raise _ours(f"git init failed: {excerpt(made.complaints)}")
        ended = have.run(
            "fetch",
            "--quiet",
            "--depth=1",
            "--no-tags",
            "--no-recurse-submodules",
            "--no-write-fetch-head",
            "--end-of-options",
            url,
            commit,
            limits=self.fetching,
            most=1 << 16,
            network=True,
        )
        if not ended.fine:
            raise self._not_fetched(ended, url)
        kind = have.run("cat-file", "-t", commit, limits=self.looking, most=1 << 10)
        if kind.output.strip() != b"commit":
            raise _theirs("not_a_commit", "What was revealed is no commit, but another object of git.", looks=1)

    def _not_fetched(self, ended: Ended, url: str) -> NotFetched:
        complaints = excerpt(ended.complaints.strip().replace("\n", "; "))
        if ended.exhausted:
            why = f"The commit needs more than {LARGEST_PACK >> 20} MiB, or more work to unpack than we allow."
            return _theirs("repository_too_large", why, looks=1)
        repo = urlsplit(url).path.strip("/").removesuffix(".git")
        means = fetching.TROUBLE if ended.overran else fetching.meaning(ended.complaints, repo=repo)
        sentence = NOT_THERE.get(means)
        if sentence is None:
            return _ours(f"{url} could not be fetched: {complaints or 'it took too long'}")
        severity = BLOCKING if means == fetching.COMMIT_MISSING else PERSON
        return _theirs(means, sentence, looks=self.looks, severity=severity, shown=complaints)

    def _list(self, have: _Repository, *, commit: str) -> git_tree.Listing:
        """A tree may say that it holds itself a billion times: git is ended when it has printed enough."""
        ended = have.run("ls-tree", "-r", "-l", "-z", "--full-tree", commit, limits=self.looking, most=LARGEST_LIST)
        if not ended.fine and not ended.flooded:
            raise self._unreadable(ended)
        try:
            return git_tree.listing(ended.output, cut=ended.flooded)
        except ValueError as reason:
            raise _theirs("unreadable_tree", "The commit's list of files cannot be read.", looks=1) from reason

    def _read(self, have: _Repository, listing: git_tree.Listing) -> tuple[archive.File, ...]:
        wanted = "".join(f"{entry.sha}\n" for entry in listing.wanted).encode()
        most = listing.size + 100 * len(listing.wanted) + 1024
        ended = have.run("cat-file", "--batch", limits=self.looking, most=most, given=wanted)
        try:
            if not ended.fine:
                raise self._unreadable(ended)
            return tuple(git_tree.blobs(ended.output, listing.wanted))
        except ValueError as reason:
            raise _theirs("unreadable_blob", "A file of the commit cannot be read from it.", looks=1) from reason

    def _unreadable(self, ended: Ended) -> NotFetched:
        if ended.exhausted:
            return _theirs("repository_too_large", "The commit takes more work to read than we allow.", looks=1)
        if ended.overran:
            return _ours("reading the commit took too long on this machine")
        return _theirs(
            "unreadable_commit", f"git cannot read the commit: {excerpt(ended.complaints)}", looks=self.looks
        )

    def _reach(self, url: str, *, commit: str) -> list[SourceFinding]:
        with tempfile.TemporaryDirectory(prefix="gauntlet-history-") as folder:
            have = _Repository(folder=Path(folder), git=self.git, protocol=urlsplit(self.base).scheme)
            have.run("init", "--quiet", "--bare", "--template=", limits=self.looking, most=1 << 16)
            ended = have.run(
                "ls-remote",
                "--heads",
                "--tags",
                "--end-of-options",
                url,
                limits=self.looking,
                most=LARGEST_LIST,
                network=True,
            )
            tips = _hashes(ended.output) if ended.fine or ended.flooded else frozenset()
            history, whole = (None, False) if commit in tips else self._history(have, url)
            leads = fetching.reach(commit, tips=tips, history=history, whole=whole)
        if leads is None:
            why = "We could not see whether a branch leads to the commit: its history is long, or its host did not say."
            return [SourceFinding(severity=NOTICE, rule="reach_unknown", sentence=why)]
        if leads:
            return []
        why = "No branch or tag leads to this commit: it was pushed over, or it stands in a fork only."
        return [SourceFinding(severity=PERSON, rule="commit_off_branches", sentence=why)]

    def _history(self, have: _Repository, url: str) -> tuple[frozenset[str] | None, bool]:
        """The commits behind all branches and tags, without a single file of theirs; and whether these are all."""
        ended = have.run(
            "fetch",
            "--quiet",
            "--filter=tree:0",
            f"--depth={DEEPEST_HISTORY}",
            "--no-tags",
            "--no-recurse-submodules",
            "--no-write-fetch-head",
            "--end-of-options",
            url,
            "+refs/heads/*:refs/h/*",
            "+refs/tags/*:refs/t/*",
            limits=self.looking,
            most=1 << 16,
            network=True,
        )
        if not ended.fine:
            return None, False
        listed = have.run("rev-list", "--all", limits=self.looking, most=LARGEST_LIST)
        return _hashes(listed.output), listed.fine and not (have.folder / "git" / "shallow").exists()


def _hashes(output: bytes) -> frozenset[str]:
    words = (line.split(b"\t")[0].decode("ascii", "replace") for line in output.splitlines())
    return frozenset(word for word in words if COMMIT.fullmatch(word))


def _ours(why: str) -> NotFetched:
    return NotFetched(INFRASTRUCTURE, "code_not_fetched", f"We could not fetch the code: {why}. We try again.")


def _theirs(code: str, why: str, *, looks: int, severity: str = BLOCKING, shown: str = "") -> NotFetched:
    finding = SourceFinding(severity=severity, rule=code, sentence=why, excerpt=shown)
    return NotFetched(MINER, code, why, finding=finding, looks=looks)


def problem_with(base: str, *, demo: bool) -> str | None:
    """Why an operator's setting is no git host; None if it is one."""
    parts = urlsplit(base)
    scheme, host = parts.scheme, parts.hostname
    if not host or parts.query or parts.fragment or parts.username:
        return "it must be https://host, without a query or a name and password"
    loopback = host in ("127.0.0.1", "localhost")
    return None if scheme == "https" or (scheme == "http" and loopback and demo) else "it must begin with https://"
