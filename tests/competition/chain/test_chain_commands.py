"""What do the commands tell a person, and does a dry run stay dry?"""

from __future__ import annotations

from io import StringIO
from pathlib import Path
from typing import Any

import pytest
from django.core.management import CommandError, call_command

from competition import steps
from competition.chain import anchoring
from competition.chain.observations import Anchor, WeightSetting
from tests.competition.chain.fake_chain import as_bytes
from tests.competition.chain.fake_node import Faults
from tests.competition.chain.rig import LEADER, START, Rig, given_up_soon, hotkey


@pytest.fixture
def signed(rig: Rig, settings: Any) -> Rig:
    settings.CHAIN_POLL_SECONDS = 1
    rig.chain.produce(60)
    rig.look()
    steps.checkpoint(rig.competition, now=START)
    return rig


def said(*command: str) -> str:
    out = StringIO()
    call_command(*command, stdout=out)
    return out.getvalue()


def test_chain_check_shows_endpoints_agreement_wallet_and_what_is_due(signed: Rig) -> None:
    told = said("chain_check")
    assert all(node.url in told for node in signed.nodes)
    assert f"block {signed.chain.finalised} {signed.chain.blocks[signed.chain.finalised].hash[2:]}" in told
    assert hotkey("operator") in told and "validator permit  yes" in told
    assert f"leader {hotkey(LEADER)}" in told and "80.00 %" in told and "20.00 %" in told
    assert "set: the chain has others" in told and "nothing is sent" in told
    assert not signed.calls() and not WeightSetting.objects.exists()


def test_chain_check_fails_where_nodes_disagree(signed: Rig) -> None:
    signed.nodes[1].chain = signed.chain.fork(8)
    with pytest.raises(CommandError, match="must act"):
        call_command("chain_check", stdout=StringIO())


@pytest.mark.parametrize(
    ("endpoints", "because"),
    [
        ([], "names 0 endpoints"),
        (["ws://127.0.0.1:1"], "names 1 endpoints"),
        (["http://x", "ws://y"], "must begin with"),
    ],
)
def test_endpoints_that_cannot_agree_are_refused_by_name(
    db: Any, settings: Any, endpoints: list[str], because: str
) -> None:
    settings.CHAIN_ENDPOINTS = endpoints
    with pytest.raises(CommandError, match=because):
        call_command("chain_check", stdout=StringIO())
    with pytest.raises(CommandError, match=because):
        call_command("runchain", "--once")


def test_set_weights_is_a_dry_run_unless_told_otherwise(signed: Rig) -> None:
    assert "set: the chain has others" in said("set_weights", "real")
    assert not signed.calls()


def test_set_weights_sends_waits_for_finality_and_reads_back(signed: Rig) -> None:
    assert "read back from the chain: set" in said("set_weights", "real", "--send")
    assert len(signed.calls()) == 1
    assert "keep" in said("set_weights", "real", "--send")
    assert len(signed.calls()) == 1


def test_the_head_of_the_ledger_is_anchored_at_each_stage_change_and_read_back(signed: Rig) -> None:
    for _ in range(3):
        signed.look()
        signed.turn.anchor(now=START)
        signed.chain.produce(5)
    anchor = Anchor.objects.get()
    event = signed.competition.events.get(seq=anchor.checkpoint.seq)
    committed = signed.chain.get("Commitments", "CommitmentOf", 17, hotkey("operator"))
    (field,) = committed["info"]["fields"]
    assert as_bytes(next(iter(field.values()))).decode() == anchor.text
    assert anchor.text.startswith(f"gauntlet/real\n{event.seq}\n") and anchor.block is not None
    assert len(signed.calls("set_commitment")) == 1, "one for a head, whatever the number of looks"
    assert f'"block": {anchor.block}' in said("chain_check", "--anchors", "real")


def test_an_anchor_that_did_not_arrive_is_sent_again_when_it_cannot_any_more(signed: Rig) -> None:
    for node in signed.nodes:
        node.faults = Faults(drops_extrinsics=True, deaf_to_extrinsics=True)
    with given_up_soon():
        signed.turn.anchor(now=START)
    for node in signed.nodes:
        node.faults = Faults()
    signed.chain.produce(anchoring.PATIENCE // 2)
    signed.look()
    signed.turn.anchor(now=START)
    assert not signed.calls("set_commitment")
    signed.chain.produce(anchoring.PATIENCE)
    signed.look()
    signed.turn.anchor(now=START)
    assert len(signed.calls("set_commitment")) == 1


def test_a_window_that_has_begun_already_is_nobodys(signed: Rig, tmp_path: Path) -> None:
    from tests.competition.test_founding import example, found

    signed.competition.active = False
    signed.competition.save()
    with pytest.raises(CommandError, match="has passed"):
        found(tmp_path, example(), opens=signed.chain.finalised)
    assert "Start or restart" in found(tmp_path, example(), opens=signed.chain.finalised + 1)
