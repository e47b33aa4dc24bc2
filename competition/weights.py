"""Does the chain pay whom the reigns say, in the proportion they say?"""

from __future__ import annotations

from datetime import datetime
from fractions import Fraction

from django.db import transaction

from competition import chain, ledger
from competition.decisions import weights as decisions
from competition.models import Competition


def reigns(competition: Competition) -> list[decisions.Reign]:
    rows = competition.reigns.select_related("miner").order_by("sequence")
    return [
        decisions.Reign(hotkey=r.miner.hotkey, weight=Fraction(r.weight), effective_block=r.effective_block)
        for r in rows
    ]


def keep(competition: Competition, *, now: datetime) -> bool:
    """Set the weights of the current block where the chain has others.  True when something was set."""
    connected = chain.of(competition)
    block = connected.block(now=now)
    vector = decisions.vector(reigns(competition), block=block, uids=connected.uids(), owner_uid=connected.owner_uid())
    if dict(connected.weights()) == vector:
        return False
    connected.set_weights(vector, block=block)
    read_back = dict(connected.weights())
    body = {
        "block": block,
        "weights": {str(uid): str(share) for uid, share in sorted(vector.items())},
        "read_back": "agrees" if read_back == vector else "differs",
    }
    with transaction.atomic():
        ledger.append(competition.pk, kind="weights", body=body, at=now)
    return True
