"""How much of this machine may a pod use?"""

from __future__ import annotations

from core.sandbox.policy import SandboxPolicy

MIB = 1 << 20

# Suits a generator that runs on a processor.  Memory, processor time and file size are limits of each process: without
# a control group a whole pod may use `processes` times as much.  `scratch_bytes` is a limit of the whole pod (with
# namespaces: /tmp is memory).  `wall_seconds` is the life of a pod: longest warm-up, longest generation, and a margin
# for our own slowness.  `log_bytes` are kept of its log.
POD = SandboxPolicy(
    memory=4096 * MIB,
    cpu_seconds=7 * 3600,
    wall_seconds=7 * 3600,
    file_bytes=512 * MIB,
    processes=256,
    open_files=512,
    scratch_bytes=1024 * MIB,
    log_bytes=256 * 1024,
)
