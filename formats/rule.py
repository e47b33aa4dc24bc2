"""What does one rule for assets consist of?"""

from dataclasses import dataclass


@dataclass(frozen=True)
class Rule:
    """`observation` is a template of what was seen; `advice` what to do about it."""

    observation: str
    advice: str
