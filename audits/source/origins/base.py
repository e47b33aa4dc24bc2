"""What must an origin of code do?"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

from audits.source.archive import File
from audits.source.findings import SourceFinding

MINER, INFRASTRUCTURE = "miner", "infrastructure"


@dataclass(frozen=True, kw_only=True)
class FetchedCode:
    """The plain files of one commit; `left_out` are findings about what else the commit holds."""

    files: tuple[File, ...]
    left_out: tuple[SourceFinding, ...]
    origin: str


class NotFetched(Exception):
    """The code could not be had.

    `failure_class` says who must act.  A miner's one is believed when `looks` looks in a row have said so, since a host
    that answers wrongly once must not reject anybody; `finding` is what it then becomes.
    """

    def __init__(
        self, failure_class: str, code: str, sentence: str, *, finding: SourceFinding | None = None, looks: int = 1
    ):
        self.failure_class, self.code, self.sentence = failure_class, code, sentence
        self.finding, self.looks = finding, looks
        super().__init__(f"{failure_class}/{code}: {sentence}")


class CodeOrigin(Protocol):
    """`witness`: `owner/name@commit` of code that is had from there whenever all is well; empty where none is known."""

    name: str
    witness: str

    def fetch(self, repo: str, commit: str) -> FetchedCode:
        """Raises NotFetched only, whatever the host or the repository does.  Takes at most some minutes."""
