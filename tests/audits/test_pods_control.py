"""A service that kills itself, at every provider: a control pod of ours tells that from an outage of ours."""

import json
import threading
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from http.server import ThreadingHTTPServer
from pathlib import Path

import pytest

from audits.pods import control_pod
from audits.pods.base import Image, Pod, PodFault
from audits.pods.control_pod import ControlPod
from audits.pods.control_service import Service
from audits.pods.docker import DockerPods, Host
from audits.pods.local import LocalPods
from audits.pods.rented import Offer
from audits.pods.runpod import RunPod, RunPodAccount
from tests.audits import engine_server
from tests.audits.engine_server import GATE, Engine
from tests.audits.miners import repository
from tests.audits.pod_rig import Play, until
from tests.audits.rental_server import KEY, Rental
from tests.audits.renting import rented_pods

NOW = datetime(2026, 1, 1, tzinfo=UTC)
WAYS_TO_DIE = ("suicide", "murdered", "group_suicide", "everybody", "exit_137", "exit_125", "eater", "quitter")


@pytest.fixture
def pictures(tmp_path) -> dict[str, Path]:
    made = {stem: tmp_path / f"{stem}.png" for stem in ("apple", "chair")}
    for stem, path in made.items():
        path.write_bytes(f"picture of {stem}".encode())
    return made


@pytest.fixture
def served() -> Iterator[int]:
    """The control service on a port of this machine, as a host would publish it."""

    class Fresh(Service):
        pass

    with ThreadingHTTPServer(("127.0.0.1", 0), Fresh) as server:
        threading.Thread(target=server.serve_forever, args=(0.05,), daemon=True).start()
        yield server.server_port
        server.shutdown()


def passes(provider, pictures: dict[str, Path], *, within_s: float = 60) -> bool:
    at_work = control_pod.begin(provider, name="run-1-control", now=NOW)

    def one_look() -> bool:
        nonlocal at_work
        kept = ControlPod.from_json(json.loads(json.dumps(at_work.to_json())))
        at_work = control_pod.look(provider, kept, pictures=pictures, within_s=within_s, now=NOW)
        return at_work is None

    return bool(until(one_look))


@pytest.mark.parametrize("way", WAYS_TO_DIE)
def test_a_service_that_ends_itself_in_whatever_way_fails_by_the_miners_doing(provider, repos, pictures, tmp_path, way):
    audit = Play(provider, repository(repos, way), pictures=pictures, into=tmp_path)
    end = audit.to_the_end()
    assert (end.kind, end.failure.failure_class) == ("fail", "miner"), end
    assert audit.progress.replacements == 3 and audit.progress.our_faults == 0


def test_where_nothing_of_ours_runs_either_the_outage_is_ours(provider, repos, pictures, tmp_path, monkeypatch):
    def outage(*, name: str, beside: Pod | None):
        raise PodFault("infrastructure", "not_started", "This machine could not start the pod.")

    monkeypatch.setattr(provider, "start_control", outage)
    audit = Play(provider, repository(repos, "suicide"), pictures=pictures, into=tmp_path)
    end = audit.to_the_end()
    assert (end.kind, end.failure.failure_class) == ("fail", "infrastructure")
    assert audit.progress.replacements == 0


def test_the_control_pod_goes_the_whole_way_on_this_machine(provider, repos, pictures):
    assert passes(provider, pictures)
    assert provider.start_control(name="run-1-control").isolation


def test_a_control_pod_without_the_pictures_has_failed(provider, repos, pictures):
    pictures["chair"].unlink()
    with pytest.raises(PodFault) as failed:
        passes(provider, pictures)
    assert failed.value.failure_class == "infrastructure"


def test_a_control_pod_that_takes_too_long_has_failed(provider, pictures):
    at_work = control_pod.begin(provider, name="run-1-control", now=NOW)
    with pytest.raises(PodFault) as failed:
        control_pod.look(provider, at_work, pictures=pictures, within_s=10, now=NOW + timedelta(seconds=11))
    assert failed.value.code == "control_failed"


def host(engine: Engine) -> DockerPods:
    return DockerPods(Host(url=engine.url, gate=GATE), built=lambda image: GATE)


def test_on_a_host_of_ours_the_control_pod_is_this_platforms_image_in_the_walls_of_a_pod(monkeypatch, pictures, served):
    monkeypatch.setattr(engine_server, "PUBLISHED", str(served))
    with Engine() as engine:
        pods = host(engine)
        monkeypatch.setattr(pods, "offer", lambda pod, *, pictures: offered_by_file(pictures))
        assert passes(pods, pictures)
        made = engine.containers["run-1-control"]
        assert made["Config"]["Image"] == GATE
        assert made["HostConfig"]["CapDrop"] == ["ALL"] and made["HostConfig"]["NetworkMode"] == "run-1-control-net"


def offered_by_file(pictures: dict[str, Path]) -> dict[str, str]:
    return {stem: path.as_uri() for stem, path in pictures.items()}


def test_a_rented_control_pod_is_this_platforms_image_started_as_the_control_service(monkeypatch, pictures, served):
    with Rental() as rental:
        proxy = f"http://127.0.0.1:{served}/?{{id}}{{port}}"
        account = RunPodAccount(key=KEY, gpus=(Offer(gpu="H100"),), proxy=proxy, base=rental.url)
        pods = rented_pods(RunPod(account), control=GATE)
        monkeypatch.setattr(pods, "offer", lambda pod, *, pictures: offered_by_file(pictures))
        assert passes(pods, pictures)
        (row,) = rental.pods.values()
        assert row["image"] == GATE and row["name"] == "gauntlet-run-1-control"


def test_a_pod_is_ours_by_its_name_and_code_and_a_control_pod_is_none_of_the_miners(provider: LocalPods, repos):
    image = repository(repos, "honest")
    pod = provider.start(image, name="pod")
    assert provider.start_control(name="pod").place != pod.place
    assert provider.start(Image(repo=image.repo, commit=image.commit), name="pod").place["pid"] != pod.place["pid"]
