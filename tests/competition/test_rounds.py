"""Does a round go from reveals to a draw, and is nobody's bad message anybody else's problem?"""

from __future__ import annotations

import json
from typing import Any

import pytest

from competition import chain, weights
from competition.chain.base import ChainFault
from competition.chain.simulated import signed
from competition.decisions import schedule
from competition.models import Asset, Competition, LedgerEvent, Reveal, Round, SimulatedExtrinsic, Submission
from competition.reveals import ingest
from competition.rounds import conclude, met_on_the_ladder
from competition.steps import pause, resume
from core.machine import engine
from core.machine.outcomes import Move, StepFailure
from tests.competition import made

GOOD = {"repo": "a/b", "commit": "a" * 40, "cdn_url": "https://files.example/x"}
# 0x83 0x00: mode bits that promise more bytes than come.
BAD = [
    b"5",
    b"null",
    b'{"cdn_url":5}',
    b"\xff\xfe\x00bad",
    b"[" * 1_000_000,
    b"",
    b"\x83\x00",
    b'{"commit": "\\ud800"}',
]


@pytest.fixture
def competition(db: Any) -> Competition:
    return made.competition()


def reveal(competition: Competition, name: str, payload: bytes, *, block: int = 6) -> None:
    made.chain_of(competition).reveal(made.key(name), payload, block=block)


def look(competition: Competition, *, block: float) -> str:
    """One look at the round at this block; its state afterwards."""
    round_ = made.first_round(competition)
    type(round_).objects.filter(pk=round_.pk).update(due_at=made.START)
    engine.advance("competition.Round", round_.pk, now=made.after(block))
    round_.refresh_from_db()
    return round_.state


def test_blocks_come_from_the_clock(competition: Competition) -> None:
    simulated = made.chain_of(competition)
    assert simulated.block(now=made.after(7.9)) == 7
    simulated.skip_to(50, now=made.after(8))
    assert simulated.block(now=made.after(9)) == 51


def test_the_hash_of_a_block_that_has_not_come_is_not_guessed(competition: Competition) -> None:
    with pytest.raises(ChainFault, match="not come"):
        made.chain_of(competition).block_hash(10, now=made.after(9))


def test_a_forged_extrinsic_is_no_reveal(competition: Competition) -> None:
    reveal(competition, "alice", b"{}")
    forged = SimulatedExtrinsic.objects.get()
    forged.hotkey = made.key("bob").ss58_address
    forged.save()
    assert made.chain_of(competition).reveals(first=0, last=99, now=made.after(99)) == []
    assert not signed("not an address", b"", b"short")


def test_an_unknown_chain_says_what_to_write() -> None:
    with pytest.raises(LookupError, match="simulated:<name>"):
        chain.of(Competition(slug="x", chain="ethereum:main"))


@pytest.mark.parametrize("payload", BAD, ids=lambda p: repr(p[:12]))
def test_a_bad_payload_is_recorded_and_nobody_else_is_affected(competition: Competition, payload: bytes) -> None:
    reveal(competition, "mallory", payload, block=6)
    reveal(competition, "alice", json.dumps(GOOD).encode(), block=6)
    assert look(competition, block=18) == "miner_generation"
    bad = Submission.objects.get(miner__hotkey=made.key("mallory").ss58_address)
    assert bad.objection
    assert bad.objection.endswith(".")
    assert Submission.objects.get(miner__hotkey=made.key("alice").ss58_address).eligible
    assert Reveal.objects.count() == 2
    kept = Reveal.objects.get(miner=bad.miner)
    assert bytes(kept.payload) == payload[: ingest.STORED_BYTES]


def test_reading_the_chain_again_changes_nothing(competition: Competition) -> None:
    reveal(competition, "alice", json.dumps(GOOD).encode())
    assert ingest.take_reveals(competition, now=made.after(8)) == 1
    assert ingest.take_reveals(competition, now=made.after(9)) == 0
    assert LedgerEvent.objects.filter(kind="reveal").count() == 1


def test_two_reveals_add_up_and_a_later_commit_moves_back_in_the_queue(competition: Competition) -> None:
    reveal(competition, "alice", json.dumps(GOOD).encode(), block=6)
    reveal(competition, "bob", json.dumps({**GOOD, "commit": "b" * 40}).encode(), block=7)
    reveal(competition, "alice", json.dumps({"commit": "c" * 40}).encode(), block=8)
    look(competition, block=18)
    queue = [s.miner.hotkey for s in Submission.objects.filter(role="challenger")]
    assert queue == [made.key("bob").ss58_address, made.key("alice").ss58_address]
    assert Submission.objects.get(miner__hotkey=queue[1]).commit == "c" * 40


def test_the_same_commit_is_a_copy_of_whoever_revealed_it_first(competition: Competition) -> None:
    reveal(competition, "alice", json.dumps(GOOD).encode(), block=6)
    reveal(competition, "eve", json.dumps(GOOD).encode(), block=7)
    look(competition, block=18)
    copy = Submission.objects.exclude(copy_of=None).get()
    assert copy.miner.hotkey == made.key("eve").ss58_address
    assert copy.copy_of.miner.hotkey == made.key("alice").ss58_address


def test_a_reveal_after_the_window_is_kept_but_does_not_enter(competition: Competition) -> None:
    reveal(competition, "late", json.dumps(GOOD).encode(), block=15)
    look(competition, block=18)
    assert Reveal.objects.count() == 1
    assert not Submission.objects.filter(role="challenger").exists()


def test_the_prompts_wait_for_the_seed_block(competition: Competition) -> None:
    assert look(competition, block=16.5) == "open"
    assert look(competition, block=17) == "miner_generation"
    round_ = made.first_round(competition)
    assert round_.drawn.count() == 2
    assert round_.seed_block_hash == made.chain_of(competition).block_hash(16, now=made.after(17))


def test_the_leader_takes_part_with_outputs_that_a_pod_will_bring(competition: Competition) -> None:
    look(competition, block=17)
    leader = Submission.objects.get(role="leader")
    assert leader.assets.filter(origin="generated", state="downloading", due_at=None).count() == 2


def test_a_round_nobody_entered_does_not_wait_for_anything(competition: Competition) -> None:
    look(competition, block=17)
    assert look(competition, block=17) == "downloading"
    assert look(competition, block=17) == "duels"


def test_downloads_begin_at_the_deadline(competition: Competition) -> None:
    reveal(competition, "alice", json.dumps(GOOD).encode())
    look(competition, block=17)
    assert look(competition, block=33) == "miner_generation"
    assert look(competition, block=34) == "downloading"
    assert Asset.objects.filter(origin="submitted").count() == 2


@pytest.mark.parametrize("origin", ["generated", "submitted"])
def test_a_round_whose_files_we_lost_pauses_and_can_go_on(origin: str, competition: Competition) -> None:
    reveal(competition, "alice", json.dumps(GOOD).encode())
    look(competition, block=17)
    look(competition, block=34)
    for asset in Asset.objects.filter(origin=origin):
        lost = StepFailure("infrastructure", "POD", "pod burnt")
        engine.move(asset, Move("failed", because="pod burnt", failure=lost), now=made.after(20))
    assert look(competition, block=34) == "paused"
    round_ = made.first_round(competition)
    assert "pod burnt" in round_.failure_reason
    assert "manage.py resume small 1" in round_.failure_reason
    assert resume(round_, why="mended", now=made.after(40))
    assert round_.state == "downloading"


def test_a_window_that_is_open_is_longer_by_a_pause_of_whatever_reason(competition: Competition) -> None:
    round_ = made.first_round(competition)
    paused_at, last = chain.of(competition).block(now=made.after(10)), round_.latest_reveal_block
    assert engine.move(round_, pause(round_, "Tried.", code="TRIED", now=made.after(10)), now=made.after(10))
    assert round_.paused_at_block == paused_at and paused_at < last
    assert resume(round_, why="mended", now=made.after(200))
    assert round_.latest_reveal_block == last + chain.of(competition).block(now=made.after(200)) - paused_at


def test_a_defence_decays_the_weight_and_schedules_the_next_round(competition: Competition) -> None:
    round_ = made.first_round(competition)
    decision = conclude(round_, winner=None, now=made.after(60))
    assert decision["winner"] == "leader"
    assert decision["weight"] == "1/5"
    following = competition.rounds.get(number=2)
    assert following.earliest_reveal_block == 105
    assert decision["effective_block"] == following.latest_reveal_block
    assert following.defending.defence


def test_weights_are_set_once_and_read_back(competition: Competition) -> None:
    assert weights.keep(competition, now=made.after(1))
    assert not weights.keep(competition, now=made.after(2))
    event = LedgerEvent.objects.get(kind="weights")
    assert event.body["read_back"] == "agrees"
    assert event.body["weights"] == {"0": "1"}


def test_the_grid_of_rounds_never_shifts() -> None:
    cadence = schedule.Cadence(**made.BLOCKS)
    late = schedule.following(cadence, earliest_reveal_block=5, current_block=391)
    assert late.earliest_reveal_block == 405


def test_a_match_that_left_the_ladder_is_not_the_one_that_decided() -> None:
    rungs = [
        {"challenger": "cheat", "defender": "leader", "verdict": "rejected"},
        {"challenger": "honest", "defender": "first", "verdict": "advanced"},
        {"challenger": "late", "defender": "honest", "verdict": "held"},
    ]
    round_ = Round(decision={"ladder": rungs})
    assert met_on_the_ladder(round_, "honest") == "first"
    assert met_on_the_ladder(round_, "cheat") == ""
    assert met_on_the_ladder(Round(), "honest") == ""
