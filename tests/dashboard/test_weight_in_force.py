"""A number shown as the weight is the weight in force at the current block, wherever it is shown."""

from __future__ import annotations

import sys
from datetime import timedelta
from fractions import Fraction
from pathlib import Path
from typing import Any

import pytest
from django.core.cache import cache
from django.test import Client
from django.utils import timezone

from competition.models import Reign, SimulatedChain
from core import ledger
from dashboard.facts import weights
from dashboard.facts.people import who
from tests.dashboard.made_round import Made
from tests.dashboard.test_pages import facts, html

sys.path.insert(0, str(Path(__file__).resolve().parents[2] / "clients" / "python" / "src"))

pytestmark = pytest.mark.django_db
TOOK, NEXT = 617, 2417


def at_block(number: int, *, seconds: int = 600) -> None:
    """The simulated chain's clock, just past the beginning of this block."""
    begun = timezone.now() - timedelta(seconds=number * seconds)
    SimulatedChain.objects.update(genesis_at=begun, block_seconds=seconds, skipped=0)
    cache.clear()


@pytest.fixture
def defended(made: Made) -> Made:
    """The leader took the lead at block 617 and is paid 0.60; it has defended, and 0.40 is paid from block 2,417 on."""
    took = Reign.objects.get(competition=made.competition, sequence=2)
    Reign.objects.filter(pk=took.pk).update(weight="3/5", effective_block=TOOK)
    Reign.objects.create(
        competition=made.competition,
        sequence=3,
        miner=took.miner,
        weight="2/5",
        effective_block=NEXT,
        defence=True,
        won_in=made.running,
    )
    made.running.state, made.running.headline = "finished", "Nobody challenged: the leader defends."
    made.running.save()
    return made


@pytest.fixture
def dethroned(made: Made) -> Made:
    """A new leader was decided; until block 2,417 the one before is paid 0.60."""
    Reign.objects.filter(competition=made.competition, sequence=1).update(weight="3/5")
    Reign.objects.filter(competition=made.competition, sequence=2).update(effective_block=NEXT)
    return made


def answers(client: Client, made: Made, miner: str) -> dict[str, Any]:
    """Address -> the weight that it shows as this miner's, as a fraction."""
    home = facts(client, "/c/made/")
    page = facts(client, f"/miners/{miner}/")
    led = [Fraction(lead["weight"]) for lead in page["leads"]]
    led += [Fraction(row["weight"]) for row in page["still_paid"]]
    api = client.get("/api/v1/weights?competition=made").json()
    badge = client.get("/badge/made/leader.svg").content.decode()
    feed = client.get("/feeds/made.json").json()["_gauntlet"]["weight"]
    own = {"/c/made.json leader": home["leader"]["weight"]} if home["leader"]["miner"]["hotkey"] == miner else {}
    in_force = [
        home["weight"],
        feed,
        facts(client, "/c/made/leaders/")["weight"],
        facts(client, "/c/made/r/1/")["weight"],
    ]
    return {
        **{name: Fraction(told) for name, told in own.items()},
        "/c/made.json": of(in_force[0], miner),
        "/feeds/made.json": of(in_force[1], miner),
        "/c/made/leaders.json": of(in_force[2], miner),
        "/c/made/r/1.json": of(in_force[3], miner),
        f"/miners/{miner}.json": sum(led, Fraction(0)),
        "/api/v1/weights": Fraction(api["reign"]["weight"] if api["reign"]["leader"]["hotkey"] == miner else 0),
        "/api/v1/miners/…/standing": Fraction(client.get(f"/api/v1/miners/{miner}/standing").json()["weight"]),
        "/badge/made/leader.svg": Fraction(badge.partition(f"{who_short(miner)} · ")[2][:4] or 0),
    }


def of(told: dict[str, Any], miner: str) -> Fraction:
    return Fraction(told["weight"]) if told["leader"] and told["leader"]["hotkey"] == miner else Fraction(0)


def who_short(hotkey: str) -> str:
    return f"{hotkey[:8]}…{hotkey[-6:]}"


@pytest.mark.parametrize(("block", "weight"), [(1000, "3/5"), (NEXT - 1, "3/5"), (NEXT, "2/5"), (9000, "2/5")])
def test_every_address_shows_the_weight_in_force_at_the_current_block(
    client: Client, defended: Made, block: int, weight: str
) -> None:
    at_block(block)
    for address, told in answers(client, defended, defended.miners[1].hotkey).items():
        assert told == Fraction(weight), f"{address} shows {told} at block {block}"


@pytest.mark.parametrize("block", [1000, NEXT - 1, NEXT])
def test_a_new_leader_is_not_paid_before_its_block_and_the_one_before_still_is(
    client: Client, dethroned: Made, block: int
) -> None:
    at_block(block)
    old, new = (miner.hotkey for miner in dethroned.miners[:2])
    come = block >= NEXT
    for miner, weight in ((old, Fraction(0) if come else Fraction(3, 5)), (new, Fraction(1) if come else Fraction(0))):
        for address, told in answers(client, dethroned, miner).items():
            assert told == weight, f"{address} shows {told} of {miner} at block {block}"
    sentence = facts(client, f"/miners/{old}/")["sentence"]
    assert ("is paid weight 0.60 in made until block 2,417" in sentence) is not come


def test_what_comes_later_is_shown_as_later_with_its_block_and_time(client: Client, defended: Made) -> None:
    at_block(1000)
    comes = f"about {timezone.now() + timedelta(seconds=600 * (NEXT - 1000)):%Y-%m-%d}"
    (later,) = facts(client, "/c/made/")["weight"]["later"]
    assert (later["weight"], later["from_block"]) == ("2/5", NEXT)
    assert client.get("/api/v1/weights?competition=made").json()["later"] == [later]
    miner = defended.miners[1].hotkey
    assert client.get(f"/api/v1/miners/{miner}/standing").json()["weight_later"] == [later]
    words = f"0.40 from block 2,417, {comes}"
    for url in ("/", "/c/made/leaders/", "/embed/made/round/1/", f"/miners/{miner}/", "/c/made/r/2/"):
        text = html(client, url)
        assert words in text, f"{url} does not say when the next weight comes"
        assert "0.60" in text, f"{url} does not show the weight in force"
    home = html(client, "/")
    assert "Took the lead in" in home
    assert "paid from block" not in home, "its reign began at block 617, and has come"
    assert "<dt>Weight now</dt><dd>0.60</dd>" in home
    assert "Later, from block 2,417 on (about" in html(client, "/c/made/r/2/")
    assert "that is in force now" in html(client, "/c/made/r/1/")
    feed = client.get("/feeds/made.atom").content.decode()
    assert "· 0.60; later" in feed
    assert words in feed


def test_the_client_prints_the_weight_in_force_and_what_comes_later(client: Client, defended: Made) -> None:
    from gauntlet_client import showing
    from gauntlet_client.options import out

    at_block(1000)
    told = client.get(f"/api/v1/miners/{defended.miners[1].hotkey}/standing").json()
    with out.capture() as printed:
        showing.standing(told)
    assert "Weight now: 0.60" in printed.get()
    assert "Later: weight 0.40 from block 2,417, about " in printed.get()


def test_nobody_names_a_weight_where_the_chain_does_not_tell_its_block(client: Client, defended: Made) -> None:
    SimulatedChain.objects.all().delete()
    cache.clear()
    assert facts(client, "/c/made/")["leader"]["weight"] is None
    assert "not known" in html(client, "/")
    assert "the chain is silent" in client.get("/badge/made/leader.svg").content.decode()
    assert "the weight in force is not known" in html(client, f"/miners/{defended.miners[1].hotkey}/")


def test_a_kept_page_never_outlives_a_weight(client: Client, defended: Made) -> None:
    """No event of the ledger tells that a block has come."""
    at_block(1000)
    for url in ("/c/made/", "/c/made/leaders/", "/c/made/r/1/", "/c/made/r/2/"):
        html(client, url)
    SimulatedChain.objects.update(skipped=NEXT)
    for url in ("/c/made/", "/c/made/leaders/", "/c/made/r/1/", "/c/made/r/2/"):
        assert "0.40 from block 2,417, about" not in html(client, url), f"{url} was kept past its weight"
    badge = client.get("/badge/made/leader.svg")
    assert "· 0.40" in badge.content.decode()


def test_a_badge_is_kept_no_longer_than_its_weight(client: Client, defended: Made) -> None:
    at_block(NEXT - 20, seconds=10)
    kept = client.get("/badge/made/leader.svg").headers["Cache-Control"]
    assert 100 <= int(kept.rpartition("=")[2]) <= 200


def test_a_replaced_decision_is_never_announced_as_the_next(client: Client, defended: Made) -> None:
    at_block(1000)
    Reign.objects.create(
        competition=defended.competition,
        sequence=4,
        miner=defended.miners[2],
        weight="1",
        effective_block=NEXT,
        won_in=defended.running,
        supersedes=Reign.objects.get(sequence=3),
    )
    (later,) = facts(client, "/c/made/")["weight"]["later"]
    assert later["leader"]["hotkey"] == defended.miners[2].hotkey
    following = client.get("/api/v1/competitions/made/leader").json()["following"]
    assert following["sequence"] == 4
    statuses = {row["effective_block"]: [] for row in facts(client, "/c/made/")["reigns"]}
    for row in facts(client, "/c/made/")["reigns"]:
        statuses[row["effective_block"]].append(row["status"])
    assert statuses[NEXT] == ["later", "replaced"]


def test_a_decision_no_checkpoint_covers_is_later_even_when_its_block_has_come(client: Client, defended: Made) -> None:
    at_block(9000)
    from competition.models import Checkpoint

    Checkpoint.objects.create(
        competition=defended.competition,
        seq=ledger.append(defended.competition.pk, kind="note", body={}, at=timezone.now()).seq,
        text="x",
        signature="00",
        signed_by="5x",
        created_at=timezone.now(),
    )
    ledger.append(defended.competition.pk, kind="reign", body={"sequence": 3}, at=timezone.now())
    cache.clear()
    told = answers(client, defended, defended.miners[1].hotkey)
    assert set(told.values()) == {Fraction(3, 5)}, told
    (later,) = facts(client, "/c/made/")["weight"]["later"]
    assert later["signed"] is False
    assert "once a signed checkpoint covers it" in html(client, "/")


def test_a_register_says_of_each_reign_whether_it_is_in_force(defended: Made) -> None:
    at_block(1000)
    rows = list(defended.competition.reigns.select_related("miner"))
    at = weights.register(defended.competition, rows, now=timezone.now())
    assert weights.statuses(at) == {1: "past", 2: "in force", 3: "later"}
    told = weights.weight_in_force(defended.competition, rows, now=timezone.now())
    assert told.leader == who(defended.miners[1])
    assert not told.settled
