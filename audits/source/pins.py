"""Is every dependency one exact version?  What is not pinned may be another program at the next build.

Read: requirements files (`requirements*.txt`, `constraints*.txt`, any .txt in a `requirements` folder) and the
dependencies in `pyproject.toml`.  Accepted: `name==1.2.3`, an address with a sha256, git with a full commit hash; each
also with pip's `--hash` options, on its line or on the lines that continue it.
"""

from __future__ import annotations

import re
import tomllib
from collections.abc import Iterator
from typing import Any

from packaging.requirements import InvalidRequirement, Requirement
from packaging.utils import InvalidWheelFilename, canonicalize_name, parse_wheel_filename

from audits.source.findings import BLOCKING, NOTICE, PERSON, SourceFinding, excerpt
from audits.source.tree import SourceFile, Tree

FILES = re.compile(r"(?:.*/)?(?:(?:requirements|constraints)[^/]*\.txt|requirements/[^/]+\.txt)", re.IGNORECASE)
GIT_COMMIT = re.compile(r"git\+(?:https|ssh)://[^@#\s]+(?:@[^@#\s/]+)?[^@#\s]*@[0-9a-f]{40}(?:#.*)?")
HASHED = re.compile(r"https://[^#\s]+#(?:.*&)?sha256=[0-9a-f]{64}(?:&.*)?")
COMMENT = re.compile(r"(?:^|\s)#.*$")
OPTION = re.compile(r"(--?[A-Za-z][A-Za-z-]*)(?:[ =]\s*(.*))?")
LINE_OPTION = re.compile(r"\s--(?:hash|config-settings?|global-option)(?:=\s*|\s+)(?:\"[^\"]*\"|'[^']*'|\S+)")
LINE_HASH = re.compile(r"\s--hash(?:=|\s+)[\"']?sha256:[0-9a-f]{64}[\"']?(?=\s|$)")
LONGEST_JOINED = 1 << 20  # a package for many machines has hundreds of hashes
HARMLESS = frozenset({"--require-hashes", "--no-binary", "--only-binary", "--prefer-binary", "--pre", "--no-deps"})
INCLUDES = frozenset({"-r", "--requirement", "-c", "--constraint"})
INDEXES = frozenset({"-i", "--index-url", "--extra-index-url"})
KNOWN_INDEXES = ("https://pypi.org/simple", "https://download.pytorch.org/whl")
HOW = "Pin it as name==version, or as git+https://…@<40 hex digits>."


def check(tree: Tree, *, locked: bool = False) -> Iterator[SourceFinding]:
    listed = [source for source in tree.files if FILES.fullmatch(source.path)]
    known = {source.path for source in tree.files}
    for source in listed:
        if source.text is None:
            why = "This file cannot be read."
            yield _finding(source, 1, "", rule="unreadable_requirements", severity=PERSON, why=why)
        for number, line in logical_lines(source):
            if line.startswith("-"):
                yield from pip_option(source, number, line, known=known)
            elif _is_local(local := without_options(line)):
                yield from local_path(source, number, local)
            elif objected := objection(line):
                yield _finding(source, number, line, rule="not_pinned", severity=BLOCKING, why=f"{objected} {HOW}")
    for source in tree.files:
        if source.name == "pyproject.toml":
            yield from project_dependencies(source, pinned_elsewhere=bool(listed) or locked)
    if not listed and not locked and any(source.path.endswith(".py") for source in tree.files):
        sentence = "There is no requirements file: what the code imports depends on the machine that runs it."
        yield SourceFinding(severity=NOTICE, rule="no_requirements", sentence=sentence)


def objection(text: str) -> str | None:
    """What is wrong with one requirement as pip would read it; None if it can only mean one version."""
    hashed, text = bool(LINE_HASH.search(text)), without_options(text)
    if "://" in text and "@" not in text.split("://")[0]:  # a bare address, without a name
        return None if _address_is_pinned(text, hashed=hashed) else NO_HASH
    try:
        requirement = Requirement(text)
    except InvalidRequirement:
        return "It cannot be read as a requirement."
    if requirement.url:
        return None if _address_is_pinned(requirement.url, hashed=hashed) else NO_HASH
    exact = [s for s in requirement.specifier if s.operator in ("==", "===") and not s.version.endswith(".*")]
    return None if exact else "Its version is not pinned."


NO_HASH = "It comes from an address without a commit or a sha256."


def without_options(line: str) -> str:
    """A requirement without pip's options for it, such as its hashes."""
    return LINE_OPTION.sub("", line).strip()


def _address_is_pinned(address: str, *, hashed: bool) -> bool:
    pinned = GIT_COMMIT.fullmatch(address) or HASHED.fullmatch(address)
    return bool(pinned) or (hashed and address.startswith("https://"))


def logical_lines(source: SourceFile) -> Iterator[tuple[int, str]]:
    """(number of the first line, text) with continued lines joined and comments cut, as pip reads them."""
    joined, first = "", 0
    for number, line in enumerate(source.lines(), start=1):
        first = first or number
        if line.endswith("\\") and not line.lstrip().startswith("#") and len(joined) < LONGEST_JOINED:
            joined += line[:-1] + " "
            continue
        if text := COMMENT.sub("", joined + line).strip():
            yield first, text
        joined, first = "", 0
    if text := COMMENT.sub("", joined).strip():
        yield first, text


def pip_option(source: SourceFile, number: int, line: str, *, known: set[str]) -> Iterator[SourceFinding]:
    """A line of a requirements file that is an option of pip: an include, an index, an editable package."""
    read = OPTION.fullmatch(line)
    name, value = (read[1], (read[2] or "").strip()) if read else (line, "")
    if line[:2] in INCLUDES | {"-i", "-e", "-f"} and not line.startswith("--"):
        name, value = line[:2], line[2:].lstrip("= ").strip()
    if name in HARMLESS:
        return
    if name in INCLUDES:
        yield from _include(source, number, line, value=value, known=known)
    elif name in INDEXES and value.rstrip("/").startswith(KNOWN_INDEXES) and "@" not in value:
        yield _finding(
            source, number, line, rule="index", severity=NOTICE, why="Packages come from a second, known index."
        )
    elif name in ("-e", "--editable"):
        if why := objection(value):
            yield _finding(source, number, line, rule="editable", severity=BLOCKING, why=f"{why} {HOW}")
    else:
        yield _finding(
            source,
            number,
            line,
            rule="pip_option",
            severity=PERSON,
            why=f"The option {excerpt(name)} changes where packages come from, or is not known to us.",
        )


def _include(source: SourceFile, number: int, line: str, *, value: str, known: set[str]) -> Iterator[SourceFinding]:
    """A file in the commit is read like any other, if its name says what it is; anything else escapes the audit."""
    folder = source.path.rpartition("/")[0]
    target = _within(folder, value)
    if target is None or target not in known:
        why = "It includes a file that is not in the commit."
        yield _finding(source, number, line, rule="include_outside", severity=BLOCKING, why=why)
    elif not FILES.fullmatch(target):
        why = "It includes a file under another name than requirements*.txt: its pins are not checked."
        yield _finding(source, number, line, rule="include_unchecked", severity=PERSON, why=why)


def _within(folder: str, value: str) -> str | None:
    parts = folder.split("/") if folder else []
    for part in value.split("/"):
        if part == "..":
            if not parts:
                return None
            parts.pop()
        elif part not in ("", "."):
            parts.append(part)
    return None if value.startswith("/") or "://" in value else "/".join(parts)


def _is_local(line: str) -> bool:
    return line.startswith((".", "/")) or (line.split(";")[0].strip().endswith(".whl") and "://" not in line)


def local_path(source: SourceFile, number: int, line: str) -> Iterator[SourceFinding]:
    """A path.  In the commit it is pinned with it; a wheel is code that nobody reads."""
    path = line.split(";")[0].strip()
    if path.startswith("/") or ".." in path.split("/"):
        why = "It installs from outside the commit."
        yield _finding(source, number, line, rule="path_outside", severity=BLOCKING, why=why)
    elif path.endswith(".whl"):
        try:
            name, version, _, _ = parse_wheel_filename(path.rpartition("/")[2])
            which = f"{canonicalize_name(name)} {version}"
        except InvalidWheelFilename:
            which = "whose name says nothing about it"
        why = f"It installs a built package, {which}."
        yield _finding(source, number, line, rule="wheel", severity=PERSON, why=why)
    else:
        yield _finding(source, number, line, rule="path", severity=NOTICE, why="It installs a folder of the commit.")


def project_dependencies(source: SourceFile, *, pinned_elsewhere: bool) -> Iterator[SourceFinding]:
    """Ranges are usual here and harmless where a requirements file pins what is installed."""
    try:
        project: Any = tomllib.loads(source.text or "")
        wanted = project.get("project", {}).get("dependencies", [])
        texts = [text for text in wanted if isinstance(text, str)][:1000]
    except (tomllib.TOMLDecodeError, AttributeError, TypeError, RecursionError):
        yield _finding(source, 1, "", rule="unreadable_project", severity=PERSON, why="pyproject.toml cannot be read.")
        return
    for text in texts:
        if why := objection(text):
            severity = NOTICE if pinned_elsewhere else BLOCKING
            yield _finding(source, 1, text, rule="not_pinned_in_project", severity=severity, why=f"{why} {HOW}")


def _finding(source: SourceFile, line: int, text: str, *, rule: str, severity: str, why: str) -> SourceFinding:
    shown = excerpt(text)
    sentence = f"{shown!r}: {why}" if shown else why
    return SourceFinding(severity=severity, rule=rule, sentence=sentence, file=source.path, line=line, excerpt=shown)
