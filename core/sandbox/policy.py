"""What may code, or a parser, that is not ours use on this machine?  One policy for whatever meets a stranger's bytes.

All of it is started by `core.sandbox.processes`, and by nothing else; `tests/core/test_sandbox.py` tries the rules, and
compares this table with the policies that stand in the code.

| policy | is for | cpu s | wall s | memory MiB | file MiB | files | processes | network |
|---|---|---|---|---|---|---|---|---|
| formats.light_copy:LIMITS | a light copy of a file, in a fork of ours | 90 | 170 | 3072 | 8 | 64 | 0 | no |
| formats.conversion:LIMITS | a conversion of a file, in a fork of ours | 120 | 400 | 3072 | 381 | 64 | 0 | no |
| formats.integrity.measurement:LIMITS | how sound a file is, in a fork of ours | 120 | 280 | 3072 | 64 | 64 | 0 | no |
| judging.renderers.derived_file:LIMITS | a file's check, in a fork of ours | 120 | 240 | 3072 | 763 | 64 | 0 | no |
| audits.source.scanning:LIMITS | a check of a miner's code, in a fork of ours | 30 | 120 | 2048 | 1 | 64 | 0 | no |
| audits.source.linting:LIMITS | hadolint on a recipe | 20 | 60 | 4194304 | 1 | 64 | 0 | no |
| audits.source.origins.git:FETCHING | git, which fetches a commit | 60 | 150 | 1024 | 256 | 256 | 64 | yes |
| audits.source.origins.git:LOOKING | git, which reads what came | 30 | 60 | 1024 | 32 | 256 | 64 | no |
| competition.records.sources:READING | git, which reads a state repository | 600 | 120 | 8192 | 1 | 256 | 0 | no |
| core.sandbox.chromium.browser:BROWSING | a page, where nothing else is said | 120 | 480 | 4096 | | | | no |
| formats.threejs.baking:STARTING | the browser, until a module can be run in it | 60 | 120 | 2048 | | | | no |
| formats.threejs.baking:RUNNING | a module's code in its page | 6 | 60 | 2048 | | | | no |
| formats.threejs.baking:WRITING | the page that writes what a module built | 60 | 240 | 3072 | | | | no |
| audits.pods.limits:POD | a miner's service on this machine | 25200 | 25200 | 4096 | 512 | 512 | 256 | no |

`judging.renderers.raycast.allowance` and `judging.renderers.threejs.allowed` give more time for more pixels; `git` has
the network in the calls that need it only; a miner's own preflight checks with `gauntlet_client.desk.CHECKING`.
Images run on other machines, behind the Docker Engine's walls (`audits/pods/docker.py`) or a GPU cloud's.
Standard library only: the walled processes themselves import this.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field


@dataclass(frozen=True, kw_only=True)
class SandboxPolicy:
    """What one asset may use.  Processor time is the asset's doing; wall time is also our machine's.

    Work on one file, in a fork of ours, sees its own folder and nothing else.  A program sees the system's files, and
    `readable`; it writes into its folder, and into `writable`.  A service sees the system's files, its code and a
    folder in memory.  A page sees what its host answers.  Nobody inherits our environment.
    """

    memory: int = 3 << 30  # bytes: address space of a process; of a browser, what all its processes hold
    cpu_seconds: int = 60
    wall_seconds: float = 240.0
    file_bytes: int = 64 << 20  # per file written
    open_files: int = 64
    processes: int = 0  # that it may start; without one it may have threads
    log_bytes: int = 1 << 16  # of its log that are kept
    answer_bytes: int = 1 << 20
    scratch_bytes: int = 0  # of a service's folder in memory
    heap: int = 4 << 30  # bytes that the scripts of a page may hold
    network: bool = False
    readable: tuple[str, ...] = ()
    writable: tuple[str, ...] = ()
    environment: Mapping[str, str] = field(default_factory=dict)
