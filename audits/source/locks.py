"""Do the other ways of naming dependencies pin them?  Lock files, conda environments, setup.py and setup.cfg.

A lock file pins what it lists.  Ranges elsewhere are harmless beside one, or beside a requirements file.
"""

from __future__ import annotations

import ast
import configparser
import re
from collections.abc import Iterator

from audits.source import inventory, pins, python
from audits.source.findings import BLOCKING, NOTICE, PERSON, SourceFinding, excerpt
from audits.source.tree import SourceFile, Tree

CONDA = re.compile(r"(?:.*/)?(?:environment|conda)[^/]*\.ya?ml")
CONDA_LINE = re.compile(r"\s*-\s+(?P<what>[^#\s][^#]*?)\s*(?:#.*)?")
CONDA_PINNED = re.compile(r"(?:[\w.-]+::)?[\w.-]+\s*={1,2}\s*[0-9][\w.]*(?:=[\w.]+)?")


def has_lock(tree: Tree) -> bool:
    """Is there a lock file that can be read and that pins every package it names?"""
    locks = [inventory.locked(source) for source in tree.files if source.name in inventory.LOCKS]
    return any(packages and all(version for _, version in packages) for packages in locks)


def check(tree: Tree) -> Iterator[SourceFinding]:
    pinned = has_lock(tree) or any(pins.FILES.fullmatch(source.path) for source in tree.files)
    for source in tree.files:
        if source.name in inventory.LOCKS and not inventory.locked(source):
            why = "This lock file cannot be read, or names no package."
            yield _finding(source, 1, "", PERSON, "unreadable_lock", why)
        elif CONDA.fullmatch(source.path):
            yield from conda_environment(source)
        elif source.name == "setup.py":
            yield from setup_script(source, severity=NOTICE if pinned else BLOCKING)
        elif source.name == "setup.cfg":
            yield from setup_configuration(source, severity=NOTICE if pinned else BLOCKING)


def conda_environment(source: SourceFile) -> Iterator[SourceFinding]:
    """The lines below `dependencies:`; those below `pip:` are requirements."""
    listing, pip = False, False
    for number, line in enumerate(source.lines(), start=1):
        if line.strip() and not line.startswith((" ", "-", "\t", "#")):
            listing, pip = line.startswith("dependencies:"), False
            continue
        matched = CONDA_LINE.fullmatch(line) if listing else None
        if matched and matched["what"].rstrip(" ").rstrip(":") == "pip" and matched["what"].rstrip().endswith(":"):
            pip = True
        elif matched:
            what = matched["what"].strip("\"'")
            pinned = what in ("pip", "nodefaults") or CONDA_PINNED.fullmatch(what)
            if pip:
                why = pins.objection(what)
            else:
                why = None if pinned else f"{excerpt(what)!r}: its version is not pinned. {pins.HOW}"
            if why:
                yield _finding(source, number, line, BLOCKING, "not_pinned", why)


def setup_script(source: SourceFile, *, severity: str) -> Iterator[SourceFinding]:
    """The list `install_requires` of a setup.py, where it is written out."""
    module = python.parse(source)
    for node, name in module.calls() if module else ():
        wanted = next((word.value for word in node.keywords if word.arg == "install_requires"), None)
        if module is None or not name.endswith("setup") or not isinstance(wanted, ast.List | ast.Tuple | ast.Name):
            continue
        listed = module.constants.get(wanted.id) if isinstance(wanted, ast.Name) else wanted
        for element in getattr(listed, "elts", []):
            text = module.text(element)
            if text and (why := pins.objection(text)):
                yield _finding(source, element.lineno, text, severity, "not_pinned_in_project", why)


def setup_configuration(source: SourceFile, *, severity: str) -> Iterator[SourceFinding]:
    """The entry `install_requires` of a setup.cfg."""
    parser = configparser.ConfigParser(interpolation=None, strict=False)
    try:
        parser.read_string(source.text or "")
        wanted = parser.get("options", "install_requires", fallback="")
    except configparser.Error:
        yield _finding(source, 1, "", PERSON, "unreadable_project", "setup.cfg cannot be read.")
        return
    for text in wanted.splitlines():
        if text.strip() and (why := pins.objection(text.strip())):
            yield _finding(source, 1, text, severity, "not_pinned_in_project", why)


def _finding(source: SourceFile, line: int, text: str, severity: str, rule: str, why: str) -> SourceFinding:
    return SourceFinding(severity=severity, rule=rule, sentence=why, file=source.path, line=line, excerpt=excerpt(text))
