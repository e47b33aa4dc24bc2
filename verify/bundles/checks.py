"""Does a verdict about code say on which bytes and by which tools it was made, and is each finding by one of them?

Whether a finding is true can only be seen in the code; the archive's hash says in which.
"""

from __future__ import annotations

from typing import Any

from verify.bundles.audits import NAME, label
from verify.bundles.correction import NAME as CORRECTION
from verify.bundles.entries import commit_of
from verify.bundles.events import bodies
from verify.bundles.files import ExaminedBundle

FETCH = "fetch"
OUTCOMES = ("done", "exhausted", "broken", "unconfigured")
HEX = set("0123456789abcdef")
KINDS = {"": "wrong-check", "announced": "ledger-differs"}
NOTHING: dict[str, Any] = {"archive": "", "checks": [], "outcomes": [], "tools": [], "unexplained": {}, "announced": {}}
"""What an audit by no tools has."""

Row = dict[str, Any]


def check(bundle: ExaminedBundle) -> None:
    ever = [(NAME, audit) for audit in bundle.document(NAME)]
    ever += [(CORRECTION, audit) for audit in bundle.audits_aside()]
    archives: dict[str, str] = {}
    every = sorted({row["check"] for _, audit in ever for row in audit["checks"]})
    for file, audit in ever:
        source = audit["kind"] == "source"
        commit = commit_of(bundle, audit["entry"]) or audit["entry"]
        archive = archives.setdefault(commit, audit["archive"]) if source else ""
        expected = write(audit, every=every, archive=archive, announced=announced(bundle, audit)) if source else NOTHING
        bundle.compare(KINDS, file, stated(audit, source=source), expected, field=label(audit))


def stated(audit: Row, *, source: bool) -> Row:
    checks, reported = audit["checks"], {finding["check"] for finding in audit["findings"]}
    unended = {row["check"]: row["outcome"] for row in checks if row["outcome"] in ("exhausted", "broken")}
    return {
        "archive": audit["archive"],
        "checks": [row["check"] for row in checks],
        "outcomes": [row["outcome"] for row in checks],
        "tools": [[finding["tool"], finding["tool_version"]] for finding in audit["findings"]] if source else [],
        "unexplained": {name: outcome for name, outcome in unended.items() if name not in reported},
        "announced": {"archive": audit["archive"], "checks": checks} if source else {},
    }


def write(audit: Row, *, every: list[str], archive: str, announced: Row) -> Row:
    """Each check once, in order, and no fewer than another's; the archive of the commit's first audit; each finding by
    the tool of its check; and a finding for each check that did not end."""
    checks = audit["checks"]
    tools = {row["check"]: [row["tool"], row["tool_version"]] for row in checks}
    read = any(row["outcome"] != "unconfigured" and row["check"] != FETCH for row in checks)
    known = len(archive) == 64 and set(archive) <= HEX
    return {
        "archive": archive if known or not (read or archive) else "a SHA-256 in hex",
        "checks": every or ["a check"],
        "outcomes": [row["outcome"] if row["outcome"] in OUTCOMES else "|".join(OUTCOMES) for row in checks],
        "tools": [tools.get(finding["check"]) for finding in audit["findings"]],
        "unexplained": {},
        "announced": announced,
    }


def announced(bundle: ExaminedBundle, audit: Row) -> Row:
    """As the ledger told when the tools were done; of a verdict that an appeal turned, of the one before."""
    last: Row = {}
    for body in bodies(bundle, "audit.passed", "audit.rejected", "audit.reviewing", of_round=bundle.round):
        mine = (body.get("entry"), body.get("audit")) == (audit["entry"], "source")
        if mine and "checks" in body and body.get("version", 1) <= audit["version"]:
            last = body
    return {"archive": last.get("archive"), "checks": last.get("checks")}
