"""How is the code of a submission fetched, stored and checked?  One piece at a time, each written down as it is done.

Killed between any two lines, the next worker goes on where this one stopped: a commit is fetched once and stored, and a
check that has its row is not run again.  Findings are evidence; `decisions.verdicts` decides what follows.
"""

from __future__ import annotations

import json
import logging
import time
from collections.abc import Iterable, Iterator
from dataclasses import replace
from datetime import datetime
from functools import cache
from pathlib import Path
from typing import Any

from django.conf import settings
from django.core.exceptions import ImproperlyConfigured
from django.db import IntegrityError, transaction
from django.db.models import Q

from audits.decisions import lineage as kinship
from audits.models import Audit, CheckRun, Finding, SourceCopy
from audits.source import CHECKS, archive, control_tree, linting, scanning, vulnerabilities
from audits.source.findings import NOTICE, PERSON, SourceFinding
from audits.source.inventory import InventoryPart
from audits.source.origins.base import MINER, CodeOrigin, NotFetched
from audits.source.origins.folders import Folders
from audits.source.origins.git import GitHost, problem_with
from audits.source.scanning import Scanned
from competition.models import Round, Submission
from core import store

log = logging.getLogger(__name__)

MOST_CONTROLS = 3
PATIENCE_S = 45.0  # how long one look at an audit may go on starting checks
FETCH, VULNERABILITIES, HADOLINT, LINEAGE = "fetch", "vulnerabilities", "hadolint", "lineage"
ORDER = (FETCH, *CHECKS, HADOLINT, VULNERABILITIES)


class Broke(Exception):
    """A check broke on a clean tree of ours, too, or our copy of the code is damaged: ours, and tried again."""


@cache
def origin() -> CodeOrigin:
    """Where code comes from in this deployment: the configured git host, or folders of this machine."""
    if settings.CODE_HOST:
        if why := problem_with(settings.CODE_HOST, demo=settings.DEMO):
            raise ImproperlyConfigured(f"GAUNTLET_CODE_HOST: {why}")
        return GitHost(settings.CODE_HOST, witness=settings.CODE_WITNESS)
    return Folders(Path(settings.LOCAL_REPOSITORIES))


def copy_of(submission: Submission, *, now: datetime) -> SourceCopy:
    """Our own copy of the commit, fetched when it is first wanted.  Raises NotFetched."""
    known = SourceCopy.objects.filter(repo=submission.repo, commit=submission.commit).first()
    if known is not None:
        return known
    got = origin().fetch(submission.repo, submission.commit)
    copy, _ = SourceCopy.objects.get_or_create(
        repo=submission.repo,
        commit=submission.commit,
        defaults={
            "origin": got.origin[:300],
            "archive": store.default().put(archive.pack(got.files)),
            "files": len(got.files),
            "size": sum(len(file.content) for file in got.files),
            "left_out": [columns(finding) for finding in got.left_out],
            "fetched_at": now,
        },
    )
    return copy


def host_answers(but: Submission) -> bool:
    """The control of a host that does not hand out the code of `but`: does it hand out other code that it had before?

    The witness's, which no miner can take away, then code of other repositories, the leader's first.
    """
    leading = Submission.objects.filter(role=Submission.Role.LEADER).values("repo")
    known = SourceCopy.objects.exclude(repo=but.repo).alias(leads=Q(repo__in=leading)).order_by("-leads", "-pk")
    controls = [(copy.repo, copy.commit) for copy in known[:MOST_CONTROLS]]
    if origin().witness:
        repo, _, commit = origin().witness.partition("@")
        controls.insert(0, (repo, commit))
    for repo, commit in controls:
        try:
            origin().fetch(repo, commit)
        except NotFetched as error:
            log.info("the control of %s's host failed: %s", but.key, error)
        else:
            return True
    return False


def missing(audit: Audit) -> list[str]:
    """The checks that this audit still lacks, in order."""
    done = set(audit.checks.exclude(outcome=CheckRun.Outcome.BROKEN).values_list("check_name", flat=True))
    return [name for name in ORDER if name not in done]


def run_checks(audit: Audit, *, now: datetime) -> bool:
    """Fetch, then run checks until all are done (True) or the patience of one look is (False).

    Raises NotFetched, Broke and scanning.NoSandbox.
    """
    begun = time.monotonic()
    for name in missing(audit):
        run_check(audit, name, now=now)
        if time.monotonic() - begun > PATIENCE_S:
            return not missing(audit)
    return True


def run_check(audit: Audit, name: str, *, now: datetime) -> None:
    """Run one check of ORDER and write down what it gave.  Raises NotFetched, Broke and scanning.NoSandbox."""
    if name == FETCH:
        _fetch(audit, now=now)
        return
    copy = copy_of(audit.submission, now=now)
    path = store.default().path(copy.archive)
    if name == VULNERABILITIES:
        row = audit.checks.filter(check_name="inventory").first()
        parts = [InventoryPart(**part) for part in (row.summary.get("parts", []) if row else [])]
        blank = Scanned(check=VULNERABILITIES, tool="osv", version="", ruleset="", outcome=scanning.DONE)
        scanned = scanning.controlled(blank, advisories, given=parts, good=list(control_tree.PARTS))
    elif name == HADOLINT:
        scanned = linting.lint(path, program=settings.HADOLINT)
    else:
        scanned = scanning.scan(name, path, commit=copy.commit)
    if scanned.outcome == scanning.EXHAUSTED and not store.default().verify(copy.archive):
        raise Broke(f"Our copy of the code, {copy.archive}, is damaged.")
    write(audit, _with_lineage(audit, copy, scanned, now=now) if name == LINEAGE else scanned)


def _fetch(audit: Audit, *, now: datetime) -> None:
    """What the host says of a missing commit is believed when it has said so `looks` times in a row.

    Code that alone is not handed out in the `looks` of the audit's state, by a host that hands out other code, is for
    a person.
    """
    try:
        copy = copy_of(audit.submission, now=now)
    except NotFetched as error:
        if error.finding is None and audit.attempts >= audit.declared.looks and host_answers(audit.submission):
            why = f"{error.sentence} Other code was had from the same host right afterwards: a person must look."
            finding = SourceFinding(severity=PERSON, rule=error.code, sentence=why)
            write_unfetched(audit, NotFetched(MINER, error.code, why, finding=finding))
            raise
        tried = CheckRun.objects.filter(audit=audit, check_name=FETCH).first()
        if error.finding is None or (tried.tries if tried else 0) + 1 < error.looks:
            if error.finding is not None:
                _count(audit, replace(_blank_fetch(why=error.sentence), outcome=scanning.BROKEN))
            raise
        write_unfetched(audit, error)
        raise
    left_out = tuple(
        SourceFinding(**{("check" if name == "check_name" else name): value for name, value in row.items()})
        for row in copy.left_out
    )
    summary = {"archive": copy.archive, "origin": copy.origin, "files": copy.files, "bytes": copy.size}
    write(audit, _fetched(left_out), summary=summary)


def _blank_fetch(*, why: str = "") -> Scanned:
    return Scanned(check=FETCH, tool=origin().name, version="1", ruleset="", outcome=scanning.DONE, why=why)


def _fetched(findings: Iterable[SourceFinding], *, why: str = "") -> Scanned:
    blank = _blank_fetch(why=why)
    return replace(blank, findings=scanning.signed(blank, findings))


def write_unfetched(audit: Audit, error: NotFetched) -> None:
    """Code that is not there settles the audit: no other check can run, and each says so."""
    findings = (error.finding,) if error.finding else ()
    write(audit, _fetched(findings, why=error.sentence))
    for name in ORDER[1:]:
        why = "there is no code to check"
        write(audit, Scanned(check=name, tool=name, version="", ruleset="", outcome=scanning.UNCONFIGURED, why=why))


def write(audit: Audit, scanned: Scanned, *, summary: dict[str, Any] | None = None) -> None:
    """A check's row and its findings, together and once.  Raises Broke where it is to be tried again."""
    if scanned.outcome == scanning.BROKEN:
        _count(audit, scanned)
        raise Broke(f"The check {scanned.check!r} broke: {scanned.why}.")
    if not summary:
        summary = {"findings": len(scanned.findings)}
        if scanned.parts:
            parts = [{"kind": p.kind, "name": p.name, "version": p.version, "file": p.file} for p in scanned.parts]
            summary["parts"] = parts
    raw = store.default().put(scanned.raw())
    facts = {**_facts(scanned), "raw": raw, "summary": summary, "tries": 1}
    try:
        with transaction.atomic():
            ours = CheckRun.objects.filter(
                audit=audit, check_name=scanned.check, outcome=CheckRun.Outcome.BROKEN, raw=""
            )
            if not ours.update(**facts):
                CheckRun.objects.create(audit=audit, check_name=scanned.check, **facts)
            Finding.objects.bulk_create(Finding(audit=audit, **columns(finding)) for finding in scanned.findings)
    except IntegrityError:
        return  # another worker wrote the same check of the same bytes: theirs stands


def _count(audit: Audit, scanned: Scanned) -> int:
    row, _ = CheckRun.objects.get_or_create(
        audit=audit, check_name=scanned.check, defaults={**_facts(scanned), "tries": 0}
    )
    CheckRun.objects.filter(pk=row.pk, tries=row.tries).update(tries=row.tries + 1, why=scanned.why[:2000])
    return row.tries + 1


def _facts(scanned: Scanned) -> dict[str, Any]:
    return {
        "tool": scanned.tool[:60],
        "tool_version": scanned.version[:40],
        "ruleset": scanned.ruleset[:64],
        "outcome": scanned.outcome,
        "why": scanning.plain(scanned.why)[:2000],
        "walls": list(scanned.walls),
    }


def advisories(parts: list[InventoryPart]) -> Scanned:
    """What the operator's snapshot knows of the packages.  Without one, nothing is known: that is not a pass."""
    path = settings.OSV_SNAPSHOT
    known, outcome, why = None, "unconfigured", "no snapshot of advisories is configured (GAUNTLET_OSV_SNAPSHOT)"
    if path:
        try:
            known = vulnerabilities.snapshot(Path(path))
            outcome, why = "done", f"{known.advisories} advisories, the newest of {known.newest}"
        except vulnerabilities.BadSnapshot as reason:
            raise Broke(f"The snapshot of advisories cannot be used: {reason}.") from reason
    blank = Scanned(
        check=VULNERABILITIES, tool="osv", version=known.newest if known else "", ruleset="", outcome=outcome, why=why
    )
    findings = tuple(
        replace(f, check=blank.check, tool=blank.tool, tool_version=blank.version)
        for f in vulnerabilities.check(parts, known=known)
    )
    return replace(blank, findings=findings)


def _with_lineage(audit: Audit, copy: SourceCopy, scanned: Scanned, *, now: datetime) -> Scanned:
    """What is shared with the leader is said as a finding, for credit; it decides nothing."""
    if scanned.outcome != scanning.DONE:
        return scanned
    sha256 = store.default().put(scanned.document.encode())
    SourceCopy.objects.filter(pk=copy.pk, fingerprint="").update(fingerprint=sha256)
    leader = audit.round.submissions.filter(role=Submission.Role.LEADER).first()
    bring_relatives(audit.round, now=now)
    if leader is None or leader.commit == copy.commit:
        return scanned
    ours, theirs = _read(scanned.document), _of_leader(audit, leader, now=now)
    if ours is None or theirs is None:
        return scanned
    kin = kinship.compare(ours, theirs)
    percent, functions = int(kin.share * 100), len(kin.functions)  # rounded down: only all of it is 100 %
    same = "1 function is the same" if functions == 1 else f"{functions} functions are the same"
    sentence = f"{percent} % of the code is shared with the leader's: {same}."
    finding = SourceFinding(
        severity=NOTICE,
        rule="shared_with_leader",
        sentence=sentence,
        check=LINEAGE,
        tool=scanned.tool,
        tool_version=scanned.version,
    )
    return replace(scanned, findings=(*scanned.findings, finding))


def _of_leader(audit: Audit, leader: Submission, *, now: datetime) -> kinship.Fingerprint | None:
    """None where its code is not to be had, or not to be looked at: nobody's audit waits for it.

    Raises NotFetched where that is ours: whether a finding is made must not hang on an outage.
    """
    try:
        copy_of(leader, now=now)
    except NotFetched as error:
        if error.finding is None and not (audit.attempts >= audit.declared.looks and host_answers(leader)):
            raise
        return None
    return fingerprint_of(leader)


def bring_relatives(round_: Round, *, now: datetime) -> None:
    """The code of the round's other entries, for comparison only: what cannot be had, or not in time, is left out."""
    begun = time.monotonic()
    for entry in relatives(round_):
        if time.monotonic() - begun > PATIENCE_S:
            return
        try:
            copy_of(entry, now=now)
            fingerprint_of(entry)
        except (NotFetched, scanning.NoSandbox) as reason:
            log.info("the code of %s is not compared: %s", entry.key, reason)


def fingerprint_of(submission: Submission) -> kinship.Fingerprint | None:
    """The fingerprint of code that was brought here before; taken now if its copy is here and it was not taken yet."""
    copy = SourceCopy.objects.filter(repo=submission.repo, commit=submission.commit).first()
    if copy is None:
        return None
    if not copy.fingerprint:
        scanned = scanning.scan(LINEAGE, store.default().path(copy.archive), commit=copy.commit)
        if scanned.outcome != scanning.DONE:
            return None
        copy.fingerprint = store.default().put(scanned.document.encode())
        SourceCopy.objects.filter(pk=copy.pk).update(fingerprint=copy.fingerprint)
    return _read(store.default().path(copy.fingerprint).read_bytes())


def _read(document: str | bytes) -> kinship.Fingerprint | None:
    """None where a child that met hostile code wrote something else: a comparison is for credit and decides nothing."""
    try:
        return kinship.Fingerprint.from_json(json.loads(document))
    except (ValueError, TypeError, KeyError, AttributeError, RecursionError) as reason:
        log.info("a fingerprint cannot be read: %s", reason)
        return None


def relatives(round_: Round) -> Iterator[Submission]:
    """The entries of a round whose code may be compared: the leader's and each challenger's, one per commit."""
    seen: set[tuple[str, str]] = set()
    for entry in round_.submissions.select_related("miner").order_by("reveal_block", "pk"):
        if entry.repo and entry.commit and (entry.repo, entry.commit) not in seen:
            seen.add((entry.repo, entry.commit))
            yield entry


def columns(finding: SourceFinding) -> dict[str, Any]:
    """A finding of a check as a row's columns; texts come from miners, so their length is ours to bound."""
    return {
        "check_name": finding.check[:40],
        "tool": finding.tool[:60],
        "tool_version": finding.tool_version[:40],
        "severity": finding.severity,
        "rule": finding.rule[:60],
        "file": scanning.plain(finding.file or "")[:300],
        "line": finding.line,
        "excerpt": scanning.plain(finding.excerpt or "")[:2000],
        "sentence": scanning.plain(finding.sentence)[:2000],
    }
