"""How are miners' services run on this very machine?  One keeper process per pod, one folder per pod, nothing else.

The folder is the pod: `solution` (the code), `pictures`, `service.sock` (the way in), `service.log`, `keeper.lock`
(held while the pod lives) and `ended.json` (why it no longer does).  So a pod is found again whoever died meanwhile.
"""

from __future__ import annotations

import contextlib
import fcntl
import hashlib
import json
import os
import re
import select
import shutil
import signal
import struct
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import asdict
from pathlib import Path
from typing import Any

from audits.pods import control_pod, keeper
from audits.pods.base import INFRASTRUCTURE, MINER, UNCLEAR, Image, Pod, PodFault, picture_name
from audits.pods.checkout import ENTRY, checkout
from audits.pods.limits import POD
from competition.solution import commit_of
from core.sandbox import system_calls
from core.sandbox.policy import SandboxPolicy
from core.sandbox.service_probe import PROJECT, walls_work

NAME = re.compile(r"[a-z0-9][a-z0-9-]{0,62}")
FIRST_UID, UIDS = 61184, 4096  # the range systemd sets aside for users that exist only while a program runs
START_S, STOP_S, KILL_S, QUEUE_S = 15.0, 3.0, 3.0, 10.0
LOOK_S = 0.02
CARD = "this machine"
FLOCK = "hhqqi0q"  # struct flock of 64-bit Linux
SHARED = (
    "shares this machine's kernel, processor and memory with the platform",
    "runs the platform's Python and its packages, read-only; no image is built",
    "limits of memory, processor time and file size are per process",
)
WALLS = (
    "no network but its own loopback",
    "own process tree, ended as a whole",
    "sees only the system, Python and its own code, all read-only, and a temporary folder in memory",
)
NO_WALLS = (
    "NOT isolated: no namespaces on this machine; the service shares the network and the files of the platform's user",
)


class LocalPods:
    """The embedded pod provider.

    `repos` holds the miners' folders, `pods` is ours alone.  `walls` None: namespaces if this machine has them; True:
    refuse to start without; False: limits only, which every pod reports (refused for root, whatever is asked).
    """

    name = "local"
    needs_image = False

    def __init__(
        self,
        *,
        repos: Path,
        pods: Path,
        limits: SandboxPolicy = POD,
        walls: bool | None = None,
    ) -> None:
        self.repos, self.pods, self.limits, self.walls = repos, pods.absolute(), limits, walls

    def start(self, image: Image, *, name: str, beside: Pod | None = None) -> Pod:
        def fill(solution: Path) -> None:
            checkout(image, repos=self.repos, into=solution, commit_of=commit_of)

        return self._start({"repo": image.repo, "commit": image.commit}, name=name, fill=fill)

    def start_control(self, *, name: str, beside: Pod | None = None) -> Pod:
        def fill(solution: Path) -> None:
            solution.mkdir(mode=0o755)
            shutil.copyfile(control_pod.FILE, solution / ENTRY)
            (solution / ENTRY).chmod(0o644)

        return self._start({"repo": control_pod.MODULE, "commit": ""}, name=name, fill=fill)

    def _start(self, code: Mapping[str, str], *, name: str, fill: Callable[[Path], object]) -> Pod:
        """`code` names what runs under the name, `fill` copies it into the pod."""
        if not NAME.fullmatch(name):
            raise ValueError(f"{name!r} is not the name of a pod")
        folder, walls = self.pods / name, self.walls is not False and walls_work()
        if not walls and (self.walls or os.getuid() == 0):  # without walls a pod may do what its user may do
            raise PodFault(
                INFRASTRUCTURE, "no_namespaces", "This machine cannot isolate a pod, and we require it. We must act."
            )
        with self._one_at_a_time():
            if _holder(folder) is not None:
                started, present = _read(folder / keeper.STARTED), _read(folder / "image.json")
                if started and (present.get("repo"), present.get("commit")) == (code["repo"], code["commit"]):
                    return self._pod(name, started=started, walls=present["walls"])
            _end(folder)
            shutil.rmtree(folder, ignore_errors=True)
            (folder / "pictures").mkdir(parents=True)
            folder.chmod(0o700)
            (folder / "image.json").write_text(json.dumps({**code, "walls": walls}))
            fill(folder / keeper.SOLUTION)
            # as root, a user of the pod's own, so that pods do not share a process count
            own = FIRST_UID + int.from_bytes(hashlib.sha256(name.encode()).digest()[:4], "big") % UIDS
            started = self._keeper(folder, walls=walls, uid=os.getuid() or own)
            return self._pod(name, started=started, walls=walls)

    def offer(self, pod: Pod, *, pictures: Mapping[str, Path]) -> dict[str, str]:
        """Replaces the pictures of an earlier batch: a pod sees the batch in hand only."""
        folder = Path(pod.place["folder"]) / "pictures"
        names = {stem: picture_name(stem, path) for stem, path in pictures.items()}
        try:
            for stem, path in pictures.items():
                shutil.copyfile(path, folder / ".incoming")
                os.replace(folder / ".incoming", folder / names[stem])
            for old in set(os.listdir(folder)) - set(names.values()):
                (folder / old).unlink()
        except OSError as reason:
            raise PodFault(
                INFRASTRUCTURE, "no_pictures", f"We could not place the pictures: {reason.strerror}. We try again."
            ) from reason
        return {stem: f"http://127.0.0.1:{pod.place['pictures_port']}/{name}" for stem, name in names.items()}

    def alive(self, pod: Pod) -> bool:
        return _holder(Path(pod.place["folder"])) is not None

    def fault(self, pod: Pod) -> PodFault | None:
        if self.alive(pod):
            return None
        folder = Path(pod.place["folder"])
        return blame(_read(folder / keeper.ENDED), walls=bool(_read(folder / "image.json").get("walls")))

    def stop(self, pod: Pod) -> None:
        _end(Path(pod.place["folder"]))

    def log(self, pod: Pod) -> bytes:
        path = Path(pod.place["folder"]) / keeper.LOG
        parts = []
        for part in (path.with_suffix(".older"), path):
            with contextlib.suppress(FileNotFoundError):
                parts.append(part.read_bytes())
        return b"".join(parts)[-self.limits.log_bytes :]

    def sweep(self, known_names: Callable[[], set[str]]) -> list[str]:
        """Folders that no row knows, with whatever runs in them.

        Asked after looking: a pod that is started meanwhile was not seen, and one that was seen has its row.
        """
        if not self.pods.is_dir():
            return []
        folders = sorted(path for path in self.pods.iterdir() if path.is_dir())
        known = known_names() if folders else set()
        orphans = [path for path in folders if path.name not in known]
        for folder in orphans:
            _end(folder)
            shutil.rmtree(folder, ignore_errors=True)
        return [folder.name for folder in orphans]

    @contextlib.contextmanager
    def _one_at_a_time(self) -> Iterator[None]:
        """Two workers must not start the same pod twice."""
        self.pods.mkdir(parents=True, exist_ok=True)
        descriptor = os.open(self.pods, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
        try:
            _until(lambda: _try_lock(descriptor), within=QUEUE_S, code="busy", what="Another pod is being started")
            yield
        finally:
            os.close(descriptor)

    def _keeper(self, folder: Path, *, walls: bool, uid: int) -> dict[str, Any]:
        """What the keeper reports once the service runs; PodFault if it reports trouble, or nothing."""
        orders = {"folder": str(folder), "walls": walls, "uid": uid, "limits": asdict(self.limits)}
        try:
            with (folder / "keeper.log").open("wb") as trouble:
                process = subprocess.Popen(
                    [sys.executable, "-m", "audits.pods.keeper"],
                    cwd=PROJECT,
                    env={"PATH": "/usr/bin:/bin", "LANG": "C.UTF-8"},
                    stdin=subprocess.PIPE,
                    stdout=subprocess.PIPE,
                    stderr=trouble,
                )
        except OSError as reason:
            raise _not_started(str(reason)) from reason
        assert process.stdin and process.stdout  # noqa: S101
        with process.stdin, process.stdout:
            with contextlib.suppress(BrokenPipeError):
                process.stdin.write(json.dumps(orders).encode())
                process.stdin.close()
            ready, _, _ = select.select([process.stdout], [], [], START_S)
            line = process.stdout.readline(4096) if ready else b""
        process.wait(timeout=STOP_S)
        report = json.loads(line or b"{}")
        if "pid" not in report:
            raise _not_started(str(report.get("fault", "the keeper said nothing")))
        return dict(report)

    def _pod(self, name: str, *, started: Mapping[str, Any], walls: bool) -> Pod:
        folder = self.pods / name
        return Pod(
            provider=self.name,
            name=name,
            address={"unix": str(folder / keeper.SOCKET)},
            isolation=isolation(walls=walls),
            place={"folder": str(folder), "pid": started["pid"], "pictures_port": started["pictures_port"]},
            card=CARD,
        )


def isolation(*, walls: bool) -> tuple[str, ...]:
    """What holds a pod in, and what does not: shown wherever its results are."""
    filtered = "system calls filtered" if system_calls.available() else "system calls NOT filtered"
    if not walls:
        return (*NO_WALLS, filtered, *SHARED)
    user = "own unprivileged user" if os.getuid() == 0 else "the platform's own user, without privileges"
    return (*WALLS, user, filtered, *SHARED)


def _not_started(detail: str) -> PodFault:
    return PodFault(UNCLEAR, "not_started", f"This machine could not start the pod ({detail}). We try again.")


def blame(ended: Mapping[str, Any], *, walls: bool) -> PodFault:
    """Who must act on the end of a pod.

    What the service may have done itself is unclear: it can kill itself, and outlive its pod.  What no service inside
    walls can do, the end of its keeper, is ours.
    """
    because = ended.get("because")
    if because == "ended" and "exit" in ended:
        return PodFault(MINER, "crashed", f"The service ended by itself, with exit code {ended['exit']}.")
    if because == "ended" and ended.get("signal") == signal.SIGXCPU:
        return PodFault(MINER, "too_much_time", "The service used up its processor time.")
    if because == "ended" and ended.get("signal", signal.SIGKILL) != signal.SIGKILL:
        return PodFault(MINER, "crashed", f"The service crashed (signal {ended['signal']}).")
    sentence = {
        "ended": "The service was killed: by itself, by this machine or for lack of memory. We try again.",
        "expired": "The pod reached the end of its life before its work was collected. We try again.",
        "stopped": "We stopped the pod.",
        "not_started": "This machine could not start the pod. We try again.",
    }
    known = str(because) if because in sentence else "vanished"
    ours = known in ("stopped", "not_started") or (known == "vanished" and walls)
    return PodFault(
        INFRASTRUCTURE if ours else UNCLEAR,
        known,
        sentence.get(known, "The pod is gone and left no reason. We try again."),
    )


def _end(folder: Path) -> None:
    """Ask the keeper, then insist; when it dies the kernel takes the pod with it."""
    for number, patience in ((signal.SIGTERM, STOP_S), (signal.SIGKILL, KILL_S)):
        if _signal(folder, number):
            return
        with contextlib.suppress(PodFault):
            _until(lambda: _holder(folder) is None, within=patience, code="not_stopped", what="The pod runs on")
            return
    raise PodFault(INFRASTRUCTURE, "not_stopped", f"The pod in {folder.name} could not be stopped. We try again.")


def _signal(folder: Path, number: int) -> bool:
    """True if there is nobody to signal.  By pidfd, and checked again, because a bare number may be reused."""
    holder = _holder(folder)
    if holder is None:
        return True
    with contextlib.suppress(ProcessLookupError):
        descriptor = os.pidfd_open(holder)
        try:
            if _holder(folder) == holder:
                signal.pidfd_send_signal(descriptor, number)
        finally:
            os.close(descriptor)
    return False


def _holder(folder: Path) -> int | None:
    """The process that holds the pod's lock.  Asked of the kernel, so it survives reboots and reused numbers."""
    try:
        descriptor = os.open(folder / keeper.LOCK, os.O_RDWR | os.O_CLOEXEC)
    except FileNotFoundError:
        return None
    try:
        query = struct.pack(FLOCK, fcntl.F_WRLCK, os.SEEK_SET, 0, 0, 0)
        kind, _, _, _, pid = struct.unpack(FLOCK, fcntl.fcntl(descriptor, fcntl.F_GETLK, query))
    finally:
        os.close(descriptor)
    return None if kind == fcntl.F_UNLCK else pid


def _try_lock(descriptor: int) -> bool:
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


def _until(true: Callable[[], bool], *, within: float, code: str, what: str) -> None:
    deadline = time.monotonic() + within
    while not true():
        if time.monotonic() > deadline:
            raise PodFault(INFRASTRUCTURE, code, f"{what}. We try again.")
        time.sleep(LOOK_S)


def _read(path: Path) -> dict[str, Any]:
    try:
        return dict(json.loads(path.read_bytes()))
    except (FileNotFoundError, ValueError):
        return {}
