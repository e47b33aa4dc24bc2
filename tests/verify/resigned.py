"""A played bundle as the operator could rewrite it: documents and events changed, everything hashed and signed anew."""

from __future__ import annotations

import base64
import hashlib
import json
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import rfc8785

from core import operator_key

Change = Callable[[dict[str, Any], list[dict[str, Any]]], None]


def rewritten(folder: Path, into: Path, change: Change) -> Path:
    """A copy in which `change(documents, events)` has been at work."""
    shutil.copytree(folder, into)
    events = [json.loads(line) for line in (into / "ledger.jsonl").read_text().splitlines()]
    manifest = json.loads((into / "manifest.json").read_text())
    names = [entry["path"] for entry in manifest["files"] if entry["role"] == "document"]
    documents = {name: json.loads((into / name).read_text()) for name in names}
    change(documents, events)
    for entry in manifest["files"]:
        if entry["role"] == "document":
            _put(into / entry["path"], data := rfc8785.dumps(documents[entry["path"]]))
            entry |= {"sha256": hashlib.sha256(data).hexdigest(), "bytes": len(data)}
    _put(into / "manifest.json", data := rfc8785.dumps(manifest))
    edition = documents.get("correction.json", {}).get("edition", 1)
    _announce(events, hashlib.sha256(data).hexdigest(), round_=manifest["round"], edition=edition)
    _chain(into, events)
    return into


def _put(path: Path, data: bytes) -> None:
    path.unlink()  # a second name of another file
    path.write_bytes(data)


def _announce(events: list[dict[str, Any]], digest: str, *, round_: int, edition: int) -> None:
    kind = "publication.signing" if edition == 1 else "reissue.signing"
    for event in events:
        body = event["body"]
        if event["kind"] == kind and body.get("round") == round_ and body.get("edition", 1) == edition:
            body["bundle"] = digest


def _chain(into: Path, events: list[dict[str, Any]]) -> None:
    seq, last = events[0]["seq"], events[0]["previous"]
    for event in events:
        body = {"kind": event["kind"], "seq": seq, "body": event["body"]}
        event |= {"seq": seq, "previous": last}
        last = hashlib.sha256(b"gauntlet-ledger/1\n" + bytes.fromhex(last) + rfc8785.dumps(body)).hexdigest()
        event["hash"] = last
        seq += 1
    lines = (json.dumps(event, sort_keys=True, ensure_ascii=True) for event in events)
    _put(into / "ledger.jsonl", "".join(f"{line}\n" for line in lines).encode())
    text = (into / "checkpoint.txt").read_text().split("\n")
    text[1:3] = [str(seq - 1), base64.b64encode(bytes.fromhex(last)).decode()]
    _put(into / "checkpoint.txt", "\n".join(text).encode())
    signature, by = operator_key.sign("\n".join(text))
    note = json.dumps({"signature": signature, "signed_by": by}, sort_keys=True)
    _put(into / "checkpoint.sig.json", note.encode())
