"""Do the submissions follow from the reveals?"""

from __future__ import annotations

import json
from typing import Any

from verify.bundle_files import Bundle

FIELDS = ("repo", "commit", "cdn_url")
LONGEST, DEEPEST, LONGEST_VALUE = 4096, 8, 500


def check(bundle: Bundle) -> None:
    """Per miner and field the latest non-empty value of the window; the place is that of the latest commit reveal."""
    schedule = bundle.documents["round.json"]["schedule"]
    heaps: dict[str, list[dict[str, Any]]] = {}
    for reveal in bundle.documents["reveals.json"]:
        if not schedule["earliest_reveal_block"] <= reveal["block"] <= schedule["latest_reveal_block"]:
            bundle.wrong("late-reveal", "reveals.json", field=reveal["miner"], found=reveal["block"],
                         say="The reveal lies outside the window.")  # fmt: skip
        heaps.setdefault(reveal["miner"], []).append(reveal)
    entered = {s["miner"]: s for s in bundle.documents["submissions.json"] if s["role"] == "challenger"}
    bundle.same("wrong-submission", "submissions.json", field="miners", found=sorted(entered), expected=sorted(heaps),
                say="Not everybody who revealed, and nobody else, is listed.")  # fmt: skip
    for miner, heap in heaps.items():
        if miner in entered:
            _entry(bundle, entered[miner], heap)
    _copies(bundle, list(entered.values()))


def _entry(bundle: Bundle, entry: dict[str, Any], heap: list[dict[str, Any]]) -> None:
    values, block, index = dict.fromkeys(FIELDS, ""), None, None
    heap.sort(key=lambda r: (r["block"], r["extrinsic_index"]))
    for reveal in heap:
        fields = fields_of(bytes.fromhex(reveal["payload"]))
        values |= {name: value for name, value in fields.items() if value}
        if fields.get("commit"):
            block, index = reveal["block"], reveal["extrinsic_index"]
    if block is None:
        block, index = heap[-1]["block"], heap[-1]["extrinsic_index"]
    values["cdn_url"] = values["cdn_url"].rstrip("/")
    if not all(values.values()) and not entry["objection"]:
        bundle.wrong("wrong-submission", "submissions.json", field=entry["miner"], found="",
                     expected="an objection", say="A field was never revealed, yet nothing is objected.")  # fmt: skip
    expected = {**values, "reveal_block": block, "extrinsic_index": index}
    for name, value in expected.items():
        if not entry["objection"]:
            bundle.same("wrong-submission", "submissions.json", field=f"{entry['miner']} {name}", found=entry[name],
                        expected=value, say="The reveals add up to something else.")  # fmt: skip


def fields_of(raw: bytes) -> dict[str, str]:
    """What can be read of one payload: an object with texts, with or without the SCALE length before it."""
    if len(raw) > LONGEST:
        return {}
    try:
        text = _unprefixed(raw).decode()
        if text.count("[") + text.count("{") > DEEPEST:
            return {}
        value = _loads(text)
    except (ValueError, RecursionError):
        return {}
    if not isinstance(value, dict):
        return {}
    return {
        name: value[name].strip()
        for name in FIELDS
        if isinstance(value.get(name), str)
        and len(value[name]) <= LONGEST_VALUE
        and value[name].isascii()
        and value[name].strip().isprintable()
    }


def _loads(text: str) -> Any:
    try:
        return json.loads(text)
    except ValueError:
        if '"' in text:
            raise
        return json.loads(text.replace("'", '"'))


def _unprefixed(raw: bytes) -> bytes:
    if raw and raw[0] & 3 != 3:
        width = (1, 2, 4)[raw[0] & 3]
        if len(raw) >= width and int.from_bytes(raw[:width], "little") >> 2 == len(raw) - width:
            return raw[width:]
    return raw


def _copies(bundle: Bundle, entries: list[dict[str, Any]]) -> None:
    first: dict[str, str] = {}
    for entry in sorted(entries, key=lambda s: (s["reveal_block"], s["extrinsic_index"], s["miner"])):
        if entry["objection"]:
            continue
        original = first.setdefault(entry["commit"], entry["miner"])
        expected = "" if original == entry["miner"] else original
        bundle.same("wrong-copy", "submissions.json", field=f"{entry['miner']} copy_of", found=entry["copy_of"],
                    expected=expected, say="The first reveal of a commit is the original.")  # fmt: skip
