"""Does the sandbox contain what it runs, and does it say whose fault an end was?"""

import os
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest

from core.sandbox.confinement import WALLS, SandboxLimits
from core.sandbox.outcomes import Refused, RendererFault
from formats import sandbox as sandbox_module
from formats.sandbox import ROOT, Done, Sandbox

WORK = "tests.judging.hostile_work:work"
SMALL = SandboxLimits(memory=1 << 30, cpu_seconds=30)  # no deed but the endless one comes near on any machine


@pytest.fixture(scope="module")
def box() -> Iterator[Sandbox]:
    made = Sandbox(WORK)
    yield made
    made.close()


@pytest.fixture
def do(box: Sandbox, tmp_path: Path) -> Callable[..., Done]:
    data = tmp_path / "asset"
    data.write_bytes(b"the asset")

    def run(deed: str, *, limits: SandboxLimits = SMALL, **task: Any) -> Done:
        folder = tmp_path / f"folder-{threading.get_ident()}-{time.monotonic_ns()}"
        folder.mkdir()
        return box.run({"deed": deed, **task}, data=data, folder=folder, limits=limits)

    return run


def until(found: Callable[[], Any], *, seconds: float = 120.0) -> Any:
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        if value := found():
            return value
        time.sleep(0.02)
    raise AssertionError("it did not happen in time")


def test_the_asset_arrives_and_the_answer_returns(do: Callable[..., Done]) -> None:
    done = do("echo")
    assert done.answer == {"answer": "the asset"}
    assert 0 <= done.cpu_seconds < SMALL.cpu_seconds
    assert done.peak_bytes > 1 << 20


def test_every_wall_is_named_whether_it_stands_or_not(do: Callable[..., Done]) -> None:
    walls = do("echo").walls
    assert len(walls) == 1 + len(WALLS)
    for name, _ in WALLS:
        assert any(wall == name or wall.startswith(f"WITHOUT {name} (") for wall in walls)


def test_no_socket_connects_from_inside(do: Callable[..., Done]) -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        assert do("connect", port=server.getsockname()[1]).answer["answer"] != "done"


def test_the_network_is_gone_even_without_the_system_call_filter(tmp_path: Path) -> None:
    """Two walls against one attack: each must hold alone."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        script = (
            "import pathlib, sys, socket; from core.sandbox import confinement as c;"
            "c._no_network(pathlib.Path('.'));"
            f"code = socket.socket().connect_ex(('127.0.0.1', {server.getsockname()[1]})); sys.exit(0 if code else 3)"
        )
        ended = subprocess.run([sys.executable, "-c", script], cwd=ROOT, timeout=120)
    assert ended.returncode == 0


def test_no_secret_of_the_environment_gets_inside(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CANARY_SECRET_KEY", "canary-4711")
    fresh = Sandbox(WORK)
    (tmp_path / "asset").touch()
    try:
        told = fresh.run({"deed": "environment"}, data=tmp_path / "asset", folder=tmp_path).answer["answer"]
    finally:
        fresh.close()
    assert "CANARY_SECRET_KEY" not in told
    assert set(told) <= {*sandbox_module.ENVIRONMENT, "LC_CTYPE"}


def test_only_its_own_folder_exists_inside(do: Callable[..., Done], tmp_path: Path) -> None:
    secret = tmp_path / "secret"
    secret.write_text("secret")
    told = do("files", outside=str(secret)).answer["answer"]
    assert told["root"] == ["own.txt"]
    for path in ("passwd", "outside", "upward"):
        assert told[path] == "No such file or directory"
    assert told["chroot"] == told["link"] == "Operation not permitted"
    assert told["open"][:3] == [0, 1, 2]  # nothing to read, two logs
    assert len(told["open"]) == 4  # and the answer: the asset has been read and closed


def test_it_starts_no_program_and_reaches_no_process(do: Callable[..., Done]) -> None:
    assert set(do("forks").answer["answer"].values()) == {"Operation not permitted"}
    assert do("echo").answer["answer"] == "the asset"


def test_an_endless_loop_is_the_asset_s_doing(do: Callable[..., Done]) -> None:
    with pytest.raises(Refused) as refused:
        do("loop", limits=SandboxLimits(cpu_seconds=1))
    assert refused.value.code == "TOO_SLOW"


def test_eating_memory_is_the_asset_s_doing(do: Callable[..., Done]) -> None:
    with pytest.raises(Refused) as refused:
        do("eat", limits=SandboxLimits(memory=256 << 20, cpu_seconds=200))  # touching pages is slow at times
    assert refused.value.code == "TOO_MUCH_MEMORY"


def test_waiting_for_ever_may_be_our_machine_so_it_is_a_fault(do: Callable[..., Done]) -> None:
    with pytest.raises(RendererFault) as fault:
        do("sleep", limits=SandboxLimits(wall_seconds=0.5))
    assert fault.value.code == "OVERRAN"
    assert fault.value.failure_class == "infrastructure"


def test_a_file_larger_than_allowed_is_not_written(do: Callable[..., Done]) -> None:
    assert do("write", limits=SandboxLimits(file_bytes=1 << 20)).answer["answer"] == "File too large"


def test_endless_talk_is_cut(do: Callable[..., Done]) -> None:
    done = do("chatter")
    assert done.answer == {"answer": 1}
    assert len(done.log) == SMALL.said_bytes


def test_an_answer_that_is_too_long_is_a_fault(do: Callable[..., Done]) -> None:
    with pytest.raises(RendererFault, match="CRASHED"):
        do("babble")


def test_a_refusal_must_name_a_known_rule(do: Callable[..., Done]) -> None:
    with pytest.raises(Refused) as refused:
        do("refuse", code="NO_GEOMETRY")
    assert refused.value.sentence.isprintable()
    assert len(refused.value.sentence) <= 400
    with pytest.raises(RendererFault):
        do("refuse", code="MINER_IS_UGLY")


@pytest.mark.parametrize("deed", ["segfault", "abort", "raise"])
def test_a_crash_is_a_fault_not_a_refusal(do: Callable[..., Done], deed: str) -> None:
    with pytest.raises(RendererFault) as fault:
        do(deed)
    assert fault.value.code == "CRASHED"


def _children(pid: int) -> list[int]:
    return [int(child) for child in Path(f"/proc/{pid}/task/{pid}/children").read_text().split()]


def _killed(box: Sandbox, do: Callable[..., Done], victim: Callable[[int], int]) -> RendererFault:
    """Start work that waits, kill `victim(server pid)`, and return the fault that follows."""
    server = box.server_pid()
    with ThreadPoolExecutor(1) as pool:
        running = pool.submit(do, "wait", limits=SandboxLimits(wall_seconds=120))
        until(lambda: _children(server))
        os.kill(victim(server), signal.SIGKILL)
        with pytest.raises(RendererFault) as fault:
            running.result(timeout=120)
    return fault.value


def test_a_killed_child_is_a_fault_not_a_refusal(box: Sandbox, do: Callable[..., Done]) -> None:
    assert _killed(box, do, lambda server: _children(server)[0]).code == "KILLED"
    assert do("echo").answer["answer"] == "the asset"


def test_a_killed_server_is_a_fault_and_the_next_asset_gets_a_new_one(box: Sandbox, do: Callable[..., Done]) -> None:
    old = box.server_pid()
    child: list[int] = []

    def victim(server: int) -> int:
        child.extend(_children(server))
        return server

    assert _killed(box, do, victim).code == "SANDBOX_DIED"
    until(lambda: not Path(f"/proc/{child[0]}").exists())  # its children end with it
    assert do("echo").answer["answer"] == "the asset"
    assert box.server_pid() != old


def test_a_server_that_died_while_idle_is_replaced_unseen(box: Sandbox, do: Callable[..., Done]) -> None:
    pid = box.server_pid()
    os.kill(pid, signal.SIGKILL)
    until(lambda: Path(f"/proc/{pid}/stat").read_text().split()[2] == "Z")
    assert do("echo").answer["answer"] == "the asset"


def test_a_fork_of_the_worker_starts_a_server_of_its_own(box: Sandbox, do: Callable[..., Done]) -> None:
    ours = box.server_pid()
    heard, told = os.pipe()
    if (pid := os.fork()) == 0:
        os.write(told, str(box.server_pid()).encode())
        os._exit(0)
    os.waitpid(pid, 0)
    theirs = int(os.read(heard, 100))
    os.close(heard), os.close(told)
    assert theirs != ours
    until(lambda: not Path(f"/proc/{theirs}/exe").exists())
    assert box.server_pid() == ours
    assert do("echo").answer["answer"] == "the asset"


def test_server_and_children_end_with_a_killed_worker(tmp_path: Path) -> None:
    (tmp_path / "asset").touch()
    script = (
        "import sys, threading; from pathlib import Path; from formats.sandbox import Sandbox;"
        f"box = Sandbox({WORK!r}); print(box.server_pid(), flush=True);"
        f"box.run({{'deed': 'wait'}}, data=Path({str(tmp_path / 'asset')!r}), folder=Path({str(tmp_path)!r}))"
    )
    worker = subprocess.Popen([sys.executable, "-c", script], cwd=ROOT, stdout=subprocess.PIPE)
    assert worker.stdout
    server = int(worker.stdout.readline())
    child = until(lambda: _children(server))[0]
    until((tmp_path / "started").exists)
    worker.kill()
    worker.wait(timeout=120)
    worker.stdout.close()
    for pid in (child, server):
        until(lambda pid=pid: not Path(f"/proc/{pid}/exe").exists())  # type: ignore[misc]


def test_several_threads_share_one_server(box: Sandbox, do: Callable[..., Done]) -> None:
    with ThreadPoolExecutor(6) as pool:
        answers = list(pool.map(lambda _: do("echo").answer["answer"], range(24)))
    assert answers == ["the asset"] * 24
    until(lambda: not _children(box.server_pid()))


def test_no_pipe_is_left_open(do: Callable[..., Done]) -> None:
    do("echo")
    before = len(os.listdir("/proc/self/fd"))
    for _ in range(10):
        do("echo")
    assert len(os.listdir("/proc/self/fd")) == before


def test_a_server_that_cannot_start_says_why(tmp_path: Path) -> None:
    (tmp_path / "asset").touch()
    with pytest.raises(RendererFault, match="no_such_module"):
        Sandbox("no_such_module:work").run({}, data=tmp_path / "asset", folder=tmp_path)


def test_a_missing_asset_is_a_fault(box: Sandbox, tmp_path: Path) -> None:
    with pytest.raises(RendererFault, match="SANDBOX_UNAVAILABLE"):
        box.run({}, data=tmp_path / "nothing", folder=tmp_path)
