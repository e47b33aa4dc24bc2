"""Is this a hotkey's sr25519 signature?  The one answer for requests, appeals and reports that strangers send."""

from __future__ import annotations

import re

from bittensor_core import Keypair

HEX = re.compile(r"[0-9a-f]{128}")


def signed_by(hotkey: str, message: bytes, *, signature: bytes) -> bool:
    """Over the message, bare or as browser wallets wrap it (`<Bytes>…</Bytes>`).

    Whatever cannot be an address or a signature is a no, never an error.
    """
    try:
        key = Keypair(ss58_address=hotkey)
        return any(key.verify(form, signature) for form in (message, b"<Bytes>" + message + b"</Bytes>"))
    except (ValueError, TypeError):
        return False


def signed_in_hex(hotkey: str, message: bytes, *, signature: str) -> bool:
    """The same for a signature in lower-case hex of 64 bytes."""
    return HEX.fullmatch(signature) is not None and signed_by(hotkey, message, signature=bytes.fromhex(signature))
