"""What does one rule for assets consist of?"""

from dataclasses import dataclass


@dataclass(frozen=True)
class Rule:
    """`found` is a template of what was seen; `advice` what to do about it."""

    found: str
    advice: str
