"""In what does the check of a format differ from that of the subnet, and why?"""

from dataclasses import dataclass


@dataclass(frozen=True)
class Difference:
    """`ours` is refused here though the subnet takes it, or taken here though `theirs` refuses it.

    `ours` and `theirs` are rule codes, or "" where there is none.
    """

    ours: str
    theirs: str
    what: str
    why: str
    instead: str = ""
