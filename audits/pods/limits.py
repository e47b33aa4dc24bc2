"""How much of this machine may a pod use?"""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Self

MIB = 1 << 20


@dataclass(frozen=True, kw_only=True)
class PodLimits:
    """Defaults suit a generator that runs on a processor.

    Memory, processor time and file size are limits of each process: without a control group a whole pod may use
    `processes` times as much.  `scratch_bytes` is a limit of the whole pod (with namespaces: /tmp is memory).
    `wall_s` is the life of a pod: longest warm-up, longest generation, and a margin for our own slowness.
    """

    memory_bytes: int = 4096 * MIB
    cpu_s: int = 7 * 3600
    file_bytes: int = 512 * MIB
    processes: int = 256
    open_files: int = 512
    scratch_bytes: int = 1024 * MIB
    log_bytes: int = 256 * 1024
    wall_s: float = 7 * 3600

    def to_json(self) -> dict[str, Any]:
        return dataclasses.asdict(self)

    @classmethod
    def from_json(cls, value: Mapping[str, Any]) -> Self:
        return cls(**value)
