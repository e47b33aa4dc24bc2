"""How is a pod walled off from this machine?  Linux namespaces, called directly: no helper program, no root needed.

Two halves, because of what the kernel allows when: `detach` is for the process that will keep the pod (it must stay
able to reach the pod's loopback), `enclose` for the pod's first process.  Anything the kernel refuses is an OSError.
"""

from __future__ import annotations

import contextlib
import ctypes
import fcntl
import os
import socket
import struct
import sys
from pathlib import Path

LIBC = ctypes.CDLL(None, use_errno=True)
NEWNS, NEWUTS, NEWIPC, NEWUSER, NEWPID, NEWNET = 0x20000, 0x4000000, 0x8000000, 0x10000000, 0x20000000, 0x40000000
MS_NOSUID, MS_NODEV, MS_NOEXEC, MS_BIND, MS_REC, MS_PRIVATE = 2, 4, 8, 4096, 16384, 1 << 18
ATTR_RDONLY, ATTR_NOSUID, ATTR_NODEV = 1, 2, 4
AT_FDCWD, AT_RECURSIVE, MNT_DETACH = -100, 0x8000, 2
MOUNT_SETATTR = 442  # one number on every architecture; Linux 5.12
SIOCSIFFLAGS, IFF_UP = 0x8914, 1
PR_SET_PDEATHSIG, PR_SET_DUMPABLE, PR_SET_CHILD_SUBREAPER, PR_SET_NO_NEW_PRIVS = 1, 4, 36, 38
SYSTEM = ("/usr", "/bin", "/sbin", "/lib", "/lib64", "/lib32", "/etc/ld.so.cache", "/etc/alternatives")
DEVICES = ("null", "zero", "full", "random", "urandom")
SHARED_MEMORY = 64 << 20
CODE = Path("/app")  # where the pod sees the miner's code


def detach() -> None:
    """Own network (nothing but a loopback), process numbers, host name and IPC, for this process's children.

    An ordinary user needs a user namespace for that; root does not, and gives its rights up in `enclose` instead.
    """
    uid, gid = os.getuid(), os.getgid()
    flags = NEWNET | NEWPID | NEWIPC | NEWUTS | (NEWUSER if uid else 0)
    must(LIBC.unshare(flags), "unshare")
    if uid:
        Path("/proc/self/setgroups").write_text("deny")
        Path("/proc/self/uid_map").write_text(f"{uid} {uid} 1")
        Path("/proc/self/gid_map").write_text(f"{gid} {gid} 1")
    must(LIBC.sethostname(b"pod", 3), "sethostname")
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as control:
        fcntl.ioctl(control, SIOCSIFFLAGS, struct.pack("16sH14x", b"lo", IFF_UP))


def enclose(code: Path, *, empty: Path, scratch_bytes: int, uid: int) -> None:
    """See nothing of this machine but the system, Python and `code`, all read-only; then drop every privilege.

    `empty` is a folder to build the new root in, `uid` whom to become if we are root.
    """
    must(LIBC.unshare(NEWNS), "unshare")
    _mount("none", "/", "", MS_REC | MS_PRIVATE)
    _mount("tmpfs", str(empty), "tmpfs", MS_NOSUID | MS_NODEV, "mode=755,size=1m")
    _scratch(empty, scratch_bytes=scratch_bytes)  # first: Python itself may live below /tmp, and is shown on top
    for path in (*SYSTEM, *python_folders()):
        _show(Path(path), root=empty)
    _bind(code, empty / CODE.relative_to("/"))
    _devices(empty)
    (empty / "etc").mkdir(exist_ok=True)
    (empty / "etc/passwd").write_text(f"root:x:0:0::/:/bin/false\npod:x:{uid}:{uid}::/tmp:/bin/sh\n")
    (empty / "etc/hosts").write_text("127.0.0.1 localhost pod\n")
    _change_root(empty)
    if os.getuid() == 0:
        become(uid)
    no_new_privileges()
    prctl(PR_SET_DUMPABLE, 0)  # the service, same user, must not be able to trace the pod's first process


def python_folders() -> list[str]:
    """The folders of the running interpreter and its packages."""
    executable = Path(sys.executable)
    folders = {sys.prefix, sys.base_prefix, str(executable.parent), str(executable.resolve().parent)}
    folders |= {os.path.realpath(folder) for folder in folders}
    return sorted(folder for folder in folders if folder != "/" and not folder.startswith("/usr/"))


def _show(path: Path, *, root: Path) -> None:
    shown = root / path.relative_to("/")
    if path.is_symlink():  # /bin -> usr/bin on merged systems
        shown.parent.mkdir(parents=True, exist_ok=True)
        shown.symlink_to(os.readlink(path))
    elif path.exists() and not shown.exists():
        _bind(path, shown)


def _bind(path: Path, shown: Path, *, device: bool = False) -> None:
    shown.parent.mkdir(parents=True, exist_ok=True)
    if path.is_dir():
        shown.mkdir()
    else:
        shown.touch()
    _mount(str(path), str(shown), "", MS_BIND | MS_REC)
    if not device:
        _restrict(str(shown), ATTR_RDONLY | ATTR_NOSUID | ATTR_NODEV, AT_RECURSIVE)


def _devices(root: Path) -> None:
    for name in DEVICES:
        _bind(Path("/dev") / name, root / "dev" / name, device=True)
    shared = root / "dev/shm"
    shared.mkdir()
    _mount("tmpfs", str(shared), "tmpfs", MS_NOSUID | MS_NODEV, f"mode=1777,size={SHARED_MEMORY}")


def _scratch(root: Path, *, scratch_bytes: int) -> None:
    tmp, proc = root / "tmp", root / "proc"
    tmp.mkdir()
    _mount("tmpfs", str(tmp), "tmpfs", MS_NOSUID | MS_NODEV, f"mode=1777,size={scratch_bytes},nr_inodes=100k")
    proc.mkdir()
    with contextlib.suppress(OSError):  # inside some containers the kernel keeps /proc back; Python lives without
        _mount("proc", str(proc), "proc", MS_NOSUID | MS_NODEV | MS_NOEXEC, "hidepid=2")


def _change_root(root: Path) -> None:
    os.chdir(root)
    must(LIBC.pivot_root(b".", b"."), "pivot_root")
    must(LIBC.umount2(b".", MNT_DETACH), "umount")
    os.chdir("/")
    _restrict("/", ATTR_RDONLY, 0)


def become(uid: int) -> None:
    """From root to a user without rights, for good."""
    os.setgroups([])
    os.setresgid(uid, uid, uid)
    os.setresuid(uid, uid, uid)


def show_nothing(name: bytes = b"pod") -> None:
    """This process's command line and environment, as others read them in /proc, become `name` and nothing.

    They are the memory that the kernel filled when the program began: overwritten, as a fork of the keeper shows them.
    """
    facts = Path("/proc/self/stat").read_text().rpartition(")")[2].split()
    arguments, arguments_end, settings, settings_end = map(int, facts[45:49])  # fields 48 to 51 of proc(5)
    for start, end in ((arguments, arguments_end), (settings, settings_end)):
        if 0 < start < end:
            ctypes.memset(start, 0, end - start)
    ctypes.memmove(arguments, name, min(len(name), arguments_end - arguments))


def no_new_privileges() -> None:
    prctl(PR_SET_NO_NEW_PRIVS, 1)


def prctl(option: int, value: int) -> None:
    must(LIBC.prctl(option, ctypes.c_ulong(value), 0, 0, 0), "prctl")


def _mount(source: str, target: str, kind: str, flags: int, data: str = "") -> None:
    result = LIBC.mount(source.encode(), target.encode(), kind.encode(), ctypes.c_ulong(flags), data.encode())
    must(result, f"mount {target}")


def _restrict(target: str, attributes: int, flags: int) -> None:
    """Add flags to a mount and those below it.  Unlike a remount this cannot clear what the host had set."""
    wanted = struct.pack("QQQQ", attributes, 0, 0, 0)
    result = LIBC.syscall(MOUNT_SETATTR, AT_FDCWD, target.encode(), flags, wanted, ctypes.c_size_t(len(wanted)))
    must(result, f"restrict {target}")


def must(result: int, what: str) -> None:
    """The C library's convention: anything but 0 is an error, and errno says which."""
    if result != 0:
        number = ctypes.get_errno()
        raise OSError(number, f"{what}: {os.strerror(number)}")
