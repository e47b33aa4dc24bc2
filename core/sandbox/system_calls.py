"""Which system calls may what we start make?  Small seccomp filters: what its work never needs is refused.

They close what namespaces leave open: sockets that belong to no network namespace (vsock to the host of a virtual
machine, files that are sockets of our own services), io_uring, which would make sockets past this filter, and the
kernel's own mounting and tracing calls.  Standard library only.
"""

from __future__ import annotations

import ctypes
import errno
import os
import platform
import socket
import struct
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from core.sandbox.namespaces import LIBC, must, no_new_privileges

PR_SET_SECCOMP, MODE_FILTER = 22, 2
ALLOW, ERRNO, KILL_PROCESS = 0x7FFF0000, 0x00050000, 0x80000000
LOAD, JUMP_EQUAL, JUMP_ABOVE, JUMP_ANY_BIT, RETURN = 0x20, 0x15, 0x25, 0x45, 0x06
NUMBER_AT, ARCH_AT, FIRST_ARGUMENT_AT = 0, 4, 16  # in the kernel's struct seccomp_data
FOREIGN_ABI = 0x3FFFFFFF  # x32 calls have bit 30 set
CLONE_THREAD = 0x00010000
NEW_NAMESPACES = 0x7E020000  # every CLONE_NEW* flag that clone accepts
NETWORK = (socket.AF_INET, socket.AF_INET6)
NETWORK_AND_FILES = (socket.AF_UNIX, *NETWORK)


@dataclass(frozen=True, kw_only=True)
class Architecture:
    """Numbers of the kernel's own tables: `audit` names the architecture, the rest are system calls."""

    audit: int
    socket: int
    clone: int
    forks: tuple[int, ...]
    refused: Mapping[str, int]


# The same on every architecture since Linux 5.1.
CLONE3 = 435
REFUSED = {
    "io_uring_setup": 425,
    "io_uring_enter": 426,
    "io_uring_register": 427,
    "open_tree": 428,
    "move_mount": 429,
    "fsopen": 430,
    "fsconfig": 431,
    "fsmount": 432,
    "fspick": 433,
    "pidfd_getfd": 438,
    "mount_setattr": 442,
}
X86_64 = Architecture(
    audit=0xC000003E,
    socket=41,
    clone=56,
    forks=(57, 58),  # fork, vfork
    refused={
        "ptrace": 101,
        "pivot_root": 155,
        "chroot": 161,
        "mount": 165,
        "umount2": 166,
        "swapon": 167,
        "swapoff": 168,
        "reboot": 169,
        "iopl": 172,
        "ioperm": 173,
        "init_module": 175,
        "delete_module": 176,
        "kexec_load": 246,
        "add_key": 248,
        "request_key": 249,
        "keyctl": 250,
        "unshare": 272,
        "perf_event_open": 298,
        "name_to_handle_at": 303,
        "open_by_handle_at": 304,
        "setns": 308,
        "process_vm_readv": 310,
        "process_vm_writev": 311,
        "finit_module": 313,
        "kexec_file_load": 320,
        "bpf": 321,
        "userfaultfd": 323,
    },
)
AARCH64 = Architecture(
    audit=0xC00000B7,
    socket=198,
    clone=220,
    forks=(),
    refused={
        "umount2": 39,
        "mount": 40,
        "pivot_root": 41,
        "chroot": 51,
        "unshare": 97,
        "kexec_load": 104,
        "init_module": 105,
        "delete_module": 106,
        "ptrace": 117,
        "reboot": 142,
        "add_key": 217,
        "request_key": 218,
        "keyctl": 219,
        "swapon": 224,
        "swapoff": 225,
        "perf_event_open": 241,
        "name_to_handle_at": 264,
        "open_by_handle_at": 265,
        "setns": 268,
        "process_vm_readv": 270,
        "process_vm_writev": 271,
        "finit_module": 273,
        "bpf": 280,
        "userfaultfd": 282,
        "kexec_file_load": 294,
    },
)
ARCHITECTURES = {"x86_64": X86_64, "aarch64": AARCH64}

# Of x86-64, for work on one file, which needs no socket, no program, no other process and no way out of its folder.
NOT_FOR_FILE_WORK = (
    *(41, 42, 43, 44, 45, 46, 47, 49, 50, 53, 288),  # socket, connect, accept, send*, recv*, bind, listen, socketpair
    *(57, 58, 59, 322),  # fork, vfork, execve, execveat
    *(62, 129, 200, 297, 424, 434, 438),  # kill, rt_sigqueueinfo, tkill, rt_tgsigqueueinfo, pidfd_*
    *(101, 310, 311, 312),  # ptrace, process_vm_readv, process_vm_writev, kcmp
    *(86, 88, 265, 266, 133, 259),  # link, symlink, linkat, symlinkat, mknod, mknodat
    *(155, 161, 165, 166, 272, 308, 428, 429, 430, 431, 432, 442),  # roots, mounts, namespaces
    *(169, 175, 176, 246, 313, 320),  # reboot, kernel modules, kexec
    *(248, 249, 250, 298, 321, 323, 425, 426, 427),  # keys, perf, bpf, userfaultfd, io_uring
)
TGKILL = 234


def available() -> bool:
    return platform.machine() in ARCHITECTURES


def restrict(*, families: Iterable[int] = NETWORK_AND_FILES, processes: bool = True) -> None:
    """For a program and all its children, for good: sockets of `families` only; without `processes` only threads.

    Raises OSError if the kernel cannot, KeyError where `available` is false.
    """
    kernel = ARCHITECTURES[platform.machine()]
    denied = _return(ERRNO | errno.EPERM)
    program = [_load(ARCH_AT), _step(JUMP_EQUAL, kernel.audit, 1, 0), _return(KILL_PROCESS)]
    program += [_load(NUMBER_AT), _step(JUMP_ABOVE, FOREIGN_ABI, 0, 1), denied]
    for number in (*kernel.refused.values(), *REFUSED.values(), *(() if processes else kernel.forks)):
        program += [_step(JUMP_EQUAL, number, 0, 1), denied]
    # clone3 hides its flags behind a pointer: "no such call" makes the C library use clone
    program += [_step(JUMP_EQUAL, CLONE3, 0, 1), _return(ERRNO | errno.ENOSYS)]
    program += [_step(JUMP_EQUAL, kernel.clone, 0, 4 if processes else 6), _load(FIRST_ARGUMENT_AT)]
    if not processes:
        program += [_step(JUMP_ANY_BIT, CLONE_THREAD, 1, 0), denied]
    program += [_step(JUMP_ANY_BIT, NEW_NAMESPACES, 0, 1), denied, _return(ALLOW)]
    program += [_step(JUMP_EQUAL, kernel.socket, 1, 0), _return(ALLOW), _load(FIRST_ARGUMENT_AT)]
    for family in families:
        program += [_step(JUMP_EQUAL, family, 0, 1), _return(ALLOW)]
    _install([*program, _return(ERRNO | errno.EAFNOSUPPORT)])


def restrict_file_work() -> None:
    """For a process that works on one file and starts nothing.  Raises OSError where the kernel cannot."""
    if platform.machine() != "x86_64" or struct.calcsize("P") != 8:
        raise OSError(errno.ENOSYS, "seccomp")
    denied = _return(ERRNO | errno.EPERM)
    program = [_load(ARCH_AT), _step(JUMP_EQUAL, X86_64.audit, 1, 0), _return(KILL_PROCESS)]
    program += [_load(NUMBER_AT), _step(JUMP_ABOVE, FOREIGN_ABI, 0, 1), _return(KILL_PROCESS)]
    program += [_step(JUMP_EQUAL, CLONE3, 0, 1), _return(ERRNO | errno.ENOSYS)]
    for number in NOT_FOR_FILE_WORK:
        program += [_step(JUMP_EQUAL, number, 0, 1), denied]
    program += [_step(JUMP_EQUAL, X86_64.clone, 0, 4), _load(FIRST_ARGUMENT_AT)]
    program += [_step(JUMP_ANY_BIT, CLONE_THREAD, 0, 1), _return(ALLOW), denied]
    program += [_step(JUMP_EQUAL, TGKILL, 1, 0), _return(ALLOW)]
    program += [_load(FIRST_ARGUMENT_AT), _step(JUMP_EQUAL, os.getpid(), 0, 1), _return(ALLOW), denied]
    _install(program)


def _install(program: list[bytes]) -> None:
    code = ctypes.create_string_buffer(b"".join(program))
    header = ctypes.create_string_buffer(struct.pack("HxxxxxxP", len(program), ctypes.addressof(code)))
    no_new_privileges()
    must(LIBC.prctl(PR_SET_SECCOMP, ctypes.c_ulong(MODE_FILTER), ctypes.byref(header), 0, 0), "seccomp")


def _step(code: int, value: int, if_true: int, if_false: int) -> bytes:
    return struct.pack("HBBI", code, if_true, if_false, value)


def _load(offset: int) -> bytes:
    return _step(LOAD, offset, 0, 0)


def _return(value: int) -> bytes:
    return _step(RETURN, value, 0, 0)
