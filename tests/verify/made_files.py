"""How is a made bundle written down?  Documents, events and files, hashed, chained and signed by code of its own.

`Made.files` hashes and signs whatever the documents and events say at that moment, so an edit before it is the
operator's own lie.
"""

from __future__ import annotations

import base64
import copy
import hashlib
import json
from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import Any

import rfc8785
from bittensor_core import Keypair

from tests.verify.made_plan import Row

SLUG = "made"


@cache
def key(name: str) -> Keypair:
    return Keypair.create_from_uri(f"//made-bundle/{name}")


def hotkey(name: str) -> str:
    return str(key(name).ss58_address)


OPERATOR = "operator"


def sha256(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()


@dataclass
class Made:
    """What a bundle is made of, before anything is hashed."""

    documents: dict[str, Any] = field(default_factory=dict)
    events: list[tuple[str, Row]] = field(default_factory=list)
    blobs: dict[str, tuple[str, bytes]] = field(default_factory=dict)
    signer: str = OPERATOR
    before: tuple[int, str] = (0, "0" * 64)

    def copy(self) -> Made:
        return Made(
            copy.deepcopy(self.documents), copy.deepcopy(self.events), dict(self.blobs), self.signer, self.before
        )

    def event(self, kind: str, **named: Any) -> Row:
        """The one event of this kind whose body has these values."""
        [found] = [b for k, b in self.events if k == kind and all(b.get(n) == v for n, v in named.items())]
        return found

    def match(self, kind: str, defender: str, challenger: str) -> Row:
        [found] = [
            m
            for m in self.documents["matches.json"]
            if (m["kind"], m["defender"], m["challenger"]) == (kind, who(defender), who(challenger))
        ]
        return found

    def put(self, role: str, data: bytes) -> str:
        self.blobs[sha256(data)] = (role, data)
        return sha256(data)

    def files(self) -> dict[str, bytes]:
        """Path -> bytes of all of it, hashed and signed now."""
        written = {path: rfc8785.dumps(document) for path, document in self.documents.items()}
        listed = [_entry(path, data, "document") for path, data in written.items()]
        for digest, (role, data) in self.blobs.items():
            written[f"blobs/{digest}"] = data
            listed.append(_entry(f"blobs/{digest}", data, role))
        listed.sort(key=lambda entry: entry["path"])
        told = {"format": "gauntlet-bundle/1", "competition": SLUG, "round": 1, "files": listed}
        written["manifest.json"] = rfc8785.dumps(told)
        digest = sha256(written["manifest.json"])
        events = [
            (k, {**b, "bundle": digest} if k == "publication.signing" and "bundle" not in b else b)
            for k, b in self.events
        ]
        return written | chained(events, before=self.before, signer=self.signer)

    def write(self, folder: Path) -> Path:
        for path, data in self.files().items():
            (folder / path).parent.mkdir(parents=True, exist_ok=True)
            (folder / path).write_bytes(data)
        return folder


def _entry(path: str, data: bytes, role: str) -> Row:
    return {"path": path, "sha256": sha256(data), "bytes": len(data), "role": role}


def chained(
    events: Sequence[tuple[str, Row]], *, before: tuple[int, str] = (0, "0" * 64), signer: str = OPERATOR
) -> dict[str, bytes]:
    """The ledger of these events and its signed head."""
    (seq, last), lines = before, []
    for kind, body in events:
        seq += 1
        told = rfc8785.dumps({"kind": kind, "seq": seq, "body": body})
        digest = sha256(b"gauntlet-ledger/1\n" + bytes.fromhex(last) + told)
        lines.append(
            json.dumps({"seq": seq, "kind": kind, "body": body, "previous": last, "hash": digest}, sort_keys=True)
        )
        last = digest
    head = base64.b64encode(bytes.fromhex(last)).decode()
    text = f"gauntlet/{SLUG}\n{seq}\n{head}\nround 2 open block 1300\n"
    return {"ledger.jsonl": "".join(f"{line}\n" for line in lines).encode(), **signed(text.encode(), signer=signer)}


def signed(text: bytes, *, signer: str) -> dict[str, bytes]:
    note = {"signature": bytes(key(signer).sign(text)).hex(), "signed_by": hotkey(signer)}
    return {"checkpoint.txt": text, "checkpoint.sig.json": json.dumps(note, sort_keys=True).encode()}


def who(name: str) -> str:
    return "leader" if name == "leader" else hotkey(name)
