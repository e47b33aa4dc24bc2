"""Which files may a program see that is not ours?  The system's, and those it is given: Landlock, no root needed.

A file that it may not open is not hidden: its name can be asked for, its content cannot.  What other processes show in
/proc, their environment above all, is shut by the same wall.  Standard library only.
"""

from __future__ import annotations

import contextlib
import ctypes
import os
import stat
import struct
from collections.abc import Iterable

from core.sandbox.namespaces import LIBC, SYSTEM, must, no_new_privileges, python_folders

CREATE_RULESET, ADD_RULE, RESTRICT_SELF = 444, 445, 446  # one number on every architecture; Linux 5.13
VERSION, PATH_BENEATH = 1, 1
EXECUTE, WRITE, READ, LIST, TRUNCATE = 1 << 0, 1 << 1, 1 << 2, 1 << 3, 1 << 14
OF_A_FILE = EXECUTE | WRITE | READ | TRUNCATE
BY_VERSION = {1: (1 << 13) - 1, 2: (1 << 14) - 1}  # with 2 came moving a file to another folder, with 3 cutting one
NEWEST = (1 << 15) - 1
DEVICES = ("/dev/null", "/dev/zero", "/dev/full", "/dev/random", "/dev/urandom")
TIME_AND_NAMES = ("/etc/localtime", "/etc/passwd", "/etc/group", "/etc/nsswitch.conf")
FOR_THE_NETWORK = (
    "/etc/resolv.conf",
    "/etc/hosts",
    "/etc/host.conf",
    "/etc/gai.conf",
    "/etc/services",
    "/etc/protocols",
    "/etc/ssl",
    "/etc/pki",
    "/etc/ca-certificates",
    "/etc/crypto-policies",
    "/etc/gnutls",
)


def restrict(*, readable: Iterable[str], writable: Iterable[str], network: bool) -> None:
    """For this process and its children, for good.  Raises OSError where the kernel does not offer it."""
    version = LIBC.syscall(CREATE_RULESET, None, ctypes.c_size_t(0), VERSION)
    if version < 1:
        raise OSError(ctypes.get_errno(), "landlock")
    handled = BY_VERSION.get(version, NEWEST)
    attributes = struct.pack("Q", handled)
    rules = LIBC.syscall(CREATE_RULESET, attributes, ctypes.c_size_t(len(attributes)), 0)
    if rules < 0:
        raise OSError(ctypes.get_errno(), "landlock")
    try:
        shown = (*SYSTEM, *TIME_AND_NAMES, *python_folders(), *(FOR_THE_NETWORK if network else ()), *readable)
        for path in shown:
            _allow(rules, path, (EXECUTE | READ | LIST) & handled)
        for path in DEVICES:
            _allow(rules, path, (READ | WRITE) & handled)
        for path in writable:
            _allow(rules, path, handled)
        no_new_privileges()
        must(LIBC.syscall(RESTRICT_SELF, rules, 0), "landlock")
    finally:
        os.close(rules)


def _allow(rules: int, path: str, access: int) -> None:
    """A path that is not there can be used by nobody."""
    with contextlib.suppress(FileNotFoundError):
        place = os.open(path, os.O_PATH | os.O_CLOEXEC)
        try:
            if not stat.S_ISDIR(os.fstat(place).st_mode):
                access &= OF_A_FILE
            rule = struct.pack("=Qi", access, place)
            must(LIBC.syscall(ADD_RULE, rules, PATH_BENEATH, rule, 0), f"landlock {path}")
        finally:
            os.close(place)
