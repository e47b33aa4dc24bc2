"""May others run, read and build on this code?  The licence at the top of the repository decides.

A licence is recognised by phrases that every copy of its text has, never by its title or by what metadata claims.  What
is not recognised needs a person: silence is not a permission, and a strange text is not a refusal.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass

from audits.source.findings import BLOCKING, NOTICE, PERSON, SourceFinding, excerpt
from audits.source.tree import SourceFile, Tree

NAMES = re.compile(r"(?:licen[cs]e|copying|unlicense)(?:[-_.][a-z0-9.-]+)?", re.IGNORECASE)
ALLOWED = "allowed"


@dataclass(frozen=True, kw_only=True)
class Licence:
    """`phrases` must all be in the normalised text; `policy` is ALLOWED or the severity of using it."""

    name: str
    phrases: tuple[str, ...]
    policy: str
    why: str


_PERMISSIVE = "Anybody may use, change and share it, and a later solution may build on it."
_COPYLEFT = "It is open source, but works built on it must carry its terms: whether that fits is a person's decision."
_CLOSED = "It forbids uses that a competition for open solutions, which pays its winners, consists of."

# More particular texts first: the first one that matches is the licence.
LICENCES = (
    Licence(
        name="CC-BY-NC",
        phrases=("creative commons", "noncommercial"),
        policy=BLOCKING,
        why=_CLOSED,
    ),
    Licence(name="AGPL-3.0", phrases=("gnu affero general public license", "version 3"), policy=PERSON, why=_COPYLEFT),
    Licence(name="LGPL", phrases=("gnu lesser general public license",), policy=PERSON, why=_COPYLEFT),
    Licence(
        name="GPL-3.0", phrases=("gnu general public license", "version 3 29 june 2007"), policy=PERSON, why=_COPYLEFT
    ),
    Licence(
        name="GPL-2.0", phrases=("gnu general public license", "version 2 june 1991"), policy=PERSON, why=_COPYLEFT
    ),
    Licence(name="MPL-2.0", phrases=("mozilla public license version 2 0",), policy=PERSON, why=_COPYLEFT),
    Licence(
        name="Apache-2.0",
        phrases=(
            "apache license version 2 0 january 2004",
            "grant of patent license",
            "you may reproduce and distribute copies of the work or derivative works thereof in any medium",
        ),
        policy=ALLOWED,
        why=_PERMISSIVE,
    ),
    Licence(
        name="MIT",
        phrases=(
            "permission is hereby granted free of charge to any person obtaining a copy of this software and associated"
            " documentation files the software to deal in the software without restriction including without limitation"
            " the rights to use copy modify merge publish distribute sublicense and or sell copies of the software and"
            " to permit persons to whom the software is furnished to do so subject to the following conditions the"
            " above copyright notice and this permission notice shall be included in all copies or substantial"
            " portions of the software",
            "the software is provided as is without warranty of any kind",
        ),
        policy=ALLOWED,
        why=_PERMISSIVE,
    ),
    Licence(
        name="ISC",
        phrases=(
            "permission to use copy modify and or distribute this software for any purpose with or without fee is"
            " hereby granted provided that the above copyright notice and this permission notice appear in all copies",
        ),
        policy=ALLOWED,
        why=_PERMISSIVE,
    ),
    Licence(
        name="BSD",
        phrases=(
            "redistribution and use in source and binary forms with or without modification are permitted provided",
            "redistributions of source code must retain the above copyright notice",
            "redistributions in binary form must reproduce the above copyright notice",
        ),
        policy=ALLOWED,
        why=_PERMISSIVE,
    ),
    Licence(
        name="Unlicense",
        phrases=("this is free and unencumbered software released into the public domain",),
        policy=ALLOWED,
        why=_PERMISSIVE,
    ),
)
# Added to a permissive text these take back what it gives.
CONDITIONS = (
    "non commercial",
    "noncommercial",
    "not for commercial",
    "research purposes only",
    "research use only",
    "academic use only",
    "commons clause",
    "does not include the right to sell",
    "evaluation purposes only",
    "may not be used to",
    "prior written consent",
)
# Longest normalised text that is only that licence: more of it may say something else.
LONGEST = {"MIT": 1600, "ISC": 1300, "BSD": 2400, "Unlicense": 2000, "Apache-2.0": 12500}


def check(tree: Tree) -> Iterator[SourceFinding]:
    licences = [source for source in tree.files if NAMES.fullmatch(source.name)]
    if not any(source.at_top for source in licences):
        sentence = "There is no LICENSE file at the top of the repository: nobody but its author may use the code."
        yield SourceFinding(severity=BLOCKING, rule="no_licence", sentence=sentence)
    for source in licences:
        licence = recognise(source.text or "")
        if licence is None:
            why = (
                "This licence is not one that we know by its text, or something was added to it; "
                "a person has to read it."
            )
            yield _finding(source, PERSON, "unknown_licence", why)
        elif licence.policy == ALLOWED:
            yield _finding(source, NOTICE, "licence", f"The licence is {licence.name}. {licence.why}")
        else:
            # below the top it covers what was taken from elsewhere: what that means for the whole, a person decides
            severity = licence.policy if source.at_top else PERSON
            yield _finding(source, severity, "licence_not_open", f"The licence is {licence.name}. {licence.why}")


def recognise(text: str) -> Licence | None:
    """Which of LICENCES the text is; None if it is none of them, or one with something added."""
    words = normalised(text)
    for licence in LICENCES:
        if all(phrase in words for phrase in licence.phrases):
            if licence.policy != ALLOWED:
                return licence
            altered = len(words) > LONGEST[licence.name] or any(condition in words for condition in CONDITIONS)
            return None if altered else licence
    return None


def normalised(text: str) -> str:
    """Lower-case words with single spaces: wrapping, quotes and punctuation differ between copies."""
    return " ".join(re.findall(r"[a-z0-9]+", text.lower()))


def _finding(source: SourceFile, severity: str, rule: str, sentence: str) -> SourceFinding:
    first = next((line for line in source.lines() if line.strip()), "")
    return SourceFinding(
        severity=severity, rule=rule, sentence=sentence, file=source.path, line=1, excerpt=excerpt(first)
    )
