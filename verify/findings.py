"""What is a finding, and how is it shown to a person and to a machine?"""

from __future__ import annotations

import json
import re
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from itertools import islice
from math import isfinite
from typing import Any

from verify.kinds import EVERY

Path = tuple[str, ...]
Kinds = str | Mapping[str, str]
"""The kind of a finding, or the kind by the last part of its path that is named; "" for all other paths."""
Value = str | int | float | bool | None
BROKEN = (KeyError, TypeError, ValueError, AttributeError, IndexError, ArithmeticError, RecursionError, OSError)
"""What a value or a file raises that no examination expects."""
LONGEST_VALUE = 160
LONGEST_TEXT = 4000
"""Characters of one field of a finding; a hostile file may hold texts of any length."""
MOST_BITS = 1024
"""Of a whole number that is shown; longer ones cannot always be written out."""
MOST_OF_A_KIND = 200
"""Findings of one kind that are kept of one repository or bundle; the rest is counted."""
ROUND_OF_FILE = re.compile(r"(?:^|/)rounds/(\d{1,9})(?:/|$)")


def differences(actual: Any, expected: Any, path: Path = ()) -> Iterator[tuple[Path, Any, Any]]:
    """(path, what is there, what should be there)."""
    if actual is expected:  # what was taken over as it is
        return
    if isinstance(actual, dict) and isinstance(expected, dict):
        for key in sorted({*actual, *expected}, key=str):
            if key in actual and key in expected:
                yield from differences(actual[key], expected[key], (*path, str(key)))
            else:
                yield (*path, str(key)), actual.get(key), expected.get(key)
    elif isinstance(actual, list | tuple) and isinstance(expected, list | tuple):
        for place, (left, right) in enumerate(zip(actual, expected, strict=False)):
            inside = list(differences(left, right, (*path, str(place))))
            if inside:
                yield from inside
                return
        if len(actual) != len(expected):
            yield (*path, "how many"), len(actual), len(expected)
    elif isinstance(actual, bool) != isinstance(expected, bool) or actual != expected:
        yield path, actual, expected


def kind_of(kinds: Kinds, path: Path) -> str:
    if isinstance(kinds, str):
        return kinds
    return next((kinds[part] for part in reversed(path) if part in kinds), kinds.get("", ""))


def keyed(rows: Iterable[Mapping[str, Any]], *names: str) -> dict[str, Any]:
    """The rows by what identifies them; one that comes again has a number, so that nothing expects it."""
    table: dict[str, Any] = {}
    for row in rows:
        key = " ".join(str(row.get(name)) for name in names)
        table[key if key not in table else f"{key} ({len(table)})"] = row
    return table


@dataclass(frozen=True)
class LoggedFinding:
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
        values = "" if self.found is None else f"found {quoted(self.found)}. "
        if self.expected is not None:
            values = f"found {quoted(self.found)}, expected {quoted(self.expected)}. "
        return f"{self.severity:<7} round {where}  {place}: {values}{printable(self.sentence)} [{self.kind}]"

    def as_json(self) -> dict[str, Value]:
        return asdict(self)


@dataclass(frozen=True)
class BundleSigner:
    """Whose signature a bundle bears.

    `good` None: it could not be checked.  `pinned` None: nobody said who it must be.
    """

    address: str
    good: bool | None
    pinned: bool | None

    def line(self) -> str:
        """One sentence for a person; it never sounds as if all were well where nobody pinned the key."""
        who = printable(self.address)[:64]
        if not who:
            return "Signed by nobody: there is no signed head that could be read."
        if self.good is False:
            return f"Said to be signed by {who}: the signature is not by this key."
        unchecked = " The signature was not checked: pip install bittensor-core." if self.good is None else ""
        if self.pinned is None:
            return (
                f"Signed by {who}. NOBODY PINNED THIS KEY, and anybody can sign: take the operator's address from "
                f"elsewhere and give it with --operator.{unchecked}"
            )
        whose = "the pinned operator" if self.pinned else "who is NOT the pinned operator"
        return f"Signed by {who}, {whose}.{unchecked}"


class FindingLog:
    """Collects the findings of one repository, each once, and what was examined on the way.

    Of one kind MOST_OF_A_KIND are kept, so that a hostile file fills no memory; `totals` counts all of them.
    """

    def __init__(self, *, prefix: str = "") -> None:
        self.prefix = prefix
        self.round: int | None = None
        """Of all findings that name no other, and whose file lies in no round's folder."""
        self.counts: Counter[str] = Counter()
        self.rounds: list[str] = []
        """One sentence a round: what was played and whether the winner follows."""
        self.totals: Counter[tuple[str, str]] = Counter()
        """(severity, kind) -> how many there are, also of those that were not kept."""
        self.signers: list[BundleSigner] = []
        self._findings: list[LoggedFinding] = []
        self._seen: set[int] = set()

    @property
    def findings(self) -> list[LoggedFinding]:
        """Errors first."""
        return sorted(
            self._findings, key=lambda f: (f.severity != "error", -1 if f.round is None else f.round, f.kind, f.file)
        )

    def note(
        self,
        kind: str,
        file: str,
        *,
        sentence: str = "",
        field: str = "",
        found: object = None,
        expected: object = None,
        round: int | None = None,
    ) -> None:
        """Write a finding down; its severity is that of its kind, its round is the one its file lies in, and its
        sentence the meaning of its kind, where none is given."""
        number = self.round if round is None else round
        of_file = ROUND_OF_FILE.search(file) if number is None else None
        number = int(of_file[1]) if of_file else number
        severity = EVERY[kind].severity
        place, sentence = self.prefix + file, sentence or f"{meaning(kind)[0].upper()}{meaning(kind)[1:]}."
        file, field, sentence = (text[:LONGEST_TEXT] for text in (place, field, sentence))
        finding = LoggedFinding(severity, kind, number, file, field, plain(found), plain(expected), sentence)
        if hash(finding) in self._seen:
            return
        self._seen.add(hash(finding))
        self.totals[severity, kind] += 1
        if self.totals[severity, kind] <= MOST_OF_A_KIND:
            self._findings.append(finding)

    def compare(
        self,
        kinds: Kinds,
        file: str,
        actual: object,
        expected: object,
        *,
        field: str = "",
        sentence: str = "",
        round: int | None = None,
    ) -> bool:
        """Is what stands in the file what was made again?  Each difference becomes a finding with its path."""
        good = True
        for path, left, right in differences(actual, expected):
            at = {"field": " ".join(part for part in (field, ".".join(path)) if part), "round": round}
            self.note(kind_of(kinds, path), file=file, found=left, expected=right, sentence=sentence, **at)  # type: ignore[arg-type]
            good = False
        return good

    @contextmanager
    def finishing(
        self, file: str, *, kind: str = "malformed-document", sentence: str = "This examination could not be finished."
    ) -> Iterator[None]:
        """An examination of hostile values: where one breaks it off, that is a finding, and the rest goes on."""
        try:
            yield
        except BROKEN as error:
            self.note(kind, file, found=repr(error)[:150], sentence=sentence)

    def report(self) -> VerifierReport:
        return VerifierReport(self.findings, self.counts, self.rounds, self.totals, self.signers)

    def count(self, what: str, *, by: int = 1) -> None:
        self.counts[what] += by


def plain(value: object) -> Value:
    """A scalar as it is; anything else as short JSON, so that a finding stays one line."""
    if isinstance(value, str):
        return value[:LONGEST_TEXT]
    if isinstance(value, int) and value.bit_length() > MOST_BITS:
        return f"a number of {value.bit_length()} bits"
    if isinstance(value, float) and not isfinite(value):
        return str(value)
    if value is None or isinstance(value, bool | int | float):
        return value
    try:
        if isinstance(value, list | tuple | set | frozenset):
            return ", ".join(str(plain(item)) for item in islice(value, LONGEST_TEXT))[:LONGEST_TEXT]
        return json.dumps(value, default=str)[:LONGEST_VALUE]
    except (RecursionError, ValueError) as error:
        return f"something that cannot be shown: {type(error).__name__}"


def quoted(value: Value) -> str:
    text = json.dumps(value, ensure_ascii=True)
    return text if len(text) <= LONGEST_VALUE else text[:LONGEST_VALUE] + "…"


def printable(text: str) -> str:
    """Names and texts come from miners: control characters must not reach a terminal."""
    return "".join(letter if letter.isprintable() else f"\\x{ord(letter):02x}" for letter in text)


def errors(findings: Iterable[LoggedFinding]) -> int:
    return sum(finding.severity == "error" for finding in findings)


@dataclass(frozen=True)
class VerifierReport:
    """What came of examining one path. `totals` counts also the findings that were not kept."""

    findings: list[LoggedFinding]
    counts: Counter[str]
    rounds: list[str]
    totals: Counter[tuple[str, str]]
    signers: list[BundleSigner]

    @property
    def errors(self) -> int:
        return sum(number for (severity, _), number in self.totals.items() if severity == "error")

    @property
    def notable(self) -> int:
        return self.totals.total() - self.errors

    def left_out(self, severity: str) -> dict[str, int]:
        """Kind -> how many findings of it were counted and not kept."""
        reported = Counter(finding.kind for finding in self.findings)
        more = {kind: total - reported[kind] for (of, kind), total in self.totals.items() if of == severity}
        return {kind: number for kind, number in sorted(more.items()) if number > 0}


def together(reports: Sequence[VerifierReport]) -> VerifierReport:
    """Several as one; each signer once, those whom nobody can trust last."""
    findings = [finding for report in reports for finding in report.findings]
    rounds = [line for report in reports for line in report.rounds]
    signers = dict.fromkeys(signer for report in reports for signer in report.signers)
    return VerifierReport(
        findings,
        sum((report.counts for report in reports), Counter()),
        rounds,
        sum((report.totals for report in reports), Counter()),
        sorted(signers, key=lambda signer: not (signer.good and signer.pinned)),
    )


def lines(report: VerifierReport, *, errors_only: bool = False) -> Iterator[str]:
    """All that is printed for a person: findings, rounds, what was examined, each kind with its number, who signed.

    The numbers are those of all findings, whatever is left out; who signed is always the last line.
    """
    shown = ["error"] if errors_only else ["error", "notable"]
    for severity in shown:
        yield from (finding.line() for finding in report.findings if finding.severity == severity)
        for kind, number in report.left_out(severity).items():
            yield f"{severity:<7} and {number} more [{kind}]"
    examined = ", ".join(f"{number} {what}" for what, number in report.counts.items()) or "nothing"
    yield from ("", *map(printable, report.rounds), f"Examined: {examined}.")
    for (severity, kind), number in sorted(report.totals.items()):
        if severity in shown:
            yield f"{number:6} {severity:<7} {kind}: {meaning(kind)}"
    if errors_only and report.notable:
        yield "What is only notable is not shown (--errors)."
    yield f"{report.errors} errors, {report.notable} notable."
    yield from (signer.line() for signer in report.signers)


def meaning(kind: str) -> str:
    return EVERY[kind].meaning


def document(report: VerifierReport, *, path: str, errors_only: bool = False) -> str:
    """The same for machines: one JSON object."""
    shown = [finding.as_json() for finding in report.findings if finding.severity == "error" or not errors_only]
    left_out = report.left_out("error") | ({} if errors_only else report.left_out("notable"))
    body = {
        "path": path,
        "errors": report.errors,
        "notable": report.notable,
        "examined": dict(report.counts),
        "rounds": report.rounds,
        "findings": shown,
        "left_out": left_out,
        "signed_by": [asdict(signer) for signer in report.signers],
    }
    return json.dumps(body, indent=1, ensure_ascii=True)
