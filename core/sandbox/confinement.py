"""Which walls can a process put around itself, for good, before it touches a stranger's bytes?

Every wall that stands is named; one that the machine does not offer is named too, with "WITHOUT", never passed over.
Standard library only: the sandbox's server imports this before anything else.
"""

import contextlib
import ctypes
import errno
import os
import platform
import resource
import signal
import struct
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

CLONE_NEWUSER, CLONE_NEWNET, CLONE_NEWIPC, CLONE_NEWUTS = 0x10000000, 0x40000000, 0x08000000, 0x04000000
PR_SET_PDEATHSIG, PR_SET_DUMPABLE, PR_SET_SECCOMP, PR_SET_NO_NEW_PRIVS = 1, 4, 22, 38

_libc = ctypes.CDLL(None, use_errno=True)


@dataclass(frozen=True)
class SandboxLimits:
    """What one asset may use.  Processor time is the asset's doing; wall time is also our machine's."""

    memory: int = 3 << 30  # bytes of address space
    cpu_seconds: int = 60
    wall_seconds: float = 240.0
    file_bytes: int = 64 << 20  # per file written
    open_files: int = 64
    said_bytes: int = 1 << 16  # of stdout and stderr that are kept
    answer_bytes: int = 1 << 20


def confine(folder: Path, *, limits: SandboxLimits) -> list[str]:
    """Leave everything but `folder`, which becomes the root.  Returns the walls, in the order they were built."""
    limit(limits)
    walls = ["memory, processor and file limits"]
    for name, wall in WALLS:
        try:
            wall(folder)
            walls.append(name)
        except OSError as error:
            walls.append(f"WITHOUT {name} ({os.strerror(error.errno or 0)})")
    return walls


def limit(limits: SandboxLimits) -> None:
    caps = {
        resource.RLIMIT_AS: limits.memory,
        resource.RLIMIT_FSIZE: limits.file_bytes,
        resource.RLIMIT_NOFILE: limits.open_files,
        resource.RLIMIT_CORE: 0,
        resource.RLIMIT_MEMLOCK: 0,
    }
    for kind, most in caps.items():
        resource.setrlimit(kind, (most, most))
    resource.setrlimit(resource.RLIMIT_CPU, (limits.cpu_seconds, limits.cpu_seconds + 2))


def first_to_go() -> None:
    """When the machine runs out of memory, the kernel ends us rather than a worker or the database."""
    with contextlib.suppress(OSError):
        Path("/proc/self/oom_score_adj").write_text("1000")


def die_with_parent(parent: int) -> None:
    """Killed when the process `parent`, which forked us, ends: also when it is killed."""
    _libc.prctl(PR_SET_PDEATHSIG, signal.SIGKILL, 0, 0, 0)
    if os.getppid() != parent:
        os._exit(1)


def _no_network(_: Path) -> None:
    """New namespaces: no interface but a loopback that is down; no right over any process outside."""
    if _libc.unshare(CLONE_NEWUSER | CLONE_NEWNET | CLONE_NEWIPC | CLONE_NEWUTS):
        refused = ctypes.get_errno()
        if _libc.unshare(CLONE_NEWNET | CLONE_NEWIPC):  # root may do without a user namespace
            raise OSError(refused, "unshare")


def _own_root(folder: Path) -> None:
    os.chroot(folder)
    os.chdir("/")


def _no_capabilities(_: Path) -> None:
    header = struct.pack("=Ii", 0x20080522, 0)
    if _libc.capset(header, bytes(24)):
        raise OSError(ctypes.get_errno(), "capset")


def _no_new_privileges(_: Path) -> None:
    if _libc.prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) or _libc.prctl(PR_SET_DUMPABLE, 0, 0, 0, 0):
        raise OSError(ctypes.get_errno(), "prctl")


# System calls of Linux on x86-64 that a renderer has no use for: sockets, programs, other processes, kernel doors.
_DENIED = (
    *(41, 42, 43, 44, 45, 46, 47, 49, 50, 53, 288),  # socket, connect, accept, send*, recv*, bind, listen, socketpair
    *(57, 58, 59, 322),  # fork, vfork, execve, execveat
    *(62, 129, 200, 297, 424, 434, 438),  # kill, rt_sigqueueinfo, tkill, rt_tgsigqueueinfo, pidfd_*
    *(101, 310, 311, 312),  # ptrace, process_vm_readv, process_vm_writev, kcmp
    *(86, 88, 265, 266, 133, 259),  # link, symlink, linkat, symlinkat, mknod, mknodat
    *(155, 161, 165, 166, 272, 308, 428, 429, 430, 431, 432, 442),  # roots, mounts, namespaces
    *(169, 175, 176, 246, 313, 320),  # reboot, kernel modules, kexec
    *(248, 249, 250, 298, 321, 323, 425, 426, 427),  # keys, perf, bpf, userfaultfd, io_uring
)
_CLONE, _CLONE3, _TGKILL, _CLONE_THREAD = 56, 435, 234, 0x00010000
_ALLOW, _KILL, _FAIL = 0x7FFF0000, 0x80000000, 0x00050000
_AUDIT_X86_64 = 0xC000003E
_LOAD, _EQUAL, _AT_LEAST, _ANY_BIT, _RETURN = 0x20, 0x15, 0x35, 0x45, 0x06


def _instruction(code: int, value: int, *, yes: int = 0, no: int = 0) -> bytes:
    return struct.pack("=HBBI", code, yes, no, value)


def _filter() -> bytes:
    """A classic BPF program over struct seccomp_data: number at 0, architecture at 4, first argument at 16."""
    give_way, own = _FAIL | errno.ENOSYS, os.getpid()
    denied = _instruction(_RETURN, _FAIL | errno.EPERM)
    program = [
        _instruction(_LOAD, 4),
        _instruction(_EQUAL, _AUDIT_X86_64, yes=1),
        _instruction(_RETURN, _KILL),
        _instruction(_LOAD, 0),
        _instruction(_AT_LEAST, 0x40000000, no=1),  # the x32 calling convention has other numbers
        _instruction(_RETURN, _KILL),
        _instruction(_EQUAL, _CLONE3, no=1),  # its flags cannot be read here; libc falls back to clone
        _instruction(_RETURN, give_way),
        *(line for number in _DENIED for line in (_instruction(_EQUAL, number, no=1), denied)),
        _instruction(_EQUAL, _CLONE, no=3),
        _instruction(_LOAD, 16),
        _instruction(_ANY_BIT, _CLONE_THREAD, yes=4),
        denied,
        _instruction(_EQUAL, _TGKILL, no=2),
        _instruction(_LOAD, 16),
        _instruction(_EQUAL, own, no=1),
        _instruction(_RETURN, _ALLOW),
        denied,
    ]
    return b"".join(program)


def _system_call_filter(_: Path) -> None:
    if platform.machine() != "x86_64" or struct.calcsize("P") != 8:
        raise OSError(errno.ENOSYS, "seccomp")
    program = _filter()
    kept = ctypes.create_string_buffer(program, len(program))
    pointer = struct.pack("@HP", len(program) // 8, ctypes.addressof(kept))
    if _libc.prctl(PR_SET_SECCOMP, 2, pointer, 0, 0):
        raise OSError(ctypes.get_errno(), "seccomp")


WALLS: tuple[tuple[str, Callable[[Path], None]], ...] = (
    ("no network", _no_network),
    ("own root folder", _own_root),
    ("no capabilities", _no_capabilities),
    ("no new privileges", _no_new_privileges),
    ("system call filter", _system_call_filter),
)
