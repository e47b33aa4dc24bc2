"""A leader's code on real local pods: whatever it does to itself, the round goes on without it."""

import time
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from django.utils import timezone

from audits.decisions.rentals import PodRental
from audits.models import PodRun
from audits.pods import beside, runs
from audits.pods.base import Pod, PodFault
from audits.steps import pause_what_is_out_of_tries
from competition import prompts, steps
from competition.models import Asset, Competition, Miner, Prompt, Round, RoundPrompt, Submission
from competition.queries import entry_rows
from competition.rulesets.speed import why_incomparable
from core import store
from core.machine import engine
from core.machine.outcomes import Move
from dashboard.facts.pod_runs import pod_run_facts
from tests.audits.miners import repository
from tests.dashboard.made_round import RULES

pytestmark = pytest.mark.django_db
NOW = datetime(2026, 1, 1, tzinfo=UTC)
STEMS = ("chair", "lamp")


@pytest.fixture
def leading(settings, tmp_path: Path, monkeypatch):
    """A round that waits for the outputs of a leader whose code does this."""
    settings.STORE_DIR, settings.PODS_DIR = tmp_path / "store", tmp_path / "pods"
    settings.LOCAL_REPOSITORIES = tmp_path / "repos"
    monkeypatch.setattr("audits.decisions.lifecycle.BACKOFF_S", 0)
    monkeypatch.setattr("audits.decisions.lifecycle.POLL_S", 0)
    runs.provider_named.cache_clear()

    def made(service: str) -> PodRun:
        image = repository(tmp_path / "repos", service)
        competition = Competition.objects.create(
            slug="pods", name="Pods", chain="simulated:pods", pods="local", created_at=NOW, config={"poll_s": 0}
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
            state="downloading",
            since=NOW,
        )
        leader = Submission.objects.create(
            round=round_,
            miner=Miner.objects.create(hotkey="5leader"),
            repo=image.repo,
            commit=image.commit,
            role="leader",
        )
        Submission.objects.create(
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
        prompts.expect_generated(leader, (drawn.prompt for drawn in round_.drawn.select_related("prompt")), now=NOW)
        return runs.want(leader, purpose=PodRun.Purpose.LEADER, now=NOW)

    yield made
    runs.provider_named("local").sweep(set)
    runs.provider_named.cache_clear()


def play(run: PodRun) -> PodRun:
    deadline = time.monotonic() + 120
    while not run.settled:
        assert time.monotonic() < deadline, (run.state, run.waiting_for, run.failure_reason, run.progress)
        PodRun.objects.filter(pk=run.pk).update(due_at=timezone.now() - timedelta(seconds=1))
        engine.advance("audits.PodRun", run.pk, now=timezone.now())
        run.refresh_from_db()
        time.sleep(0.02)
    return run


@pytest.mark.parametrize("service", ["suicide", "exit_137", "quitter"])
def test_a_leader_whose_service_kills_itself_forfeits_and_the_round_goes_on(leading, service):
    run = play(leading(service))
    assert (run.state, run.failure_class) == ("failed", "miner")
    assert run.progress["replacements"] == 3 and run.progress["control"] is None
    assets = Asset.objects.filter(submission=run.submission)
    assert {(asset.state, asset.failure_class) for asset in assets} == {("failed", "miner")}
    round_ = Round.objects.get()
    outcome = steps.downloading(round_, timezone.now())
    assert isinstance(outcome, Move) and outcome.to == "duels"
    assert not list(run.submission.round.competition.rounds.filter(state="paused"))


def test_the_service_of_a_leader_that_works_is_asked_as_before(leading):
    run = play(leading("honest"))
    assert run.state == "done"
    assert set(Asset.objects.filter(submission=run.submission).values_list("state", flat=True)) == {"stored"}
    facts = pod_run_facts(run)
    assert facts.speed is not None and facts.speed.outputs == len(STEMS) and len(facts.warmed_s) == 1
    assert run.mean_output_s == facts.speed.mean_s
    assert [row.card for row in facts.rentals] == ["this machine"] and facts.rentals[0].until is not None
    assert facts.usd is None and entry_rows(Submission.objects.filter(pk=run.submission_id)).get().pods_usd is None
    assert 0 < facts.speed.mean_s * len(STEMS) == pytest.approx(run.progress["batch_s"][0])


def test_an_outage_of_ours_pauses_the_round_and_blames_nobody(leading, monkeypatch):
    run = leading("suicide")

    def outage(*, name: str, beside: Pod | None):
        raise PodFault("unclear", "not_started", "This machine could not start the pod.")

    monkeypatch.setattr(runs.provider_named("local"), "start_control", outage)
    assert (play(run).state, run.failure_class) == ("failed", "infrastructure")
    assert Round.objects.get().state == "paused"
    assert not Asset.objects.filter(failure_class="miner").exists()


def test_an_answer_that_breaks_our_reader_is_the_services_doing(leading, monkeypatch):
    """Whatever it is: nobody has to think of it beforehand."""
    run, real = leading("honest"), runs.batch.poll

    def breaks(pod, **more):
        if "control" not in pod.name:
            raise ZeroDivisionError("nobody thought of this")
        return real(pod, **more)

    monkeypatch.setattr(runs.batch, "poll", breaks)
    played = play(run)
    assert (played.state, played.failure_class, played.failure_code) == ("failed", "miner", "reader_broke")


@pytest.fixture
def audited(leading):
    """The audit's run of a challenger's code, and the leader, whose code does this."""

    def made(service: str) -> tuple[PodRun, Submission]:
        run = leading(service)
        leader, challenger = run.submission, run.submission.round.submissions.get(role="challenger")
        Submission.objects.filter(pk=challenger.pk).update(repo=leader.repo, commit=leader.commit)
        challenger.refresh_from_db()
        prompts.expect_generated(challenger, Prompt.objects.all(), now=NOW)
        return runs.want(challenger, purpose=PodRun.Purpose.AUDIT, now=NOW), leader

    return made


def test_the_leaders_code_runs_beside_an_audited_one_for_its_time_alone(audited):
    run, leader = audited("honest")
    made = beside.want(run, leader, now=NOW)
    assert beside.want(run, leader, now=NOW) == made
    engine.advance("audits.PodRun", made.pk, now=timezone.now())
    made.refresh_from_db()
    assert made.waiting_for == "the code beside which it is timed has no pod yet" and not made.rentals
    assert (play(run).state, play(made).state) == ("done", "done")
    own, other = runs.timed_run(run), runs.timed_run(made)
    assert own and other and why_incomparable(own, other) == "" and other.outputs == len(STEMS)
    about = {"entry": leader.key, "purpose": "beside", "repeat": 0}
    audited_run = {"entry": run.submission.key, "purpose": "audit", "repeat": 0}
    assert made.describe() == {"round": 1, **about, "beside": audited_run}
    assert not Asset.objects.filter(submission=leader).exclude(state="downloading").exists()
    second = beside.want(PodRun.objects.create(**copied(run)), leader, now=NOW)
    assert second.describe()["repeat"] == 1


def copied(run: PodRun) -> dict:
    return {"submission": run.submission, "purpose": "audit_1", "seed": 1, "provider": "local", **PodRun.born(now=NOW)}


def test_a_leader_whose_code_fails_beside_another_pauses_and_forfeits_nothing(audited):
    run, leader = audited("suicide")
    made = beside.want(run, leader, now=NOW)
    PodRun.objects.filter(pk=run.pk).update(handle=Pod(provider="local", name="x", address={}).to_json())
    assert (play(made).state, made.failure_class) == ("failed", "miner")
    assert runs.timed_run(made) is None
    assert not Asset.objects.filter(submission=leader).exclude(state="downloading").exists()
    assert Round.objects.get().state == "downloading"


def done(run: PodRun, *, took: timedelta) -> None:
    """It has come to its end now."""
    rental = PodRental(card="this machine", usd_per_hour=None, since=NOW - took, until=NOW)
    PodRun.objects.filter(pk=run.pk).update(state="done", since=NOW, rentals=[rental.to_json()])
    run.refresh_from_db()


@pytest.mark.parametrize(("took_min", "waited_min"), [(1, 10), (10, 10), (45, 45)])
def test_a_leaders_code_is_waited_for_as_long_again_and_then_it_is_no_basis(audited, took_min, waited_min):
    run, leader = audited("honest")
    made = beside.want(run, leader, now=NOW)
    rented = PodRental(card="this machine", usd_per_hour=6.0, since=NOW)
    PodRun.objects.filter(pk=made.pk).update(state="generating", rentals=[rented.to_json()], progress={"pods": 1})
    made.refresh_from_db()
    done(run, took=timedelta(minutes=took_min))
    last = NOW + timedelta(minutes=waited_min)
    assert beside.still_waited_for(made, run, now=last - timedelta(seconds=1))
    assert not beside.still_waited_for(made, run, now=last)
    made.refresh_from_db()
    assert (made.state, made.failure_class, made.failure_code) == ("failed", "infrastructure", "not_in_time")
    assert made.usd == pytest.approx(6.0 * waited_min / 60) and runs.timed_run(made) is None
    assert Round.objects.get().state == "downloading"


def test_a_leaders_run_beside_one_that_failed_is_over_at_once(audited):
    run, leader = audited("honest")
    made = beside.want(run, leader, now=NOW)
    PodRun.objects.filter(pk=run.pk).update(state="failed", failure_class="miner", failure_code="crashed")
    assert (play(made).state, made.failure_class, made.failure_code) == ("failed", "infrastructure", "unpaired")


def test_a_leaders_run_that_is_out_of_tries_beside_another_pauses_no_round(audited):
    run, leader = audited("honest")
    made = beside.want(run, leader, now=NOW)
    PodRun.objects.filter(pk=made.pk).update(attempts=20, failure_class="infrastructure", failure_code="STEP_FAILED")
    assert PodRun.objects.filter(PodRun.out_of_tries()).get() == made and not list(made.waiting_rounds())
    pause_what_is_out_of_tries(NOW)
    assert Round.objects.get().state == "downloading"
