"""Does the status page say what the watcher knows?"""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from django.test import Client
from django.utils import timezone

from competition.chain.observations import ObservedChain
from tests.competition.chain.rig import Rig


def status() -> dict[str, Any]:
    answer = Client().get("/status.json")
    assert answer.status_code == 200
    body = answer.json()
    return dict(body.get("page", body))


def state() -> dict[str, Any]:
    (chain,) = status()["chains"]
    return dict(chain)


def test_a_chain_nobody_watches_is_said_to_be_so(rig: Rig) -> None:
    assert state()["code"] == "UNWATCHED" and not status()["well"]


def test_a_chain_that_is_well_shows_its_block_and_its_endpoints(rig: Rig) -> None:
    rig.look()
    rig.turn.weigh(now=timezone.now(), send=False)
    told = state()
    assert (told["code"], told["block"]) == ("", rig.chain.finalised)
    assert [each["behind"] for each in told["endpoints"]] == [0, 0]
    assert "no signed checkpoint" in told["weights"]
    page = Client().get("/status/").content.decode()
    assert rig.nodes[0].url in page and "Enough endpoints agree" in page


def test_disagreement_stands_first_on_the_page(rig: Rig) -> None:
    rig.nodes[1].chain = rig.chain.fork(8)
    rig.look()
    assert state()["code"] == "DISAGREEMENT"
    assert "the endpoints disagree on finalised block" in status()["sentence"]
    assert "DISAGREEMENT" in Client().get("/status/").content.decode()


def test_an_outage_is_told_before_and_after_it_stops_anything(rig: Rig, settings: Any) -> None:
    rig.look()
    rig.nodes[1].refuse()
    rig.look()
    assert state()["code"] == "TOO_FEW" and "go on with the last block" in state()["sentence"]
    settings.CHAIN_STALE_SECONDS = 0
    assert state()["code"] == "STALE"


def test_a_watcher_that_stopped_is_missed(rig: Rig) -> None:
    rig.look()
    ObservedChain.objects.update(looked_at=timezone.now() - timedelta(hours=1))
    assert state()["code"] == "UNWATCHED" and "runchain does not run" in state()["sentence"]
