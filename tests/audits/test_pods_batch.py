"""A batch goes through a real service in a real pod, whatever the service, the pod or the platform does meanwhile."""

import hashlib
import os
import signal
from pathlib import Path

import pytest

from audits.pods import batch, link
from audits.pods.base import Image
from competition.solution import commit_of
from core.sandbox.service_probe import walls_work
from examples.kit import assemble
from tests.audits.miners import repository
from tests.audits.pod_rig import Play, ready, until

PROJECT = Path(__file__).resolve().parents[2]
pytestmark = pytest.mark.skipif(
    os.getuid() == 0 and not walls_work(), reason="a pod is never run as root without walls"
)


@pytest.fixture
def pictures(tmp_path) -> dict[str, Path]:
    made = {}
    for stem in ("apple", "bicycle", "chair"):
        made[stem] = tmp_path / f"{stem}.png"
        made[stem].write_bytes(f"picture of {stem}".encode())
    return made


@pytest.fixture
def play(provider, repos, pictures, tmp_path):
    return lambda name: Play(provider, repository(repos, name), pictures=pictures, into=tmp_path)


def test_an_honest_service_delivers_what_it_was_asked_for(play, pictures):
    audit = play("honest")
    assert audit.to_the_end().kind == "done"
    assert audit.files.keys() == pictures.keys() and not audit.failed
    expected = hashlib.sha256(b"picture of apple").hexdigest() + " 7"
    assert audit.files["apple"].path.read_text() == expected
    assert audit.actions == ["start_pod", "look", "submit", "look", "collect"]


def test_what_the_service_says_it_failed_is_failed(play, pictures):
    pictures["chair"].write_bytes(b"impossible")
    audit = play("honest")
    assert audit.to_the_end().kind == "done"
    assert audit.failed == {"chair": "too hard"} and audit.files.keys() == {"apple", "bicycle"}


def test_more_prompts_than_a_batch_holds_go_one_batch_after_another(play, pictures, tmp_path):
    pictures |= {f"p{number:02}": pictures["apple"] for number in range(40)}
    audit = play("honest")
    assert audit.to_the_end().kind == "done"
    assert len(audit.files) == 43 and audit.actions.count("submit") == 2


def test_submitting_twice_is_submitting_once_and_another_batch_is_a_conflict(provider, repos, pictures, tmp_path):
    pod = provider.start(repository(repos, "held"), name="pod")
    ready(pod)
    urls = provider.offer(pod, pictures=pictures)
    assert [batch.submit(pod, image_urls=urls, seed=1).state for _ in range(3)] == ["accepted"] * 3
    other = batch.submit(pod, image_urls={"other": urls["apple"]}, seed=1)
    assert (other.state, other.detail) == ("conflict", "generating")
    assert batch.collect(pod, into=tmp_path / "early.zip").state == "conflict"
    link.ask(pod.address, "/release")
    until(lambda: batch.poll(pod, replacements_remaining=0).state == "complete")
    twice = [batch.collect(pod, into=tmp_path / name).archive.read_bytes() for name in ("1.zip", "2.zip")]
    assert twice[0] == twice[1] and not list(tmp_path.glob(".*"))


def test_the_pictures_of_the_last_batch_are_gone_with_it(provider, repos, pictures):
    pod = provider.start(repository(repos, "honest"), name="pod")
    provider.offer(pod, pictures=pictures)
    provider.offer(pod, pictures={"chair": pictures["chair"]})
    assert os.listdir(Path(pod.place["folder"]) / "pictures") == ["chair.png"]


@pytest.mark.parametrize("stem", ["../x", ".hidden", "a/b", "", "a\0b"])
def test_a_stem_is_never_a_path(provider, repos, pictures, stem):
    pod = provider.start(repository(repos, "honest"), name="pod")
    with pytest.raises(ValueError, match="stem"):
        provider.offer(pod, pictures={stem: pictures["apple"]})


def test_a_service_may_be_replaced_three_times_and_no_more(play):
    audit = play("replacer")
    end = audit.to_the_end()
    assert (end.kind, end.failure.failure_class, end.failure.code) == ("fail", "miner", "replacement_asked")
    assert audit.progress.pods == 4


def test_a_service_is_told_when_no_replacement_is_left(play):
    audit = play("lazy")
    assert audit.to_the_end().kind == "done"
    assert audit.progress.pods == 4 and len(audit.files) == 3


def test_a_service_that_crashes_on_each_pod_fails_its_audit(play):
    audit = play("crasher")
    end = audit.to_the_end()
    assert (end.kind, end.failure.failure_class, end.failure.code) == ("fail", "miner", "crashed")
    assert audit.progress.pods == 4 and not audit.files


def test_a_pod_lost_by_us_costs_the_miner_nothing(play, provider):
    audit = play("honest")
    started, audit.start_pod = audit.start_pod, None

    def lost_once(action):
        event = started(action)
        if audit.progress.pods == 0:
            os.kill(audit.pod.place["pid"], signal.SIGKILL)
            until(lambda: not provider.alive(audit.pod))
        return event

    audit.start_pod = lost_once
    assert audit.to_the_end().kind == "done"
    assert (audit.progress.pods, audit.progress.replacements) == (2, 0)


def test_a_service_that_answers_rubbish_fails_its_audit(play):
    end = play("rubbish").to_the_end()
    assert (end.kind, end.failure.failure_class, end.failure.code) == ("fail", "miner", "nonsense")


def test_a_hostile_archive_fails_the_audit_it_came_from(play):
    end = play("bomber").to_the_end()
    assert (end.kind, end.failure.failure_class, end.failure.code) == ("fail", "miner", "bomb")


def test_a_batch_has_a_size(provider, repos, pictures):
    pod = provider.start(repository(repos, "honest"), name="pod")
    for number in (0, 33):
        with pytest.raises(ValueError, match="batch"):
            batch.submit(pod, image_urls={f"s{n}": "http://127.0.0.1/" for n in range(number)}, seed=1)


def test_an_example_miner_makes_an_asset_from_a_picture(provider, pictures, tmp_path):
    examples = PROJECT / "examples"
    provider.repos = tmp_path / "repositories"
    assemble(provider.repos)
    picture = next((examples / "prompts").glob("*.png"))
    image = Image(repo="examples/lathe", commit=commit_of(provider.repos / "lathe"))
    audit = Play(provider, image, pictures={"thing": picture}, into=tmp_path)
    assert audit.to_the_end().kind == "done", audit.progress
    assert audit.files["thing"].path.read_bytes()[:4] == b"glTF"
