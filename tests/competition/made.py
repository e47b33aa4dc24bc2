"""Small rows for tests, made through the same doors as the real ones."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from bittensor_core import Keypair
from django.db import transaction

from competition import prompts, rounds
from competition.chain.simulated import Simulated
from competition.decisions import schedule
from competition.models import Competition, Miner, Round, SimulatedChain

START = datetime(2026, 1, 1, tzinfo=UTC)
BLOCKS = {"round_blocks": 100, "open_blocks": 10, "seed_delay_blocks": 2, "generation_blocks": 20, "lead_blocks": 1}


def key(name: str) -> Keypair:
    return Keypair.create_from_uri(f"//gauntlet-test/{name}")


def after(blocks: float) -> datetime:
    """The moment at which so many blocks of one second have come."""
    return START + timedelta(seconds=blocks)


def competition(*, slug: str = "small", pictures: int = 4) -> Competition:
    """A competition on a simulated chain, with a pool and a first leader; its first round opens at block 5."""
    SimulatedChain.objects.create(name=slug, genesis_at=START, block_seconds=1.0)
    chain = SimulatedChain.objects.get(name=slug)
    chain.registrations.create(uid=0, hotkey=key("owner").ss58_address)
    chain.registrations.create(uid=1, hotkey=key("base").ss58_address)
    made = Competition.objects.create(
        slug=slug,
        name="Small",
        ruleset="margin-1",
        judge="perceptual-v1",
        renderer="raycast",
        chain=f"simulated:{slug}",
        pods="local",
        created_at=START,
        config={"prompts_per_round": 2, "blocks": BLOCKS, "format": "glb", "rules": {}},
    )
    with transaction.atomic():
        prompts.add(made, {f"p{n}": f"picture {n}".encode() for n in range(pictures)}, now=START)
        base = Miner.objects.create(hotkey=key("base").ss58_address, label="base")
        first = {"miner": base, "repo": "demo/base", "commit": "0" * 40, "weight": "0", "effective_block": 0}
        rounds.enthrone_first(made, reign=first, now=START)
        blocks = schedule.first(rounds.cadence(made), earliest_reveal_block=5)
        rounds.begin(made, blocks=blocks, now=START)
    return made


def first_round(made: Competition) -> Round:
    return made.rounds.get(number=1)


def chain_of(made: Competition) -> Simulated:
    return Simulated(made.slug)
