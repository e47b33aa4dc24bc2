"""What does the verifier say of an imported competition, and which of our pages has the evidence?

The verifier shares no code with the platform and reads files, so it is given the files: those that were imported,
written out again.
"""

from __future__ import annotations

import hashlib
import re
import tempfile
from collections.abc import Mapping
from pathlib import Path

from django.db import transaction

from competition.models import Competition, Submission
from dashboard.models import RecordFile, VerifierFinding
from dashboard.records import exporting
from judging.models import Match
from verify.findings import LoggedFinding
from verify.records.repository import examine as examine_folder

OF_MATCH = re.compile(r"rounds/\d+/([^/]+)/duels(?:_([^/]+))?\.json")
OF_MINER = re.compile(r"rounds/\d+/([^/]+)/[^/]+")
HOTKEYS = re.compile(r"\b[1-9A-HJ-NP-Za-km-z]{46,48}\b")
AUDITS = ("generation_audits.json", "source_audit.json", "require_audit.json", "generation_reports.json")


def examine(competition: Competition) -> int:
    """Store what is found, unless nothing has changed since it was.  Returns how many findings there are."""
    # Of all files that are current: a round taken out and written anew has other rows, and so another digest.
    files = RecordFile.objects.filter(competition=competition, current=True).values_list("path", "sha256")
    written = competition.rounds.order_by("number").values_list("pk", flat=True)
    digest = hashlib.sha256(repr([sorted(files), list(written)]).encode()).hexdigest()
    if competition.config["source"].get("examined") != digest:
        with tempfile.TemporaryDirectory(prefix="gauntlet-records-") as folder:
            exporting.write_out(competition, Path(folder))
            findings = examine_folder(Path(folder)).findings
        with transaction.atomic():
            competition.verifier_findings.all().delete()
            VerifierFinding.objects.bulk_create(_rows(competition, findings))
            competition.config["source"]["examined"] = digest
            Competition.objects.filter(pk=competition.pk).update(config=competition.config)
    return competition.verifier_findings.count()


def _rows(competition: Competition, findings: list[LoggedFinding]) -> list[VerifierFinding]:
    rounds = {round_.number: round_ for round_ in competition.rounds.all()}
    submissions = Submission.objects.filter(round__competition=competition).select_related("miner", "round")
    entries = {(row.round.number, row.key): row for row in submissions}
    played = Match.objects.filter(round__competition=competition)
    matches = {}  # (round, the defender's first ten letters, challenger): as match files are named
    for row in played.select_related("round", "defender__miner", "challenger__miner"):
        matches[row.round.number, row.defender.key[:10], row.challenger.key] = row
        if row.round.source.get("era") == 0:
            matches[row.round.number, "", row.challenger.key] = row
    rows = []
    for place, finding in enumerate(findings):
        number = -1 if finding.round is None else finding.round
        match = matches.get((number, *_pair(finding)))
        rows.append(
            VerifierFinding(
                competition=competition,
                round=rounds.get(number),
                place=place,
                kind=finding.kind,
                severity=finding.severity,
                file=_clean(finding.file),
                field=_clean(finding.field),
                found=_fit(finding.found),
                expected=_fit(finding.expected),
                sentence=_clean(finding.sentence),
                match=match,
                submission=None if match else _about(finding, number, entries),
            )
        )
    return rows


def _pair(finding: LoggedFinding) -> tuple[str, str]:
    """(defender's first letters, challenger) of a finding about one match."""
    file = OF_MATCH.fullmatch(finding.file)
    if file:
        return (file[2] or "")[:10], file[1]
    if finding.file.endswith("matches_matrix.csv") and finding.field.count(",") == 1:
        defender, challenger = finding.field.split(",")
        return defender[:10], challenger
    return "-", "-"


def _about(finding: LoggedFinding, number: int, entries: Mapping[tuple[int, str], Submission]) -> Submission | None:
    """The entry a finding is about: whose folder or whose line it is."""
    folder = OF_MINER.fullmatch(finding.file)
    named = [folder[1]] if folder else HOTKEYS.findall(f"{finding.field} {finding.found}")
    return next((entries[number, key] for key in named if (number, key) in entries), None)


def _clean(text: str) -> str:
    return text.replace("\0", "\N{REPLACEMENT CHARACTER}").encode("utf-8", "replace").decode()


def _fit(value: object) -> object:
    return _clean(value) if isinstance(value, str) else value
