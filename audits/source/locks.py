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
from audits.source.tree import Source, Tree

CONDA = re.compile(r"(?:.*/)?(?:environment|conda)[^/]*\.ya?ml")
CONDA_LINE = re.compile(r"\s*-\s+(?P<what>[^#\s][^#]*?)\s*(?:#.*)?")
CONDA_PINNED = re.compile(r"(?:[\w.-]+::)?[\w.-]+\s*={1,2}\s*[0-9][\w.]*(?:=[\w.]+)?")


def has_lock(tree: Tree) -> bool:
    """Is there a lock file that can be read and that pins every package it names?"""
    found = [inventory.locked(source) for source in tree.files if source.name in inventory.LOCKS]
    return any(told and all(version for _, version in told) for told in found)


def check(tree: Tree) -> Iterator[SourceFinding]:
    pinned = has_lock(tree) or any(pins.FILES.fullmatch(source.path) for source in tree.files)
    for source in tree.files:
        if source.name in inventory.LOCKS and not inventory.locked(source):
            why = "This lock file cannot be read, or names no package."
            yield _finding(source, 1, "", PERSON, "unreadable_lock", why)
        elif CONDA.fullmatch(source.path):
            yield from _conda(source)
        elif source.name == "setup.py":
            yield from _setup(source, severity=NOTICE if pinned else BLOCKING)
        elif source.name == "setup.cfg":
            yield from _configured(source, severity=NOTICE if pinned else BLOCKING)


def _conda(source: Source) -> Iterator[SourceFinding]:
    """The lines below `dependencies:`; those below `pip:` are requirements."""
    listing, pip = False, False
    for number, line in enumerate(source.lines(), start=1):
        if line.strip() and not line.startswith((" ", "-", "\t", "#")):
            listing, pip = line.startswith("dependencies:"), False
            continue
        found = CONDA_LINE.fullmatch(line) if listing else None
        if found and found["what"].rstrip(" ").rstrip(":") == "pip" and found["what"].rstrip().endswith(":"):
            pip = True
        elif found and (why := _conda_objection(found["what"].strip("\"'"), pip=pip)):
            yield _finding(source, number, line, BLOCKING, "not_pinned", why)


def _conda_objection(what: str, *, pip: bool) -> str | None:
    if pip:
        return pins.objection(what)
    if what in ("pip", "nodefaults") or CONDA_PINNED.fullmatch(what):
        return None
    return f"{excerpt(what)!r}: its version is not pinned. {pins.HOW}"


def _setup(source: Source, *, severity: str) -> Iterator[SourceFinding]:
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


def _configured(source: Source, *, severity: str) -> Iterator[SourceFinding]:
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


def _finding(source: Source, line: int, text: str, severity: str, rule: str, why: str) -> SourceFinding:
    return SourceFinding(severity=severity, rule=rule, sentence=why, file=source.path, line=line, excerpt=excerpt(text))
