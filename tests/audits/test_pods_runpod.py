"""Pods on rented GPUs, against a stand-in of the provider's interface."""

import json
import threading
from collections.abc import Iterator
from dataclasses import replace
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from audits.pods import batch, link
from audits.pods.base import Pod, PodFault
from audits.pods.rented import RentedPods
from tests.audits.rental_server import Rental
from tests.audits.renting import CONTROL, IMAGE, at_runpod, rented_pods


@pytest.fixture
def rental() -> Iterator[Rental]:
    with Rental() as made:
        yield made


@pytest.fixture
def pods(rental) -> RentedPods:
    return rented_pods(at_runpod(rental))


def test_a_pod_is_rented_once_and_found_again_by_its_name(rental, pods):
    pod = pods.start(IMAGE, name="run-1-0")
    assert pods.start(IMAGE, name="run-1-0") == pod
    assert rental.rented == 1
    assert pod.address == {"url": "https://pod1-10006.proxy.runpod.net"}
    assert Pod.from_json(json.loads(json.dumps(pod.to_json()))) == pod
    assert rental.pods["pod1"]["env"] == {}


def test_without_an_image_for_control_pods_nothing_is_rented(rental):
    with pytest.raises(LookupError, match="GAUNTLET_DOCKER_GATE"):
        rented_pods(at_runpod(rental), control=CONTROL.partition("@")[2])


def test_a_rented_pod_says_that_it_is_not_walled_off(pods):
    assert any("NOT walled off" in line for line in pods.start(IMAGE, name="run-1-0").isolation)


def test_pictures_come_from_this_site_by_their_hash(pods):
    pod = pods.start(IMAGE, name="run-1-0")
    assert pods.offer(pod, pictures={"chair": Path("x.png")}) == {
        "chair": f"https://site.example.org/files/{'f' * 64}.png"
    }


@pytest.mark.parametrize(
    ("row", "expected"),
    [
        ({"desiredStatus": "EXITED", "lastExit": {"exitCode": 1}}, ("miner", "crashed")),
        ({"desiredStatus": "EXITED", "lastExit": {"exitCode": 137}}, ("unclear", "ended")),
        ({"desiredStatus": "EXITED"}, ("unclear", "ended")),
        ({"desiredStatus": "TERMINATED"}, ("unclear", "vanished")),
    ],
)
def test_whose_doing_the_end_of_a_rented_pod_is(rental, pods, row, expected):
    pod = pods.start(IMAGE, name="run-1-0")
    assert pods.fault(pod) is None
    rental.pods["pod1"] |= row
    fault = pods.fault(pod)
    assert (fault.failure_class, fault.code) == expected


def test_whether_a_rented_pod_was_taken_away_or_ended_itself_a_control_pod_shows(rental, pods):
    pod = pods.start(IMAGE, name="run-1-0")
    rental.pods.clear()
    assert (pods.fault(pod).failure_class, pods.fault(pod).code) == ("unclear", "vanished")


@pytest.mark.parametrize("answer", [500, 502, 429, 403, 418, 301])
def test_a_provider_that_does_not_say_how_a_pod_is_says_nothing(rental, pods, answer):
    pod = pods.start(IMAGE, name="run-1-0")
    rental.ill = [answer]
    with pytest.raises(PodFault) as caught:
        pods.fault(pod)
    assert (caught.value.failure_class, caught.value.code) == ("infrastructure", "provider_unknown")


def test_a_status_nobody_has_seen_yet_is_unknown(rental, pods):
    pod = pods.start(IMAGE, name="run-1-0")
    rental.pods["pod1"]["desiredStatus"] = "MIGRATING"
    with pytest.raises(PodFault) as caught:
        pods.fault(pod)
    assert caught.value.code == "provider_unknown"


@pytest.mark.parametrize("status", [400, 500])
def test_no_gpu_to_rent_is_ours_and_has_a_code_of_its_own(rental, pods, status):
    rental.full, rental.full_status = True, status
    with pytest.raises(PodFault) as caught:
        pods.start(IMAGE, name="run-1-0")
    assert (caught.value.failure_class, caught.value.code) == ("infrastructure", "no_capacity")
    assert not rental.pods


def test_the_card_and_its_price_are_kept_as_runpod_names_them(pods):
    pod = pods.start(IMAGE, name="run-1-0")
    assert pod.place == {"cloud": "runpod", "id": "pod1"}
    assert (pod.card, pod.usd_per_hour) == ("NVIDIA H100 80GB HBM3 at runpod", 3.59)


def test_a_pod_that_was_rented_before_places_named_their_cloud_is_still_reached(rental, pods):
    pod = replace(pods.start(IMAGE, name="run-1-0"), place={"id": "pod1"})
    assert pods.alive(pod)
    pods.stop(pod)
    assert not rental.pods


def test_the_key_is_in_no_message(rental):
    secret = "rpa_canary_canary_canary"
    wrong = at_runpod(rental, key=secret)
    with pytest.raises(PodFault) as caught:
        rented_pods(wrong).start(IMAGE, name="run-1-0")
    assert secret not in f"{caught.value!r} {caught.value.__cause__!r} {wrong.account!r}"


def test_doubles_that_two_workers_made_and_pods_that_no_row_knows_are_swept(rental, pods):
    pods.start(IMAGE, name="run-1-0")
    rental.pods["pod9"] = {**rental.pods["pod1"], "id": "pod9"}
    rental.pods["other"] = {"id": "other", "name": "somebody-elses", "desiredStatus": "RUNNING"}
    rental.pods["old"] = {"id": "old", "name": "gauntlet-run-7-0", "desiredStatus": "RUNNING"}
    assert sorted(pods.sweep(lambda: {"run-1-0"})) == ["run-1-0", "run-7-0"]
    assert sorted(rental.pods) == ["other", "pod1"]


def test_what_is_stopped_may_be_stopped_again(rental, pods):
    pod = pods.start(IMAGE, name="run-1-0")
    pods.stop(pod)
    pods.stop(pod)
    assert not rental.pods


def test_a_service_behind_a_proxy_is_asked_like_any_other_and_its_drip_is_ended():
    class Service(BaseHTTPRequestHandler):
        def do_GET(self):
            if self.path == "/drip":
                self.send_response(200)
                self.send_header("Content-Length", "1000")
                self.end_headers()
                for _ in range(40):
                    self.wfile.write(b"x")
                    self.wfile.flush()
                    if stop.wait(0.1):
                        return
            body = (
                b"{}" if self.path == "/health" else b'{"status": "ready", "progress": 0, "total": 0, "payload": null}'
            )
            self.send_response(200)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_):
            pass

    stop = threading.Event()
    server = ThreadingHTTPServer(("127.0.0.1", 0), Service)
    threading.Thread(target=server.serve_forever, args=(0.05,), daemon=True).start()
    address = {"url": f"http://127.0.0.1:{server.server_port}"}
    try:
        pod = Pod(provider="runpod", name="x", address=address)
        assert batch.poll(pod, replacements_remaining=3).state == "ready"
        with pytest.raises(link.Silent):
            link.ask(address, "/drip", patience_s=0.5)
    finally:
        stop.set()
        server.shutdown()
        server.server_close()
