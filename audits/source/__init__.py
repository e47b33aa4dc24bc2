"""What can be seen in a miner's code without running it?  A table of checks; they propose, people decide.

In the module of a check each public function is a rule, named for what it looks at; a private one helps a rule.
"""

from __future__ import annotations

import hashlib
import json
import sys
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, replace
from pathlib import Path

from audits.source import (
    dockerfile,
    environment_probes,
    external_pointers,
    inventory,
    licences,
    lineage,
    locks,
    memorised_outputs,
    network_access,
    obfuscation,
    pins,
    python,
    revisions,
    secrets,
    tree,
)
from audits.source.findings import NOTICE, UNCHECKED, SourceFinding
from audits.source.tree import Tree

OURS = "gauntlet"
OUR_VERSION = "1"
MOST_FINDINGS = 300  # of one check: a hostile tree must not fill the database


@dataclass(frozen=True, kw_only=True)
class Check:
    """`look` gives findings, `document` what else there is to keep (a list of parts, a fingerprint).

    `rules` are the modules whose text decides: their hash is the version of our rules.
    """

    question: str
    rules: tuple[str, ...]
    look: Callable[[Tree], Iterable[SourceFinding]] = lambda _: ()
    document: Callable[[Tree, str], str] | None = None
    tool: str = OURS
    version: Callable[[], str] = lambda: OUR_VERSION

    def __post_init__(self) -> None:
        if not self.rules:
            raise ValueError(
                f"{self.question!r} names no module whose text decides: its findings would have no version"
            )

    def ruleset(self) -> str:
        """A hash of the text of our rules: which ones a finding was made under."""
        digest = hashlib.sha256()
        for name in self.rules:
            digest.update(Path(str(sys.modules[name].__file__)).read_bytes())
        return digest.hexdigest()


CHECKS: dict[str, Check] = {
    "outline": Check(
        question="Is everything that belongs to it in the commit?",
        look=external_pointers.check,
        rules=(external_pointers.__name__, tree.__name__),
    ),
    "licences": Check(
        question="May others run, read and build on it?", look=licences.check, rules=(licences.__name__,)
    ),
    "pins": Check(
        question="Is every package one exact version?",
        look=lambda code: (*pins.check(code, locked=locks.has_lock(code)), *locks.check(code)),
        rules=(pins.__name__, locks.__name__),
    ),
    "dockerfile": Check(
        question="Does the image's recipe say what goes into it?", look=dockerfile.check, rules=(dockerfile.__name__,)
    ),
    "weights": Check(
        question="Is every model one exact revision, and may it be used?",
        look=revisions.check,
        rules=(revisions.__name__, python.__name__),
    ),
    "secrets": Check(
        question="Does it hold keys or passwords?",
        look=secrets.check,
        rules=(secrets.__name__,),
        tool="detect-secrets",
        version=secrets.version,
    ),
    "outside": Check(
        question="Does it reach out of the pod when it runs?",
        look=network_access.check,
        rules=(network_access.__name__, python.__name__),
    ),
    "sniffing": Check(
        question="Does it look at where and when it runs?",
        look=environment_probes.check,
        rules=(environment_probes.__name__, python.__name__),
    ),
    "answers": Check(
        question="Does it bring answers along?",
        look=memorised_outputs.check,
        rules=(memorised_outputs.__name__, python.__name__),
    ),
    "hidden": Check(
        question="Is there something that a reader would not see?",
        look=obfuscation.check,
        rules=(obfuscation.__name__, python.__name__),
    ),
    "inventory": Check(
        question="What does it consist of?",
        document=lambda code, commit: inventory.document(inventory.parts(code), commit=commit),
        rules=(inventory.__name__,),
        tool="cyclonedx-python-lib",
        version=inventory.version,
    ),
    "lineage": Check(
        question="What is it made from?",
        document=lambda code, _: json.dumps(lineage.fingerprint(code).to_json(), sort_keys=True),
        rules=(lineage.__name__,),
    ),
}


def look(check: Check, code: Tree) -> list[SourceFinding]:
    """The findings of one check, without doubles, in fixed order, up to a cap; one more says how many are left out."""
    findings = sorted(set(check.look(code)), key=lambda f: (f.file, f.line or 0, f.rule, f.sentence))
    if len(findings) > MOST_FINDINGS:
        worst = sorted(findings, key=lambda f: (f.severity == NOTICE, f.file, f.line or 0, f.rule))[:MOST_FINDINGS]
        why = f"{len(findings) - MOST_FINDINGS} more findings of this check are left out."
        findings = [*worst, SourceFinding(severity=NOTICE, rule="more_findings", sentence=why)]
    return findings


def run_checks(folder: Path, *, checks: Mapping[str, Check] = CHECKS) -> list[SourceFinding]:
    """Every finding of every check on the code in `folder`, in this very process; never raises for what is in it.

    For tests, and for miners who look at their own code.  A check that breaks has found nothing: that is said.
    """
    try:
        code = tree.read(folder)
    except OSError as reason:
        return [_broken("tree", reason)]
    findings = list(code.findings)
    if any(finding.severity == UNCHECKED for finding in findings):
        return findings  # checks of code that we could not read would find that everything is missing
    for name, check in checks.items():
        try:
            findings += (replace(finding, check=name) for finding in look(check, code))
        except Exception as reason:  # whatever a hostile file provokes here, it must not end the audit or pass it
            findings.append(_broken(name, reason))
    return sorted(findings, key=lambda finding: (finding.file, finding.line or 0, finding.rule))


def _broken(name: str, reason: Exception) -> SourceFinding:
    sentence = f"Our check {name!r} could not run ({type(reason).__name__}); we must act."
    return SourceFinding(severity=UNCHECKED, rule=f"{name}_did_not_run", sentence=sentence)
