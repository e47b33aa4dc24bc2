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

Row = dict[str, Any]


def check(bundle: ExaminedBundle) -> None:
    ever = [(NAME, audit) for audit in bundle.document(NAME)]
    ever += [(CORRECTION, audit) for audit in bundle.documents.get(CORRECTION, {}).get("set_aside", [])]
    archives: dict[str, str] = {}
    every = {row["check"] for _, audit in ever for row in audit["checks"]}
    for file, audit in ever:
        found = {"archive": audit["archive"], "checks": audit["checks"]}
        if audit["kind"] != "source":
            bundle.compare("wrong-check", file, found, {"archive": "", "checks": []}, field=label(audit))
            continue
        bundle.compare("ledger-differs", file, found, announced_checks(bundle, audit), field=label(audit))
        before = archives.setdefault(commit_of(bundle, audit["entry"]) or audit["entry"], audit["archive"])
        bundle.compare("wrong-check", file, audit["archive"], before, field=f"{label(audit)} archive")
        for field, value, expected in problems_of(audit, every):
            bundle.note("wrong-check", file, field=f"{label(audit)} {field}", found=value, expected=expected)


def problems_of(audit: Row, every: set[str]) -> list[tuple[str, object, object]]:
    """(where, what is there, what should be) of an audit whose checks, archive or findings cannot be."""
    checks, problems = audit["checks"], list[tuple[str, object, object]]()
    names = [row["check"] for row in checks]
    if names != sorted(every) or not names:
        problems.append(
            ("checks", names, sorted(every) or "a check")
        )  # each once, in order, and no fewer than another's
    problems += [("checks", row["outcome"], OUTCOMES) for row in checks if row["outcome"] not in OUTCOMES]
    read = any(row["outcome"] != "unconfigured" and row["check"] != FETCH for row in checks)
    known = len(audit["archive"]) == 64 and set(audit["archive"]) <= HEX
    if not known and (read or audit["archive"]):
        problems.append(("archive", audit["archive"], "a SHA-256 in hex"))
    tools = {row["check"]: [row["tool"], row["tool_version"]] for row in checks}
    for number, finding in enumerate(audit["findings"]):
        tool = [finding["tool"], finding["tool_version"]]
        if tools.get(finding["check"]) != tool:
            problems.append((f"findings.{number}", tool, tools.get(finding["check"])))
    reported = {finding["check"] for finding in audit["findings"]}
    unended = {row["check"]: row["outcome"] for row in checks if row["outcome"] in ("exhausted", "broken")}
    return problems + [(name, unended[name], "a finding") for name in sorted(unended.keys() - reported)]


def announced_checks(bundle: ExaminedBundle, audit: Row) -> Row:
    """As the ledger told when the tools were done; of a verdict that an appeal turned, of the one before."""
    last: Row = {}
    for body in bodies(bundle, "audit.passed", "audit.rejected", "audit.reviewing", of_round=bundle.round):
        mine = (body.get("entry"), body.get("audit")) == (audit["entry"], "source")
        if mine and "checks" in body and body.get("version", 1) <= audit["version"]:
            last = body
    return {"archive": last.get("archive"), "checks": last.get("checks")}
