"""Does the sandbox contain what it runs, and does it say whose fault an end was?

The rules are tried once, on real processes: work on a file in a fork, and programs.  Services are tried in
tests/audits/test_pods_local.py, pages in tests/judging/test_threejs.py: what those add to the rules.
"""

from __future__ import annotations

import ast
import contextlib
import importlib
import os
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from core.sandbox import policy, processes
from core.sandbox.confinement import WALLS
from core.sandbox.outcomes import Refused, RendererFault
from core.sandbox.policy import SandboxPolicy
from core.sandbox.processes import FORK_SERVER_ENVIRONMENT, ROOT, Ended
from formats.sandbox import Done, Sandbox

WORK = "tests.core.hostile_work:work"
SMALL = SandboxPolicy(memory=1 << 30, cpu_seconds=30)  # no deed but the endless one comes near on any machine


@pytest.fixture(scope="module")
def box() -> Iterator[Sandbox]:
    made = Sandbox(WORK)
    yield made
    made.close()


@pytest.fixture
def do(box: Sandbox, tmp_path: Path) -> Callable[..., Done]:
    data = tmp_path / "asset"
    data.write_bytes(b"the asset")

    def run(deed: str, *, limits: SandboxPolicy = SMALL, **task: Any) -> Done:
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
    assert set(told) <= {*FORK_SERVER_ENVIRONMENT, "LC_CTYPE"}


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
        do("loop", limits=SandboxPolicy(cpu_seconds=1))
    assert refused.value.code == "TOO_SLOW"


def test_eating_memory_is_the_asset_s_doing(do: Callable[..., Done]) -> None:
    with pytest.raises(Refused) as refused:
        do("eat", limits=SandboxPolicy(memory=256 << 20, cpu_seconds=200))  # touching pages is slow at times
    assert refused.value.code == "TOO_MUCH_MEMORY"


def test_waiting_for_ever_may_be_our_machine_so_it_is_a_fault(do: Callable[..., Done]) -> None:
    with pytest.raises(RendererFault) as fault:
        do("sleep", limits=SandboxPolicy(wall_seconds=0.5))
    assert fault.value.code == "OVERRAN"
    assert fault.value.failure_class == "infrastructure"


def test_a_file_larger_than_allowed_is_not_written(do: Callable[..., Done]) -> None:
    assert do("write", limits=SandboxPolicy(file_bytes=1 << 20)).answer["answer"] == "File too large"


def test_endless_talk_is_cut(do: Callable[..., Done]) -> None:
    done = do("chatter")
    assert done.answer == {"answer": 1}
    assert len(done.log) == SMALL.log_bytes


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
        running = pool.submit(do, "wait", limits=SandboxPolicy(wall_seconds=120))
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


# Programs: everything that is no fork of ours.

PROGRAM = SandboxPolicy(
    memory=1 << 30, cpu_seconds=30, wall_seconds=120.0, file_bytes=1 << 20, open_files=64, processes=16
)
ALONE = replace(PROGRAM, processes=0)
PYTHON = "/usr/bin/python3"  # the system's: `nobody` reaches it, wherever ours is installed


@pytest.fixture
def python(tmp_path: Path) -> Callable[..., Ended]:
    """Runs a text of Python behind the walls of a program, in a folder of its own that everybody could reach."""
    folder = Path(tempfile.mkdtemp(prefix="gauntlet-test-"))

    def run(text: str, *arguments: object, policy: SandboxPolicy = PROGRAM) -> Ended:
        command = [PYTHON, "-I", "-c", text, *map(str, arguments)]
        return processes.run(command, folder=folder, policy=policy)

    run.folder = folder  # type: ignore[attr-defined]
    yield run
    shutil.rmtree(folder)


TRY = """if True:
    import os, socket, sys
    def tried(deed):
        try:
            deed()
        except OSError as error:
            return os.strerror(error.errno)
        return "done"
"""


def test_a_program_ends_as_it_ended_and_says_what_it_printed(python: Callable[..., Ended]) -> None:
    ended = python("import sys; print('out'); print('err', file=sys.stderr); sys.exit(3)")
    assert (ended.code, ended.output, ended.complaints, ended.fine) == (3, b"out\n", "err\n", False)
    assert python("import os; os.kill(os.getpid(), 9)").code == -signal.SIGKILL
    assert python("pass").fine


def test_what_a_program_is_given_it_reads(tmp_path: Path) -> None:
    ended = processes.run(["/bin/cat"], folder=None, policy=ALONE, given=b"the recipe")
    assert ended.output == b"the recipe"


def test_a_program_that_is_not_there_is_no_answer(tmp_path: Path) -> None:
    ended = processes.run(["/usr/bin/no-such-program"], folder=None, policy=ALONE)
    assert not ended.fine and "No such file" in ended.complaints


@pytest.mark.parametrize("policy", [PROGRAM, ALONE], ids=["may start others", "alone"])
def test_a_program_has_no_network(python: Callable[..., Ended], policy: SandboxPolicy, tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as server, socket.socket(socket.AF_UNIX) as door:
        os.chdir(tmp_path)
        door.bind("door")
        door.listen()
        os.chdir(ROOT)
        text = (
            TRY
            + """
    print(tried(lambda: socket.create_connection(("127.0.0.1", int(sys.argv[1])), 5)))
    print(tried(lambda: socket.socket(socket.AF_UNIX).connect(sys.argv[2])))
"""
        )
        ended = python(text, server.getsockname()[1], tmp_path / "door", policy=policy)
    outward, local = ended.output.decode().splitlines()
    assert outward == "Network is unreachable" and local == "Address family not supported by protocol"


def test_a_program_that_needs_the_network_has_it(python: Callable[..., Ended]) -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        text = (
            TRY
            + """
    print(tried(lambda: socket.create_connection(("127.0.0.1", int(sys.argv[1])), 5)))
"""
        )
        ended = python(text, server.getsockname()[1], policy=replace(PROGRAM, network=True))
    assert ended.output == b"done\n", ended.complaints


def test_a_program_sees_the_system_and_what_it_is_given_and_no_secret_of_ours(
    python: Callable[..., Ended], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("CANARY", "must not be seen")
    secret, given = tmp_path / "secret", tmp_path / "given"
    secret.write_text("secret")
    given.mkdir()
    (given / "file").write_text("given")
    text = (
        TRY
        + """
    for path in sys.argv[1:]:
        print(tried(lambda: open(path, "rb").read()))
    print(tried(lambda: open("own", "w").write("1")), tried(lambda: open(sys.argv[1] + "2", "w")))
    print(sorted(os.environ))
"""
    )
    paths = (secret, f"/proc/{os.getpid()}/environ", f"/proc/{os.getppid()}/cmdline", given / "file", "/usr/bin/env")
    ended = python(text, *paths, policy=replace(ALONE, readable=(str(given),)))
    *seen, written, environment = ended.output.decode().splitlines()
    assert seen == ["Permission denied"] * 3 + ["done"] * 2, ended.complaints
    assert written == "done Permission denied"
    assert "CANARY" not in environment and "PATH" in environment


def test_a_program_gets_no_more_memory_than_its_policy(python: Callable[..., Ended]) -> None:
    ended = python("x = [bytearray(64 << 20) for _ in range(100)]", policy=replace(PROGRAM, memory=256 << 20))
    assert ended.code == 1 and "MemoryError" in ended.complaints


def test_a_fork_bomb_ends_at_the_number_of_processes(python: Callable[..., Ended]) -> None:
    text = """if True:
    import os, sys, time
    started = 0
    try:
        while started < 500:
            if os.fork() == 0:
                time.sleep(60)
                os._exit(0)
            started += 1
    except OSError as error:
        print(started, os.strerror(error.errno))
"""
    started, why = python(text).output.decode().strip().split(" ", 1)
    assert 0 < int(started) < PROGRAM.processes and why == "Resource temporarily unavailable"


def test_a_program_that_is_alone_starts_threads_and_nothing_else(python: Callable[..., Ended]) -> None:
    text = (
        TRY
        + """
    import threading
    heard = []
    thread = threading.Thread(target=lambda: heard.append("thread"))
    thread.start()
    thread.join()
    print(heard, tried(os.fork), tried(lambda: os.posix_spawn("/bin/true", ["true"], {})))
"""
    )
    ended = python(text, policy=ALONE)
    assert ended.output.decode() == "['thread'] Operation not permitted Operation not permitted\n", ended.complaints


def test_a_program_signals_nobody_outside(python: Callable[..., Ended]) -> None:
    text = (
        TRY
        + """
    print(tried(lambda: os.kill(int(sys.argv[1]), 0)), os.getpid(), os.getppid())
"""
    )
    said, _, number = python(text, os.getpid()).output.decode().partition("process")
    assert said == "No such " and int(number.split()[0]) < 10 and int(number.split()[1]) == 1


def test_a_program_does_not_outlive_its_wall_time(python: Callable[..., Ended]) -> None:
    ended = python("import time; print('here', flush=True); time.sleep(600)", policy=replace(PROGRAM, wall_seconds=2.0))
    assert ended.overran and not ended.fine and not ended.exhausted


def test_an_endless_loop_of_a_program_is_its_own_doing(python: Callable[..., Ended]) -> None:
    ended = python("while True: pass", policy=replace(PROGRAM, cpu_seconds=1))
    assert ended.exhausted and not ended.overran


def test_a_program_writes_no_file_larger_than_its_policy(python: Callable[..., Ended]) -> None:
    ended = python("open('big', 'wb').write(bytes(8 << 20))")
    assert ended.exhausted and "File too large" in ended.complaints


def test_a_program_that_prints_without_end_is_ended_and_what_it_complains_is_cut() -> None:
    flood = processes.run(["/usr/bin/yes"], folder=None, policy=replace(ALONE, answer_bytes=1 << 16))
    assert flood.flooded and len(flood.output) == 1 << 16
    loud = ["/bin/sh", "-c", "yes | head -c 200000 >&2; echo done"]
    ended = processes.run(loud, folder=None, policy=replace(PROGRAM, log_bytes=1000))
    assert ended.output == b"done\n" and len(ended.complaints) == 1000


@pytest.mark.parametrize("way", ["sleep 600 & true", "setsid sleep 600 & true", "setsid -f sleep 600; sleep 600"])
def test_what_a_program_started_ends_with_it(way: str, python: Callable[..., Ended]) -> None:
    mark = f"{time.monotonic_ns() % 10**9}"
    limits = replace(PROGRAM, wall_seconds=20.0 if way.endswith("true") else 2.0)
    script = way.replace("sleep 600", f"sleep 600.{mark}")
    ended = processes.run(["/bin/sh", "-c", script], folder=None, policy=limits)
    assert ended.overran != way.endswith("true")
    until(lambda: not [line for line in commands() if f"600.{mark}" in line])  # a killed process takes a moment


def test_a_program_ends_with_its_killed_starter(tmp_path: Path) -> None:
    mark = f"600.{time.monotonic_ns() % 10**9}"
    text = (
        "import sys; from core.sandbox import processes; from core.sandbox.policy import SandboxPolicy;"
        f"processes.run(['/bin/sleep', {mark!r}], folder=None, policy=SandboxPolicy(wall_seconds=600))"
    )
    starter = subprocess.Popen([sys.executable, "-c", text], cwd=ROOT)
    until(lambda: [line for line in commands() if line.startswith("/bin/sleep") and mark in line])
    starter.kill()
    starter.wait(timeout=120)
    until(lambda: not [line for line in commands() if mark in line])


def commands() -> list[str]:
    """How every process was started that is still there."""
    lines = []
    for path in Path("/proc").glob("[0-9]*/cmdline"):
        with contextlib.suppress(OSError):
            lines.append(path.read_bytes().replace(b"\0", b" ").decode(errors="replace"))
    return lines


# The table of `core.sandbox.policy`.


def table() -> dict[str, list[str]]:
    lines = [line for line in str(policy.__doc__).splitlines() if line.startswith("| ") and ":" in line]
    cells = [[cell.strip() for cell in line.strip("|").split("|")] for line in lines]
    return {row[0]: row[2:] for row in cells}


def in_words(row: SandboxPolicy) -> list[str]:
    numbers = (row.cpu_seconds, row.wall_seconds, row.memory / 2**20, row.file_bytes / 2**20)
    counted = (row.open_files, row.processes)
    return [f"{number:.0f}" for number in numbers] + [str(n) for n in counted] + ["yes" if row.network else "no"]


@pytest.mark.parametrize("name", table())
def test_the_table_says_what_the_policies_say(name: str) -> None:
    module, _, constant = name.partition(":")
    real = in_words(getattr(importlib.import_module(module), constant))
    assert [said or number for said, number in zip(table()[name], real, strict=True)] == real


def test_every_policy_of_the_platform_is_in_the_table() -> None:
    found = {
        f"{'.'.join(path.relative_to(ROOT).with_suffix('').parts)}:{node.targets[0].id}"
        for app in ("core", "formats", "competition", "judging", "audits", "dashboard")
        for path in (ROOT / app).rglob("*.py")
        for node in ast.parse(path.read_text()).body
        if isinstance(node, ast.Assign) and isinstance(node.targets[0], ast.Name)
        if isinstance(node.value, ast.Call) and getattr(node.value.func, "id", "") == "SandboxPolicy"
    }
    assert found == set(table())
