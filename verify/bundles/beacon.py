"""Is the public beacon's value in the seed the beacon's own, and of the round that the block's time asks for?"""

from __future__ import annotations

import re

from verify.bundles.events import agree, only
from verify.bundles.files import ExaminedBundle

NAME = "beacon.json"
GENESIS_MS, PERIOD_MS, DELAY_MS = 1_692_803_367_000, 3_000, 30_000
PROBE = b"gauntlet-verify"


def check(bundle: ExaminedBundle) -> None:
    """The document, from the configuration and the block's time; there is one where the configuration asks for it."""
    kind, doc = bundle.document("competition.json")["config"].get("beacon", ""), bundle.documents.get(NAME)
    if not kind or doc is None:
        bundle.compare("wrong-beacon", NAME, doc and doc["kind"], kind or None, field="kind")
        return
    number = -(-(doc["block_ms"] + DELAY_MS - GENESIS_MS) // PERIOD_MS) + 1
    bundle.compare("wrong-beacon", NAME, doc, doc | {"kind": kind, "round": number})
    drawn = only(bundle, "round.miner_generation")
    if drawn is not None:
        agree(bundle, NAME, {"beacon": doc}, drawn, ["beacon"], "beacon")
    holds = opens(number=doc["round"], signature=str(doc["signature"]))
    if holds is None:
        bundle.note("signature-unchecked", NAME, sentence="Install bittensor-core to check the beacon's signature.")
    elif not holds:
        bundle.note("wrong-beacon", NAME, field="signature", sentence="It is not the beacon's signature of this round.")


def value(bundle: ExaminedBundle) -> str | None:
    """What goes into the seed after the block's hash; None where there is no beacon."""
    doc = bundle.documents.get(NAME)
    return str(doc["signature"]) if doc else None


def opens(*, number: int, signature: str) -> bool | None:
    """What is encrypted to the beacon's round opens with its signature and nothing else.  None: cannot be checked."""
    try:
        import bittensor_core  # the verifier runs without it, and says what it could not check
    except ImportError:
        return None
    if not re.fullmatch("[0-9a-f]{96}", signature) or not 0 < number < 1 << 60:
        return False
    sealed, _ = bittensor_core.encrypt_at_round(PROBE, number)
    try:
        return bytes(bittensor_core.decrypt_with_signature(sealed, signature)) == PROBE
    except ValueError:
        return False
