"""Does a round end with the same decision and the same bundle, whatever dies, gets lost or comes twice meanwhile?

Each test plays the round of `competition.json` with real processes and a fault, and compares the bundle's hash with
that of an undisturbed play.  `Play.check` holds after each: the bundle verifies, no duel is lost or settled twice, the
ledger has no gap, nothing is left running.  `make faults` plays many more, by lot.
"""

from __future__ import annotations

import pytest

from tests.scenarios import hosts
from tests.scenarios.killing import STATES, WAITING, WORKING, Killer, PodKiller, PostmasterKiller, StateKiller
from tests.scenarios.stage import Outcome, Play, Stage, free_port

pytestmark = pytest.mark.scenario
SEED = 404


def test_workers_killed_again_and_again_change_nothing(stage: Stage, undisturbed: Outcome) -> None:
    killer = Killer(SEED, words=(WORKING, WAITING), every=(0.5, 2.5), most=12)
    played = stage.play("workers").to_the_end(killer)
    assert len(killer.done) >= 4
    assert played.hash() == undisturbed.hash()


def test_a_worker_killed_with_its_work_done_but_not_written_changes_nothing(stage: Stage, undisturbed: Outcome) -> None:
    wanted = ("rendering", "publishing", "signing", "generating", "finalizing")
    killer = StateKiller([state for state in STATES if state[1] in wanted or state[0] == "judging_duel"])
    played = stage.play("states").to_the_end(killer)
    assert len(killer.done) >= 5, killer.done
    assert played.hash() == undisturbed.hash()


def test_postgresql_killed_again_and_again_changes_nothing(stage: Stage, undisturbed: Outcome) -> None:
    killer = PostmasterKiller(SEED, words=(), every=(3, 6), most=3)
    played = stage.play("postgres").to_the_end(killer)
    assert len(killer.done) >= 2
    assert played.hash() == undisturbed.hash()


def test_the_other_parts_and_the_pods_may_be_killed_too(stage: Stage, undisturbed: Outcome) -> None:
    parts = Killer(SEED, words=("manage.py reconcile", "gunicorn", "examples.hosting"), every=(1, 3), most=6)
    pods = PodKiller(SEED, words=(), every=(0.5, 1), most=2)

    def both(play: Play) -> None:
        parts(play)
        pods(play)

    played = stage.play("parts").to_the_end(both)
    assert len(parts.done) >= 3 and pods.done
    assert played.hash() == undisturbed.hash()


def test_lost_messages_change_nothing(stage: Stage, undisturbed: Outcome) -> None:
    play = stage.play("lost", faults={"FAULT_BROKER": "lost"})
    played = play.to_the_end()
    assert play.happened("lost") > 100
    assert played.hash() == undisturbed.hash()


def test_doubled_messages_to_many_workers_whose_leases_are_short_change_nothing(
    stage: Stage, undisturbed: Outcome
) -> None:
    play = stage.play("doubled", workers=4, faults={"FAULT_BROKER": "doubled"}, env={"GAUNTLET_LEASE_SECONDS": "1"})
    played = play.to_the_end()
    assert play.happened("doubled") > 100
    assert played.hash() == undisturbed.hash()


def test_a_judge_that_fails_at_every_third_call_changes_nothing(stage: Stage, undisturbed: Outcome) -> None:
    play = stage.play("third", faults={"FAULT_JUDGE": "every:3"})
    played = play.to_the_end()
    assert play.happened("unanswered") > 10
    assert played.hash() == undisturbed.hash()


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


def test_a_host_that_stumbles_at_first_costs_its_miner_nothing(stage: Stage, undisturbed: Outcome) -> None:
    stumbles = (hosts.hangs, hosts.trickles, hosts.fails, hosts.promises_too_much)

    def manners(file: int, request: int) -> hosts.Manner:
        if request == 1:
            return stumbles[file % len(stumbles)]
        return hosts.good if request == 2 else hosts.swaps

    play = stage.play("stumbling")
    inner = play.hosting_behind(free_port())
    with hosts.hosting(port=stage.hosting, behind=inner, slug="chooser", manners=manners) as host:
        played = play.to_the_end()
    assert len(host.misbehaved) >= len(stumbles)
    assert played.hash() == undisturbed.hash()


def test_a_host_that_never_delivers_costs_its_own_miner_a_forfeit_and_nobody_else_anything(
    stage: Stage, undisturbed: Outcome
) -> None:
    never = (hosts.hangs, hosts.trickles, hosts.promises_too_much, hosts.promises_too_little)
    play = stage.play("never")
    inner = play.hosting_behind(free_port())
    with hosts.hosting(
        port=stage.hosting, behind=inner, slug="cheat", manners=lambda file, _: never[file % len(never)]
    ) as host:
        played = play.to_the_end()
    assert len(host.misbehaved) == len(never)
    assert duels_without("Cheat", played) == duels_without("Cheat", undisturbed)
    assert forfeits_of("Cheat", played) and not forfeits_of("Cheat", undisturbed)
    assert played.document("decision.json")["leader"] == undisturbed.document("decision.json")["leader"]


def screens(played: Outcome) -> list[dict[str, object]]:
    return [match for match in played.document("matches.json") if match["kind"] == "screen"]


def duels_without(name: str, played: Outcome) -> dict[str, object]:
    """By challenger: what the duels of the screens of all others came to."""
    return {match["challenger"]: match["duels"] for match in screens(played) if match["challenger"] != hotkey_of(name)}


def forfeits_of(name: str, played: Outcome) -> int:
    (match,) = [match for match in screens(played) if match["challenger"] == hotkey_of(name)]
    return int(match["tally"]["forfeits_challenger"])


def hotkey_of(name: str) -> str:
    from examples import cast

    return cast.member(name).hotkey
