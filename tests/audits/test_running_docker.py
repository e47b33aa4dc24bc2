"""A whole pod run by an engine: image built, pod started, walled, asked, collected, ended; and killed at every step.

Real database, real state machine, real HTTP to the service; the engine is a stand-in.
"""

import hashlib
import io
import json
import threading
import time
import zipfile
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from functools import partial
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest
from django.utils import timezone

from audits import steps as audit_steps
from audits.models import Build, PodRun, SourceCopy
from audits.pods import builds, logs, rest, runs
from audits.pods.builders import control_recipe
from audits.pods.builders.engine import LARGEST_IMAGE, EngineBuilder
from audits.source import archive
from audits.source.origins.folders import Folders
from competition import prompts, steps
from competition.models import Asset, Competition, LedgerEvent, Miner, Prompt, Round, RoundPrompt, Submission
from core import store
from core.machine import engine as machine
from core.queue.advisory_lock import hold_lock
from tests.audits import engine_server
from tests.audits.engine_server import GATE, Engine
from tests.dashboard.made_round import RULES

pytestmark = pytest.mark.django_db

NOW = datetime(2026, 1, 1, tzinfo=UTC)
STEMS = ("chair", "lamp", "boat")


class Service:
    """A miner's service: one batch, complete at the second question."""

    def __init__(self) -> None:
        self.batch: list[str] = []
        self.asked = 0
        self.generated = 0
        service = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                service.answer(self, b"")

            def do_POST(self) -> None:
                service.answer(self, self.rfile.read(int(self.headers["Content-Length"])))

            def log_message(self, *_: object) -> None:
                pass

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.port = self.server.server_port

    def answer(self, to: BaseHTTPRequestHandler, body: bytes) -> None:
        said = self.said(to.path, body)
        to.send_response(200)
        to.send_header("Content-Length", str(len(said)))
        to.end_headers()
        to.wfile.write(said)

    def said(self, path: str, body: bytes) -> bytes:
        if path == "/generate":
            stems = [prompt["stem"] for prompt in json.loads(body)["prompts"]]
            if stems != self.batch:
                self.batch, self.asked, self.generated = stems, 0, self.generated + 1
            return json.dumps({"accepted": len(stems)}).encode()
        if path == "/results":
            buffer = io.BytesIO()
            with zipfile.ZipFile(buffer, "w") as opened:
                for stem in self.batch[:-1]:
                    opened.writestr(f"{stem}.glb", f"glb of {stem}")
                opened.writestr("_failed.json", json.dumps({self.batch[-1]: "no idea"}))
            return buffer.getvalue()
        self.asked += 1
        state = "ready" if not self.batch else "complete" if self.asked > 1 else "generating"
        return json.dumps({"status": state, "progress": 0, "total": len(self.batch), "payload": None}).encode()


@pytest.fixture
def service() -> Iterator[Service]:
    made = Service()
    threading.Thread(target=made.server.serve_forever, args=(0.05,), daemon=True).start()
    yield made
    made.server.shutdown()
    made.server.server_close()


@pytest.fixture
def host(settings, tmp_path, service, monkeypatch) -> Iterator[Engine]:
    settings.STORE_DIR = tmp_path / "store"
    with Engine() as made:
        settings.DOCKER_URL, settings.DOCKER_GATE, settings.DOCKER_EGRESS = made.url, GATE, "out"
        monkeypatch.setattr(engine_server, "PUBLISHED", str(service.port))
        runs.provider_named.cache_clear()
        yield made
    runs.provider_named.cache_clear()


@pytest.fixture
def run(host) -> PodRun:
    return audit_run(pods="docker")


def audit_run(*, pods: str) -> PodRun:
    """The run of a finalist's audit, whose code is copied and not built yet."""
    competition = Competition.objects.create(
        slug="pods", name="Pods", chain="simulated:pods", pods=pods, created_at=NOW, config={"poll_s": 0}
    )
    round_ = Round.objects.create(
        competition=competition,
        number=1,
        ruleset="margin-1",
        rules=RULES,
        earliest_reveal_block=1,
        seed="5eed" * 16,
        latest_reveal_block=9,
        seed_block=10,
        generation_deadline_block=20,
        state="finalizing",
        since=NOW,
    )
    entry = Submission.objects.create(
        round=round_,
        miner=Miner.objects.create(hotkey="5miner"),
        repo="a/b",
        commit="c" * 40,
        role="challenger",
        extrinsic_index=0,
        reveal_block=5,
        cdn_url="https://files.example.org/x",
    )
    for place, stem in enumerate(STEMS):
        sha256 = store.default().put(f"picture of {stem}".encode())
        prompt = Prompt.objects.create(competition=competition, stem=stem, sha256=sha256, bytes=9)
        RoundPrompt.objects.create(round=round_, prompt=prompt, position=place)
    code = archive.pack([archive.File(path="docker/Dockerfile", content=b"FROM scratch\n")])
    SourceCopy.objects.create(
        repo="a/b", commit="c" * 40, origin="test", archive=store.default().put(code), files=1, size=13, fetched_at=NOW
    )
    prompts.expect_generated(entry, (drawn.prompt for drawn in round_.drawn.select_related("prompt")), now=NOW)
    return runs.want(entry, purpose=PodRun.Purpose.AUDIT, now=NOW)


def play(run: PodRun, *, looks: int = 60) -> PodRun:
    """Look at whatever is due, as two workers would, until the run is settled."""
    for _ in range(looks):
        step(run)
        if run.settled:
            return run
    raise AssertionError(f"no end: {run.state}, {run.waiting_for}, {run.failure_reason}")


def step(run: PodRun) -> None:
    for model in (Build, PodRun):
        rows = model.objects.filter(state__in=model.graph.active())
        rows.update(due_at=timezone.now() - timedelta(seconds=1), lease=None, leased_until=None)
        for row in rows:
            machine.advance(model._meta.label, row.pk, now=timezone.now())
    run.refresh_from_db()


def outcome(run: PodRun) -> tuple[str, dict[str, str]]:
    assets = Asset.objects.filter(submission=run.submission, origin="generated").select_related("prompt")
    return run.state, {asset.prompt.stem: asset.state for asset in assets}


def dripping() -> Iterator[dict[str, str]]:
    """Lines of a build that never ends."""
    while True:
        time.sleep(0.1)
        yield {"stream": "."}


WHOLE = ("done", {"chair": "stored", "lamp": "stored", "boat": "failed"})


def test_a_run_builds_starts_walls_asks_collects_and_ends(run, host, service):
    assert outcome(play(run)) == WHOLE
    build = Build.objects.get()
    assert (build.state, build.digest) == ("built", "sha256:" + "b" * 64)
    assert host.contexts == [{"docker/Dockerfile": b"FROM scratch\n"}]
    assert not host.containers
    assert run.log == "loading weights\n"
    assert any("no network but our gate" in line for line in run.isolation)
    assert len(run.progress["batch_s"]) == 1
    failed = Asset.objects.get(prompt__stem="boat")
    assert (failed.failure_class, failed.failure_code) == ("miner", "NOT_GENERATED")
    digest = hashlib.sha256(b"glb of chair").hexdigest()
    assert Asset.objects.get(prompt__stem="chair").sha256 == digest


def few_in_short(places):
    """Every second of them; `make test-long` has the others, too."""
    return [place if n % 2 == 0 else pytest.param(place, marks=pytest.mark.long) for n, place in enumerate(places)]


@pytest.mark.parametrize("at", few_in_short([1, 2, 4, 6, 9, 12, 15, 18, 21, 25, 29]))
def test_a_worker_killed_at_any_question_to_the_engine_changes_nothing(run, host, service, monkeypatch, at):
    real, asked = rest.Rest.raw, 0

    def killed(self, *given, **more):
        nonlocal asked
        asked += 1
        if asked == at:
            raise KeyboardInterrupt
        return real(self, *given, **more)

    monkeypatch.setattr(rest.Rest, "raw", killed)
    try:
        play(run)
    except KeyboardInterrupt:
        play(run)
    assert outcome(run) == WHOLE
    assert service.generated == 1
    assert not host.containers


@pytest.mark.parametrize("at", few_in_short(range(1, 9)))
def test_a_pod_killed_at_any_step_is_started_anew_and_nobody_is_blamed(run, host, monkeypatch, at):
    """Its containers are gone, whatever it was about to do: that is ours, costs no replacement, and ends as if nothing
    had happened."""
    monkeypatch.setattr("audits.decisions.lifecycle.BACKOFF_S", 0)
    monkeypatch.setattr("audits.decisions.lifecycle.POLL_S", 0)
    for number in range(100):
        if run.settled:
            break
        step(run)
        if number == at:
            host.containers.clear()
    assert outcome(run) == WHOLE
    assert run.failure_class == "" and run.progress["replacements"] == 0


@pytest.mark.parametrize("at", few_in_short(range(1, 30, 7)))
def test_an_engine_that_is_ill_for_a_moment_is_nobodys_fault(run, host, service, monkeypatch, at):
    real, asked = rest.Rest.raw, 0

    def ill(self, *given, **more):
        nonlocal asked
        asked += 1
        if at <= asked < at + 3:
            host.ill = [503]
        return real(self, *given, **more)

    monkeypatch.setattr(rest.Rest, "raw", ill)
    monkeypatch.setattr("audits.decisions.lifecycle.BACKOFF_S", 0)
    monkeypatch.setattr("audits.decisions.lifecycle.POLL_S", 0)
    assert outcome(play(run, looks=100)) == WHOLE
    assert PodRun.objects.count() == 1


def test_pods_without_a_run_are_ended_and_a_provider_that_is_away_holds_nothing_up(run, host, monkeypatch):
    monkeypatch.setattr(runs, "_SWEPT", {})
    pods = runs.provider_named("docker")
    host.images["sha256:" + "b" * 64] = {"Id": "sha256:" + "b" * 64, "Config": {"Labels": {}}}
    monkeypatch.setattr(pods, "built", lambda image: "sha256:" + "b" * 64)
    pods.start(runs.Image(repo="a/b", commit="c" * 40), name="run-999999-0")
    host.ill = [503]
    assert "run-999999-0" not in runs.sweep()
    assert "run-999999-0" not in runs.sweep()  # not asked again so soon
    assert host.containers
    runs._SWEPT.clear()
    assert "run-999999-0" in runs.sweep()
    assert not host.containers


def test_a_recipe_that_fails_ends_the_run_by_the_miners_doing(run, host):
    host.built = lambda files: [{"error": "The command '/bin/sh -c false' returned a non-zero code: 1"}]
    played = play(run)
    assert (played.state, played.failure_class, played.failure_code) == ("failed", "miner", "build_failed")
    assert set(outcome(played)[1].values()) == {"failed"}


def test_a_build_that_is_disturbed_is_built_again_and_then_pauses_the_round(run, host, monkeypatch):
    monkeypatch.setattr("audits.decisions.lifecycle.BACKOFF_S", 0)
    host.built = lambda files: [{"error": "no space left on device"}]
    played = play(run, looks=120)
    assert (played.state, played.failure_class) == ("failed", "infrastructure")
    assert Build.objects.get().disturbed == builds.MOST_DISTURBED
    run.submission.round.refresh_from_db()
    assert run.submission.round.state == "paused"
    assert run.submission.round.failure_reason.startswith(f"The code of {run.submission.key} cannot be run: ")


def recipe(files) -> bytes:
    return files["docker/Dockerfile"]


def test_a_recipe_that_only_says_that_the_network_is_away_stops_no_round(run, host, monkeypatch):
    """A recipe of ours is built from nothing meanwhile: so the builder is well, and the words are the recipe's."""
    monkeypatch.setattr("audits.decisions.lifecycle.BACKOFF_S", 0)
    lie = [{"stream": "Temporary failure in name resolution"}, {"error": "returned a non-zero code: 1"}]
    host.built = lambda files: [] if recipe(files) == control_recipe.TEXT.encode() else lie
    played = play(run, looks=120)
    assert (played.state, played.failure_class, played.failure_code) == ("failed", "miner", "build_disturbed_alone")
    assert [recipe(files) for files in host.contexts].count(control_recipe.TEXT.encode()) == 1
    run.submission.round.refresh_from_db()
    assert run.submission.round.state != "paused"


def test_a_recipe_that_fills_the_builders_disk_stops_no_round(run, host, monkeypatch):
    """The layers of its first commands stay when the last one fails; they are removed before a control is built."""
    monkeypatch.setattr("audits.decisions.lifecycle.BACKOFF_S", 0)

    def built(files):
        ours = recipe(files) == control_recipe.TEXT.encode()
        if ours and not host.leftovers:
            return []
        host.leftovers = True
        return [{"error": "no space left on device"}]

    host.built = built
    played = play(run, looks=120)
    assert (played.state, played.failure_class, played.failure_code) == ("failed", "miner", "build_disturbed_alone")
    assert not host.leftovers
    run.submission.round.refresh_from_db()
    assert run.submission.round.state != "paused"


@pytest.mark.parametrize("model", [PodRun, Build])
def test_what_cannot_be_run_for_a_reason_of_ours_pauses_its_round_and_goes_on_when_that_is_resumed(run, host, model):
    Build.objects.create(submission=run.submission, builder="engine", **Build.born(now=timezone.now()))
    row, failed = model.objects.get(), {"failure_class": "infrastructure", "failure_code": "STEP_FAILED"}
    model.objects.update(attempts=row.declared.tries - 1, failure_reason="A bug.", **failed)
    audit_steps.pause_what_is_out_of_tries(timezone.now())
    round_ = Round.objects.get()
    assert round_.state == "finalizing"
    model.objects.update(attempts=row.declared.tries)
    audit_steps.pause_what_is_out_of_tries(timezone.now())
    round_.refresh_from_db()
    assert (round_.state, round_.failure_code, round_.failure_class) == ("paused", "PODS", "infrastructure")
    assert round_.failure_reason.startswith(f"The code of {run.submission.key} cannot be run: A bug.")
    assert "A bug." in round_.failure_reason
    assert steps.resume(round_, why="mended", now=timezone.now())
    assert not model.objects.filter(model.out_of_tries())


def test_a_builder_that_stays_away_pauses_the_round(run, host, monkeypatch):
    monkeypatch.setattr(rest, "PATIENCE", rest.Patience.within(0.5, connect_s=0.2))
    host.ill = [503] * 500
    for _ in range(Build.graph.states["building"].tries + 1):
        step(run)
    audit_steps.pause_what_is_out_of_tries(timezone.now())
    round_ = Round.objects.get()
    assert (round_.state, round_.failure_code) == ("paused", "PODS")
    host.ill.clear()
    assert steps.resume(round_, why="the host is back", now=timezone.now())
    assert outcome(play(run)) == WHOLE


def test_an_image_larger_than_the_limit_is_the_miners_and_does_not_stay(run, host):
    host.size = LARGEST_IMAGE + 1
    played = play(run)
    assert (played.state, played.failure_class, played.failure_code) == ("failed", "miner", "image_too_large")
    assert not [name for name in host.images if name.startswith("gauntlet/solution")]


def test_one_image_is_built_at_a_time(run, host, settings):
    build = Build.objects.create(submission=run.submission, builder="engine", **Build.born(now=timezone.now()))
    with hold_lock(f"build images at {settings.DOCKER_URL}"):
        looked = builds.tend(build, timezone.now())
    assert (looked.failure.code, looked.counts, host.contexts) == ("BUILDER_BUSY", False, [])


def test_what_an_image_declares_as_a_volume_lies_in_memory(run, host, service):
    host.volumes = ["/data", "/models"]
    assert outcome(play(run)) == WHOLE
    mounts = [mount for body in host.created for mount in body["HostConfig"].get("Mounts", [])]
    assert {(mount["Type"], mount["Target"]) for mount in mounts} == {("tmpfs", "/data"), ("tmpfs", "/models")}


def test_a_service_that_has_a_volume_nevertheless_is_not_run(run, host, monkeypatch):
    monkeypatch.setattr(host, "_mounts", lambda told: [{"Type": "volume", "Destination": "/data"}])
    played = play(run)
    assert (played.state, played.failure_class, played.failure_code) == ("failed", "miner", "declares_a_volume")


def test_a_build_is_tried_once_more_when_the_outage_is_just_over(run, host, monkeypatch):
    monkeypatch.setattr("audits.decisions.lifecycle.BACKOFF_S", 0)
    asked = []

    def built(files):
        asked.append(recipe(files))
        return [] if len(asked) > builds.MOST_DISTURBED else [{"error": "no space left on device"}]

    host.built = built
    assert outcome(play(run, looks=120)) == WHOLE
    assert asked[-2:] == [control_recipe.TEXT.encode(), b"FROM scratch\n"]


def test_where_our_own_recipe_cannot_be_built_either_the_outage_is_believed_until_somebody_resumes(
    run, host, monkeypatch
):
    monkeypatch.setattr("audits.decisions.lifecycle.BACKOFF_S", 0)
    host.built = lambda files: [{"error": "no space left on device"}]
    played = play(run, looks=120)
    assert (played.state, played.failure_class) == ("failed", "infrastructure")
    assert "A recipe of ours failed" in played.failure_reason
    round_ = run.submission.round
    round_.refresh_from_db()
    assert round_.state == "paused"
    host.built = lambda files: []
    assert steps.resume(round_, why="the disk is larger now", now=timezone.now())
    run.submission.refresh_from_db()
    again = runs.want(run.submission, purpose=run.purpose, now=timezone.now())
    assert again.pk != run.pk and outcome(play(again, looks=120)) == WHOLE


@pytest.mark.parametrize("role", ["leader", "challenger"])
@pytest.mark.parametrize("way", ["endless", "silent"])
def test_a_build_without_an_end_is_the_recipes_doing_where_ours_is_built(run, host, monkeypatch, role, way):
    monkeypatch.setattr("audits.decisions.lifecycle.BACKOFF_S", 0)
    Submission.objects.filter(pk=run.submission_id).update(role=role)
    impatient = partial(EngineBuilder, patience_s=0.4)
    monkeypatch.setattr(builds, "EngineBuilder", impatient)

    def built(files):
        if recipe(files) == control_recipe.TEXT.encode():
            return []
        if way == "endless":
            return dripping()
        time.sleep(1)
        return [{"stream": "."}]

    host.built = built
    played = play(run, looks=60)
    assert (played.state, played.failure_class, played.failure_code) == ("failed", "miner", "build_too_long")
    run.submission.round.refresh_from_db()
    assert run.submission.round.state != "paused"


def test_code_that_its_host_no_longer_has_is_its_owners_to_mend(run, host, monkeypatch, tmp_path):
    """The leader may take its repository away: nobody waits for it."""
    monkeypatch.setattr("audits.decisions.lifecycle.BACKOFF_S", 0)
    monkeypatch.setattr("audits.source.source_audits.origin", lambda: Folders(tmp_path))
    SourceCopy.objects.all().delete()
    played = play(run, looks=30)
    assert (played.state, played.failure_class, played.failure_code) == ("failed", "miner", "code_not_found")


def test_a_log_is_written_when_it_says_something_new(run, host):
    host.printed = b"ready\n"
    for _ in range(60):
        step(run)
        if run.log:
            break
    said = logs.heard(run, runs.provider_named("docker"), runs.Pod.from_json(run.handle))
    assert logs.changed(run, said) == {} and logs.changed(run, "more") == {"log": "more"}


def test_the_log_is_kept_at_each_look_and_told_to_nobody_else(run, host):
    host.printed = b"\x1b[31mshouting\r\nready\x00\n"
    heard = []
    for _ in range(60):
        step(run)
        heard.append((run.state, run.log))
        if run.state == "generating":
            break
    spelled = "\\x1b[31mshouting\nready\\x00\n"
    assert ("generating", spelled) in heard
    assert run.log and logs.published(run) == ""
    host.printed = b""  # a provider without words unsays nothing
    assert (play(run).state, run.log, logs.published(run)) == ("done", spelled, spelled)
    told = str(list(LedgerEvent.objects.values_list("body", flat=True)))
    assert "pod" in str(list(LedgerEvent.objects.values_list("kind", flat=True))) and "shouting" not in told


def test_what_a_build_prints_is_kept_whatever_it_is_and_however_it_ends(run, host):
    host.built = lambda files: [{"stream": "\ud800\x1b[2J\x00"}, {"error": "non-zero code: 1"}]
    assert play(run).failure_class == "miner"
    build = Build.objects.get()
    assert (build.state, build.failure_class, build.failure_code) == ("failed", "miner", "BUILD_FAILED")
    assert build.log == "\\ud800\\x1b[2J\\x00non-zero code: 1"
