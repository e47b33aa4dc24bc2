"""Which number does a text of a visitor's name?  Only ASCII digits make one, and only one that a column can hold."""

from __future__ import annotations

import re

DIGITS = re.compile("[0-9]{1,9}", re.ASCII)


def whole_number(text: str) -> int | None:
    """0 to 999,999,999; None for anything else, such as `²`, `-1` or thousands of digits."""
    return int(text) if DIGITS.fullmatch(text) else None
