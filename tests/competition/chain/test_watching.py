"""Is what we use of the chain true, complete, and written down once, whatever the nodes do?"""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest

from competition import chain
from competition.chain.base import ChainFault
from competition.chain.bittensor import REVEALED_PREFIX, Node, NodeFault, shown, within
from competition.chain.observations import ObservedBlock, ObservedChain, ObservedReveal
from competition.models import Reveal
from competition.reveals import ingest
from core.machine import engine
from tests.competition.chain.fake_node import Faults
from tests.competition.chain.rig import LONG_S, MINER, NAME, OPEN, OPENS, SEED_DELAY, START, Rig, hotkey
from tests.competition.chain.runtime import codec

GOOD = b'{"repo":"a/b","commit":"' + b"a" * 40 + b'","cdn_url":"https://files.example/x"}'
SEED_BLOCK = OPENS + OPEN - 1 + SEED_DELAY


def blocks_to(rig: Rig, number: int) -> None:
    """So many blocks that `number` is finalised."""
    rig.chain.produce(max(0, number - rig.chain.finalised))


def stage(rig: Rig) -> str:
    """One look of a worker at the round; its stage afterwards."""
    round_ = rig.round()
    type(round_).objects.filter(pk=round_.pk).update(due_at=START, lease=None)
    engine.advance("competition.Round", round_.pk, now=START)
    return str(rig.round().state)


def payloads() -> list[bytes]:
    return [bytes(row.payload) for row in ObservedReveal.objects.order_by("block", "position")]


def test_the_place_of_reveals_is_what_the_runtime_says() -> None:
    assert bytes(codec().storage_prefix("Commitments", "RevealedCommitments")).hex() == REVEALED_PREFIX[2:]


def test_an_endpoint_is_shown_without_its_key() -> None:
    assert shown("wss://user:secret@node.example:9944/v1/api-key?x=1") == "wss://node.example:9944"


def test_a_block_is_used_once_two_nodes_agree_on_it(rig: Rig) -> None:
    assert not rig.look().fault
    connected, final = chain.of(rig.competition), rig.chain.finalised
    assert connected.block(now=START) == final
    assert "0x" + connected.block_hash(final, now=START) == rig.chain.blocks[final].hash
    assert connected.time_of(final, now=START) == START + timedelta(seconds=12 * final)
    assert connected.time_of(final + 100, now=START) == START + timedelta(seconds=12 * (final + 100))
    assert connected.uids()[hotkey(MINER)] == 3
    assert connected.owner_uid() == 0


def test_a_round_draws_its_seed_from_the_finalised_hash_of_the_announced_block(rig: Rig) -> None:
    blocks_to(rig, OPENS)
    rig.chain.reveal(hotkey(MINER), GOOD)
    blocks_to(rig, SEED_BLOCK)
    rig.look()
    assert stage(rig) == "open", "the seed block must lie under another finalised one"
    blocks_to(rig, SEED_BLOCK + 1)
    rig.look()
    assert stage(rig) == "miner_generation"
    assert "0x" + rig.round().seed_block_hash == rig.chain.blocks[SEED_BLOCK].hash
    assert rig.round().submissions.get(role="challenger").miner.hotkey == hotkey(MINER)


def test_every_message_is_kept_once_with_its_bytes_whatever_it_holds(rig: Rig) -> None:
    odd = [b"5", b"\xff\xfe\x00", b"", b"\x83\x00", b"hello", b"0x6869", GOOD, b"[" * 5000]
    for payload in odd:
        rig.chain.reveal(hotkey(MINER), payload)
        rig.chain.produce()
    blocks_to(rig, rig.chain.head.number)
    rig.look()
    assert payloads() == odd
    rig.chain.produce()
    rig.look()
    assert payloads() == odd
    assert ingest.take_reveals(rig.competition, now=START) == len(odd)
    assert ingest.take_reveals(rig.competition, now=START) == 0
    assert [bytes(row.payload) for row in Reveal.objects.order_by("block")] == odd


def test_bytes_that_the_metadata_do_not_promise_stop_nobody_else(rig: Rig) -> None:
    rig.chain.reveal(hotkey(MINER), GOOD)
    rig.chain.spoil(hotkey("leader"), b"\xfe\xff\xff\xff\x01")
    rig.chain.produce(5)
    assert not rig.look().fault
    assert payloads() == [GOOD]
    assert hotkey("leader") in rig.row().remark


def test_messages_pushed_out_during_an_outage_are_read_from_earlier_states(rig: Rig) -> None:
    rig.look()
    sent = [b"message %d" % number for number in range(37)]
    for payload in sent:
        rig.chain.reveal(hotkey(MINER), payload)
        rig.chain.produce()
    rig.chain.produce(5)
    rig.look()
    assert payloads() == sent, "the chain keeps ten of them"


@pytest.mark.parametrize("payload", [b"5", b"x" * 300])
def test_two_messages_of_one_block_keep_their_order(rig: Rig, payload: bytes) -> None:
    rig.chain.reveal(hotkey(MINER), payload)
    rig.chain.reveal(hotkey(MINER), GOOD)
    rig.chain.produce(5)
    rig.look()
    assert payloads() == [payload, GOOD]
    assert list(ObservedReveal.objects.values_list("position", flat=True)) == [0, 1]


def refuse(rig: Rig) -> None:
    rig.nodes[1].refuse()


def hang(rig: Rig) -> None:
    rig.nodes[1].faults = Faults(hang_on="*")


def close(rig: Rig) -> None:
    rig.nodes[1].faults = Faults(close_on="chain_getHeader")


def reset(rig: Rig) -> None:
    rig.nodes[1].faults = Faults(reset_on="chain_getHeader")


def garble(rig: Rig) -> None:
    rig.nodes[1].faults = Faults(garble_on="chain_getHeader")


def recover(rig: Rig) -> None:
    rig.nodes[1].faults = Faults()
    rig.turn.watcher.nodes[rig.nodes[1].url].timeout_s = LONG_S
    if rig.nodes[1]._server is None:
        rig.nodes[1].listen_again()


@pytest.mark.parametrize("fault", [refuse, hang, close, reset, garble])
def test_a_node_that_fails_delays_and_changes_nothing(rig: Rig, fault: Any) -> None:
    rig.turn.watcher.nodes[rig.nodes[1].url].timeout_s = 0.5
    rig.look()
    before = rig.row().block
    rig.chain.reveal(hotkey(MINER), GOOD)
    blocks_to(rig, SEED_BLOCK + 5)
    fault(rig)
    assert rig.look().code == "TOO_FEW", "every call has an end"
    assert rig.row().block == before and stage(rig) == "open" and not payloads()
    assert rig.nodes[1].url in rig.row().fault
    recover(rig)
    assert not rig.look().fault
    assert payloads() == [GOOD] and stage(rig) == "miner_generation"


def test_the_library_hangs_on_a_clean_close_and_we_do_not(rig: Rig) -> None:
    """Left to itself, a call whose server closes cleanly (1000) never ends: bittensor 11.3.0."""
    import asyncio

    import bittensor

    rig.nodes[0].faults = Faults(close_on="chain_getBlockHash")

    async def unbounded() -> None:
        substrate = bittensor.RpcSubstrate(rig.nodes[0].url, fallback_endpoints=[], archive_endpoints=[])
        await substrate.connect()
        await substrate.raw.rpc_request("chain_getBlockHash", [1])

    async def after(seconds: float) -> bool:
        task = asyncio.create_task(unbounded())
        done, _ = await asyncio.wait({task}, timeout=seconds)
        task.cancel()
        return bool(done)

    assert not rig.turn.run(after(2)), "the library answers now: the bound around it may be loosened"
    node = Node(rig.nodes[0].url, timeout_s=0.5)
    with pytest.raises(NodeFault):
        rig.turn.run(node.hash_of(1))
    rig.nodes[0].faults, node.timeout_s = Faults(), LONG_S
    assert rig.turn.run(node.hash_of(1)), "the next call goes through a client of its own"


def test_what_swallows_its_own_end_is_left_behind(rig: Rig) -> None:
    import asyncio
    import contextlib

    free = asyncio.Event()

    async def stubborn() -> None:
        while not free.is_set():
            with contextlib.suppress(asyncio.CancelledError):
                await free.wait()

    with pytest.raises(TimeoutError):
        rig.turn.run(within(0.1, stubborn()))
    free.set()


def test_a_node_that_lags_twenty_blocks_moves_no_stage_early(rig: Rig) -> None:
    blocks_to(rig, SEED_BLOCK + 5)
    rig.nodes[1].faults = Faults(lag=20)
    rig.look()
    assert rig.row().block == rig.chain.finalised - 20 and stage(rig) == "open"
    assert "20 blocks behind" in rig.row().remark


def test_nodes_that_both_fall_behind_take_nothing_back(rig: Rig) -> None:
    blocks_to(rig, 40)
    rig.look()
    for node in rig.nodes:
        node.faults = Faults(lag=20)
    assert not rig.look().fault
    assert rig.row().block == 40 and "behind block 40" in rig.row().remark


@pytest.mark.parametrize("depth", [1, 2, 3])
def test_a_fork_above_the_finalised_block_is_nobodys_business(rig: Rig, depth: int) -> None:
    rig.look()
    rig.nodes[1].chain = rig.chain.fork(depth)
    assert not rig.look().fault


@pytest.mark.parametrize("depth", [4, 5, 8, 13, 20])
def test_two_nodes_on_two_forks_stop_the_round_and_say_so(rig: Rig, depth: int) -> None:
    blocks_to(rig, SEED_BLOCK + 2)
    rig.nodes[1].chain = rig.chain.fork(depth)
    assert rig.look().code == "DISAGREEMENT"
    assert stage(rig) == "open" and not ObservedBlock.objects.exists()
    rig.nodes[1].chain = rig.chain
    assert not rig.look().fault and stage(rig) == "miner_generation"


def test_nodes_that_both_move_to_a_fork_below_a_block_we_used_stop_the_round(rig: Rig) -> None:
    blocks_to(rig, 40)
    rig.look()
    fork = rig.chain.fork(10)
    for node in rig.nodes:
        node.chain = fork
    fork.produce(30)
    assert rig.look().code == "HISTORY_CHANGED"
    with pytest.raises(ChainFault, match=r"was .* when we used it"):
        chain.of(rig.competition).block(now=START)
    assert stage(rig) == "open"


def test_one_node_of_three_on_a_fork_is_left_out_and_named(three: Rig) -> None:
    blocks_to(three, SEED_BLOCK + 2)
    three.nodes[2].chain = three.chain.fork(8)
    assert not three.look().fault
    assert three.nodes[2].url in three.row().remark and stage(three) == "miner_generation"


@pytest.mark.parametrize("fault", [Faults(truncate_keys=True), Faults(truncate_values=True)])
def test_a_page_cut_short_by_one_node_loses_no_message(rig: Rig, fault: Faults) -> None:
    rig.chain.reveal(hotkey(MINER), GOOD)
    rig.chain.produce(5)
    rig.nodes[1].faults = fault
    assert rig.look().fault
    assert not ObservedChain.objects.get(name=NAME).block and not payloads()
    rig.nodes[1].faults = Faults()
    assert not rig.look().fault and payloads() == [GOOD]


def test_a_node_of_another_chain_is_not_asked(rig: Rig) -> None:
    rig.look()
    ObservedChain.objects.update(genesis="0" * 64)
    assert rig.look().code == "TOO_FEW"
    assert "another chain" in rig.row().endpoints.first().fault


def test_a_chain_that_stands_still_is_stale_by_the_databases_clock_alone(rig: Rig, settings: Any) -> None:
    rig.look()
    for skew in (timedelta(days=-1), timedelta(days=1)):
        assert chain.of(rig.competition).block(now=START + skew) == rig.chain.finalised
    settings.CHAIN_STALE_SECONDS = 0
    with pytest.raises(ChainFault, match="STALE"):
        chain.of(rig.competition).block(now=START)


def test_a_clock_that_is_a_day_off_moves_no_stage_and_is_told(rig: Rig) -> None:
    rig.look(now=START + timedelta(days=1))
    assert stage(rig) == "open" and "differ by" in rig.row().remark


def test_who_must_hold_a_stake_is_asked_when_the_window_is_over(rig: Rig) -> None:
    """The miner has 4 alpha staked to it, the leader 2."""
    rig.competition.config = {**rig.competition.config, "entry": {"least_alpha": 3}}
    rig.competition.save()
    blocks_to(rig, OPENS)
    for name in (MINER, "leader", "stranger"):
        rig.chain.reveal(hotkey(name), GOOD.replace(b"a/b", name.encode() + b"/b"))
    blocks_to(rig, SEED_BLOCK + 1)
    rig.look()
    assert stage(rig) == "miner_generation"
    told = {row.miner.hotkey: row.objection for row in rig.round().submissions.filter(role="challenger")}
    assert told[hotkey(MINER)] == ""
    assert "it was 2.000" in told[hotkey("leader")] and "not registered" in told[hotkey("stranger")]
    event = rig.competition.events.get(kind="submission", body__miner=hotkey(MINER))
    assert event.body["standing"] == {"block": rig.row().block, "uid": 3, "alpha": "4000000000"}
