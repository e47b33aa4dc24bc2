"""What do the browser's processes use?  Read from /proc: limits of address space would stop any browser."""

import os
from dataclasses import dataclass
from pathlib import Path

TICKS = os.sysconf("SC_CLK_TCK")


@dataclass(frozen=True)
class BrowserUse:
    memory: int  # bytes that are no file's
    cpu_seconds: float  # of the processes that still live


def of(root: int) -> BrowserUse:
    """What process `root` and all below it use.  Processes that end meanwhile count nothing."""
    uses = [used for pid in _family(root) if (used := _one(pid)) is not None]
    return BrowserUse(memory=sum(memory for memory, _ in uses), cpu_seconds=sum(cpu for _, cpu in uses))


def _family(root: int) -> list[int]:
    children: dict[int, list[int]] = {}
    for name in os.listdir("/proc"):
        if name.isdigit() and (fields := _stat(int(name))):
            children.setdefault(int(fields[1]), []).append(int(name))
    family = [root]
    for pid in family:
        family += children.get(pid, [])
    return family


def _stat(pid: int) -> list[str] | None:
    """The fields of /proc/<pid>/stat after the name, which may hold anything."""
    try:
        return Path(f"/proc/{pid}/stat").read_text(errors="replace").rpartition(")")[2].split()
    except OSError:
        return None


def _one(pid: int) -> tuple[int, float] | None:
    fields = _stat(pid)
    try:
        lines = Path(f"/proc/{pid}/status").read_text(errors="replace").splitlines()
    except OSError:
        return None
    kilobytes = [int(line.split()[1]) for line in lines if line.startswith(("RssAnon:", "RssShmem:"))]
    return (sum(kilobytes) << 10, (int(fields[11]) + int(fields[12])) / TICKS) if fields else None
