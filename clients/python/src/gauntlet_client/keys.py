"""With which hotkey is signed, and where is it?"""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import bittensor_core

from gauntlet_client.errors import Unusable

WALLETS = Path("~/.bittensor/wallets")
SECRET, WALLET, HOTKEY, PASSWORD = "GAUNTLET_KEY", "GAUNTLET_WALLET", "GAUNTLET_HOTKEY", "GAUNTLET_PASSWORD"


@dataclass(frozen=True)
class Key:
    """An sr25519 hotkey that can sign."""

    pair: Any

    @property
    def address(self) -> str:
        """ss58, prefix 42."""
        return str(self.pair.ss58_address)

    def sign(self, message: bytes) -> str:
        """128 hex digits."""
        return bytes(self.pair.sign(message)).hex()

    @classmethod
    def from_secret(cls, text: str) -> Key:
        """A mnemonic, a seed of 64 hex digits, or a derivation path such as `//Alice` (for demos)."""
        text = text.strip()
        try:
            if text.startswith("//"):
                return cls(bittensor_core.Keypair.create_from_uri(text))
            if " " in text:
                return cls(bittensor_core.Keypair.create_from_mnemonic(text))
            return cls(bittensor_core.Keypair.create_from_seed(bytes.fromhex(text.removeprefix("0x"))))
        except (ValueError, TypeError) as error:
            raise Unusable(
                f"This is no secret of an sr25519 key: {error}.",
                fix="Give a mnemonic of 12 or 24 words, or a seed of 64 hex digits.",
                code="bad_key",
            ) from error

    @classmethod
    def from_file(cls, path: Path, *, password: str | None = None) -> Key:
        """A key file of Bittensor (JSON, plain or encrypted), or a file that holds a secret."""
        try:
            data = path.expanduser().read_bytes()
        except OSError as error:
            raise Unusable(f"The key file {path} cannot be read: {error.strerror}.", fix=HINT, code="no_key") from error
        try:
            if bittensor_core.keyfile_data_is_encrypted(data):
                data = bittensor_core.decrypt_keyfile_data(data, _password(path, password))
            if data.lstrip().startswith(b"{"):
                return cls(bittensor_core.deserialize_keypair_from_keyfile_data(data))
        except (bittensor_core.KeyfileError, bittensor_core.WrongPasswordError, ValueError, TypeError) as error:
            raise Unusable(f"{path} cannot be opened: {error}.", fix=HINT, code="bad_key") from error
        return cls.from_secret(data.decode("utf-8", "replace"))

    @classmethod
    def from_wallet(
        cls, wallet: str, hotkey: str = "default", *, folder: Path = WALLETS, password: str | None = None
    ) -> Key:
        """`~/.bittensor/wallets/<wallet>/hotkeys/<hotkey>`, as btcli makes it."""
        for name in (wallet, hotkey):
            if not name or name in (".", "..") or "/" in name:
                raise Unusable(f"{name!r} is no name of a wallet or hotkey.", fix=HINT, code="bad_key")
        return cls.from_file(folder.expanduser() / wallet / "hotkeys" / hotkey, password=password)


HINT = (
    "Name a key: --wallet and --hotkey of a Bittensor wallet, --key-file, or the environment "
    f"({WALLET} and {HOTKEY}, or {SECRET} with a mnemonic)."
)


def _password(path: Path, given: str | None) -> str:
    password = given if given is not None else os.environ.get(PASSWORD)
    if not password:
        raise Unusable(f"{path} is encrypted.", fix=f"Put its password into {PASSWORD}.", code="no_password")
    return password


def found(
    *,
    wallet: str | None = None,
    hotkey: str | None = None,
    key_file: Path | None = None,
    environment: Mapping[str, str] = os.environ,
) -> Key | None:
    """The key that the options name, or else the environment; None where neither does."""
    if key_file is not None:
        return Key.from_file(key_file)
    if wallet or environment.get(WALLET):
        return Key.from_wallet(wallet or environment[WALLET], hotkey or environment.get(HOTKEY) or "default")
    return Key.from_secret(environment[SECRET]) if environment.get(SECRET) else None
