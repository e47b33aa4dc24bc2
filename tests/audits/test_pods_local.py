"""A pod holds hostile code in, outlives its starter, and never outlives its expiry.  Real processes, loopback only."""

import dataclasses
import json
import os
import signal
import socket
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pytest

from audits.pods import batch, keeper, local
from audits.pods.base import Image, Pod, PodFault
from audits.pods.limits import POD
from audits.pods.local import LocalPods
from core.sandbox.service_probe import walls_work
from tests.audits.miners import repository
from tests.audits.pod_rig import ready, until

PROJECT = Path(__file__).resolve().parents[2]
WALLED = pytest.mark.skipif(not walls_work(), reason="this machine has no namespaces")
PROCESS_1 = ("/proc/1/environ", "/proc/1/cmdline")
pytestmark = pytest.mark.skipif(
    os.getuid() == 0 and not walls_work(), reason="a pod is never run as root without walls"
)


def starting(provider: LocalPods, image: Image, *, name: str = "pod") -> PodFault:
    with pytest.raises(PodFault) as refused:
        provider.start(image, name=name)
    return refused.value


def running(pid: int) -> bool:
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except OSError:
        return False


def family(pid: int) -> list[int]:
    """Every process below `pid`; none of one that has ended, as it may have on a slow machine."""
    try:
        children = [int(child) for child in Path(f"/proc/{pid}/task/{pid}/children").read_text().split()]
    except FileNotFoundError:
        return []
    return children + [grandchild for child in children for grandchild in family(child)]


def test_a_pod_is_the_same_after_a_trip_through_the_database(provider, repos):
    pod = provider.start(repository(repos, "honest"), name="pod")
    assert Pod.from_json(json.loads(json.dumps(pod.to_json()))) == pod
    assert pod.isolation


def test_starting_a_pod_again_finds_the_one_that_runs(provider, repos):
    image = repository(repos, "honest")
    assert provider.start(image, name="pod").place == provider.start(image, name="pod").place


def test_a_pod_survives_its_starter_and_is_continued_from_its_record(provider, repos):
    image = repository(repos, "honest")
    script = (
        "import json, sys, time; from pathlib import Path; from audits.pods.base import Image; "
        "from audits.pods.local import LocalPods; repos, pods, repo, commit = sys.argv[1:]; "
        "provider = LocalPods(repos=Path(repos), pods=Path(pods)); "
        "print(json.dumps(provider.start(Image(repo=repo, commit=commit), name='pod').to_json()), flush=True); "
        "time.sleep(60)"
    )
    arguments = [sys.executable, "-c", script, str(repos), str(provider.pods), image.repo, image.commit]
    with subprocess.Popen(arguments, cwd=PROJECT, stdout=subprocess.PIPE, start_new_session=True) as starter:
        record = json.loads(starter.stdout.readline())
        os.killpg(starter.pid, signal.SIGKILL)
    pod = Pod.from_json(record)
    ready(pod)
    assert provider.alive(pod) and provider.start(image, name="pod") == pod


def test_an_expired_pod_ends_itself_and_a_control_pod_shows_whose_doing_it_was(provider, repos):
    provider.limits = replace(POD, wall_seconds=0.5)
    pod = provider.start(repository(repos, "daemon"), name="pod")
    inside = family(pod.place["pid"])
    fault = until(lambda: provider.fault(pod))
    assert (fault.failure_class, fault.code) == ("unclear", "expired")
    until(lambda: not any(running(pid) for pid in inside))


@WALLED
def test_killing_the_keeper_leaves_nothing_of_the_pod(provider, repos):
    pod = provider.start(repository(repos, "daemon"), name="pod")
    inside = until(lambda: len(found := family(pod.place["pid"])) >= 3 and found)
    os.kill(pod.place["pid"], signal.SIGKILL)
    until(lambda: not any(running(pid) for pid in inside))
    fault = provider.fault(pod)
    assert (fault.failure_class, fault.code) == ("infrastructure", "vanished")


def test_stopping_ends_what_the_service_left_behind_and_may_be_repeated(provider, repos):
    pod = provider.start(repository(repos, "daemon"), name="pod")
    inside = until(lambda: len(found := family(pod.place["pid"])) >= 2 and found)
    provider.stop(pod)
    provider.stop(pod)
    assert not provider.alive(pod) and not any(running(pid) for pid in inside)
    assert provider.fault(pod).failure_class == "infrastructure"


def test_a_sweep_ends_pods_that_no_row_knows_and_keeps_the_others(provider, repos):
    image = repository(repos, "honest")
    kept, orphan = provider.start(image, name="kept"), provider.start(image, name="orphan")
    assert provider.sweep(lambda: {"kept"}) == ["orphan"]
    assert provider.alive(kept) and not provider.alive(orphan)
    assert not Path(orphan.place["folder"]).exists()


def test_a_service_that_ends_by_itself_is_the_miners_fault(provider, repos):
    pod = provider.start(repository(repos, "quitter"), name="pod")
    fault = until(lambda: provider.fault(pod))
    assert (fault.failure_class, fault.code) == ("miner", "crashed") and "exit code 3" in fault.sentence
    assert provider.log(pod) == b"no weights\n"


def test_a_killed_service_is_nobodys_fault_until_a_control_pod_shows_whose(provider, repos):
    pod = provider.start(repository(repos, "hanger"), name="pod")
    os.kill(family(pod.place["pid"])[-1], signal.SIGKILL)
    fault = until(lambda: provider.fault(pod))
    assert (fault.failure_class, fault.code) == ("unclear", "ended")


def test_a_service_gets_no_more_memory_than_its_limit(provider, repos):
    pod = provider.start(repository(repos, "eater"), name="pod")
    assert until(lambda: provider.fault(pod)).failure_class == "miner"
    assert b"MemoryError" in provider.log(pod)


def test_a_log_keeps_its_end_and_its_cap(provider, repos):
    provider.limits = replace(POD, wall_seconds=60, log_bytes=100_000)
    pod = provider.start(repository(repos, "chatter"), name="pod")
    older = Path(pod.place["folder"]) / "service.older"
    until(lambda: older.exists() and len(provider.log(pod)) > 30_000)
    assert len(provider.log(pod)) <= 100_000
    assert sum(path.stat().st_size for path in Path(pod.place["folder"]).glob("service.*") if path.is_file()) <= 200_000


@WALLED
def test_a_walled_pod_reaches_nothing_but_its_own_loopback(provider, repos, tmp_path):
    secret, door = tmp_path / "secret", tmp_path / "s"
    secret.write_text("canary-7f3a")
    with socket.socket() as listening, socket.socket(socket.AF_UNIX) as local_door:
        listening.bind(("127.0.0.1", 0))
        listening.listen()
        os.chdir(tmp_path)
        local_door.bind("s")
        os.chdir(PROJECT)
        asked = {
            "files": [str(secret), "/etc/shadow", *PROCESS_1, str(provider.pods / "pod/image.json")],
            "writes": ["/app/x", "/usr/x", "/etc/x", "/x", f"{sys.prefix}/x"],
            "addresses": [["127.0.0.1", listening.getsockname()[1]], ["192.0.2.1", 443], ["2001:db8::1", 443]],
            "sockets": [str(door), str(provider.pods / "pod" / keeper.SOCKET)],
            "pictures": ["../image.json", "%2e%2e/image.json", ".incoming", "absent.png", ""],
        }
        pod = provider.start(repository(repos, "spy", files={"asked.json": json.dumps(asked)}), name="pod")
        seen = json.loads(until(lambda: (log := provider.log(pod)).endswith(b"\n") and log))
    for what in ("files", "writes", "addresses", "sockets", "families", "pictures"):
        assert all(said.startswith("refused") for said in seen[what].values()), (what, seen[what])
    assert seen["namespace"] == "-1"
    assert seen["user"] != 0 and seen["processes"] == ["2"]
    assert "canary" not in json.dumps(seen)


def test_the_first_process_of_a_pod_shows_no_command_line_and_no_environment_of_ours():
    """Where a kernel does not hide it (`hidepid`), there is nothing to read."""
    script = (
        "import os, sys; from core.sandbox import namespaces; namespaces.show_nothing(); "
        "print(open('/proc/self/cmdline').read().strip(chr(0)), open('/proc/self/environ').read().strip(chr(0)))"
    )
    command = [sys.executable, "-c", script, "canary-7f3a"]
    shown = subprocess.run(command, cwd=PROJECT, env={"SECRET": "canary-7f3a"}, check=True, capture_output=True)
    assert shown.stdout == b"pod \n"


@WALLED
def test_a_service_cannot_signal_its_way_to_an_end_that_looks_like_ours(provider, repos):
    pod = provider.start(repository(repos, "signaller"), name="pod")
    until(lambda: provider.log(pod) == b"sent\n")
    assert provider.alive(pod)
    provider.stop(pod)
    assert provider.fault(pod).code == "stopped"


def test_a_pod_stopped_right_after_its_start_says_that_it_was_stopped(provider, repos):
    image = repository(repos, "honest")
    for _ in range(5):
        pod = provider.start(image, name="pod")
        provider.stop(pod)
        assert provider.fault(pod).code == "stopped"


@WALLED
def test_nothing_of_ours_is_in_a_pods_environment(provider, repos, monkeypatch):
    monkeypatch.setenv("DATABASE_URL", "postgres://canary-7f3a")
    asked = {what: [] for what in ("files", "writes", "addresses", "sockets", "pictures")}
    pod = provider.start(repository(repos, "spy", files={"asked.json": json.dumps(asked)}), name="pod")
    seen = json.loads(until(lambda: (log := provider.log(pod)).endswith(b"\n") and log))
    assert "canary" not in json.dumps(seen)
    assert not {name for name in seen["environment"] if "GAUNTLET" in name or "AUDIT" in name or "DJANGO" in name}


@WALLED
def test_two_pods_do_not_share_a_port(provider, repos):
    image = repository(repos, "honest")
    first, second = provider.start(image, name="first"), provider.start(image, name="second")
    ready(first), ready(second)
    provider.stop(first)
    assert batch.poll(first, replacements_remaining=0, patience_s=0.5).state == "silent"
    assert batch.poll(second, replacements_remaining=0).state == "ready"


def test_a_silent_or_dripping_service_costs_a_poll_its_patience_only(provider, repos):
    for name in ("hanger", "dripper"):
        pod = provider.start(repository(repos, name), name=name)
        assert batch.poll(pod, replacements_remaining=0, patience_s=0.4).state == "silent"


@pytest.mark.parametrize(
    "repo", ["miner/absent", "../honest", "miner/..", "honest", "miner/a b", "/etc/passwd", "a/b/c"]
)
def test_a_repository_that_is_not_there_is_the_miners_fault(provider, repos, repo):
    image = dataclasses.replace(repository(repos, "honest"), repo=repo)
    assert starting(provider, image).failure_class == "miner"


def test_other_code_than_the_revealed_commit_is_never_run(provider, repos):
    image = repository(repos, "honest")
    (repos / "honest" / "serve.py").write_text("print('better')")
    assert starting(provider, image).code == "code_not_found"


def test_a_missing_folder_of_repositories_is_our_fault(provider):
    fault = starting(provider, Image(repo="miner/honest", commit="0" * 40))
    assert (fault.failure_class, fault.code) == ("infrastructure", "no_repositories")


def test_links_in_a_repository_are_refused(provider, repos):
    image = repository(repos, "honest")
    (repos / "honest" / "passwords").symlink_to("/etc/passwd")
    assert starting(provider, image).code == "code_has_links"


def test_a_pipe_in_a_repository_is_refused_without_waiting_for_it(provider, repos):
    image = repository(repos, "honest")
    os.mkfifo(repos / "honest" / "weights.bin")
    assert starting(provider, image).code == "code_has_links"


@pytest.mark.parametrize(("deep", "many", "code"), [(20, 0, "code_too_deep"), (0, 2100, "code_too_large")])
def test_a_repository_has_limits(provider, repos, deep, many, code):
    image = repository(repos, "honest")
    (repos / "honest" / Path(*["d"] * deep)).mkdir(parents=True, exist_ok=True)
    for number in range(many):
        (repos / "honest" / f"{number}.txt").touch()
    assert starting(provider, image).code == code


def test_code_without_an_entry_is_the_miners_fault(provider, repos):
    repository(repos, "honest")
    (repos / "honest" / "serve.py").unlink()
    from competition.solution import commit_of

    image = Image(repo="miner/honest", commit=commit_of(repos / "honest"))
    assert starting(provider, image).code == "no_entry"


def test_a_machine_without_walls_refuses_where_they_are_required(provider, repos, monkeypatch):
    monkeypatch.setattr(local, "walls_work", lambda: False)
    provider.walls = True
    fault = starting(provider, repository(repos, "honest"))
    assert (fault.failure_class, fault.code) == ("infrastructure", "no_namespaces")


def test_a_keeper_that_cannot_start_is_ours_for_a_control_pod_cannot_start_either(provider, repos, monkeypatch):
    monkeypatch.setattr(local.sys, "executable", "/nonexistent/python")
    assert starting(provider, repository(repos, "honest")).failure_class == "unclear"
    with pytest.raises(PodFault):
        provider.start_control(name="control")


def test_root_never_runs_a_pod_without_walls(provider, repos, monkeypatch):
    monkeypatch.setattr(local.os, "getuid", lambda: 0)
    provider.walls = False
    assert starting(provider, repository(repos, "honest")).code == "no_namespaces"


def test_what_does_not_isolate_says_so():
    assert "NOT isolated" in local.isolation(walls=False)[0]
    assert not any("NOT isolated" in label for label in local.isolation(walls=True))
