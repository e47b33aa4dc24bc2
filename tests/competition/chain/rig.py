"""A competition on a chain of our own making: two nodes on loopback, the operator's hotkey registered on the subnet."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

import pytest
from django.db import transaction

from competition import prompts, rounds
from competition.chain.node_quorum import ChainLook
from competition.chain.observations import ObservedChain
from competition.chain.running import Turn
from competition.decisions import schedule
from competition.models import Competition, Miner, Round
from core import operator_key
from tests.competition.chain.fake_chain import START_MS, FakeChain, key
from tests.competition.chain.fake_node import FakeNode

NAME = "bittensor:17"
START = datetime.fromtimestamp(START_MS / 1000, tz=UTC)
OPENS, OPEN, SEED_DELAY = 20, 30, 5
BLOCKS = {
    "round_blocks": 200,
    "open_blocks": OPEN,
    "seed_delay_blocks": SEED_DELAY,
    "generation_blocks": 60,
    "lead_blocks": 1,
}
LONG_S = 60.0  # for one question: nodes of a busy machine may be slow, and only those that are told to hang do
OWNER, LEADER, MINER = "owner", "leader", "miner"
UIDS = {0: OWNER, 1: LEADER, 2: "operator", 3: MINER}


@dataclass
class Rig:
    """`turn` is what `runchain` does; `sent` counts the extrinsics that reached a block."""

    chain: FakeChain
    nodes: list[FakeNode]
    turn: Turn
    competition: Competition

    def look(self, *, now: datetime = START) -> ChainLook:
        return self.turn.look(now=now)

    def row(self) -> ObservedChain:
        return ObservedChain.objects.get(name=NAME)

    def round(self) -> Round:
        return self.competition.rounds.get(number=1)

    def calls(self, function: str = "set_mechanism_weights") -> list[dict[str, Any]]:
        return [each for each in self.chain.dispatched if each["call"] == function]

    @property
    def operator_uid(self) -> int:
        return 2


def hotkey(name: str) -> str:
    return str(operator_key.keypair().ss58_address if name == "operator" else key(name).ss58_address)


def subnet(*, netuid: int = 17) -> FakeChain:
    """A chain whose subnet has an owner, a leader, the operator as a validator, and a miner."""
    chain = FakeChain(netuid=netuid)
    chain.register({uid: hotkey(name) for uid, name in UIDS.items()}, coldkey=hotkey(OWNER), permits=(2,))
    chain.own(hotkey=hotkey(OWNER), coldkey=hotkey(OWNER))
    chain.produce(10)
    return chain


def competition(*, slug: str = "real", weight: str = "4/5") -> Competition:
    """Round 1 opens at block 20; the first leader is paid from block 0 on."""
    made = Competition.objects.create(
        slug=slug,
        name="Real",
        ruleset="margin-1",
        judge="perceptual-v1",
        renderer="raycast",
        chain=NAME,
        pods="local",
        created_at=START,
        config={"prompts_per_round": 2, "blocks": BLOCKS, "format": "glb", "rules": {}},
    )
    with transaction.atomic():
        prompts.add(made, {f"p{n}": f"picture {n}".encode() for n in range(4)}, now=START)
        leader, _ = Miner.objects.get_or_create(hotkey=hotkey(LEADER))
        first = {"miner": leader, "repo": "a/b", "commit": "0" * 40, "weight": weight, "effective_block": 0}
        rounds.enthrone_first(made, reign=first, now=START)
        rounds.begin(made, blocks=schedule.first(rounds.cadence(made), earliest_reveal_block=OPENS), now=START)
    return made


@contextmanager
def given_up_soon() -> Iterator[None]:
    """What is sent and never heard of again is given up after 2 s; whatever else is asked has a busy machine's time."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("competition.chain.bittensor.SENDING", 2 / LONG_S)
        yield


@contextmanager
def running(settings: Any, *, nodes: int = 2, timeout_s: float = LONG_S) -> Iterator[Rig]:
    chain = subnet()
    served = [FakeNode(chain).start() for _ in range(nodes)]
    settings.CHAIN_ENDPOINTS = [node.url for node in served]
    settings.CHAIN_TIMEOUT_SECONDS = timeout_s
    made = competition()
    try:
        with asyncio.Runner() as runner:
            turn = Turn(NAME, runner=runner, sure=lambda: True)
            yield Rig(chain, served, turn, made)
            turn.close()
    finally:
        for node in served:
            node.stop()
