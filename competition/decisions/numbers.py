"""How is a part of a competition's configuration read that holds numbers only?"""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Mapping
from typing import Any, TypeVar

from competition.rulesets.values import BadRules

Numbers = TypeVar("Numbers")


def read(kind: type[Numbers], value: Any, *, part: str) -> Numbers:
    """The dataclass `kind`, whose fields are numbers with defaults, from `config.<part>`.

    Raises BadRules, which names the field and the fix.
    """
    if not isinstance(value, Mapping):
        raise BadRules(part, "is no object", fix=f'Write "{part}": {{…}}, or leave it out')
    names = [field.name for field in dataclasses.fields(kind)]  # type: ignore[arg-type]  # a dataclass, by contract
    for name, given in value.items():
        where = f"{part}.{name}"
        if name not in names:
            raise BadRules(where, "is unknown", fix=f"Use some of: {', '.join(names)}")
        number(where, given)
    return kind(**value)


def number(where: str, value: Any) -> float:
    """A finite number, zero or more.  Raises BadRules."""
    if isinstance(value, bool) or not isinstance(value, int | float) or not math.isfinite(value) or value < 0:
        raise BadRules(where, f"{value!r} is no number from 0 on", fix="Write a number, zero or more")
    return value
