"""What does a hotkey sign, and is that its signature?  Pure: no clock, no database.

Ours, for everything (`gauntlet/1`), binds method, host, path with query, body, time and nonce.  Epistula v2, for reads
only, binds body, time and uuid: whoever sees such a request could send it to another address, once.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Mapping
from dataclasses import dataclass

from core import hotkey_signatures

FORM = "gauntlet/1"
WINDOW_MS = 60_000
HOTKEY = re.compile(r"5[1-9A-HJ-NP-Za-km-z]{47}")
SIGNATURE = re.compile(r"(?:0x)?([0-9a-f]{128})")
MILLISECONDS = re.compile(r"[1-9][0-9]{12}")
NONCE = re.compile(r"[A-Za-z0-9_-]{16,64}")
UUID = re.compile(r"[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}")
OURS = ("Gauntlet-Hotkey", "Gauntlet-Timestamp", "Gauntlet-Nonce", "Gauntlet-Signature")
EPISTULA = ("Epistula-Signed-By", "Epistula-Timestamp", "Epistula-Uuid", "Epistula-Request-Signature")


@dataclass(frozen=True, kw_only=True)
class Signed:
    """What the headers of a request claim; `binding`: does the signature hold for this method and address only?"""

    hotkey: str
    timestamp_ms: int
    nonce: str
    signature: bytes
    binding: bool
    signed_for: str = ""


@dataclass(frozen=True, kw_only=True)
class SentRequest:
    """The request as it came over the wire; `path` with its query, undecoded."""

    method: str
    host: str
    path: str
    body: bytes


def claimed(headers: Mapping[str, str]) -> Signed | None:
    """What is claimed, well formed; None where any part is missing, malformed, or given in both forms."""
    ours, epistula = any(name in headers for name in OURS), any(name in headers for name in EPISTULA)
    if ours == epistula or (epistula and headers.get("Epistula-Version") != "2"):
        return None
    hotkey, timestamp, nonce, signature = (headers.get(name, "") for name in (OURS if ours else EPISTULA))
    hex_digits = SIGNATURE.fullmatch(signature)
    well_formed = HOTKEY.fullmatch(hotkey) and MILLISECONDS.fullmatch(timestamp)
    if not (well_formed and hex_digits and (NONCE if ours else UUID).fullmatch(nonce)):
        return None
    for_whom = headers.get("Epistula-Signed-For", "") if epistula else ""
    if for_whom and not HOTKEY.fullmatch(for_whom):
        return None
    return Signed(
        hotkey=hotkey,
        timestamp_ms=int(timestamp),
        nonce=nonce,
        signature=bytes.fromhex(hex_digits[1]),
        binding=ours,
        signed_for=for_whom,
    )


def message(signed: Signed, sent: SentRequest) -> bytes:
    """The bytes under the signature."""
    digest = hashlib.sha256(sent.body).hexdigest()
    if not signed.binding:
        return f"{digest}.{signed.nonce}.{signed.timestamp_ms}.{signed.signed_for}".encode()
    parts = (FORM, sent.method, sent.host, sent.path, digest, str(signed.timestamp_ms), signed.nonce)
    return "\n".join(parts).encode()


def timely(signed: Signed, *, now_ms: int) -> bool:
    return abs(now_ms - signed.timestamp_ms) <= WINDOW_MS


def genuine(signed: Signed, sent: SentRequest) -> bool:
    """Is it this hotkey's signature over this request?"""
    return hotkey_signatures.signed_by(signed.hotkey, message(signed, sent), signature=signed.signature)
