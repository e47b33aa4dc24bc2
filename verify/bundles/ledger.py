"""Do the ledger's events follow from each other, did they announce this bundle, and who signed the last one?"""

from __future__ import annotations

import base64
import hashlib
import io
import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from typing import Any

from verify.bundles.files import SMALL, ExaminedBundle, bytes_of, canonical, parsed
from verify.findings import BundleSigner, FindingLog

LINES = re.compile(r"([^\n]{1,60})\n([0-9]{1,18})\n([A-Za-z0-9+/]{43}=)")
FIELDS = ("origin", "seq", "head")
OURS = "gauntlet/"
NAME, TEXT, NOTE = "ledger.jsonl", "checkpoint.txt", "checkpoint.sig.json"
DOMAIN = b"gauntlet-ledger/1\n"
GENESIS = "0" * 64
HEX = re.compile("[0-9a-f]{64}")


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


def check(bundle: ExaminedBundle, *, operator: str | None) -> None:
    read(bundle)
    announced(bundle)
    if bundle.draft:
        return
    checkpoint(bundle)
    check_signer(bundle, NOTE, operator=operator)


def check_signer(bundle: ExaminedBundle, file: str, *, operator: str | None) -> None:
    """Whose signature is it, and did anybody say who it must be?"""
    by, pinned = bundle.signed_by, None if operator is None else bundle.signed_by == operator
    bundle.log.signers.append(BundleSigner(by, bundle.signature_is_good, pinned))
    if operator is None:
        bundle.note("operator-not-pinned", file, field="signed_by", found=by, sentence="Is it the operator?")
    else:
        bundle.compare("foreign-signature", file, by, operator, field="signed_by")


def event_hash(previous: str, event: Mapping[str, Any]) -> str | None:
    """None where the body has no canonical form."""
    body = canonical({"kind": event["kind"], "seq": event["seq"], "body": event["body"]})
    return None if body is None else hashlib.sha256(DOMAIN + bytes.fromhex(previous) + body).hexdigest()


def read(bundle: ExaminedBundle) -> None:
    """The events, each line exactly as it is written, up to the first that is none."""
    data = bytes_of(bundle, NAME)
    if data is None:
        return
    if not data.endswith(b"\n"):
        bundle.note("ledger-broken", NAME, sentence="There is no last line, or it is cut off.")
    for number, line in enumerate(io.BytesIO(data), 1):
        text, field = line.removesuffix(b"\n"), f"line {number}"
        if not line.endswith(b"\n"):
            return
        event = parsed(bundle, NAME, text)
        if not is_event(event) or json.dumps(event, sort_keys=True, ensure_ascii=True).encode() != text:
            bundle.note("ledger-broken", NAME, field=field)
            return
        _follows(bundle, event, field=field)


def add_event(bundle: ExaminedBundle, event: Any, *, field: str) -> bool:
    """Take the next event as a site serves it.  False with a finding where it is none."""
    if not is_event(event):
        bundle.note("ledger-broken", NAME, field=field)
        return False
    _follows(bundle, event, field=field)
    return True


def is_event(event: Any) -> bool:
    shaped = isinstance(event, dict) and set(event) == {"seq", "kind", "body", "previous", "hash"}
    shaped = shaped and type(event["seq"]) is int and isinstance(event["body"], dict) and isinstance(event["kind"], str)
    return shaped and all(HEX.fullmatch(str(event[key])) for key in ("previous", "hash"))


def _follows(bundle: ExaminedBundle, event: dict[str, Any], *, field: str) -> None:
    last = bundle.events[-1] if bundle.events else None
    previous = last["hash"] if last else GENESIS if event["seq"] == 1 else event["previous"]
    expected = last["seq"] + 1 if last else event["seq"]
    bundle.compare("ledger-gap", NAME, event["seq"], expected, field=field)
    bundle.compare("ledger-broken", NAME, event["previous"], previous, field=field)
    bundle.compare("ledger-broken", NAME, event["hash"], event_hash(event["previous"], event), field=field)
    bundle.events.append(event)


def announced(bundle: ExaminedBundle) -> None:
    """The bundle's hash must be an event of the signed ledger, once."""
    digest = hashlib.sha256((bundle.folder / "manifest.json").read_bytes()).hexdigest()
    edition = bundle.documents.get("correction.json", {}).get("edition", 1)
    kind = "publication.signing" if edition == 1 else "reissue.signing"
    bodies = [event["body"] for event in bundle.events if event["kind"] == kind]
    mine = [body for body in bodies if (body.get("round"), body.get("edition", 1)) == (bundle.round, edition)]
    hashes = [body.get("bundle") for body in mine]
    expected = [] if bundle.draft and not hashes else [digest]
    bundle.compare("not-announced", "manifest.json", hashes, expected, field="sha256")


def checkpoint(bundle: ExaminedBundle) -> None:
    signed, note = bytes_of(bundle, TEXT, most=SMALL), bytes_of(bundle, NOTE, most=SMALL)
    if signed is None or note is None:
        return
    signature = parsed(bundle, NOTE, note)
    shaped = isinstance(signature, dict) and set(signature) == {"signature", "signed_by"}
    if not shaped or json.dumps(signature, sort_keys=True).encode() != note:
        bundle.note("bad-signature", NOTE, sentence="The file is not a signature as written.")
        return
    bundle.signed_by = str(signature["signed_by"])
    head: Mapping[str, Any] = bundle.events[-1] if bundle.events else {"seq": 0, "hash": ""}
    expected = LedgerHead(OURS + bundle.manifest["competition"], head["seq"], head["hash"]).text.split("\n")
    stated = [*signed.decode(errors="replace").split("\n"), "", "", ""]
    tables = [dict(zip(FIELDS, lines, strict=False)) for lines in (stated, expected)]
    bundle.compare("wrong-checkpoint", TEXT, *tables)
    good = is_signed(by=bundle.signed_by, message=signed, signature=str(signature["signature"]))
    bundle.signature_is_good = good
    if not good:
        note_signature(bundle.log, NOTE, good)


def note_signature(
    log: FindingLog, file: str, good: bool | None, *, field: str = "", signer: str | None = None
) -> None:
    """A signature that is not by the key it names, or that nothing here can check."""
    if good is None:
        log.note("signature-unchecked", file, field=field, sentence="Install bittensor-core to check signatures.")
    else:
        log.note("bad-signature", file, field=field or "signature", found=signer)


@cache
def _keypair() -> Any:
    try:
        from bittensor_core import Keypair  # as in `beacon`: it may be missing
    except ImportError:
        return None
    return Keypair


def is_signed(*, by: str, message: bytes, signature: str) -> bool | None:
    """Is it the sr25519 signature (lower-case hex) of this ss58 address?  None where nothing here can check it."""
    keypair = _keypair()
    if keypair is None:
        return None
    if not re.fullmatch("([0-9a-f]{2})+", signature):
        return False
    try:
        return bool(keypair(ss58_address=by).verify(message, bytes.fromhex(signature)))
    except (ValueError, TypeError):
        return False


def is_wallet_signed(*, by: str, message: bytes, signature: str) -> bool | None:
    """The message as it is, or as a wallet in a browser wraps what it signs."""
    forms = (message, b"<Bytes>" + message + b"</Bytes>")
    good = [is_signed(by=by, message=form, signature=signature) for form in forms]
    return None if None in good else any(good)
