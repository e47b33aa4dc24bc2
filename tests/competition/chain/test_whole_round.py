"""Does a whole round on a real chain's protocol end in the same bundle, whatever its nodes do, and is the right one
paid?  Engine, steps, publisher and verifier are the real ones; miners' hosts, pods and judge are stand-ins."""

from __future__ import annotations

import asyncio
import hashlib
import json
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from fractions import Fraction
from pathlib import Path
from random import Random
from typing import Any

import pytest
from django.conf import settings
from django.db import transaction

from competition.chain import anchoring
from competition.chain.observations import Anchor, ObservedReveal
from competition.chain.running import Turn
from competition.decisions.weights import quantised
from competition.models import Competition, Round
from competition.publication.bundle_folders import folder_of
from core import operator_key
from core.machine import engine
from tests.competition.chain.fake_chain import FakeChain
from tests.competition.chain.fake_node import FakeNode, Faults, over_http
from tests.competition.chain.rig import NAME
from tests.verify.played_round import MOST_LOOKS, Stage, stage
from verify.bundles import bundle, chain
from verify.findings import errors

STEP = timedelta(seconds=12)
LOOKS_AN_EVENT = 2
FAULTS = (
    Faults(),
    Faults(close_on="chain_getFinalizedHead"),
    Faults(reset_on="state_queryStorageAt"),
    Faults(lag=20),
    Faults(truncate_keys=True),
    Faults(truncate_values=True),
    Faults(garble_on="chain_getHeader"),
    Faults(hang_on="chain_getBlockHash"),
)


class Played:
    """A round in which `order` decides what goes wrong; None: nothing does."""

    def __init__(self, played: Stage, made: FakeChain, nodes: list[FakeNode], turn: Turn, order: Random | None) -> None:
        self.played, self.chain, self.nodes, self.turn, self.order = played, made, nodes, turn, order
        self.true = made

    def trouble(self) -> None:
        """One node fails in some way, lies on a fork, or is away; the other one is sound."""
        if self.order is None:
            return
        one = self.order.choice(self.nodes)
        for node in self.nodes:
            node.faults, node.chain = Faults(), self.true
        if self.order.random() < 0.3:
            one.chain = self.true.fork(self.order.randint(1, 20))
        one.faults = self.order.choice(FAULTS)

    def round(self) -> Round:
        return Round.objects.get(competition=self.played.competition, number=1)

    def play(self) -> Path:
        for look in range(MOST_LOOKS):
            self.played.at += STEP
            if look % 3 == 0:
                self.watch(look // 3)
            engine.reconcile(now=self.played.at)
            self.played.look()
            round_ = self.round()
            assert round_.state != "paused", round_.failure_reason
            if (folder_of(round_) / "manifest.json").exists():
                return folder_of(round_)
        raise AssertionError(f"not over: {self.round().state}, {self.round().waiting_for}")

    def watch(self, turn: int) -> None:
        """A few blocks come, and what `runchain` does in a turn is done."""
        if turn % LOOKS_AN_EVENT == 0:
            self.trouble()
        self.true.produce(self.order.randint(0, 6) if self.order else 3)
        if not self.turn.look(now=self.played.at).fault:
            self.turn.anchor(now=self.played.at)

    def pay(self) -> dict[int, int]:
        """Long after the round: what the chain has, and that it was sent once."""
        for node in self.nodes:
            node.faults, node.chain = Faults(), self.true
        for asked in self.turn.watcher.nodes.values():
            asked.timeout_s = settings.CHAIN_TIMEOUT_SECONDS  # a busy machine is no fault of theirs
        reign = self.played.competition.reigns.get(sequence=2)
        self.true.produce(max(0, reign.effective_block - self.true.finalised) + 20)
        for _ in range(4):
            assert not self.turn.look(now=self.played.at).fault
            self.turn.weigh(now=self.played.at, send=True)
            self.turn.anchor(now=self.played.at)
            self.true.produce(30)
        self.turn.look(now=self.played.at)
        self.turn.anchor(now=self.played.at)
        uid = self.true.subtensor("Uids", 17, operator_key.keypair().ss58_address)
        return dict(self.true.subtensor("Weights", 17, uid))


def reveal(played: Stage, made: FakeChain) -> None:
    """Three miners enter, one mumbles; each tells what the plan says, in a block of its own."""
    random = played.plan("reveals")
    made.produce(5)
    for n in range(4):
        told = {
            "repo": f"played/{n}",
            "commit": hashlib.sha1(f"miner {n}".encode()).hexdigest(),
            "cdn_url": f"https://m{n}.example.org/",
        }
        payload = "5" if n == 2 else json.dumps(told)
        made.reveal(played.named(f"miner {n + 1}").ss58_address, payload.encode())
        made.produce(random.randint(0, 1))


@contextmanager
def playing(patch: pytest.MonkeyPatch, folder: Path, *, order: Random | None) -> Iterator[Played]:
    """Everything is undone in the database at the end, so that two runs begin alike."""
    made = FakeChain()
    nodes = [FakeNode(made).start() for _ in range(2)]
    patch.setattr(settings, "CHAIN_ENDPOINTS", [node.url for node in nodes])
    try:
        with transaction.atomic(), asyncio.Runner() as runner:
            played = stage(seed=5, patch=patch, folder=folder)
            Competition.objects.update(chain=NAME)
            played.competition.refresh_from_db()
            names = {0: "owner", 1: "base", **{n + 1: f"miner {n}" for n in range(1, 5)}}
            hotkeys = {uid: played.named(name).ss58_address for uid, name in names.items()}
            hotkeys[len(hotkeys)] = operator_key.keypair().ss58_address
            made.register(hotkeys, coldkey=hotkeys[0], permits=(max(hotkeys),))
            made.own(hotkey=hotkeys[0], coldkey=hotkeys[0])
            reveal(played, made)
            turn = Turn(NAME, runner=runner, sure=lambda: True)
            for node in turn.watcher.nodes.values():
                node.timeout_s = 0.15  # a slow answer is one more fault, which may delay and nothing else
            yield Played(played, made, nodes, turn, order)
            turn.close()
            transaction.set_rollback(True)
    finally:
        for node in nodes:
            node.stop()


@pytest.mark.long
def test_the_same_round_whatever_the_nodes_do_and_the_leader_it_made_is_paid(
    db: Any, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    with playing(monkeypatch, tmp_path / "quiet", order=None) as quiet:
        folder = quiet.play()
        expected = (folder / "manifest.json").read_bytes()
        examined = bundle.examine(folder, operator=operator_key.keypair().ss58_address)
        assert not errors(examined.log.findings)
        assert ObservedReveal.objects.count() == 4
    with playing(monkeypatch, tmp_path / "troubled", order=Random(11)) as troubled:
        folder = troubled.play()
        assert (folder / "manifest.json").read_bytes() == expected
        assert ObservedReveal.objects.count() == 4
        paid = troubled.pay()
        leader = troubled.played.competition.reigns.get(sequence=2)
        uid = troubled.true.subtensor("Uids", 17, leader.miner.hotkey)
        share = Fraction(leader.weight)
        assert leader.won_in == troubled.round() and paid == quantised({uid: share, 0: 1 - share})
        sent = [call for call in troubled.true.dispatched if call["call"] == "set_mechanism_weights"]
        assert not any(call["error"] for call in sent)
        compare(troubled, folder)


def compare(played: Played, folder: Path) -> None:
    """The anchors that the chain has are those of the published ledger."""
    rows = Anchor.objects.exclude(block=None).select_related("checkpoint")
    assert rows.exists() and all(anchoring.text_of(row.checkpoint) == row.text for row in rows)
    examined = bundle.examine(folder)
    told = folder.parent / "anchors.json"
    told.write_text(json.dumps([{"hotkey": r.hotkey, "text": r.text, "block_hash": r.block_hash} for r in rows]))
    with over_http(played.nodes[0]) as address:
        chain.check(examined, node=address, anchors=told)
    assert not errors(examined.log.findings)
