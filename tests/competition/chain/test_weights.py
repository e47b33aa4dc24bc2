"""Are the right weights set, once, and no others, whatever happens between deciding and reading back?"""

from __future__ import annotations

import subprocess
from pathlib import Path
from typing import Any

import pytest
from django.db import transaction

from competition import chain, steps, weights
from competition.chain.observations import ObservedNeuron, WeightSetting
from competition.models import Competition, Miner
from competition.publication import bundle_verifier
from core import ledger
from tests.competition.chain.fake_node import Faults
from tests.competition.chain.rig import LEADER, NAME, OWNER, START, Rig, given_up_soon, hotkey

EQUAL = {0: 16384, 1: 65535}  # 1/5 to the owner, 4/5 to the leader, the largest scaled to the whole u16


@pytest.fixture
def signed(rig: Rig) -> Rig:
    """The head of the ledger is signed, and the operator's turn has come."""
    rig.chain.produce(60)
    rig.look()
    steps.checkpoint(rig.competition, now=START)
    return rig


def weigh(rig: Rig, *, send: bool = True) -> str:
    rig.look()
    return rig.turn.weigh(now=START, send=send)


def turns(rig: Rig, count: int = 4, *, blocks: int = 40) -> list[str]:
    """What so many turns say, blocks apart."""
    said = []
    for _ in range(count):
        said.append(weigh(rig))
        rig.chain.produce(blocks)
    return said


def on_chain(rig: Rig) -> dict[int, int]:
    return dict(rig.chain.subtensor("Weights", 17, rig.operator_uid))


def told(rig: Rig) -> list[dict[str, Any]]:
    return [event.body for event in rig.competition.events.filter(kind="chain.weights").order_by("seq")]


def test_the_due_weights_are_set_read_back_and_told_once(signed: Rig) -> None:
    turns(signed)
    assert on_chain(signed) == EQUAL
    assert len(signed.calls()) == 1
    assert [body["weights"] for body in told(signed)] == [{"0": "1/5", "1": "4/5"}]
    assert told(signed)[0]["read_back"] == "agrees" and told(signed)[0]["uids"] == {hotkey(LEADER): 1}
    assert WeightSetting.objects.get().outcome == "set"


def test_nothing_is_sent_where_sending_is_not_switched_on(signed: Rig) -> None:
    assert "nothing is sent" in weigh(signed, send=False)
    assert not signed.calls() and not WeightSetting.objects.exists()


def test_nothing_is_set_before_a_checkpoint_is_signed(rig: Rig) -> None:
    rig.chain.produce(60)
    assert "no signed checkpoint" in weigh(rig)
    assert not rig.calls()


def test_a_reign_beyond_the_last_checkpoint_pays_nobody(signed: Rig) -> None:
    usurper, _ = Miner.objects.get_or_create(hotkey=hotkey("miner"))
    with transaction.atomic():
        body = {
            "sequence": 2,
            "leader": usurper.hotkey,
            "repo": "x/y",
            "commit": "1" * 40,
            "weight": "1",
            "effective_block": 1,
            "defence": False,
        }
        ledger.append(signed.competition.pk, kind="reign", body=body, at=START)
    turns(signed)
    assert on_chain(signed) == EQUAL


@pytest.mark.parametrize("column", ["text", "signature", "signed_by"])
def test_a_checkpoint_that_somebody_touched_pays_nobody(signed: Rig, column: str) -> None:
    other = {"text": "gauntlet/real\n1\nAAAA\n", "signature": "00" * 64, "signed_by": hotkey(OWNER)}[column]
    signed.competition.checkpoints.update(**{column: other})
    assert weigh(signed).startswith("refuse")
    assert not signed.calls()


def test_a_deregistered_leader_leaves_all_to_the_owner(signed: Rig) -> None:
    signed.chain.deregister(hotkey(LEADER))
    signed.chain.produce(10)
    turns(signed)
    assert on_chain(signed) == {0: 65535}
    assert told(signed)[0]["weights"] == {"0": "1"}


def test_a_uid_that_now_belongs_to_somebody_else_is_not_paid(signed: Rig) -> None:
    turns(signed, 2)
    signed.chain.deregister(hotkey(LEADER))
    signed.chain.put("SubtensorModule", "Uids", 17, hotkey("stranger"), value=1)
    signed.chain.produce(120)
    turns(signed, 4)
    assert on_chain(signed) == {0: 65535}


def test_weights_are_refreshed_once_an_epoch_and_not_oftener(signed: Rig) -> None:
    signed.chain.put("SubtensorModule", "Tempo", 17, value=100)
    signed.chain.put("SubtensorModule", "WeightsSetRateLimit", 17, value=10)
    turns(signed, 30, blocks=10)
    assert 2 <= len(signed.calls()) <= 4 and not any(call["error"] for call in signed.calls())


def test_a_rate_limit_is_waited_for(signed: Rig) -> None:
    signed.chain.put("SubtensorModule", "LastUpdate", 17, value=[0, 0, signed.chain.head.number])
    signed.chain.produce(5)
    assert "the rate limit ends at block" in weigh(signed)
    turns(signed, 6)
    assert on_chain(signed) == EQUAL and not any(call["error"] for call in signed.calls())


def test_a_chain_that_refuses_is_tried_again_later_each_time_more_patiently(signed: Rig) -> None:
    signed.chain.refusing = "SettingWeightsTooFast"
    turns(signed, 24, blocks=3)
    tried = [call["block"] for call in signed.calls()]
    assert 2 <= len(tried) <= 6, tried
    assert tried[-1] - tried[-2] >= tried[1] - tried[0]
    signed.chain.refusing = ""
    turns(signed, 4, blocks=64)
    assert on_chain(signed) == EQUAL


def test_a_timelocked_commit_is_made_where_the_chain_asks_for_one(signed: Rig) -> None:
    signed.chain.put("SubtensorModule", "CommitRevealWeightsEnabled", 17, value=True)
    signed.chain.produce(5)
    turns(signed, 4, blocks=20)
    commits = signed.calls("commit_timelocked_mechanism_weights")
    assert len(commits) == 1 and not on_chain(signed)
    assert told(signed)[0]["read_back"] == "committed"
    signed.chain.open_commits(EQUAL, uid=signed.operator_uid)
    signed.chain.produce(5)
    assert weigh(signed).startswith("keep")


def test_weights_that_never_reached_the_chain_are_sent_again_and_only_once_arrive(signed: Rig) -> None:
    for node in signed.nodes:
        node.faults = Faults(drops_extrinsics=True, deaf_to_extrinsics=True)
    with given_up_soon():
        weigh(signed)
    assert not signed.calls() and WeightSetting.objects.get().outcome == ""
    for node in signed.nodes:
        node.faults = Faults()
    signed.chain.produce(20)
    assert weigh(signed).startswith("wait"), "it may still arrive"
    turns(signed, 6)
    assert len(signed.calls()) == 1 and on_chain(signed) == EQUAL
    assert sorted(WeightSetting.objects.values_list("outcome", flat=True)) == ["lost", "set"]


def test_weights_that_arrived_without_our_hearing_of_it_are_not_sent_again(signed: Rig) -> None:
    for node in signed.nodes:
        node.faults = Faults(deaf_to_extrinsics=True)
    with given_up_soon():
        weigh(signed)
    assert WeightSetting.objects.get().outcome == ""
    for node in signed.nodes:
        node.faults = Faults()
    turns(signed, 4)
    assert len(signed.calls()) == 1 and len(told(signed)) == 1
    assert WeightSetting.objects.get().outcome == "set"


@pytest.mark.parametrize("how", ["reset", "close", "refuse"])
def test_a_node_that_takes_them_and_breaks_is_not_taken_for_a_refusal(signed: Rig, how: str) -> None:
    for node in signed.nodes:
        node.faults = Faults(after_taking=how)
    with given_up_soon():
        weigh(signed)
    assert WeightSetting.objects.get().outcome == "", "it may be on its way"
    for node in signed.nodes:
        node.faults = Faults()
    turns(signed, 6, blocks=5)
    assert len(signed.calls()) == 1 and WeightSetting.objects.get().outcome == "set"


def test_a_node_that_cannot_even_be_asked_costs_a_try_and_nothing_else(signed: Rig) -> None:
    look = signed.look()
    assert not look.fault
    for node in signed.nodes:
        node.faults = Faults(reset_on="account_nextIndex")
    with given_up_soon():
        signed.turn.weigh(now=START, send=True)
    for node in signed.nodes:
        node.faults = Faults()
    turns(signed, 4)
    assert len(signed.calls()) == 1 and on_chain(signed) == EQUAL


def test_after_a_failure_another_endpoint_is_sent_through(signed: Rig) -> None:
    first = signed.turn._best()
    bad = next(node for node in signed.nodes if node.url == first.shown)
    bad.faults = Faults(garble_on="account_nextIndex")
    turns(signed, 5, blocks=10)
    assert len(signed.calls()) == 1 and on_chain(signed) == EQUAL


def test_a_restart_in_mid_epoch_changes_nothing(signed: Rig) -> None:
    from competition.chain.running import Turn

    turns(signed, 2)
    for _ in range(4):
        for node in signed.nodes:
            node.refuse()
            node.listen_again()
        signed.turn.close()
        signed.turn = Turn(NAME, runner=signed.turn.runner, sure=lambda: True)
        turns(signed, 2, blocks=7)
    assert len(signed.calls()) == 1 and len(told(signed)) == 1


def test_a_node_that_says_done_and_did_nothing_is_not_believed(signed: Rig, monkeypatch: Any) -> None:
    lie = weights.SendResult(landed=True, extrinsic="1-0", block_hash="0" * 64)
    monkeypatch.setattr(signed.turn, "_send_weights", lambda values: lie)
    turns(signed, 3)
    assert not told(signed) and not on_chain(signed)
    assert "lost" in WeightSetting.objects.values_list("outcome", flat=True)


@pytest.mark.parametrize(
    ("name", "value", "because"),
    [
        ("ValidatorPermit", [False, False, False, False], "no validator permit"),
        ("MinAllowedWeights", 8, "takes 8 weights or more"),
        ("MaxWeightsLimit", 20_000, "caps one weight"),
    ],
)
def test_what_the_chain_would_change_or_refuse_is_not_sent(signed: Rig, name: str, value: Any, because: str) -> None:
    signed.chain.put("SubtensorModule", name, 17, value=value)
    signed.chain.produce(5)
    assert because in weigh(signed)
    assert not signed.calls()


def test_a_hotkey_that_is_not_registered_sends_nothing(signed: Rig) -> None:
    signed.chain.deregister(hotkey("operator"))
    signed.chain.produce(5)
    assert "not registered" in weigh(signed)


def test_two_competitions_on_one_subnet_set_nothing(signed: Rig) -> None:
    Competition.objects.create(
        slug="second",
        name="Second",
        ruleset="margin-1",
        judge="j",
        renderer="r",
        chain=NAME,
        pods="local",
        created_at=START,
    )
    assert "there are 2" in weigh(signed)
    assert not signed.calls()


def test_a_bundle_that_verify_refuses_pays_nobody(signed: Rig, settings: Any, tmp_path: Path) -> None:
    settings.BUNDLE_DIR = tmp_path
    signed.competition.reigns.update(won_in=signed.round())
    assert "not published yet" in weigh(signed)
    folder = tmp_path / "real" / "1"
    folder.mkdir(parents=True)
    for name in ("manifest.json", "ledger.jsonl"):
        (folder / name).write_text("{}")
    assert "verify refuses round 1" in weigh(signed), "the real verifier, on a bundle that is none"
    assert not signed.calls()


def test_the_verifier_that_runs_is_the_standalone_one(monkeypatch: Any, tmp_path: Path, settings: Any) -> None:
    commands: list[list[str]] = []

    def ran(command: list[str], **_: Any) -> subprocess.CompletedProcess[str]:
        commands.append(command)
        return subprocess.CompletedProcess(command, 0, "", "")

    monkeypatch.setattr(subprocess, "run", ran)
    settings.VERIFY_MEGABYTES = 7
    assert bundle_verifier.errors_in_bundle(tmp_path) == ""
    command = " ".join(commands[0])
    assert f" -m verify {tmp_path} " in command and hotkey("operator") in command
    assert f"prlimit --as={7 * 2**20} -- " in command


def test_a_verifier_that_takes_too_long_or_too_much_is_an_error(tmp_path: Path, settings: Any) -> None:
    settings.VERIFY_SECONDS = 0.01
    assert "no answer in 0.01 s" in bundle_verifier.errors_in_draft(tmp_path)
    settings.VERIFY_SECONDS, settings.VERIFY_MEGABYTES = 60, 1
    assert "ended with" in bundle_verifier.errors_in_draft(tmp_path)


def test_a_lock_that_was_lost_sends_nothing(signed: Rig) -> None:
    signed.turn.sure = lambda: False
    assert weigh(signed).startswith("set")
    assert not signed.calls() and not WeightSetting.objects.exists()


def test_the_published_vector_carries_its_proof(signed: Rig) -> None:
    proof = weights.proven(signed.competition, now=START).as_json()
    assert proof["weights"] == {"0": "1/5", "1": "4/5"} and proof["owner_uid"] == 0
    assert proof["reign"]["body"]["leader"] == hotkey(LEADER) == proof["leader"]
    assert proof["checkpoint"]["signed_by"] == hotkey("operator")
    assert proof["block"] == chain.of(signed.competition).block(now=START)


def test_neurons_that_changed_are_replaced_and_others_kept(rig: Rig) -> None:
    rig.look()
    before = dict(ObservedNeuron.objects.values_list("hotkey", "pk"))
    rig.chain.put("SubtensorModule", "Owner", hotkey(LEADER), value=hotkey("miner"))
    rig.chain.produce(5)
    rig.look()
    after = dict(ObservedNeuron.objects.values_list("hotkey", "pk"))
    assert {h for h in before if before[h] != after.get(h)} == {hotkey(LEADER)}
    assert ObservedNeuron.objects.get(uid=1).coldkey == hotkey("miner")
