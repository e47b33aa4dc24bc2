"""Does a round end with the same decision and the same bundle, whatever dies, gets lost or comes twice meanwhile?

Each test plays the round of `competition.json` with real processes and faults, and compares the bundle's hash with that
of an undisturbed play.  `Play.check` holds after each: the bundle verifies, no duel is lost or settled twice, the
ledger has no gap, nothing is left running.  These are a few schedules; `make faults` plays as many as it is told to.
"""

from __future__ import annotations

from collections.abc import Callable

import pytest

from core.postgres.ports import free_port
from tests.scenarios import campaign, hosts
from tests.scenarios.killing import (
    OTHERS,
    STATES,
    WAITING,
    WORKING,
    Freezer,
    Killer,
    PodKiller,
    PostmasterKiller,
    StateKiller,
    together,
)
from tests.scenarios.stage import Outcome, Stage, duels_of_others, submitted

pytestmark = pytest.mark.scenario
SEED = 404


@pytest.mark.long
def test_workers_postgresql_and_every_other_part_killed_by_lot_change_nothing(
    stage: Stage, undisturbed: Outcome
) -> None:
    killers = (
        Killer(SEED, words=(WORKING, WAITING), every=(1, 3), most=5),
        PostmasterKiller(SEED, words=(), every=(4, 7), most=2),
        Killer(SEED, words=OTHERS, every=(2, 4), most=3),
        PodKiller(SEED, words=(), every=(0.5, 1), most=1),
    )
    played = stage.play("parts").to_the_end(together(*killers))
    assert all(killer.done for killer in killers), [killer.done for killer in killers]
    assert played.hash() == undisturbed.hash()


@pytest.mark.long
def test_a_worker_killed_when_its_work_is_done_but_not_written_changes_nothing(
    stage: Stage, undisturbed: Outcome
) -> None:
    wanted = {"rendering", "finalizing", "signing"}
    killer = StateKiller([state for state in STATES if state[1] in wanted or state[0] == "judging_duel"])
    played = stage.play("states").to_the_end(killer)
    assert {"judging_rendering.rendering", "judging_duel.judging"} <= set(killer.done), "there are many of these"
    assert played.hash() == undisturbed.hash()


@pytest.mark.long
def test_lost_and_doubled_messages_many_workers_a_frozen_one_and_a_judge_that_fails_at_each_third_call_change_nothing(
    stage: Stage, undisturbed: Outcome
) -> None:
    faults = {"FAULT_BROKER": "mixed", "FAULT_JUDGE": "every:3"}
    play = stage.play("doubled", workers=4, faults=faults, env={"GAUNTLET_LEASE_SECONDS": "1"})
    freezer = Freezer(SEED, words=(WORKING, WAITING), every=(2, 3), most=4)
    played = play.to_the_end(freezer)
    assert play.happened("lost") > 20 and play.happened("doubled") > 100
    assert play.happened("unanswered") > 10 and freezer.done
    assert played.hash() == undisturbed.hash()


@pytest.mark.long
def test_a_dead_judge_pauses_the_round_and_once_it_is_mended_the_round_goes_on(
    stage: Stage, undisturbed: Outcome
) -> None:
    play = stage.play("dead")
    outage = play.var / "outage"
    outage.touch()
    play.faults = {"FAULT_JUDGE": f"while:{outage}"}
    paused = play.to_the_end(checked=False)
    assert paused.code == 1
    assert "round 1 is paused: The judge gives no answer" in paused.said
    assert "manage.py resume demo 1" in paused.said
    assert not paused.bundle().exists()

    outage.unlink()
    resumed = play.command("resume", "demo", "1")
    assert resumed.returncode == 0, resumed.stderr
    assert play.to_the_end().hash() == undisturbed.hash()


@pytest.mark.long
@pytest.mark.parametrize(
    "schedule",
    [campaign.clock, campaign.disk_full, campaign.rotten, campaign.silent_webhooks],
    ids=lambda it: it.__name__,
)
def test_wrong_clocks_a_full_disk_rotten_files_and_silent_webhooks_change_nothing(
    schedule: Callable[[int], campaign.Schedule], stage: Stage, undisturbed: Outcome
) -> None:
    same, faults, _ = campaign.play(stage, schedule(SEED), expected=undisturbed)
    assert same == "yes" and faults > 0


@pytest.mark.long
@pytest.mark.parametrize(
    "schedule", [campaign.resumed_pauses, campaign.hostile_leader, campaign.hanging_leader], ids=lambda it: it.__name__
)
def test_pauses_that_are_resumed_and_a_leader_s_hostile_code_cost_nobody_else_anything(
    schedule: Callable[[int], campaign.Schedule], stage: Stage, undisturbed: Outcome
) -> None:
    same, faults, _ = campaign.play(stage, schedule(SEED), expected=undisturbed)
    assert same == "yes" and faults > 0


@pytest.mark.long
def test_a_host_that_stumbles_costs_nothing_and_one_that_never_delivers_costs_its_own_miner_a_forfeit(
    stage: Stage, undisturbed: Outcome
) -> None:
    manners = {"chooser": hosts.stumbling, "cheat": hosts.never_delivering}
    play = stage.play("hosts")
    with hosts.hosting(port=stage.hosting, behind=play.hosting_behind(free_port()), manners=manners) as host:
        played = play.to_the_end()
    assert host.misbehaved["chooser"] >= 4 and host.misbehaved["cheat"] >= 4
    assert duels_of_others("Cheat", played) == duels_of_others("Cheat", undisturbed)
    assert [asset["failure"]["class"] for asset in submitted("Cheat", played)] == ["miner"] * 4
    assert submitted("Chooser", played) == submitted("Chooser", undisturbed)
    assert played.document("decision.json")["leader"] == undisturbed.document("decision.json")["leader"]
