"""How is code fetched where no git host is configured?  From folders of this machine, which play the host in a demo."""

from __future__ import annotations

import tempfile
from pathlib import Path

from audits.pods.base import Image, PodFault
from audits.pods.checkout import checkout
from audits.source import archive
from audits.source.findings import BLOCKING, SourceFinding
from audits.source.origins.base import MINER, FetchedCode, NotFetched
from competition.solution import commit_of, files_of


class Folders:
    """`repos` holds one folder per repository; the commit is the hash of what is in it."""

    name = "folders"
    witness = ""

    def __init__(self, repos: Path) -> None:
        self.repos = repos

    def fetch(self, repo: str, commit: str) -> FetchedCode:
        with tempfile.TemporaryDirectory(prefix="gauntlet-source-") as folder:
            code = Path(folder) / "code"
            try:
                checkout(Image(repo=repo, commit=commit), repos=self.repos, into=code, commit_of=commit_of)
            except PodFault as fault:
                theirs = fault.failure_class == MINER
                finding = SourceFinding(severity=BLOCKING, rule=fault.code, sentence=fault.sentence) if theirs else None
                raise NotFetched(fault.failure_class, fault.code, fault.sentence, finding=finding) from fault
            # `checkout` copies contents only; which files are programs is not part of a folder's commit
            paths = sorted(files_of(code))
            files = tuple(archive.File(path=path, content=(code / path).read_bytes()) for path in paths)
        odd = {file.path: why for file in files if (why := archive.objection(file.path))}
        return FetchedCode(
            files=tuple(file for file in files if file.path not in odd),
            left_out=tuple(archive.odd_path(path, why) for path, why in odd.items()),
            origin=f"folder {repo}",
        )
