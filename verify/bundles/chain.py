"""Is the ledger that this bundle tells the one whose head stands on the chain?

The operator's hotkey commits the first three lines of each signed head (origin, seq, hash) on the subnet it runs.  The
note is asked of a node by JSON-RPC over HTTP, or taken from a file of anchors (`manage.py chain_check --anchors SLUG`),
or both: then each anchor of the file must stand on the chain at its block.  Standard library only.
"""

from __future__ import annotations

import hashlib
import re
from pathlib import Path
from typing import Any

from verify.bundles.files import ExaminedBundle
from verify.bundles.ledger import OURS, LedgerHead
from verify.bundles.web import LARGEST, Unreachable, WebSource
from verify.findings import BROKEN
from verify.reading import parse_bytes

# twox128("Commitments") and twox128("CommitmentOf"); then the netuid as it is, and the account ends the key
COMMITMENTS = "0xca407206ec1ab726b2636c4b145ac287419a60ae8b01e6dcaebd7317e43c69bf"
ALPHABET = "123456789ABCDEFGHJKLMNPQRSTUVWXYZabcdefghijkmnopqrstuvwxyz"
PAGE, MOST_KEYS = 256, 2**14
"""Of a subnet, which has a few hundred hotkeys."""
FILE = "checkpoint.txt"


def check(bundle: ExaminedBundle, *, node: str | None, anchors: Path | None) -> None:
    """Compare what the chain, the file or both say with the bundle's ledger."""
    kind, _, subnet = str(bundle.documents.get("competition.json", {}).get("chain", "")).partition(":")
    if kind != "bittensor" or not subnet.isdigit():
        bundle.note("not-anchored", FILE, found=kind, sentence="The competition is not played on a real chain.")
        return
    origin, rows = OURS + bundle.manifest["competition"], list[LedgerHead]()
    try:
        who = account(bundle.signed_by) if node else ""
        if anchors:
            rows = [anchor for anchor in listed(anchors, by=bundle.signed_by) if anchor.origin == origin]
        elif node:
            rows = standing(node, netuid=int(subnet), account=who, origin=origin)
        for anchor in rows if node and anchors else ():
            check_stands(bundle, anchor, node=str(node), netuid=int(subnet), account=who)
    except (Unreachable, *BROKEN) as error:
        bundle.note("chain-unread", FILE, found=str(error)[:200], sentence="What the chain says could not be read.")
        return
    if not rows:
        by = bundle.signed_by
        bundle.note("not-anchored", FILE, field="signed_by", found=by, sentence="No anchor of this ledger.")
    events = {event["seq"]: event["hash"] for event in bundle.events}
    for anchor in rows:
        field = f"event {anchor.seq}"
        if anchor.seq in events:
            bundle.compare("anchor-differs", FILE, events[anchor.seq], anchor.head, field=field)
        else:
            bundle.note("anchor-elsewhere", FILE, field=field)


def check_stands(bundle: ExaminedBundle, anchor: LedgerHead, *, node: str, netuid: int, account: str) -> None:
    """An anchor of the file, asked for at its block (a node that keeps old states must be asked for old ones)."""
    there = standing(node, netuid=netuid, account=account, origin=anchor.origin, at=anchor.block_hash)
    if anchor.text not in [each.text for each in there]:
        numbers, sentence = [each.seq for each in there], "The chain does not have this anchor at its block."
        field = f"event {anchor.seq}"
        bundle.note("anchor-differs", FILE, field=field, found=numbers, expected=anchor.seq, sentence=sentence)


def listed(path: Path, *, by: str) -> list[LedgerHead]:
    """The anchors of a file that are by this hotkey.  Raises ValueError for anything else than such a file."""
    if path.stat().st_size > LARGEST:
        raise ValueError(f"{path} is larger than {LARGEST} bytes")
    rows = parse_bytes(path.read_bytes())
    if not isinstance(rows, list):
        raise ValueError(f"{path}: a list of anchors is expected")
    rows_of_hotkey = []
    for number, row in enumerate(rows):
        text = row.get("text") if isinstance(row, dict) else None
        anchor = LedgerHead.of(text, block_hash=str(row.get("block_hash", ""))) if isinstance(text, str) else None
        if anchor is None:
            raise ValueError(f"{path}: entry {number} is no anchor: text must be origin, seq and head, one a line")
        rows_of_hotkey += [anchor] if row.get("hotkey") == by else []
    return rows_of_hotkey


def standing(node: str, *, netuid: int, account: str, origin: str, at: str = "") -> list[LedgerHead]:
    """The notes of this origin in what the account has committed, at a block or now."""
    prefix = COMMITMENTS + netuid.to_bytes(2, "little").hex()
    source = WebSource(most_rows=MOST_KEYS)
    at = f"0x{at.removeprefix('0x')}" if at else str(ask(source, node, "chain_getFinalizedHead", []))
    last = prefix
    while source.rows < MOST_KEYS:
        keys = ask(source, node, "state_getKeysPaged", [prefix, PAGE, last, at])
        if not isinstance(keys, list) or not all(isinstance(key, str) for key in keys):
            raise Unreachable("state_getKeysPaged: not a list of keys")
        key = next((key for key in keys if key.endswith(account)), None)
        if key is not None:
            raw = bytes.fromhex(str(ask(source, node, "state_getStorage", [key, at]))[2:])
            return notes(raw, origin=origin)
        if not keys:
            return []
        last, source.rows = keys[-1], source.rows + len(keys)
    raise Unreachable(f"state_getKeysPaged: more than {MOST_KEYS} keys")


def notes(raw: bytes, *, origin: str) -> list[LedgerHead]:
    """Looked for in the bytes as they are: how a runtime wraps them may change, the note does not."""
    pattern = re.escape(origin.encode()) + rb"\n[0-9]{1,18}\n[A-Za-z0-9+/]{43}="
    anchors = (LedgerHead.of(match.decode()) for match in re.findall(pattern, raw))
    return [anchor for anchor in anchors if anchor]


def ask(source: WebSource, node: str, method: str, params: list[Any]) -> Any:
    """One JSON-RPC call; ws:// and wss:// addresses are asked by http and https, as nodes answer both."""
    body = {"jsonrpc": "2.0", "id": 1, "method": method, "params": params}
    answer = source.json(re.sub("^ws", "http", node), body=body)
    if not isinstance(answer, dict) or "result" not in answer:
        raise Unreachable(f"{method}: {str(answer)[:150]}")
    return answer["result"]


def account(address: str) -> str:
    """The 32 bytes of an ss58 address, in hex.  Raises ValueError."""
    number = 0
    for letter in address:
        place = ALPHABET.find(letter)
        if place < 0:
            raise ValueError(f"{address[:60]!r} is not an ss58 address")
        number = number * 58 + place
    raw = number.to_bytes(35, "big") if number < 1 << 280 else b""
    good = raw and hashlib.blake2b(b"SS58PRE" + raw[:33], digest_size=64).digest()[:2] == raw[33:]
    if not good:
        raise ValueError(f"{address[:60]!r} is not an ss58 address")
    return raw[1:33].hex()
