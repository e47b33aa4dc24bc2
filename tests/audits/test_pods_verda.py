"""Pods at Verda, against a stand-in of its interface: tokens, deployments, and the key of their proxy."""

import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest

from audits.pods import batch, link
from audits.pods.base import Pod, PodFault
from audits.pods.rented import RentedPods
from tests.audits.renting import DIGEST, IMAGE, at_verda, rented_pods
from tests.audits.verda_server import VerdaCloud


@pytest.fixture
def cloud() -> Iterator[VerdaCloud]:
    with VerdaCloud() as made:
        yield made


@pytest.fixture
def pods(cloud) -> RentedPods:
    return rented_pods(at_verda(cloud, H200=3.1))


def test_a_pod_is_one_deployment_with_exactly_one_replica(cloud, pods):
    pod = pods.start(IMAGE, name="run-1-0")
    (row,) = cloud.deployments.values()
    assert (row["name"], row["compute"], row["is_spot"]) == ("gauntlet-run-1-0", {"name": "H200", "size": 1}, False)
    assert (row["scaling"]["min_replica_count"], row["scaling"]["max_replica_count"]) == (1, 1)
    assert row["containers"][0]["image"] == DIGEST
    assert row["containers"][0]["exposed_port"] == 10006
    assert pod.address == {"url": f"{cloud.url}/proxy/gauntlet-run-1-0", "key": "verda"}
    assert pod.place == {"cloud": "verda", "id": "gauntlet-run-1-0"}
    assert (pod.card, pod.usd_per_hour) == ("H200 at verda", 3.1)


@pytest.mark.parametrize(
    "status", ["initializing", "image_pulling", "version_updating", "degraded", "unhealthy", "healthy"]
)
def test_a_deployment_that_does_not_answer_yet_has_not_ended(cloud, pods, status):
    pod = pods.start(IMAGE, name="run-1-0")
    cloud.states["gauntlet-run-1-0"] = status
    assert pods.fault(pod) is None


@pytest.mark.parametrize(
    ("status", "expected"),
    [("paused", ("unclear", "ended")), ("quota_reached", ("infrastructure", "no_capacity"))],
)
def test_whose_doing_the_end_of_a_deployment_is(cloud, pods, status, expected):
    pod = pods.start(IMAGE, name="run-1-0")
    cloud.states["gauntlet-run-1-0"] = status
    fault = pods.fault(pod)
    assert (fault.failure_class, fault.code) == expected


def test_a_status_nobody_has_seen_yet_is_unknown(cloud, pods):
    pod = pods.start(IMAGE, name="run-1-0")
    cloud.states["gauntlet-run-1-0"] = "migrating"
    with pytest.raises(PodFault) as caught:
        pods.fault(pod)
    assert caught.value.code == "provider_unknown"


def test_one_token_serves_all_requests_until_it_ends(cloud, pods):
    pod = pods.start(IMAGE, name="run-1-0")
    assert pods.alive(pod) and len(cloud.tokens) == 1
    cloud.lasts_s = 0
    other = rented_pods(at_verda(cloud))
    assert other.alive(pod) and other.alive(pod)
    assert len(cloud.tokens) == 3


def test_a_token_that_is_not_taken_any_more_is_changed_once_and_the_request_repeated(cloud, pods):
    pod = pods.start(IMAGE, name="run-1-0")
    cloud.tokens.append("revoked the others")
    assert pods.alive(pod)
    cloud.ill = [401, 401, 401]
    with pytest.raises(PodFault) as caught:
        pods.alive(pod)
    assert caught.value.code == "provider_unknown"


@pytest.mark.parametrize(
    "answer", [None, [], {"access_token": ""}, {"access_token": "a b"}, {"access_token": "a\nb: c"}]
)
def test_a_token_that_cannot_be_read_is_unknown(cloud, monkeypatch, answer):
    monkeypatch.setattr(cloud, "open", lambda method, path, body: (200, answer))
    with pytest.raises(PodFault) as caught:
        rented_pods(at_verda(cloud)).start(IMAGE, name="run-1-0")
    assert caught.value.code == "provider_unknown"


def test_a_deployment_without_an_address_is_unknown(cloud, pods):
    pods.start(IMAGE, name="run-1-0")
    cloud.deployments["gauntlet-run-1-0"]["endpoint_base_url"] = None
    with pytest.raises(PodFault) as caught:
        pods.start(IMAGE, name="run-1-0")
    assert caught.value.code == "provider_unknown"


def test_an_image_that_is_named_with_its_date_is_the_same_image(cloud, pods):
    pod = pods.start(IMAGE, name="run-1-0")
    image = {"name": DIGEST, "last_updated_at": "2026-11-30T00:00:00Z"}
    cloud.deployments["gauntlet-run-1-0"]["containers"][0]["image"] = image
    assert pods.start(IMAGE, name="run-1-0") == pod


def test_a_proxys_key_is_sent_with_every_question_and_stands_in_no_row(settings):
    seen: list[str] = []

    class Proxy(BaseHTTPRequestHandler):
        def do_GET(self):
            seen.append(self.headers.get("Authorization", ""))
            body = b'{"status": "ready", "progress": 0, "total": 0, "payload": null}'
            self.send_response(200)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_):
            pass

    settings.VERDA_INFERENCE_KEY = "dc_notARealKey"
    with ThreadingHTTPServer(("127.0.0.1", 0), Proxy) as server:
        threading.Thread(target=server.serve_forever, args=(0.05,), daemon=True).start()
        address = {"url": f"http://127.0.0.1:{server.server_port}/gauntlet-run-1-0", "key": "verda"}
        pod = Pod(provider="verda", name="run-1-0", address=address)
        assert batch.poll(pod, replacements_remaining=3).state == "ready"
        assert set(seen) == {"Bearer dc_notARealKey"}
        assert "dc_notARealKey" not in str(pod.to_json())
        seen.clear()
        link.ask({"url": address["url"]}, "/status")
        assert seen == [""]
        server.shutdown()
