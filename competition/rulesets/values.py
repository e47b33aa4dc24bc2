"""How is a value of the rules read?  Strictly, exactly, and with the fix where it cannot be used."""

from __future__ import annotations

import re
from fractions import Fraction
from typing import Any

_NUMBER = re.compile(r"-?[0-9]{1,18}(\.[0-9]{1,18}|/0{0,17}[1-9][0-9]{0,17})?")


class BadRules(ValueError):
    """A field of the rules is wrong; says which, why, and what to write instead."""

    def __init__(self, field: str, problem: str, *, fix: str) -> None:
        self.field, self.problem, self.fix = field, problem, fix
        super().__init__(f"{field}: {problem}. {fix}")


def share(field: str, value: Any) -> Fraction:
    """A number from 0 to 1, exactly as written: 0.05, "0.05" and "1/20" are the same."""
    number = exact(field, value)
    if not 0 <= number <= 1:
        raise BadRules(field, f"{value!r} is not a share", fix="Write a number from 0 to 1, as 0.05 or 1/20")
    return number


def exact(field: str, value: Any) -> Fraction:
    """A number as written, zero or more; a long text or one in exponents is refused before it can cost memory."""
    if isinstance(value, bool) or not isinstance(value, (int, float, str)):
        raise BadRules(field, f"a number is needed, not {kind_of(value)}", fix='Write it as 0.05 or "1/20"')
    if not _NUMBER.fullmatch(str(value)[:64]):
        raise BadRules(field, f"{str(value)[:64]!r} is not a number", fix='Write it as 0.05 or "1/20"')
    number = Fraction(str(value))
    if number < 0:
        raise BadRules(field, f"{value!r} is negative", fix="Write zero or more")
    return number


def count(field: str, value: Any) -> int:
    if isinstance(value, bool) or not isinstance(value, int) or value < 0:
        raise BadRules(field, f"{value!r} is not a count", fix="Write a whole number, zero or more")
    return value


def kind_of(value: Any) -> str:
    """In words, for whoever wrote a value of another kind."""
    kinds = {dict: "an object", list: "a list", str: "a text", bool: "true or false", type(None): "nothing"}
    return kinds.get(type(value), "this number" if isinstance(value, (int, float)) else type(value).__name__)
