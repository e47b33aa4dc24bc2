"""Does the image's recipe say exactly what goes into it?

A base image by digest is exact.  A tag can be moved by whoever owns it, so an exact tag (one with a digit in it) is a
notice, and `latest`, or no tag at all, blocks.  What a RUN line fetches from the network is not in the commit.
"""

from __future__ import annotations

import json
import re
import shlex
from collections.abc import Iterator

from audits.source import pins
from audits.source.findings import BLOCKING, NOTICE, PERSON, SourceFinding, excerpt
from audits.source.tree import SourceFile, Tree

NAMES = re.compile(r"(?:.*[./])?(?:dockerfile|containerfile)(?:\.[^/]*)?", re.IGNORECASE)
DIGEST = re.compile(r".+@sha256:[0-9a-f]{64}")
TAG = re.compile(r"[^@]*[^/@:]:(?P<tag>[A-Za-z0-9_][A-Za-z0-9._-]*)")
PIPED = re.compile(r"\b(?:curl|wget)\b[^|;&]*\|\s*(?:sudo\s+)?(?:ba|z|da)?sh\b")
INSTALL = re.compile(r"\bpip[0-9.]*\s+install\s+([^;&|]*)")
CLONE = re.compile(r"\bgit\s+clone\b")
TAKES_VALUE = frozenset(
    {
        "-r",
        "--requirement",
        "-c",
        "--constraint",
        "-i",
        "--index-url",
        "--extra-index-url",
        "-f",
        "--find-links",
        "-t",
        "--target",
        "--prefix",
        "--root",
        "--cache-dir",
        "--timeout",
        "--retries",
        "--platform",
        "--python-version",
        "--progress-bar",
        "--no-binary",
        "--only-binary",
    }
)
INSTRUCTIONS = frozenset(
    {
        "FROM",
        "ARG",
        "ENV",
        "RUN",
        "CMD",
        "ENTRYPOINT",
        "COPY",
        "ADD",
        "WORKDIR",
        "USER",
        "EXPOSE",
        "LABEL",
        "VOLUME",
        "HEALTHCHECK",
        "SHELL",
        "STOPSIGNAL",
        "ONBUILD",
        "MAINTAINER",
    }
)
TOOLS = frozenset({"pip", "setuptools", "wheel"})  # they install the rest; unpinned they change how, not what


def check(tree: Tree) -> Iterator[SourceFinding]:
    for source in tree.files:
        if NAMES.fullmatch(source.path):
            yield from check_recipe(source)


def check_recipe(source: SourceFile) -> Iterator[SourceFinding]:
    """Instruction by instruction; a stage that was named above is no image from outside."""
    stages: set[str] = set()
    for number, word, rest in instructions(source):
        if word == "FROM":
            image, alias = base_of(rest)
            yield from _base(source, number, rest, image=image, stages=stages)
            stages |= {alias.lower()} if alias else set()
        elif word == "ADD" and re.search(r"\b(?:https?|ftp|git)(?:://|@)", rest):
            yield _finding(source, number, rest, PERSON, "fetched", "ADD fetches a file that is not in the commit.")
        elif word == "RUN":
            yield from _run(source, number, _command(rest))
        elif word not in INSTRUCTIONS:  # the body of a here-document: commands of the RUN above it
            yield from _run(source, number, f"{word.lower()} {rest}")


def instructions(source: SourceFile) -> Iterator[tuple[int, str, str]]:
    joined, first = "", 0
    for number, line in enumerate(source.lines(), start=1):
        if line.lstrip().startswith("#"):
            continue
        first = first or number
        if line.rstrip().endswith("\\") and len(joined) < 20_000:
            joined += line.rstrip()[:-1] + " "
            continue
        word, _, rest = (joined + line).strip().partition(" ")
        if word:
            yield first, word.upper(), rest.strip()
        joined, first = "", 0


def base_of(rest: str) -> tuple[str, str]:
    words = [word for word in rest.split() if not word.startswith("--")]
    image = words[0] if words else ""
    return image, words[2] if len(words) > 2 and words[1].upper() == "AS" else ""


def _base(source: SourceFile, number: int, rest: str, *, image: str, stages: set[str]) -> Iterator[SourceFinding]:
    if image.lower() in stages | {"scratch"} or DIGEST.fullmatch(image):
        return
    tag = TAG.fullmatch(image)
    if "$" in image:
        yield _finding(source, number, rest, PERSON, "base_variable", "The base image is a variable: which one is it?")
    elif tag is None or tag["tag"] == "latest":
        why = "The base image is whatever is newest on the day. Name it by digest."
        yield _finding(source, number, rest, BLOCKING, "base_floating", why)
    elif not re.search(r"\d", tag["tag"]):
        why = "The base image's tag names no version. Name it by digest."
        yield _finding(source, number, rest, PERSON, "base_floating", why)
    else:
        why = "The base image is named by a tag, which its owner can move. A digest cannot move."
        yield _finding(source, number, rest, NOTICE, "base_tag", why)


def _run(source: SourceFile, number: int, rest: str) -> Iterator[SourceFinding]:
    if PIPED.search(rest):
        why = "A script from the network is run unseen: it is not in the commit."
        yield _finding(source, number, rest, PERSON, "script_from_network", why)
    if CLONE.search(rest) and not re.search(r"\b[0-9a-f]{40}\b", rest):
        yield _finding(
            source, number, rest, BLOCKING, "clone_floating", "A repository is cloned without a commit hash."
        )
    for install in INSTALL.finditer(rest):
        for wanted in _wanted(install[1]):
            if "$" in wanted:
                yield _finding(
                    source, number, wanted, PERSON, "variable", "What is installed is a variable: which one?"
                )
            elif objection := pins.objection(wanted):
                why = f"{excerpt(wanted)!r}: {objection} {pins.HOW}"
                yield _finding(source, number, wanted, BLOCKING, "not_pinned", why)


def _command(rest: str) -> str:
    """RUN ["pip", "install", "x"] is RUN pip install x."""
    try:
        words = json.loads(rest) if rest.startswith("[") else None
    except (ValueError, RecursionError):
        words = None
    return " ".join(str(word) for word in words) if isinstance(words, list) else rest


def _wanted(arguments: str) -> list[str]:
    """The requirements among pip's arguments: not its options, not folders of the commit, not pip itself."""
    try:
        words = shlex.split(arguments)
    except ValueError:
        words = arguments.split()
    wanted, skip = [], False
    for word in words[:200]:
        if not skip and not word.startswith(("-", ".", "/")) and word.lower() not in TOOLS:
            wanted.append(word)
        skip = word in TAKES_VALUE
    return wanted


def _finding(source: SourceFile, line: int, text: str, severity: str, rule: str, why: str) -> SourceFinding:
    return SourceFinding(severity=severity, rule=rule, sentence=why, file=source.path, line=line, excerpt=excerpt(text))
