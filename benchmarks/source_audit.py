"""How much do the source checks find, and whom do they suspect wrongly?  `python -m benchmarks.source_audit`

Every repository of the corpus is pushed to a git host on loopback, fetched by its commit, archived and checked in the
sandbox, as in a round.  Found: the rule that the case is about, at a weight that a person looks at.  A false alarm: any
such finding in an honest repository.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
import time
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

from audits.source import CHECKS, archive, run_checks, scanning
from audits.source.findings import BLOCKING, PERSON
from audits.source.findings import SourceFinding as Found
from audits.source.origins.git import GitHost as Origin
from tests.audits.corpus import Case, corpus
from tests.audits.git_host import GitHost

ALARMS = (BLOCKING, PERSON)


@dataclass(frozen=True, kw_only=True)
class Row:
    case: Case
    alarms: frozenset[str]

    @property
    def right(self) -> bool:
        return self.case.rule in self.alarms if self.case.rule else not self.alarms


@dataclass(frozen=True, kw_only=True)
class Score:
    rows: Sequence[Row]

    def of(self, *, bad: bool) -> list[Row]:
        return [row for row in self.rows if bool(row.case.rule) is bad]

    @property
    def recall(self) -> float:
        rows = self.of(bad=True)
        return sum(row.right for row in rows) / len(rows)

    @property
    def false_alarms(self) -> float:
        rows = self.of(bad=False)
        return sum(not row.right for row in rows) / len(rows)

    def wrong(self) -> list[Row]:
        return [row for row in self.rows if not row.right]


def row(case: Case, found: Iterable[Found]) -> Row:
    return Row(case=case, alarms=frozenset(f.rule for f in found if f.severity in ALARMS))


def in_process(cases: Iterable[Case], folder: Path) -> Score:
    """The checks alone, on folders: what tests can afford."""
    rows = []
    for case in cases:
        home = folder / case.name
        for path, content in case.files.items():
            (home / path).parent.mkdir(parents=True, exist_ok=True)
            (home / path).write_bytes(content if isinstance(content, bytes) else content.encode())
        rows.append(row(case, run_checks(home)))
    return Score(rows=rows)


def whole(cases: Iterable[Case]) -> Score:
    """From git's own server, through the sandbox."""
    rows = []
    with tempfile.TemporaryDirectory() as folder, GitHost(Path(folder)) as host:
        origin, path = Origin(host.url), Path(folder) / "archive"
        for case in cases:
            commit = host.repository(f"corpus/{case.name}").push(case.files)
            got = origin.fetch(f"corpus/{case.name}", commit)
            path.write_bytes(archive.pack(got.files))
            found = list(got.left_out)
            for name in CHECKS:
                scanned = scanning.scan(name, path, commit=commit)
                if scanned.outcome != scanning.DONE:
                    raise SystemExit(f"{case.name}: {name} is {scanned.outcome}: {scanned.why}")
                found += scanned.findings
            rows.append(row(case, found))
    return Score(rows=rows)


def table(score: Score) -> str:
    """One line a rule: how many repositories are about it, how many were found."""
    lines = ["| rule | repositories | found |", "|---|---|---|"]
    for rule in sorted({row.case.rule for row in score.of(bad=True)}):
        rows = [row for row in score.of(bad=True) if row.case.rule == rule]
        lines.append(f"| `{rule}` | {len(rows)} | {sum(row.right for row in rows)} |")
    good = score.of(bad=False)
    lines.append(f"| honest repositories, false alarms | {len(good)} | {sum(not row.right for row in good)} |")
    return "\n".join(lines)


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seeds", type=int, default=1, help="corpora to make, each with other names and numbers")
    asked = parser.parse_args()
    began = time.perf_counter()
    rows = [row for seed in range(1, asked.seeds + 1) for row in whole(corpus(seed)).rows]
    score = Score(rows=rows)
    sys.stdout.write(f"{table(score)}\n\n")
    for one in score.wrong():
        sys.stdout.write(f"wrong: {one.case.name}: wanted {one.case.rule or 'nothing'}, found {sorted(one.alarms)}\n")
    sys.stdout.write(
        f"recall {score.recall:.1%} of {len(score.of(bad=True))}, false alarms {score.false_alarms:.1%} of "
        f"{len(score.of(bad=False))}, {(time.perf_counter() - began) / len(rows):.2f} s a repository\n"
    )
    return 0 if score.recall >= 0.95 and score.false_alarms <= 0.05 else 1


if __name__ == "__main__":
    sys.exit(main())
