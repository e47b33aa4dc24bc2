"""Where did a ledger stand, in the three lines that are signed, and put on the chain?"""

from __future__ import annotations

import base64
import re
from dataclasses import dataclass

LINES = re.compile(r"([^\n]{1,60})\n([0-9]{1,18})\n([A-Za-z0-9+/]{43}=)")
FIELDS = ("origin", "seq", "head")
OURS = "gauntlet/"


@dataclass(frozen=True)
class LedgerHead:
    """The ledger of `origin` had `head` (hex) as the hash of event `seq`.

    On the chain it has the hash of its block; a checkpoint may go on after it, and all of it (`signed`) is signed.
    """

    origin: str
    seq: int
    head: str
    block_hash: str = ""
    signed: str = ""
    signature: str = ""
    signed_by: str = ""

    @classmethod
    def of(cls, text: str, *, block_hash: str = "") -> LedgerHead | None:
        """None where the text is not exactly these three lines."""
        lines = LINES.fullmatch(text)
        if not lines:
            return None
        return cls(lines[1], int(lines[2]), base64.b64decode(lines[3]).hex(), block_hash)

    @property
    def competition(self) -> str:
        return self.origin.removeprefix(OURS)

    @property
    def text(self) -> str:
        return f"{self.origin}\n{self.seq}\n{base64.b64encode(bytes.fromhex(self.head)).decode()}"
