"""Pods at Targon, against a stand-in of its interface: register, deploy, tear down; lists in pages; logs."""

from collections.abc import Iterator

import pytest

from audits.pods.base import PodFault
from audits.pods.rented import RentedPods
from tests.audits.renting import DIGEST, IMAGE, at_targon, rented_pods
from tests.audits.targon_server import TargonCloud


@pytest.fixture
def cloud() -> Iterator[TargonCloud]:
    with TargonCloud() as made:
        yield made


@pytest.fixture
def pods(cloud) -> RentedPods:
    return rented_pods(at_targon(cloud))


def test_a_pod_is_a_workload_that_is_registered_and_then_deployed(cloud, pods):
    pod = pods.start(IMAGE, name="run-1-0")
    (body,) = [body for body in cloud.bodies if body]
    assert body == {
        "type": "RENTAL",
        "name": "gauntlet-run-1-0",
        "image": DIGEST,
        "resource_name": "h200-small",
        "ports": [{"port": 10006, "protocol": "TCP", "routing": "PROXIED"}],
    }
    assert cloud.workloads["wrk-1"]["state"]["status"] == "provisioning"
    assert pod.address == {"url": "https://wrk-1-10006.named.example"}
    assert pod.place == {"cloud": "targon", "id": "wrk-1"}
    assert (pod.card, pod.usd_per_hour) == ("h200-small at targon", 2.49)


def test_the_address_is_the_usual_one_until_the_cloud_names_it(cloud, pods):
    cloud.named_at_once = False
    assert pods.start(IMAGE, name="run-1-0").address == {"url": "https://wrk-1-10006.caas.targon.com"}


def test_pods_are_found_on_every_page_of_the_list(cloud, pods):
    names = [f"run-{number}-0" for number in range(5)]
    started = {name: pods.start(IMAGE, name=name) for name in names}
    assert all(pods.start(IMAGE, name=name) == pod for name, pod in started.items())
    assert len(cloud.workloads) == 5
    assert sorted(pods.sweep(set)) == names


def test_an_empty_list_may_be_null_and_one_that_is_not_there_is_unknown(cloud, pods, monkeypatch):
    monkeypatch.setattr(cloud, "paged", lambda rows, query: {"items": None, "next_cursor": None})
    assert pods.start(IMAGE, name="run-1-0").name == "run-1-0"
    monkeypatch.setattr(cloud, "paged", lambda rows, query: {"error": "moved"})
    with pytest.raises(PodFault) as caught:
        pods.start(IMAGE, name="run-1-0")
    assert caught.value.code == "provider_unknown"


def test_a_list_that_never_ends_is_unknown(cloud, pods, monkeypatch):
    monkeypatch.setattr(cloud, "paged", lambda rows, query: {"items": [], "next_cursor": "again"})
    with pytest.raises(PodFault) as caught:
        pods.start(IMAGE, name="run-1-0")
    assert caught.value.code == "provider_unknown"


def test_what_was_registered_and_never_deployed_is_no_pod_and_is_swept(cloud, pods):
    pods.start(IMAGE, name="run-1-0")
    state = cloud.workloads["wrk-1"]["state"]
    cloud.workloads["wrk-1"]["state"] = {**state, "status": "registered"}
    assert pods.start(IMAGE, name="run-1-0").place["id"] == "wrk-2"
    assert pods.sweep(lambda: {"run-1-0"}) == ["run-1-0"]
    assert list(cloud.workloads) == ["wrk-2"]


def test_a_deployment_that_was_not_answered_is_found_by_the_next_start(cloud, pods, monkeypatch):
    deploy = cloud.deploy

    def deployed_without_an_answer(row):
        deploy(row)
        return 504, {"error": "gateway timeout"}

    monkeypatch.setattr(cloud, "deploy", deployed_without_an_answer)
    with pytest.raises(PodFault) as caught:
        pods.start(IMAGE, name="run-1-0")
    assert caught.value.code == "provider_unknown"
    assert pods.start(IMAGE, name="run-1-0").place["id"] == "wrk-1"
    assert len(cloud.workloads) == 1


@pytest.mark.parametrize("status", ["provisioning", "PROVISIONING", "deploying", "running", "RUNNING"])
def test_a_workload_on_its_way_has_not_ended(cloud, pods, status):
    pod = pods.start(IMAGE, name="run-1-0")
    cloud.workloads["wrk-1"]["state"]["status"] = status
    assert pods.fault(pod) is None


@pytest.mark.parametrize(
    ("status", "code"),
    [
        *((status, "ended") for status in ("error", "FAILED", "suspended", "stopped")),
        *((status, "vanished") for status in ("deleted", "deleting", "terminated")),
    ],
)
def test_whose_doing_the_end_of_a_workload_is_a_control_pod_shows(cloud, pods, status, code):
    pod = pods.start(IMAGE, name="run-1-0")
    cloud.workloads["wrk-1"]["state"]["status"] = status
    fault = pods.fault(pod)
    assert (fault.failure_class, fault.code) == ("unclear", code)


def test_a_status_nobody_has_seen_yet_is_unknown(cloud, pods):
    pod = pods.start(IMAGE, name="run-1-0")
    cloud.workloads["wrk-1"]["state"]["status"] = "migrating"
    with pytest.raises(PodFault) as caught:
        pods.fault(pod)
    assert caught.value.code == "provider_unknown"


@pytest.mark.parametrize(
    ("printed", "expected"),
    [
        (b"loading\nready\n", b"loading\nready\n"),
        ({"output": "ready"}, b"ready"),
        ({"output": 3}, b'{"output": 3}'),
        (b"\xff\x00", b"\xff\x00"),
    ],
)
def test_what_a_service_printed_is_handed_out(cloud, pods, printed, expected):
    pod = pods.start(IMAGE, name="run-1-0")
    cloud.printed = printed
    assert pods.log(pod) == expected
    cloud.workloads.clear()
    assert pods.log(pod) == b""


def test_a_kind_that_the_cloud_does_not_know_is_refused_and_not_called_full(cloud):
    with pytest.raises(PodFault) as caught:
        cloud.free["h200-huge"] = 1
        pods = rented_pods(at_targon(cloud, h200_huge=9.0))
        cloud.register = lambda body: (400, {"error": "unknown resource h200-huge", "reason": "BAD_REQUEST"})
        pods.start(IMAGE, name="run-1-0")
    assert (caught.value.failure_class, caught.value.code) == ("infrastructure", "not_started")
