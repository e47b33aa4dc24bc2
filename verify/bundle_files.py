"""Is every file of a bundle the one that was announced?  Manifest, hashes, ledger, signature."""

from __future__ import annotations

import base64
import hashlib
import json
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import rfc8785

from verify.findings import Finding

FORMAT = "gauntlet-bundle/1"
BESIDE = ("manifest.json", "ledger.jsonl", "checkpoint.txt", "checkpoint.sig.json")
DOCUMENTS = ("competition.json", "round.json", "reveals.json", "submissions.json", "assets.json", "matches.json",
             "audits.json", "decision.json")  # fmt: skip
SAFE_PATH = re.compile(r"[a-z]+\.json|blobs/[0-9a-f]{64}")
GENESIS = "0" * 64


class Bundle:
    """What a bundle holds, as far as it can be read, and what was found wrong with it."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.findings: list[Finding] = []
        self.round: int | None = None
        self.manifest: dict[str, Any] = {}
        self.documents: dict[str, Any] = {}
        self.events: list[dict[str, Any]] = []
        self.signed_by = ""

    def wrong(
        self, kind: str, file: str, *, field: str = "", found: Any = None, expected: Any = None, say: str
    ) -> None:
        self._add("error", kind, file, field, found, expected, say)

    def notable(self, kind: str, file: str, *, field: str = "", found: Any = None, say: str) -> None:
        self._add("notable", kind, file, field, found, None, say)

    def _add(self, severity: str, kind: str, file: str, field: str, found: Any, expected: Any, say: str) -> None:
        self.findings.append(Finding(severity, kind, self.round, file, field, _scalar(found), _scalar(expected), say))

    def same(self, kind: str, file: str, *, field: str, found: Any, expected: Any, say: str) -> bool:
        if found != expected:
            self.wrong(kind, file, field=field, found=found, expected=expected, say=say)
        return bool(found == expected)

    @property
    def blobs(self) -> dict[str, dict[str, Any]]:
        return {f["sha256"]: f for f in self.manifest.get("files", []) if f["path"].startswith("blobs/")}


def _scalar(value: Any) -> Any:
    return value if isinstance(value, str | int | float | bool | None) else json.dumps(value, default=str)[:200]


def read(folder: Path, *, operator: str | None = None) -> Bundle:
    """Check bytes and signatures, load the documents.  Stops where the manifest itself cannot be trusted."""
    bundle = Bundle(folder)
    _manifest(bundle)
    if bundle.manifest:
        _files(bundle)
        _ledger(bundle)
        _checkpoint(bundle, operator=operator)
    return bundle


def _bytes(bundle: Bundle, name: str) -> bytes | None:
    path = bundle.folder / name
    if path.is_symlink() or not path.is_file():
        bundle.wrong("missing-file", name, say="The file is not there, or is a link.")
        return None
    return path.read_bytes()


def _json(bundle: Bundle, name: str, data: bytes) -> Any:
    try:
        return json.loads(data)
    except (ValueError, RecursionError) as error:
        bundle.wrong("malformed-json", name, found=str(error), say="The file is not JSON.")
        return None


def _canonical(bundle: Bundle, name: str, data: bytes, value: Any) -> None:
    try:
        expected = rfc8785.dumps(value)
    except (rfc8785.CanonicalizationError, RecursionError) as error:
        bundle.wrong("not-canonical", name, found=str(error), say="The file has no canonical form (RFC 8785).")
        return
    if expected != data:
        bundle.wrong("not-canonical", name, say="The bytes are not the canonical form (RFC 8785) of what they say.")


def _manifest(bundle: Bundle) -> None:
    data = _bytes(bundle, "manifest.json")
    manifest = None if data is None else _json(bundle, "manifest.json", data)
    if data is None or manifest is None:
        return
    if not _shaped(manifest):
        bundle.wrong(
            "bad-manifest", "manifest.json", expected=FORMAT, say="The manifest does not have the form it names."
        )
        return
    _canonical(bundle, "manifest.json", data, manifest)
    bundle.manifest, bundle.round = manifest, manifest["round"]
    paths = [entry["path"] for entry in manifest["files"]]
    if paths != sorted(set(paths)):
        bundle.wrong(
            "bad-manifest", "manifest.json", field="files", say="The files are not listed once each, in order."
        )
    for name in set(DOCUMENTS) - set(paths):
        bundle.wrong("missing-file", name, say="The manifest does not list this document.")


def _shaped(manifest: Any) -> bool:
    if not isinstance(manifest, dict) or set(manifest) != {"format", "competition", "round", "files"}:
        return False
    good = manifest["format"] == FORMAT and isinstance(manifest["round"], int) and isinstance(manifest["files"], list)
    return good and all(
        isinstance(f, dict) and set(f) == {"path", "sha256", "bytes", "role"} and SAFE_PATH.fullmatch(str(f["path"]))
        for f in manifest["files"]
    )


def _files(bundle: Bundle) -> None:
    listed = {entry["path"]: entry for entry in bundle.manifest["files"]}
    for path, entry in listed.items():
        data = _bytes(bundle, path)
        if data is None:
            continue
        found = hashlib.sha256(data).hexdigest()
        bundle.same("wrong-hash", path, field="sha256", found=found, expected=entry["sha256"], say="The bytes changed.")
        bundle.same(
            "wrong-size", path, field="bytes", found=len(data), expected=entry["bytes"], say="The size changed."
        )
        if path.startswith("blobs/"):
            name = path.removeprefix("blobs/")
            bundle.same("wrong-name", path, field="path", found=name, expected=entry["sha256"], say="Not its own hash.")
        else:
            document = _json(bundle, path, data)
            _canonical(bundle, path, data, document)
            bundle.documents[path] = document
    for path in sorted(p.relative_to(bundle.folder).as_posix() for p in bundle.folder.rglob("*") if not p.is_dir()):
        if path not in listed and path not in BESIDE:
            bundle.wrong("unknown-file", path, say="The manifest does not list this file.")


def event_hash(previous: str, event: Mapping[str, Any]) -> str:
    body = rfc8785.dumps({"kind": event["kind"], "seq": event["seq"], "body": event["body"]})
    return hashlib.sha256(b"gauntlet-ledger/1\n" + bytes.fromhex(previous) + body).hexdigest()


def _ledger(bundle: Bundle) -> None:
    data = _bytes(bundle, "ledger.jsonl")
    previous, seq = None, None
    for number, line in enumerate((data or b"").split(b"\n")[:-1], 1):
        event = _event(bundle, number, line)
        if event is None:
            return
        if previous is None:
            previous, seq = event["previous"], event["seq"] - 1
            if event["seq"] == 1:
                previous = GENESIS
        field = f"line {number}"
        bundle.same(
            "ledger-gap", "ledger.jsonl", field=field, found=event["seq"], expected=seq + 1, say="Not the next."
        )
        bundle.same("ledger-broken", "ledger.jsonl", field=field, found=event["previous"], expected=previous,
                    say="The event does not follow from the one before it.")  # fmt: skip
        bundle.same("ledger-broken", "ledger.jsonl", field=field, found=event["hash"],
                    expected=event_hash(event["previous"], event), say="The event is not what was hashed.")  # fmt: skip
        previous, seq = event["hash"], event["seq"]
        bundle.events.append(event)
    if data is not None and not data.endswith(b"\n"):
        bundle.wrong("ledger-broken", "ledger.jsonl", say="The last line is cut off.")
    _announced(bundle)


def _event(bundle: Bundle, number: int, line: bytes) -> dict[str, Any] | None:
    event = _json(bundle, "ledger.jsonl", line)
    shaped = isinstance(event, dict) and set(event) == {"seq", "kind", "body", "previous", "hash"}
    shaped = shaped and isinstance(event["seq"], int) and isinstance(event["body"], dict)
    shaped = shaped and all(re.fullmatch("[0-9a-f]{64}", str(event[key])) for key in ("previous", "hash"))
    if not shaped or json.dumps(event, sort_keys=True, ensure_ascii=True).encode() != line:
        bundle.wrong(
            "ledger-broken", "ledger.jsonl", field=f"line {number}", say="The line is not an event as written."
        )
        return None
    return dict(event)


def _announced(bundle: Bundle) -> None:
    """The bundle's hash must be an event of the signed ledger."""
    digest = hashlib.sha256((bundle.folder / "manifest.json").read_bytes()).hexdigest()
    said = [e["body"].get("bundle") for e in bundle.events if e["kind"] == "publication.signing"
            and e["body"].get("round") == bundle.round]  # fmt: skip
    if said != [digest]:
        bundle.wrong("not-announced", "manifest.json", field="sha256", found=digest, expected=said or None,
                     say="The ledger announced another bundle for this round, or none.")  # fmt: skip


def _checkpoint(bundle: Bundle, *, operator: str | None) -> None:
    text, note = _bytes(bundle, "checkpoint.txt"), _bytes(bundle, "checkpoint.sig.json")
    if text is None or note is None:
        return
    signature = _json(bundle, "checkpoint.sig.json", note)
    if not isinstance(signature, dict) or json.dumps(signature, sort_keys=True).encode() != note:
        bundle.wrong("bad-signature", "checkpoint.sig.json", say="The file is not a signature as written.")
        return
    lines = text.decode(errors="replace").split("\n")
    head = bundle.events[-1] if bundle.events else {"seq": None, "hash": ""}
    expected = [f"gauntlet/{bundle.manifest['competition']}", str(head["seq"]),
                base64.b64encode(bytes.fromhex(head["hash"])).decode()]  # fmt: skip
    bundle.same("wrong-checkpoint", "checkpoint.txt", field="origin, seq, head", found=lines[:3], expected=expected,
                say="The signed head is not the last event of the ledger.")  # fmt: skip
    bundle.signed_by = str(signature.get("signed_by"))
    _signature(bundle, text, signature)
    if operator is None:
        bundle.notable("operator-not-pinned", "checkpoint.sig.json", field="signed_by", found=bundle.signed_by,
                       say="Signed by this key; pin the one you expect with --operator.")  # fmt: skip
    else:
        bundle.same("foreign-signature", "checkpoint.sig.json", field="signed_by", found=bundle.signed_by,
                    expected=operator, say="Somebody else signed this.")  # fmt: skip


def _signature(bundle: Bundle, text: bytes, signature: Mapping[str, Any]) -> None:
    try:
        from bittensor_core import Keypair
    except ImportError:
        bundle.notable(
            "signature-unchecked", "checkpoint.sig.json", say="Install bittensor-core to check the signature."
        )
        return
    try:
        raw = str(signature.get("signature"))
        good = raw == raw.lower() and Keypair(ss58_address=bundle.signed_by).verify(text, bytes.fromhex(raw))
    except (ValueError, TypeError):
        good = False
    if not good:
        bundle.wrong("bad-signature", "checkpoint.sig.json", field="signature", say="The signature is not by this key.")
