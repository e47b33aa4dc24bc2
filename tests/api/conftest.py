"""A made competition whose chain knows two real keys, and what a miner's own program needs to ask."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import pytest
from bittensor_core import Keypair
from django.core.cache import caches
from django.test import Client

from competition.models import Competition, Miner, SimulatedChain
from tests.api.signing import Signer
from tests.dashboard import made_round
from tests.dashboard.made_round import Made


@dataclass
class Api:
    """The made competition, its second miner's key (it has entered), and a registered key that never revealed."""

    made: Made
    entered: Signer
    newcomer: Signer
    stranger: Signer


@pytest.fixture(autouse=True)
def forget() -> Iterator[None]:
    for name in ("default", "throttles"):
        caches[name].clear()
    yield


@pytest.fixture
def made(db: None) -> Made:
    return made_round.make()


def key(name: str) -> Keypair:
    return Keypair.create_from_uri(f"//{name}")


@pytest.fixture
def api(made: Made) -> Api:
    return people(made, client=Client())


def people(made: Made, *, client: Client) -> Api:
    """The miner that lost round 1 gets a key that a test holds: hotkeys of made rounds have none."""
    keys = [key("entered"), key("newcomer"), key("stranger")]
    Miner.objects.filter(pk=made.miners[2].pk).update(hotkey=keys[0].ss58_address)
    chain = SimulatedChain.objects.get(name="made")
    for uid, each in enumerate(keys[:2], 1):
        chain.registrations.create(uid=uid, hotkey=each.ss58_address)
    Competition.objects.filter(slug="made").update(config={**made.competition.config, "signed_reveals": True})
    return Api(made, *(Signer(each, client) for each in keys))
