"""Does a verdict about code say on which bytes and by which tools it was made, and is each finding by one of them?

Whether a finding is true can only be seen in the code; the archive's hash says in which.
"""

from __future__ import annotations

from typing import Any

from verify.bundles.correction import NAME as CORRECTION
from verify.bundles.events import bodies
from verify.bundles.files import Bundle

NAME = "audits.json"
FETCH = "fetch"
OUTCOMES = ("done", "exhausted", "broken", "unconfigured")
HEX = set("0123456789abcdef")

Row = dict[str, Any]


def check(bundle: Bundle) -> None:
    ever = [(NAME, audit) for audit in bundle.told(NAME)]
    ever += [(CORRECTION, audit) for audit in bundle.documents.get(CORRECTION, {}).get("set_aside", [])]
    archives: dict[tuple[str, str], str] = {}
    sources = {row["entry"]: (row["repo"], row["commit"]) for row in bundle.told("submissions.json")}
    for file, audit in ever:
        field = f"{audit['entry']} {audit['kind']}"
        if audit["kind"] != "source":
            bundle.same(
                "wrong-check",
                file,
                field=field,
                found=[audit["archive"], audit["checks"]],
                expected=["", []],
                say="Only code is read by checks.",
            )
            continue
        _checks(bundle, audit, file, field)
        _findings(bundle, audit, file, field)
        _told(bundle, audit, file, field)
        before = archives.setdefault(sources.get(audit["entry"], ("", audit["entry"])), audit["archive"])
        bundle.same(
            "wrong-check",
            file,
            field=f"{field} archive",
            found=audit["archive"],
            expected=before,
            say="One commit is kept once, as one archive.",
        )
    _same_checks(bundle, ever)


def _checks(bundle: Bundle, audit: Row, file: str, field: str) -> None:
    names = [row["check"] for row in audit["checks"]]
    bundle.same(
        "wrong-check",
        file,
        field=f"{field} checks",
        found=names,
        expected=sorted(set(names)),
        say="Not each check once, in order.",
    )
    if bad := [row["check"] for row in audit["checks"] if row["outcome"] not in OUTCOMES]:
        bundle.note("wrong-check", file, field=f"{field} checks", found=bad, say="A check ends otherwise.")
    read = [row["check"] for row in audit["checks"] if row["outcome"] != "unconfigured" and row["check"] != FETCH]
    known = len(audit["archive"]) == 64 and set(audit["archive"]) <= HEX
    if not known and (read or audit["archive"]):
        bundle.note(
            "wrong-check",
            file,
            field=f"{field} archive",
            found=audit["archive"],
            say="What was checked is not told by its hash.",
        )
    if not audit["checks"]:
        bundle.note("wrong-check", file, field=f"{field} checks", say="A verdict about code that nobody looked at.")


def _findings(bundle: Bundle, audit: Row, file: str, field: str) -> None:
    """Each is by a check that ran, with its tool and version; a check that did not end says so."""
    tools = {row["check"]: [row["tool"], row["tool_version"]] for row in audit["checks"]}
    for number, finding in enumerate(audit["findings"]):
        bundle.same(
            "wrong-check",
            file,
            field=f"{field} findings[{number}]",
            expected=tools.get(finding["check"]),
            found=[finding["tool"], finding["tool_version"]],
            say="No check of this audit, with this tool, found it.",
        )
    silent = {row["check"] for row in audit["checks"] if row["outcome"] in ("exhausted", "broken")}
    for name in sorted(silent - {finding["check"] for finding in audit["findings"]}):
        bundle.note("wrong-check", file, field=f"{field} {name}", say="It did not come to its end, and nobody is told.")


def _told(bundle: Bundle, audit: Row, file: str, field: str) -> None:
    """As the ledger told when the tools were done; of a verdict that an appeal turned, of the one before."""
    kinds = ("audit.passed", "audit.rejected", "audit.reviewing")
    events = [
        b
        for b in bodies(bundle, *kinds, of_round=bundle.round)
        if (b.get("entry"), b.get("audit")) == (audit["entry"], "source")
        and "checks" in b
        and b.get("version", 1) <= audit["version"]
    ]
    event = events[-1] if events else {}
    bundle.same(
        "ledger-differs",
        file,
        field=f"{field} checks",
        found=[audit["archive"], audit["checks"]],
        expected=[event.get("archive"), event.get("checks")],
        say="The ledger told of others.",
    )


def _same_checks(bundle: Bundle, ever: list[tuple[str, Row]]) -> None:
    """Nobody's code was looked at by fewer checks than another's."""
    names = {
        (file, audit["entry"]): sorted(row["check"] for row in audit["checks"])
        for file, audit in ever
        if audit["kind"] == "source"
    }
    most = sorted({name for found in names.values() for name in found})
    for (file, entry), found in names.items():
        bundle.same(
            "wrong-check",
            file,
            field=f"{entry} source checks",
            found=found,
            expected=most,
            say="Another's code was looked at by more checks.",
        )
