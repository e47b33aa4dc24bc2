"""Work that misbehaves in every way a broken-into renderer could, for the sandbox to contain.  Never run outside it."""

import ctypes
import os
import signal
import socket
import subprocess
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from core.sandbox.outcomes import Refused

Told = dict[str, Any]


def work(task: Told, data: bytes) -> Told:
    return {"answer": DEEDS[task["deed"]](task, data)}


def error_of(deed: Callable[[], Any]) -> str:
    """The name of the error that stopped it, or `done`."""
    try:
        deed()
    except OSError as error:
        return type(error).__name__ if error.errno is None else os.strerror(error.errno)
    return "done"


def _connect(task: Told, _: bytes) -> str:
    return error_of(lambda: socket.socket().connect(("127.0.0.1", task["port"])))


def _environment(_: Told, __: bytes) -> Told:
    return dict(os.environ)


def _forks(_: Told, __: bytes) -> Told:
    return {
        "fork": error_of(os.fork),
        "program": error_of(lambda: subprocess.run(["/bin/true"], check=False)),
        "kill the server": error_of(lambda: os.kill(os.getppid(), signal.SIGKILL)),
    }


def _files(task: Told, _: bytes) -> Told:
    Path("own.txt").write_text("mine")
    return {
        "root": sorted(os.listdir("/")),
        "passwd": error_of(lambda: Path("/etc/passwd").read_bytes()),
        "outside": error_of(lambda: Path(task["outside"]).read_bytes()),
        "upward": error_of(lambda: Path("../../../../etc/passwd").read_bytes()),
        "chroot": error_of(lambda: os.chroot(".")),
        "link": error_of(lambda: os.symlink("/etc/passwd", "link")),
        "open": sorted(_open_files()),
    }


def _open_files() -> list[int]:
    found = []
    for number in range(1024):
        try:
            os.fstat(number)
        except OSError:
            continue
        found.append(number)
    return found


def _loop(_: Told, __: bytes) -> None:
    while True:
        pass


def _sleep(_: Told, __: bytes) -> None:
    while True:
        time.sleep(60)


def _eat(_: Told, __: bytes) -> None:
    eaten = []
    while True:
        eaten.append(bytearray(64 << 20))


def _write(_: Told, __: bytes) -> str:
    return error_of(lambda: Path("big").write_bytes(bytes(8 << 20)))


def _chatter(_: Told, __: bytes) -> int:
    for _line in range(20_000):
        os.write(1, b"x" * 99 + b"\n")
    return 1


def _babble(_: Told, __: bytes) -> str:
    return "y" * (4 << 20)


def _wait(_: Told, __: bytes) -> None:
    Path("started").touch()
    while True:
        time.sleep(60)


def _refuse(task: Told, _: bytes) -> None:
    raise Refused(task["code"], "\x1b[31mbecause" + "!" * 5000)


def _segfault(_: Told, __: bytes) -> None:
    ctypes.string_at(0)


def _abort(_: Told, __: bytes) -> None:
    os.abort()


def _raise(_: Told, __: bytes) -> None:
    raise KeyError("surprise")


def _echo(_: Told, data: bytes) -> str:
    return data.decode()


DEEDS: dict[str, Callable[[Told, bytes], Any]] = {
    "abort": _abort,
    "babble": _babble,
    "chatter": _chatter,
    "connect": _connect,
    "eat": _eat,
    "echo": _echo,
    "environment": _environment,
    "files": _files,
    "forks": _forks,
    "loop": _loop,
    "raise": _raise,
    "refuse": _refuse,
    "segfault": _segfault,
    "sleep": _sleep,
    "wait": _wait,
    "write": _write,
}
