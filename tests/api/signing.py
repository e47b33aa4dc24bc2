"""How does a miner's program sign?  Written from docs/api/signatures.md, sharing nothing with the platform."""

from __future__ import annotations

import hashlib
import json
import secrets
import time
import uuid
from dataclasses import dataclass
from typing import Any

from bittensor_core import Keypair
from django.test import Client

HOST = "testserver"


def text(*, method: str, host: str, path: str, body: bytes, timestamp: int, nonce: str) -> bytes:
    digest = hashlib.sha256(body).hexdigest()
    return "\n".join(["gauntlet/1", method, host, path, digest, str(timestamp), nonce]).encode()


def headers(
    key: Keypair, *, method: str, path: str, body: bytes = b"", host: str = HOST, wrapped: bool = False, **more: Any
) -> dict[str, str]:
    timestamp = more.get("timestamp", round(time.time() * 1000))
    nonce = more.get("nonce", secrets.token_urlsafe(16))
    message = text(method=method, host=host, path=path, body=body, timestamp=timestamp, nonce=nonce)
    if wrapped:
        message = b"<Bytes>" + message + b"</Bytes>"
    return {
        "Gauntlet-Hotkey": key.ss58_address,
        "Gauntlet-Timestamp": str(timestamp),
        "Gauntlet-Nonce": nonce,
        "Gauntlet-Signature": key.sign(message).hex(),
    }


def epistula(key: Keypair, *, body: bytes = b"", signed_for: str = "", **more: Any) -> dict[str, str]:
    timestamp, nonce = more.get("timestamp", round(time.time() * 1000)), more.get("uuid", str(uuid.uuid4()))
    message = f"{hashlib.sha256(body).hexdigest()}.{nonce}.{timestamp}.{signed_for}".encode()
    told = {
        "Epistula-Version": "2",
        "Epistula-Timestamp": str(timestamp),
        "Epistula-Uuid": nonce,
        "Epistula-Signed-By": key.ss58_address,
        "Epistula-Request-Signature": "0x" + key.sign(message).hex(),
    }
    return told | ({"Epistula-Signed-For": signed_for} if signed_for else {})


@dataclass
class Signer:
    key: Keypair
    client: Client

    @property
    def hotkey(self) -> str:
        return str(self.key.ss58_address)

    def get(self, path: str, **more: Any) -> Any:
        return self.client.get(path, headers=headers(self.key, method="GET", path=path, **more))

    def post(self, path: str, value: Any, **more: Any) -> Any:
        body = value if isinstance(value, bytes) else json.dumps(value).encode()
        signed = headers(self.key, method="POST", path=path, body=body, **more)
        return self.client.post(path, body, content_type="application/json", headers=signed)

    def delete(self, path: str, **more: Any) -> Any:
        return self.client.delete(path, headers=headers(self.key, method="DELETE", path=path, **more))
