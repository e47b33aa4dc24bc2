"""Pods by a Docker Engine, against a stand-in of its API: what is asked of it, and what its answers may mean."""

import base64
import contextlib
import json
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from audits.decisions import lifecycle
from audits.decisions.lifecycle import BatchLimits, Event, PodFailure, PodProgress
from audits.pods.base import Image, PodFault
from audits.pods.builders.base import ABSENT, BUILT, FAILED, UNKNOWN
from audits.pods.builders.engine import EngineBuilder, blame, tag_of
from audits.pods.builders.registry import PushingBuilder
from audits.pods.docker import DockerPods, Host, unframed
from audits.source import archive
from tests.audits.engine_server import GATE, Engine

IMAGE = Image(repo="miner/solution", commit="c" * 40)
DIGEST = "sha256:" + "b" * 64
ARCHIVE = "a" * 64
NOW = datetime(2026, 1, 1, tzinfo=UTC)


@pytest.fixture
def engine() -> Iterator[Engine]:
    with Engine() as made:
        made.images[DIGEST] = {"Id": DIGEST, "Config": {"Labels": {}}}
        yield made


@pytest.fixture
def pods(engine) -> DockerPods:
    return DockerPods(Host(url=engine.url, gate=GATE, egress="out"), built=lambda image: DIGEST)


@pytest.fixture
def picture(tmp_path) -> Path:
    path = tmp_path / "x.png"
    path.write_bytes(b"a picture")
    return path


def test_a_pod_is_the_image_by_digest_with_limits_and_nothing_of_ours(engine, pods):
    pod = pods.start(IMAGE, name="run-1-0")
    made = engine.containers["run-1-0"]
    assert made["Config"]["Image"] == DIGEST
    assert made["Config"]["Hostname"] == "pod"
    limits = made["HostConfig"]
    assert limits["CapDrop"] == ["ALL"]
    assert limits["ReadonlyRootfs"]
    assert limits["Memory"] == limits["MemorySwap"] > 0
    assert limits["PidsLimit"] > 0
    assert "Env" not in made["Config"]
    assert (pod.address["host"], pod.address["port"]) == ("127.0.0.1", 40123)
    assert pods.fault(pod) is None


def test_starting_twice_is_starting_once(engine, pods):
    first = pods.start(IMAGE, name="run-1-0")
    assert pods.start(IMAGE, name="run-1-0") == first
    assert sorted(engine.containers) == ["run-1-0", "run-1-0-gate"]


def test_a_service_that_is_there_is_looked_at_once_to_be_started_again(engine, pods):
    pods.start(IMAGE, name="run-1-0")
    engine.asked.clear()
    pods.start(IMAGE, name="run-1-0")
    assert engine.asked.count("GET /v1.43/containers/run-1-0/json") == 1
    engine.containers["run-1-0"]["Mounts"] = [{"Type": "volume", "Destination": "/data"}]
    with pytest.raises(PodFault, match="declares a volume"):
        pods.start(IMAGE, name="run-1-0")
    assert "run-1-0" not in engine.containers


@pytest.mark.parametrize("killed_after", range(1, 9))
def test_a_worker_killed_at_any_step_of_the_start_leaves_a_pod_that_the_next_one_finishes(engine, pods, killed_after):
    real, calls = pods.engine.raw, 0

    def dies(*given, **more):
        nonlocal calls
        calls += 1
        if calls > killed_after:
            raise KeyboardInterrupt
        return real(*given, **more)

    pods.engine.raw = dies
    with contextlib.suppress(KeyboardInterrupt):
        pods.start(IMAGE, name="run-1-0")
    pods.engine.raw = real
    pod = pods.start(IMAGE, name="run-1-0")
    assert pods.fault(pod) is None
    assert sorted(engine.containers) == ["run-1-0", "run-1-0-gate"]


def test_another_image_under_the_name_is_replaced(engine, pods):
    pods.start(IMAGE, name="run-1-0")
    engine.images["sha256:" + "d" * 64] = engine.images[DIGEST]
    pods.built = lambda image: "sha256:" + "d" * 64
    pods.start(IMAGE, name="run-1-0")
    assert engine.containers["run-1-0"]["Config"]["Image"] == "sha256:" + "d" * 64


def test_before_the_first_prompt_every_way_out_is_closed_and_the_engine_confirms_it(engine, pods, picture):
    pod = pods.start(IMAGE, name="run-1-0")
    networks = engine.containers["run-1-0"]["NetworkSettings"]["Networks"]
    assert set(networks) == {"run-1-0-net", "out"}
    urls = pods.offer(pod, pictures={"chair": picture})
    assert set(networks) == {"run-1-0-net"}
    assert engine.networks["run-1-0-net"]["Internal"] is True
    assert urls == {"chair": "http://gate:10007/chair.png"}
    assert engine.files["run-1-0-gate"] == {"chair.png": b"a picture"}


def test_a_pod_that_can_still_reach_out_is_shown_nothing(engine, pods, picture):
    pod = pods.start(IMAGE, name="run-1-0")
    engine.stubborn = True
    with pytest.raises(PodFault) as caught:
        pods.offer(pod, pictures={"chair": picture})
    assert (caught.value.failure_class, caught.value.code) == ("infrastructure", "egress_open")
    assert not engine.files


@pytest.mark.parametrize(
    ("state", "expected"),
    [
        ({"ExitCode": 1}, ("miner", "crashed")),
        ({"ExitCode": 0}, ("miner", "crashed")),
        ({"ExitCode": 139}, ("miner", "crashed")),
        ({"ExitCode": 137, "OOMKilled": True}, ("miner", "out_of_memory")),
        ({"ExitCode": 137}, ("unclear", "ended")),
        ({"ExitCode": 125}, ("unclear", "ended")),
        ({"ExitCode": 143}, ("unclear", "ended")),
        ({"ExitCode": 128, "Error": "could not select device driver"}, ("unclear", "ended")),
        ({"ExitCode": 1, "Status": "dead"}, ("unclear", "ended")),
    ],
)
def test_whose_doing_the_end_of_a_pod_is(engine, pods, state, expected):
    pod = pods.start(IMAGE, name="run-1-0")
    engine.ends("run-1-0", **state)
    fault = pods.fault(pod)
    assert (fault.failure_class, fault.code) == expected


def test_a_pod_or_a_gate_that_is_gone_is_ours(engine, pods):
    pod = pods.start(IMAGE, name="run-1-0")
    engine.ends("run-1-0-gate", ExitCode=1)
    assert (pods.fault(pod).failure_class, pods.fault(pod).code) == ("infrastructure", "gate_lost")
    engine.containers.clear()
    assert (pods.fault(pod).failure_class, pods.fault(pod).code) == ("infrastructure", "vanished")


@pytest.mark.parametrize("answer", [500, 502, 503, 429, 401, 302])
def test_an_engine_that_does_not_say_how_a_pod_is_says_nothing(engine, pods, answer):
    pod = pods.start(IMAGE, name="run-1-0")
    engine.ill = [answer]
    with pytest.raises(PodFault) as caught:
        pods.fault(pod)
    assert (caught.value.failure_class, caught.value.code) == ("infrastructure", "provider_unknown")


def test_an_engine_that_is_away_is_ours(pods, engine):
    pod = pods.start(IMAGE, name="run-1-0")
    away = DockerPods(Host(url="http://127.0.0.1:9", gate=GATE), built=lambda image: DIGEST)
    for ask in (lambda: away.fault(pod), lambda: away.start(IMAGE, name="run-2-0"), lambda: away.sweep(set)):
        with pytest.raises(PodFault) as caught:
            ask()
        assert caught.value.failure_class == "infrastructure"


def test_an_image_that_is_not_on_the_host_is_ours(engine, pods):
    del engine.images[DIGEST]
    with pytest.raises(PodFault) as caught:
        pods.start(IMAGE, name="run-1-0")
    assert (caught.value.failure_class, caught.value.code) == ("infrastructure", "not_started")


def test_what_is_stopped_leaves_nothing_and_may_be_stopped_again(engine, pods):
    pod = pods.start(IMAGE, name="run-1-0")
    pods.stop(pod)
    pods.stop(pod)
    assert not engine.containers
    assert "run-1-0-net" not in engine.networks


def test_pods_that_no_row_knows_are_ended_and_others_are_not(engine, pods):
    for name in ("run-1-0", "run-2-0"):
        pods.start(IMAGE, name=name)
    engine.containers["somebody-elses"] = {"Config": {"Labels": {}}}
    assert pods.sweep(lambda: {"run-1-0"}) == ["run-2-0"]
    assert sorted(engine.containers) == ["run-1-0", "run-1-0-gate", "somebody-elses"]


def test_the_log_is_what_the_service_printed(pods):
    assert pods.log(pods.start(IMAGE, name="run-1-0")) == b"loading weights\n"


@pytest.mark.parametrize(
    "framed", [b"", b"plain words", b"\1\0\0\0\0\0\0\xffshort", b"\2\0\0\0\0\0\0\2ab\1\0\0\0\0\0\0\1c"]
)
def test_a_log_in_whatever_frames_is_bytes(framed):
    assert isinstance(unframed(framed), bytes)


@pytest.mark.parametrize("reference", ["python:3.11", "sha256:short", "x@sha256:" + "g" * 64, "", "-v /:/x"])
def test_only_an_image_by_digest_is_run(engine, reference):
    pods = DockerPods(Host(url=engine.url, gate=GATE), built=lambda image: reference)
    with pytest.raises(ValueError, match="digest"):
        pods.start(IMAGE, name="run-1-0")
    assert not engine.containers


def context(tmp_path, **files):
    path = tmp_path / "context.tar"
    made = files or {"docker/Dockerfile": b"FROM scratch\n", "serve.py": b"x"}
    path.write_bytes(archive.pack(archive.File(path=name, content=text) for name, text in made.items()))
    return path


def test_an_image_is_built_from_the_very_archive_and_known_by_its_hash(engine, tmp_path):
    builder = EngineBuilder(engine.url)
    assert builder.status(IMAGE, archive=ARCHIVE).state == ABSENT
    built = builder.build(IMAGE, archive=ARCHIVE, context=context(tmp_path))
    assert (built.state, built.digest, built.log) == (BUILT, DIGEST, "done\n")
    assert engine.contexts == [{"docker/Dockerfile": b"FROM scratch\n", "serve.py": b"x"}]
    assert builder.status(IMAGE, archive=ARCHIVE).state == BUILT


def test_an_image_of_another_archive_is_not_ours_and_is_built_anew(engine):
    engine.images[tag_of(ARCHIVE)] = {"Id": DIGEST, "Config": {"Labels": {"gauntlet.archive": "e" * 64}}}
    assert EngineBuilder(engine.url).status(IMAGE, archive=ARCHIVE).state == ABSENT


@pytest.mark.parametrize("answer", [500, 503, 429, 401, 400])
def test_a_failed_poll_is_unknown_and_never_not_found(engine, answer):
    engine.ill = [answer]
    status = EngineBuilder(engine.url).status(IMAGE, archive=ARCHIVE)
    assert (status.state, status.fault.failure_class) == (UNKNOWN, "infrastructure")


def test_a_build_whose_connection_breaks_is_unknown(engine, tmp_path):
    engine.ill = [502]
    status = EngineBuilder(engine.url).build(IMAGE, archive=ARCHIVE, context=context(tmp_path))
    assert (status.state, status.fault.failure_class) == (UNKNOWN, "infrastructure")
    away = EngineBuilder("http://127.0.0.1:9").build(IMAGE, archive=ARCHIVE, context=context(tmp_path))
    assert away.state == UNKNOWN


def test_a_recipe_that_fails_is_the_miners_and_its_log_is_kept(engine, tmp_path):
    engine.built = lambda files: [
        {"stream": "Step 3/9 : RUN make\n"},
        {"error": "The command '/bin/sh -c make' returned a non-zero code: 2"},
    ]
    status = EngineBuilder(engine.url).build(IMAGE, archive=ARCHIVE, context=context(tmp_path))
    assert (status.state, status.fault.failure_class, status.fault.code) == (FAILED, "miner", "build_failed")
    assert "RUN make" in status.log


@pytest.mark.parametrize(
    ("error", "whose"),
    [
        ("The command '/bin/sh -c make' returned a non-zero code: 2", "miner"),
        ("dockerfile parse error line 3: unknown instruction: RUM", "miner"),
        ("COPY failed: file not found in build context", "miner"),
        ("manifest for python:9.9 not found: manifest unknown", "miner"),
        ("write /var/lib/docker/tmp: no space left on device", "infrastructure"),
        ("toomanyrequests: You have reached your pull rate limit", "infrastructure"),
        ("Get https://registry-1.docker.io/v2/: net/http: TLS handshake timeout", "infrastructure"),
        ("dial tcp: lookup pypi.org: Temporary failure in name resolution", "infrastructure"),
    ],
)
def test_whose_doing_a_failed_build_is(error, whose):
    assert blame(error, "").failure_class == whose


def blind(seconds: int) -> Event:
    fault = PodFailure(failure_class="infrastructure", code="provider_unknown", sentence="We do not know.")
    return Event(kind="blind", at=NOW + timedelta(seconds=seconds), failure=fault)


def test_while_its_provider_does_not_answer_no_clock_of_the_miner_runs():
    limits = BatchLimits(generation_s=100, silence_s=30)
    progress = PodProgress(phase="generating", pods=1, submitted=True, looked_at=NOW)
    for seconds in range(5, 1500, 5):
        progress = lifecycle.after(progress, blind(seconds), limits=limits)
    assert (progress.phase, progress.attempt_s, progress.silent_s) == ("generating", 0, 0)


def test_a_provider_that_stays_away_costs_the_pod_by_our_fault_and_no_replacement():
    limits = BatchLimits()
    progress = PodProgress(phase="generating", pods=1, submitted=True, looked_at=NOW)
    for seconds in range(30, 4000, 30):
        progress = lifecycle.after(progress, blind(seconds), limits=limits)
    assert (progress.phase, progress.failure.failure_class, progress.replacements) == ("lost", "infrastructure", 0)


def pushing(engine: Engine) -> PushingBuilder:
    return PushingBuilder(EngineBuilder(engine.url), repository="registry.example.org/solutions", key="us:secret-word")


PUSHED = "registry.example.org/solutions@sha256:" + "e" * 64


def test_a_pushed_image_is_known_by_the_digest_of_its_registry(engine, tmp_path):
    built = pushing(engine).build(IMAGE, archive=ARCHIVE, context=context(tmp_path))
    assert (built.state, built.digest) == (BUILT, PUSHED)
    assert pushing(engine).status(IMAGE, archive=ARCHIVE).digest == PUSHED
    pushing(engine).build(IMAGE, archive=ARCHIVE, context=context(tmp_path))
    assert len(engine.contexts) == 1


def test_the_registrys_key_goes_with_the_push_and_is_not_there_when_the_recipe_runs(engine, tmp_path):
    seen = []
    engine.built = lambda files: [{"stream": seen.append(engine.key) or "done"}]
    built = pushing(engine).build(IMAGE, archive=ARCHIVE, context=context(tmp_path))
    assert seen == [""]
    assert [json.loads(base64.urlsafe_b64decode(key))["password"] for key in engine.keys] == ["secret-word"]
    assert "secret-word" not in f"{built!r}"


def test_an_image_that_was_built_and_not_pushed_is_not_there_yet(engine, tmp_path):
    engine.push_fails = True
    first = pushing(engine).build(IMAGE, archive=ARCHIVE, context=context(tmp_path))
    assert (first.state, first.fault.failure_class) == (UNKNOWN, "infrastructure")
    assert pushing(engine).status(IMAGE, archive=ARCHIVE).state == ABSENT
    engine.push_fails = False
    assert pushing(engine).build(IMAGE, archive=ARCHIVE, context=context(tmp_path)).digest == PUSHED
    assert len(engine.contexts) == 1
