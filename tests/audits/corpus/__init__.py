"""Small repositories of which the truth is known: honest ones with odd habits, and ones that each do one wrong thing.

Made from a seed: names, layout, licence, web framework and padding differ from repository to repository, so a rule that
knows one text by heart finds one of them only.  Written by the authors of the rules, which a reader should keep in
mind: the figures say what the rules find, not what a stranger will think of.
"""

from __future__ import annotations

import random
from collections.abc import Mapping
from dataclasses import dataclass

Files = dict[str, bytes | str]


@dataclass(frozen=True, kw_only=True)
class Case:
    """`rule`: what must be found, at a weight that a person looks at; "" for an honest one, where nothing may be."""

    name: str
    rule: str
    files: Mapping[str, bytes | str]


def corpus(seed: int = 1) -> list[Case]:
    from tests.audits.corpus import bad, bad_more, good

    made = [*good.CASES, *bad.CASES, *bad_more.CASES]
    return [make(name, rule, build, seed=seed) for name, rule, build in made]


def make(name: str, rule: str, build: object, *, seed: int) -> Case:
    dice = random.Random(f"{seed}/{name}")
    return Case(name=name, rule=rule, files=build(dice))  # type: ignore[operator]
