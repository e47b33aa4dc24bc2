"""Rented pods: what holds at every cloud, and how several are tried, each against a stand-in of its interface."""

import json
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from dataclasses import dataclass

import pytest

from audits.pods.base import Pod, PodFault
from audits.pods.rented import Cloud, RentedPods, usd
from tests.audits.cloud_server import CloudServer
from tests.audits.rental_server import Rental
from tests.audits.renting import (
    CONTROL,
    DIGEST,
    IMAGE,
    at_runpod,
    at_targon,
    at_verda,
    pictures,
    rented_pods,
)
from tests.audits.targon_server import TargonCloud
from tests.audits.verda_server import VerdaCloud

SECRET = "canary_canary_canary_canary"


@dataclass(frozen=True, kw_only=True)
class Rig:
    """One cloud: its stand-in, the provider there, one with a wrong key, its machines, and how its cards run out."""

    server: CloudServer
    pods: RentedPods
    wrong: Cloud
    machines: Callable[[], dict[str, dict]]
    sell_out: Callable[[], None]


def runpod_rig(rental: Rental) -> Rig:
    def sell_out() -> None:
        rental.full = True

    wrong = at_runpod(rental, key=SECRET)
    return Rig(
        server=rental,
        pods=rented_pods(at_runpod(rental)),
        wrong=wrong,
        machines=lambda: rental.pods,
        sell_out=sell_out,
    )


def verda_rig(cloud: VerdaCloud) -> Rig:
    return Rig(
        server=cloud,
        pods=rented_pods(at_verda(cloud)),
        wrong=at_verda(cloud, secret=SECRET),
        machines=lambda: cloud.deployments,
        sell_out=lambda: cloud.free.update(dict.fromkeys(cloud.free, 0)),
    )


def targon_rig(cloud: TargonCloud) -> Rig:
    return Rig(
        server=cloud,
        pods=rented_pods(at_targon(cloud)),
        wrong=at_targon(cloud, key=SECRET),
        machines=lambda: cloud.workloads,
        sell_out=lambda: cloud.free.update(dict.fromkeys(cloud.free, 0)),
    )


RIGS = {"runpod": (Rental, runpod_rig), "verda": (VerdaCloud, verda_rig), "targon": (TargonCloud, targon_rig)}


@pytest.fixture(params=RIGS)
def rig(request: pytest.FixtureRequest) -> Iterator[Rig]:
    server, made = RIGS[request.param]
    with server() as cloud:
        yield made(cloud)


def test_a_pod_is_rented_once_and_found_again_by_its_name(rig):
    pod = rig.pods.start(IMAGE, name="run-1-0")
    assert rig.pods.start(IMAGE, name="run-1-0") == pod
    assert len(rig.machines()) == 1
    assert Pod.from_json(json.loads(json.dumps(pod.to_json()))) == pod
    assert rig.pods.alive(pod)


def test_a_control_pod_is_this_platforms_image_with_a_command_of_its_own(rig):
    rig.pods.start_control(name="run-1-control")
    sent = json.dumps(rig.server.bodies)
    assert CONTROL in sent and DIGEST not in sent and "audits.pods.control_service" in sent


def test_a_miners_image_runs_its_own_command_without_anything_of_ours(rig):
    rig.pods.start(IMAGE, name="run-1-0")
    sent = json.dumps(rig.server.bodies)
    assert DIGEST in sent and "control_service" not in sent
    assert not any(body.get(word) for body in rig.server.bodies if body for word in ("env", "envs", "registry_auth"))


def test_every_run_on_a_rented_pod_says_that_it_is_not_walled_off(rig):
    assert any("NOT walled off" in line for line in rig.pods.start(IMAGE, name="run-1-0").isolation)


def test_pictures_come_from_this_site_by_their_hash(rig):
    pod = rig.pods.start(IMAGE, name="run-1-0")
    assert rig.pods.offer(pod, pictures=pictures()) == {"chair": f"https://site.example.org/files/{'f' * 64}.png"}


def test_the_cloud_the_card_and_its_price_are_written_down(rig):
    pod = rig.pods.start(IMAGE, name="run-1-0")
    assert set(pod.place) == {"cloud", "id"} and pod.place["cloud"] == rig.pods.name
    assert pod.card.endswith(f" at {rig.pods.name}")
    assert Pod.from_json(pod.to_json()) == pod


def test_no_card_to_rent_is_ours_and_leaves_nothing_behind(rig):
    rig.sell_out()
    with pytest.raises(PodFault) as caught:
        rig.pods.start(IMAGE, name="run-1-0")
    assert (caught.value.failure_class, caught.value.code) == ("infrastructure", "no_capacity")
    assert not rig.machines()


@pytest.mark.parametrize("listed", [True, False])
@pytest.mark.parametrize("kind", ["verda", "targon"])
def test_a_card_that_is_gone_by_the_time_it_is_asked_for_is_no_capacity_too(kind, listed):
    server, made = RIGS[kind]
    with server() as cloud:
        rig = made(cloud)
        rig.sell_out()
        cloud.listed = listed
        with pytest.raises(PodFault) as caught:
            rig.pods.start(IMAGE, name="run-1-0")
        assert caught.value.code == "no_capacity"
        assert not rig.machines()


def test_a_pod_that_is_gone_may_have_ended_itself_so_a_control_pod_decides(rig):
    pod = rig.pods.start(IMAGE, name="run-1-0")
    rig.machines().clear()
    assert (rig.pods.fault(pod).failure_class, rig.pods.fault(pod).code) == ("unclear", "vanished")


@pytest.mark.parametrize("status", [500, 502, 503, 429, 403, 418, 301])
def test_a_cloud_that_does_not_say_how_a_pod_is_says_nothing(rig, status):
    pod = rig.pods.start(IMAGE, name="run-1-0")
    rig.server.ill = [status]
    with pytest.raises(PodFault) as caught:
        rig.pods.fault(pod)
    assert (caught.value.failure_class, caught.value.code) == ("infrastructure", "provider_unknown")


def test_a_list_that_cannot_be_had_is_not_an_empty_list(rig):
    rig.pods.start(IMAGE, name="run-1-0")
    for act in (lambda: rig.pods.start(IMAGE, name="run-1-0"), lambda: rig.pods.sweep(set)):
        rig.server.ill = [500]
        with pytest.raises(PodFault) as caught:
            act()
        assert caught.value.code == "provider_unknown"
    assert len(rig.machines()) == 1


def test_what_is_stopped_may_be_stopped_again(rig):
    pod = rig.pods.start(IMAGE, name="run-1-0")
    rig.pods.stop(pod)
    rig.pods.stop(pod)
    assert not rig.machines()


def test_a_pod_that_cannot_be_ended_is_said_to_run_on(rig):
    pod = rig.pods.start(IMAGE, name="run-1-0")
    rig.server.ill = [409]
    with pytest.raises(PodFault) as caught:
        rig.pods.stop(pod)
    assert caught.value.code == "not_stopped"


def test_the_key_is_in_no_message(rig):
    with pytest.raises(PodFault) as caught:
        rented_pods(rig.wrong).start(IMAGE, name="run-1-0")
    shown = f"{caught.value!r} {caught.value.__cause__!r} {caught.value.__context__!r} {rig.wrong.account!r}"
    assert SECRET not in shown


def test_pods_that_no_row_knows_are_swept_and_other_peoples_are_not(rig):
    for name in ("run-1-0", "run-7-0"):
        rig.pods.start(IMAGE, name=name)
    (first, row), *_ = rig.machines().items()
    rig.machines()["other"] = {**row, "name": "somebody-elses", "id": "other", "uid": "other"}
    assert rig.pods.sweep(lambda: {"run-1-0"}) == ["run-7-0"]
    assert set(rig.machines()) == {first, "other"}


@pytest.mark.parametrize("kind", ["runpod", "targon"])  # at Verda a name is unique
def test_of_two_pods_of_one_name_the_one_stays_that_the_row_names(kind):
    server, made = RIGS[kind]
    with server() as cloud:
        rig = made(cloud)
        pod = rig.pods.start(IMAGE, name="run-1-0")
        row = rig.machines()[pod.place["id"]]
        rig.machines()["aaa"] = {**row, "id": "aaa", "uid": "aaa"}
        owned = rented_pods(*rig.pods.clouds.values(), owners=lambda: {"run-1-0": pod.place})
        assert owned.sweep(lambda: {"run-1-0"}) == ["run-1-0"]
        assert list(rig.machines()) == [pod.place["id"]]


@dataclass(frozen=True, kw_only=True)
class Market:
    runpod: Rental
    verda: VerdaCloud
    targon: TargonCloud


@pytest.fixture
def market() -> Iterator[Market]:
    with ExitStack() as stack:
        runpod, verda, targon = (stack.enter_context(made()) for made in (Rental, VerdaCloud, TargonCloud))
        yield Market(runpod=runpod, verda=verda, targon=targon)


def at_market(market: Market, owners=dict) -> RentedPods:
    """Targon is the cheapest, then Verda, then RunPod."""
    clouds = (
        at_runpod(market.runpod, H200=3.99),
        at_verda(market.verda, H200=3.1),
        at_targon(market.targon, h200_small=2.4),
    )
    return rented_pods(*clouds, name="rented", owners=owners)


def test_the_cheapest_card_is_rented_and_its_own_price_is_written_down(market):
    pod = at_market(market).start(IMAGE, name="run-1-0")
    assert pod.provider == "rented"
    assert pod.place == {"cloud": "targon", "id": "wrk-1"}
    assert (pod.card, pod.usd_per_hour) == ("h200-small at targon", 2.49)


def test_where_the_cheapest_has_no_card_the_next_is_rented(market):
    market.targon.free["h200-small"] = 0
    pods = at_market(market)
    first = pods.start(IMAGE, name="run-1-0")
    assert (first.place["cloud"], first.usd_per_hour) == ("verda", 3.1)
    market.verda.free["H200"] = 0
    assert pods.start(IMAGE, name="run-2-0").place["cloud"] == "runpod"
    assert not market.targon.workloads


def test_of_several_kinds_the_cheapest_that_is_free_is_rented_wherever_it_is(market):
    clouds = (at_verda(market.verda, H200=3.1, H100=1.9), at_targon(market.targon, h200_small=2.4))
    market.verda.free |= {"H100": 1}
    pods = rented_pods(*clouds, name="rented")
    rented = [pods.start(IMAGE, name=f"run-{number}-0").card for number in (1, 2)]
    assert rented == ["H100 at verda", "h200-small at targon"]


def test_kinds_without_a_price_are_tried_in_the_order_in_which_they_are_listed(market):
    pods = rented_pods(at_runpod(market.runpod, H200=9.0), at_targon(market.targon), name="rented")
    assert [offer.gpu for _, offer in pods.order] == ["H200", "h200-small"]


def test_where_nobody_has_a_card_it_is_no_capacity_and_names_each(market):
    market.runpod.full = True
    market.verda.free["H200"] = market.targon.free["h200-small"] = 0
    with pytest.raises(PodFault) as caught:
        at_market(market).start(IMAGE, name="run-1-0")
    assert (caught.value.failure_class, caught.value.code) == ("infrastructure", "no_capacity")
    assert all(name in caught.value.sentence for name in ("runpod", "verda", "targon"))


def test_a_cloud_that_does_not_answer_is_passed_over_and_reported_where_no_other_can(market):
    pods = at_market(market)
    market.targon.ill = [500]
    assert pods.start(IMAGE, name="run-1-0").place["cloud"] == "verda"
    market.runpod.full, market.verda.free["H200"] = True, 0
    market.targon.ill = [502]
    with pytest.raises(PodFault) as caught:
        pods.start(IMAGE, name="run-2-0")
    assert caught.value.code == "provider_unknown"


def test_a_pod_is_found_again_at_the_cloud_where_it_is_though_another_is_cheaper_now(market):
    market.targon.free["h200-small"] = 0
    pods = at_market(market)
    pod = pods.start(IMAGE, name="run-1-0")
    market.targon.free["h200-small"] = 5
    assert pods.start(IMAGE, name="run-1-0") == pod
    assert not market.targon.workloads


def test_every_later_question_goes_to_the_cloud_that_rented_the_pod(market):
    pods = at_market(market)
    pod = pods.start(IMAGE, name="run-1-0")
    for server in (market.runpod, market.verda, market.targon):
        server.seen.clear()
    assert pods.alive(pod)
    assert pods.log(pod) == b"loading\nready\n"
    pods.stop(pod)
    assert not market.runpod.seen and not market.verda.seen
    assert not market.targon.workloads


def test_a_control_pod_runs_at_the_cloud_of_the_pod_that_was_lost(market):
    pods = at_market(market)
    market.targon.free["h200-small"] = 0
    lost = pods.start(IMAGE, name="run-1-0")
    market.targon.free["h200-small"] = 5
    pods.stop(lost)
    assert pods.start_control(name="run-1-control", beside=lost).place["cloud"] == "verda"
    assert pods.start_control(name="run-2-control").place["cloud"] == "targon"
    market.verda.free["H200"] = 0
    with pytest.raises(PodFault) as caught:
        pods.start_control(name="run-3-control", beside=lost)
    assert caught.value.code == "no_capacity"


def test_a_pod_beside_another_has_the_same_kind_of_card_or_is_not_rented(market):
    clouds = (at_verda(market.verda, H200=3.1, H100=1.9), at_targon(market.targon, h200_small=2.4))
    market.verda.free |= {"H100": 1}
    pods = rented_pods(*clouds, name="rented")
    assert pods.start(IMAGE, name="run-1-0").card == "H100 at verda"
    audited = pods.start(IMAGE, name="run-2-0")
    assert audited.card == "h200-small at targon"
    market.verda.free["H100"] = 5
    assert pods.start(IMAGE, name="run-3-0", beside=audited).card == "h200-small at targon"
    market.targon.free["h200-small"] = 0
    with pytest.raises(PodFault) as caught:
        pods.start(IMAGE, name="run-4-0", beside=audited)
    assert (caught.value.failure_class, caught.value.code) == ("infrastructure", "no_capacity")


def test_a_pod_at_a_cloud_that_is_no_longer_used_is_unknown_not_lost(market):
    pod = at_market(market).start(IMAGE, name="run-1-0")
    fewer = rented_pods(at_verda(market.verda, H200=3.1), name="rented")
    with pytest.raises(PodFault, match="GAUNTLET_RENTED") as caught:
        fewer.fault(pod)
    assert caught.value.code == "provider_unknown"


def test_a_machine_that_a_silent_cloud_rented_all_the_same_is_ended_once_the_row_names_another(market):
    pods = at_market(market)
    lost = pods.start(IMAGE, name="run-1-0")
    market.targon.ill = [500]
    used = pods.start(IMAGE, name="run-1-0")
    assert (lost.place["cloud"], used.place["cloud"]) == ("targon", "verda")
    assert pods.sweep(lambda: {"run-1-0"}) == [], "no row names one of the two yet"
    assert at_market(market, owners=lambda: {"run-1-0": used.place}).sweep(lambda: {"run-1-0"}) == ["run-1-0"]
    assert not market.targon.workloads and market.verda.deployments


def test_a_silent_cloud_holds_up_no_sweep_of_the_others(market):
    pods = at_market(market)
    market.targon.free["h200-small"] = 0
    pods.start(IMAGE, name="run-1-0")
    market.runpod.ill = [500]
    assert pods.sweep(set) == ["run-1-0"]
    assert not market.verda.deployments


def test_a_second_machine_is_not_asked_for_where_the_first_may_have_been_rented(market):
    market.targon.free["h100-small"] = 1
    market.targon.broken["POST", "/workloads"] = 500
    with pytest.raises(PodFault) as caught:
        rented_pods(at_targon(market.targon, h200_small=2.4, h100_small=2.0)).start(IMAGE, name="run-1-0")
    assert caught.value.code == "provider_unknown"
    assert market.targon.seen.count(("POST", "/workloads")) == 1


def test_where_it_is_not_known_what_a_cloud_has_it_is_tried(market):
    market.targon.broken["GET", "/inventory"] = 500
    assert at_market(market).start(IMAGE, name="run-1-0").place["cloud"] == "targon"


@pytest.mark.parametrize(
    ("value", "price"),
    [("0.74", 0.74), (2.49, 2.49), (3, 3.0), (None, None), ("dear", None), (-1, None), (10**400, None), ("nan", None)],
)
def test_a_price_is_a_number_or_nothing(value, price):
    assert usd(value) == price
