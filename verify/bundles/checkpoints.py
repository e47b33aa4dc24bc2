"""Does a signed head that somebody kept belong to the history that is told now?

Whoever kept nothing but an old checkpoint (`/api/v1/checkpoints`, or `checkpoint.txt` with `checkpoint.sig.json` of an
old bundle) can hold it against a bundle, a folder of bundles, or the ledger that a site serves.  It needs no chain.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from verify.bundles.files import ExaminedBundle
from verify.bundles.ledger import NOTE, OURS, TEXT, LedgerHead, is_signed, note_signature
from verify.findings import BROKEN, FindingLog
from verify.reading import CROWDED, is_crowded, parse_bytes

LARGEST = 4 * 2**20


def signed_head(row: Any) -> LedgerHead:
    """From a row of the API, or any object with text, signature and signed_by.  Raises ValueError."""
    text = row.get("text") if isinstance(row, dict) else None
    parts = [row.get(name) or "" for name in ("signature", "signed_by")] if isinstance(row, dict) else []
    plain = isinstance(text, str) and all(isinstance(part, str) for part in parts)
    head = LedgerHead.of("\n".join(str(text).split("\n", 3)[:3])) if plain else None
    if head is None or not head.origin.startswith(OURS):
        raise ValueError("a checkpoint's text begins with gauntlet/<competition>, its event and its hash")
    signature, signed_by = parts
    return replace(head, signed=str(text), signature=signature, signed_by=signed_by)


def is_good(head: LedgerHead) -> bool | None:
    """Is it signed by the key it names?  None where nothing here can check it."""
    message = head.signed.encode()
    return bool(head.signature) and is_signed(by=head.signed_by, message=message, signature=head.signature)


def read(path: Path) -> list[LedgerHead]:
    """The checkpoints of a file. Raises ValueError or OSError, saying what was expected.

    The file: an answer of /api/v1/checkpoints, one of its rows, a list of them, or a bundle's checkpoint.txt with its
    signature in checkpoint.sig.json beside it.
    """
    if path.is_dir():
        path = path / TEXT
    data = _content(path)
    if data.startswith(OURS.encode()):
        note = path.with_name(NOTE)
        value = {"text": path.read_text(encoding="utf-8")} | (parse_bytes(_content(note)) if note.is_file() else {})
    else:
        value = parse_bytes(data)
    rows = value.get("results", value) if isinstance(value, dict) else value
    return [signed_head(row) for row in (rows if isinstance(rows, list) else [rows])]


def _content(path: Path) -> bytes:
    if path.stat().st_size > LARGEST:
        raise ValueError(f"it is larger than {LARGEST} bytes")
    data = path.read_bytes()
    if is_crowded(data):
        raise ValueError(CROWDED)
    return data


def check(bundles: Sequence[ExaminedBundle], path: Path, *, operator: str | None) -> FindingLog:
    """Every checkpoint of the file against every part of its ledger that is here."""
    log = FindingLog()
    try:
        heads = read(path)
    except BROKEN as error:
        log.note("checkpoint-unread", str(path), sentence=f"No signed head, so nothing was compared: {error}")
        return log
    here = {bundle.manifest["competition"] for bundle in bundles if bundle.manifest}
    if not any(head.competition in here for head in heads):
        others, wanted = ", ".join(sorted({head.competition for head in heads})), ", ".join(sorted(here)) or None
        log.note("checkpoint-unread", str(path), field="origin", found=others or "no checkpoint", expected=wanted)
    for head in (head for head in heads if head.competition in here):
        check_signature(head, path, operator=operator, log=log)
        of_it = [bundle for bundle in bundles if bundle.manifest and bundle.manifest["competition"] == head.competition]
        check_history(head, of_it, path, log=log)
    return log


def check_signature(head: LedgerHead, path: Path, *, operator: str | None, log: FindingLog) -> None:
    field, good = f"event {head.seq}", is_good(head)
    if not good:
        note_signature(log, str(path), good, field=field, signer=head.signed_by or None)
    if operator is not None:
        log.compare("foreign-signature", str(path), head.signed_by, operator, field=field)


def check_history(head: LedgerHead, bundles: Sequence[ExaminedBundle], path: Path, *, log: FindingLog) -> None:
    """Has the event of the head, wherever it is here, the head's hash?"""
    field = f"event {head.seq}"
    hashes = [{event["seq"]: event["hash"] for event in bundle.events} for bundle in bundles]
    known = [(bundle, of_it[head.seq]) for bundle, of_it in zip(bundles, hashes, strict=True) if head.seq in of_it]
    for bundle, stated in known:
        log.count("checkpoints compared")
        kind = "two-heads" if bundle.events[-1]["seq"] == head.seq else "checkpoint-differs"
        sentence = (
            f"{path.name}, signed by {head.signed_by or 'nobody'}, has another hash of this event than the ledger "
            f"whose head {bundle.signed_by or 'nobody'} signed: the history was written twice. Keep both files."
        )
        about: dict[str, Any] = {"file": bundle.log.prefix + "ledger.jsonl", "round": bundle.round}
        if log.compare(kind, actual=stated, expected=head.head, field=field, sentence=sentence, **about):
            by: dict[str, Any] = {"actual": bundle.signed_by, "expected": head.signed_by}
            log.compare("series-differs", field="operator", sentence="Another key signed it.", **by, **about)
    if not known:
        parts = ", ".join(f"{b.events[0]['seq']} to {b.events[-1]['seq']}" for b in bundles if b.events) or "none"
        sentence = f"The ledger is here from event {parts}: a bundle with event {head.seq} in its part would tell."
        log.note("checkpoint-elsewhere", file=str(path), field=field, found=head.head, sentence=sentence)
