"""Which walls can a process put around itself, for good, before it touches a stranger's bytes?

Two kinds are walled here: work on one file in a fork of ours (`confine`), and a program (`own_namespaces`, then
`confine_program`).  Every wall of a file's work that stands is named; one that the machine does not offer is named too,
with "WITHOUT", never passed over.  Standard library only: the sandbox's server imports this before anything else.
"""

import contextlib
import ctypes
import os
import resource
import signal
import struct
from collections.abc import Callable
from pathlib import Path

from core.sandbox import file_access, namespaces, system_calls
from core.sandbox.namespaces import LIBC, NEWIPC, NEWNET, NEWPID, NEWUSER, NEWUTS
from core.sandbox.policy import SandboxPolicy


def confine(folder: Path, *, policy: SandboxPolicy) -> list[str]:
    """Leave everything but `folder`, which becomes the root.  Returns the walls, in the order they were built."""
    limit(policy)
    walls = ["memory, processor and file limits"]
    for name, wall in WALLS:
        try:
            wall(folder)
            walls.append(name)
        except OSError as error:
            walls.append(f"WITHOUT {name} ({os.strerror(error.errno or 0)})")
    return walls


def own_namespaces(*, network: bool, stay_root: bool = False) -> None:
    """For this process and its children: no interface but a loopback that is down, no right over any process outside.

    The next process that it forks is the first of a process tree of its own.  `network`: that stays as it is.
    `stay_root`: to become another user later.  Raises OSError where the machine does not offer it.
    """
    spaces = NEWIPC | NEWUTS | NEWPID | (0 if network else NEWNET)
    if LIBC.unshare(spaces if stay_root else spaces | NEWUSER):
        refused = ctypes.get_errno()
        if LIBC.unshare(spaces):  # root may do without a user namespace
            raise OSError(refused, "unshare")


def confine_program(*, policy: SandboxPolicy, uid: int | None) -> None:
    """The walls of a program, put up by the process that becomes it.  OSError where network or rights would be left.

    Files and system calls are walled off, and processes counted, where the kernel offers it.  `uid`: whom root becomes.
    """
    with contextlib.suppress(OSError):
        file_access.restrict(readable=policy.readable, writable=policy.writable, network=policy.network)
    limit(policy)
    if uid is not None:
        namespaces.become(uid)
        counted_apart = not LIBC.unshare(NEWUSER)
    else:
        counted_apart = True
    if policy.processes and counted_apart:
        limit_processes(policy.processes)
    _no_capabilities(Path())
    _no_new_privileges(Path())
    if system_calls.available():
        with contextlib.suppress(OSError):
            system_calls.restrict(families=system_calls.NETWORK, processes=policy.processes > 0)


def limit(policy: SandboxPolicy, *, grace_seconds: int = 2) -> None:
    """`grace_seconds` of processor time lie between the signal that says that it is used up, and the end."""
    caps = {
        resource.RLIMIT_AS: policy.memory,
        resource.RLIMIT_FSIZE: policy.file_bytes,
        resource.RLIMIT_NOFILE: policy.open_files,
        resource.RLIMIT_CORE: 0,
        resource.RLIMIT_MEMLOCK: 0,
    }
    for kind, most in caps.items():
        _cap(kind, most, most)
    _cap(resource.RLIMIT_CPU, policy.cpu_seconds, policy.cpu_seconds + grace_seconds)


def limit_processes(most: int) -> None:
    """Of the user that this process is: all of them together, in its user namespace."""
    _cap(resource.RLIMIT_NPROC, most, most)


def _cap(kind: int, soft: int, hard: int) -> None:
    """Never above what this process is allowed itself."""
    allowed = resource.getrlimit(kind)[1]
    if allowed != resource.RLIM_INFINITY:
        soft, hard = min(soft, allowed), min(hard, allowed)
    resource.setrlimit(kind, (soft, hard))


def first_to_go() -> None:
    """When the machine runs out of memory, the kernel ends us rather than a worker or the database."""
    with contextlib.suppress(OSError):
        Path("/proc/self/oom_score_adj").write_text("1000")


def die_with_parent(parent: int) -> None:
    """Killed when the process `parent`, which forked us, ends: also when it is killed."""
    namespaces.prctl(namespaces.PR_SET_PDEATHSIG, signal.SIGKILL)
    if os.getppid() != parent:
        os._exit(1)


def _no_network(_: Path) -> None:
    """New namespaces: no interface but a loopback that is down; no right over any process outside."""
    if LIBC.unshare(NEWUSER | NEWNET | NEWIPC | NEWUTS):
        refused = ctypes.get_errno()
        if LIBC.unshare(NEWNET | NEWIPC):  # root may do without a user namespace
            raise OSError(refused, "unshare")


def _own_root(folder: Path) -> None:
    os.chroot(folder)
    os.chdir("/")


def _no_capabilities(_: Path) -> None:
    header = struct.pack("=Ii", 0x20080522, 0)
    if LIBC.capset(header, bytes(24)):
        raise OSError(ctypes.get_errno(), "capset")


def _no_new_privileges(_: Path) -> None:
    namespaces.no_new_privileges()
    namespaces.prctl(namespaces.PR_SET_DUMPABLE, 0)


WALLS: tuple[tuple[str, Callable[[Path], None]], ...] = (
    ("no network", _no_network),
    ("own root folder", _own_root),
    ("no capabilities", _no_capabilities),
    ("no new privileges", _no_new_privileges),
    ("system call filter", lambda _: system_calls.restrict_file_work()),
)
