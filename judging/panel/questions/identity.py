"""By which hash are judge versions, questions and pictures known?  SHA-256 of canonical JSON, by the standard library.

The bytes are those of RFC 8785 for all that is hashed here: texts, whole numbers, lists and objects with ASCII names.
A machine that only runs a model needs no other package for them.
"""

import hashlib
import json
from typing import Any


def canonical(document: Any) -> bytes:
    """Raises ValueError for a number with a fraction: how one is written differs from program to program."""
    text = json.dumps(document, sort_keys=True, separators=(",", ":"), ensure_ascii=False)
    json.loads(text, parse_float=_refuse, parse_constant=_refuse)
    return text.encode()


def digest(document: Any) -> str:
    """SHA-256 hex of the canonical JSON."""
    return hashlib.sha256(canonical(document)).hexdigest()


def _refuse(text: str) -> None:
    raise ValueError(f"{text} is no whole number")
