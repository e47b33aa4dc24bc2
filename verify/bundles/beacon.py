"""Is the public beacon's value in the seed the beacon's own, and of the round that the block's time asks for?"""

from __future__ import annotations

import re

from verify.bundles.events import agree, only
from verify.bundles.files import Bundle

NAME = "beacon.json"
QUICKNET = "drand-quicknet"
GENESIS_MS, PERIOD_MS, DELAY_MS = 1_692_803_367_000, 3_000, 30_000
PROBE = b"gauntlet-verify"


def value(bundle: Bundle) -> str | None:
    """What goes into the seed after the block's hash; None where the competition has no beacon."""
    kind = bundle.document("competition.json")["config"].get("beacon", "")
    doc = bundle.documents.get(NAME)
    if not kind or doc is None:
        if bool(kind) != (doc is not None):
            bundle.note(
                "wrong-beacon",
                NAME,
                found=doc and doc["kind"],
                expected=kind or None,
                sentence="The configuration asks for a beacon and there is none, or the reverse.",
            )
        return doc["signature"] if doc else None
    bundle.compare("wrong-beacon", NAME, doc["kind"], kind, field="kind")
    number = -(-(doc["block_ms"] + DELAY_MS - GENESIS_MS) // PERIOD_MS) + 1
    bundle.compare("wrong-beacon", NAME, doc["round"], number, field="round")
    drawn = only(bundle, "round.miner_generation")
    if drawn is not None:
        agree(bundle, NAME, {"beacon": doc}, drawn, ["beacon"], "beacon")
    _signed(bundle, number=doc["round"], signature=str(doc["signature"]))
    return str(doc["signature"])


def _signed(bundle: Bundle, *, number: int, signature: str) -> None:
    holds = opens(number=number, signature=signature)
    if holds is None:
        bundle.note("signature-unchecked", NAME, sentence="Install bittensor-core to check the beacon's signature.")
    elif not holds:
        bundle.note("wrong-beacon", NAME, field="signature", sentence="It is not the beacon's signature of this round.")


def opens(*, number: int, signature: str) -> bool | None:
    """What is encrypted to the beacon's round opens with its signature and nothing else.  None: cannot be checked."""
    try:
        import bittensor_core
    except ImportError:
        return None
    if not re.fullmatch("[0-9a-f]{96}", signature) or not 0 < number < 1 << 60:
        return False
    sealed, _ = bittensor_core.encrypt_at_round(PROBE, number)
    try:
        return bytes(bittensor_core.decrypt_with_signature(sealed, signature)) == PROBE
    except ValueError:
        return False
