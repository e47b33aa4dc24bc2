"""Who signs for the platform?  The operator's sr25519 hotkey, read from a file that only its owner may read."""

from __future__ import annotations

import contextlib
import json
import os
import secrets
from functools import cache
from pathlib import Path

from bittensor_core import Keypair
from django.conf import settings


def keypair() -> Keypair:
    return _keypair(settings.OPERATOR_KEY_FILE)


@cache
def _keypair(path: Path) -> Keypair:
    if not path.exists():
        _make(path)
    try:
        text = path.read_text().strip()
        if text.startswith("{"):  # the hotkey file that the chain's own wallet tool writes
            text = str(json.loads(text)["secretSeed"]).removeprefix("0x")
        return Keypair.create_from_seed(bytes.fromhex(text))
    except (ValueError, KeyError, AttributeError) as error:
        raise ValueError(
            f"{path} must hold the 64 hex digits of a seed, or a hotkey file with secretSeed (GAUNTLET_OPERATOR_KEY): "
            f"{type(error).__name__}"
        ) from None  # the cause's text may hold a part of the key


def _make(path: Path) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    draft = path.with_name(f".{path.name}.{secrets.token_hex(8)}")
    draft.touch(mode=0o600)
    draft.write_text(secrets.token_hex(32))
    with contextlib.suppress(FileExistsError):
        os.link(draft, path)  # whoever is first: that key is the key
    draft.unlink()


def sign(text: str) -> tuple[str, str]:
    """(signature in hex, ss58 address) over the UTF-8 bytes of `text`."""
    key = keypair()
    return bytes(key.sign(text.encode())).hex(), str(key.ss58_address)
