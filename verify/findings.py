"""What is a finding, and how is it shown to a person and to a machine?"""

from __future__ import annotations

import json
import re
from collections import Counter
from collections.abc import Iterable
from dataclasses import asdict, dataclass

from verify.bundle_kinds import BUNDLE_KINDS
from verify.kinds import KINDS

Value = str | int | float | bool | None

EVERY = KINDS | BUNDLE_KINDS

LONGEST_VALUE = 160
ROUND_OF_FILE = re.compile(r"(?:^|/)rounds/(\d{1,9})(?:/|$)")


@dataclass(frozen=True)
class Finding:
    """One disagreement ("error") or one thing a reader should know ("notable")."""

    severity: str
    kind: str
    round: int | None
    file: str
    field: str
    found: Value
    expected: Value
    sentence: str

    def line(self) -> str:
        """One printable line: severity, round, file, field, found, expected, sentence, kind."""
        where = "-" if self.round is None else str(self.round)
        place = f"{printable(self.file)}{' ' + printable(self.field) if self.field else ''}"
        return f"{self.severity:<7} round {where}  {place}: {self._values()}{printable(self.sentence)} [{self.kind}]"

    def _values(self) -> str:
        if self.expected is not None:
            return f"found {quoted(self.found)}, expected {quoted(self.expected)}. "
        return "" if self.found is None else f"found {quoted(self.found)}. "

    def as_json(self) -> dict[str, Value]:
        return asdict(self)


class Book:
    """Collects the findings of one repository, each once, and what was examined on the way."""

    def __init__(self, *, prefix: str = "") -> None:
        self.prefix = prefix
        self.counts: Counter[str] = Counter()
        self.rounds: list[str] = []
        """One sentence a round: what was played and whether the winner follows."""
        self._findings: dict[Finding, None] = {}

    @property
    def findings(self) -> list[Finding]:
        return sorted(self._findings, key=_place)

    def note(
        self,
        kind: str,
        *,
        file: str,
        sentence: str,
        field: str = "",
        found: object = None,
        expected: object = None,
        round: int | None = None,
    ) -> None:
        """Write a finding down; its severity is that of its kind, its round is the one its file lies in."""
        of_file = ROUND_OF_FILE.search(file)
        number = int(of_file[1]) if round is None and of_file else round
        severity = EVERY[kind].severity
        place = self.prefix + file
        finding = Finding(severity, kind, number, place, field, plain(found), plain(expected), sentence)
        self._findings[finding] = None

    def report(self) -> Report:
        return Report(self.findings, self.counts, self.rounds)

    def count(self, what: str, *, by: int = 1) -> None:
        self.counts[what] += by


def plain(value: object) -> Value:
    """A scalar as it is; anything else as short JSON, so that a finding stays one line."""
    if value is None or isinstance(value, bool | int | float | str):
        return value
    if isinstance(value, list | tuple | set | frozenset):
        return ", ".join(str(plain(item)) for item in value)
    return json.dumps(value, default=str)[:LONGEST_VALUE]


def quoted(value: Value) -> str:
    text = json.dumps(value, ensure_ascii=True)
    return text if len(text) <= LONGEST_VALUE else text[:LONGEST_VALUE] + "…"


def printable(text: str) -> str:
    """Names and texts come from miners: control characters must not reach a terminal."""
    return "".join(letter if letter.isprintable() else f"\\x{ord(letter):02x}" for letter in text)


def errors(findings: Iterable[Finding]) -> int:
    return sum(finding.severity == "error" for finding in findings)


@dataclass(frozen=True)
class Report:
    """What came of examining one path."""

    findings: list[Finding]
    counts: Counter[str]
    rounds: list[str]


def summary(findings: list[Finding], *, report: Report) -> list[str]:
    """The rounds, what was examined, then each kind with its number, errors first."""
    examined = ", ".join(f"{number} {what}" for what, number in report.counts.items()) or "nothing"
    lines = ["", *map(printable, report.rounds), f"Examined: {examined}."]
    of_kind = Counter((finding.severity, finding.kind) for finding in findings)
    for (severity, kind), number in sorted(of_kind.items()):
        lines.append(f"{number:6} {severity:<7} {kind}: {meaning(kind)}")
    wrong = errors(findings)
    lines.append(f"{wrong} errors, {len(findings) - wrong} notable.")
    return lines


def meaning(kind: str) -> str:
    return EVERY[kind].meaning


def document(findings: list[Finding], *, report: Report, path: str) -> str:
    """The same for machines: one JSON object."""
    wrong = errors(findings)
    body = {
        "path": path,
        "errors": wrong,
        "notable": len(findings) - wrong,
        "examined": dict(report.counts),
        "rounds": report.rounds,
        "findings": [finding.as_json() for finding in findings],
    }
    return json.dumps(body, indent=1, ensure_ascii=True)


def _place(finding: Finding) -> tuple[int, int, str, str]:
    return (finding.severity != "error", -1 if finding.round is None else finding.round, finding.kind, finding.file)
