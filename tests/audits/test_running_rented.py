"""A whole run on rented pods: the next cloud where the cheapest is full, doubles, and a worker killed at every step.

Real database, real state machine, real HTTP to the service; the clouds are stand-ins.
"""

import threading
from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import dataclass

import pytest

from audits.decisions.rentals import PodRental
from audits.models import PodRun
from audits.pods import builds, hosts, rest, runs
from competition.models import Submission
from competition.queries import entry_rows
from tests.audits.renting import CONTROL, DIGEST, PICTURES, at_targon, at_verda
from tests.audits.targon_server import TargonCloud
from tests.audits.test_running_docker import WHOLE, Service, audit_run, few_in_short, outcome, play, step
from tests.audits.verda_server import VerdaCloud

pytestmark = pytest.mark.django_db


@dataclass(frozen=True, kw_only=True)
class Clouds:
    targon: TargonCloud
    verda: VerdaCloud

    def machines(self) -> list[str]:
        return [*self.targon.workloads, *self.verda.deployments]


@pytest.fixture
def service() -> Iterator[Service]:
    made = Service()
    threading.Thread(target=made.server.serve_forever, args=(0.05,), daemon=True).start()
    yield made
    made.server.shutdown()
    made.server.server_close()


@pytest.fixture
def clouds(settings, tmp_path, service: Service, monkeypatch) -> Iterator[Clouds]:
    """Two clouds at which the service answers for every pod; Targon is the cheaper one."""
    settings.STORE_DIR = tmp_path / "store"
    settings.RENTED, settings.POD_PICTURES, settings.DOCKER_GATE = ["verda", "targon"], PICTURES, CONTROL
    settings.VERDA_INFERENCE_KEY = "dc_notARealKey"
    monkeypatch.setattr(builds, "ready", lambda run, provider, *, now: True)
    monkeypatch.setattr(builds, "outage", lambda run, provider: None)
    monkeypatch.setattr(builds, "digest_of", lambda image: DIGEST)
    with ExitStack() as stack:
        made = Clouds(targon=stack.enter_context(TargonCloud()), verda=stack.enter_context(VerdaCloud()))
        made.targon.reached_at = made.verda.reached_at = f"http://127.0.0.1:{service.port}"
        cheap, dear = at_targon(made.targon, h200_small=2.4), at_verda(made.verda, H200=3.1)
        monkeypatch.setattr(hosts, "CLOUDS", {"targon": lambda: cheap, "verda": lambda: dear})
        runs.provider_named.cache_clear()
        yield made
    runs.provider_named.cache_clear()


@pytest.fixture
def run(clouds) -> PodRun:
    return audit_run(pods="rented")


def swept(monkeypatch) -> list[str]:
    monkeypatch.setattr(runs, "_SWEPT", {})
    return runs.sweep()


def test_a_run_rents_the_cheapest_card_asks_collects_ends_and_keeps_its_price(run, clouds):
    assert outcome(play(run)) == WHOLE
    assert run.handle["place"] == {"cloud": "targon", "id": "wrk-1"}
    rented = [PodRental.from_json(row) for row in run.rentals]
    assert [(row.card, row.usd_per_hour) for row in rented] == [("h200-small at targon", 2.49)]
    assert run.usd == pytest.approx(2.49 * (rented[0].until - rented[0].since).total_seconds() / 3600)
    assert 0 < run.usd == entry_rows(Submission.objects.all()).get().pods_usd
    assert not clouds.machines()
    assert any("NOT walled off" in line for line in run.isolation)


def test_a_run_goes_on_at_the_next_cloud_where_the_cheapest_has_no_card(run, clouds):
    clouds.targon.free["h200-small"] = 0
    assert outcome(play(run)) == WHOLE
    assert run.handle["place"]["cloud"] == "verda" and run.rentals[0]["usd_per_hour"] == 3.1
    assert run.progress["our_faults"] == 0
    assert not clouds.machines()


def test_the_sweep_ends_the_double_at_whichever_cloud_and_leaves_the_pod_of_the_row(run, clouds, monkeypatch):
    while not run.handle:
        step(run)
    runs.provider_named("rented").clouds["verda"].rent("gauntlet-run-999-0", DIGEST, gpu="H200", command=())
    name = run.handle["name"]
    runs.provider_named("rented").clouds["verda"].rent(f"gauntlet-{name}", DIGEST, gpu="H200", command=())
    assert sorted(swept(monkeypatch)) == sorted([name, "run-999-0"])
    assert clouds.machines() == ["wrk-1"]
    assert outcome(play(run)) == WHOLE


@pytest.mark.parametrize("at", few_in_short(range(1, 13)))
def test_a_worker_killed_at_any_question_to_a_cloud_changes_nothing(run, clouds, monkeypatch, at):
    """Killed right after the cloud did what it was asked for, before anything of it is written down."""
    real, questions = rest.Rest.raw, 0

    def killed(self, *given, **more):
        nonlocal questions
        questions += 1
        answer = real(self, *given, **more)
        if questions == at:
            raise KeyboardInterrupt
        return answer

    def play_and_sweep():
        if not run.settled:
            play(run)
        swept(monkeypatch)

    monkeypatch.setattr(rest.Rest, "raw", killed)
    clouds.targon.free["h200-small"] = 0
    with pytest.raises(KeyboardInterrupt):
        play_and_sweep()
    run.refresh_from_db()
    play_and_sweep()
    assert outcome(run) == WHOLE
    assert not clouds.machines()
