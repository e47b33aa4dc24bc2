"""How is untrusted work done without trusting it?  In a walled child of a fork server, and its answer is checked here.

Three ends are kept apart.  *Done*: the child answered.  *Refused*: the asset breaks a rule, or needs more memory or
processor time than it may (its miner must act).  *Fault*: anything that may be ours, such as a killed process, a busy
machine or a crash; retried, never held against a miner.  Wall time is a fault because a loaded machine looks the same.
"""

import json
import os
import signal
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from core.sandbox import metering
from core.sandbox.fork_client import ForkServer, last_line
from core.sandbox.outcomes import Refused, RendererFault
from core.sandbox.policy import SandboxPolicy
from formats.rules import MOST_BYTES, known_rules, plain, refusal

CRASHES = (signal.SIGSEGV, signal.SIGABRT, signal.SIGBUS, signal.SIGFPE, signal.SIGILL, signal.SIGSYS)


@dataclass(frozen=True)
class Done:
    """`answer` is what the untrusted child said: check it before use.  `walls` it named before it saw the asset."""

    answer: dict[str, Any]
    walls: tuple[str, ...]
    log: str
    cpu_seconds: float
    wall_seconds: float
    peak_bytes: int


class Sandbox:
    """One fork server for one kind of work (`module:function`), shared by the threads of this process."""

    def __init__(self, work: str) -> None:
        self.work = work
        self._server = ForkServer(work)

    def run(self, task: dict[str, Any], *, data: Path, folder: Path, limits: SandboxPolicy | None = None) -> Done:
        """Do the work on file `data` inside `folder`, the only place the child can see and write.

        Raises Refused or RendererFault.
        """
        policy = limits or SandboxPolicy()
        try:
            with data.open("rb") as asset:
                size = os.fstat(asset.fileno()).st_size
                if size > MOST_BYTES:
                    raise refusal("FILE_TOO_LARGE", bytes=size, limit=MOST_BYTES)
                report = self._server.ask(task, asset=asset.fileno(), folder=folder, policy=policy)
        except OSError as error:
            raise RendererFault("SANDBOX_UNAVAILABLE", f"the sandbox cannot be used: {error}") from error
        if report.end is None:
            raise RendererFault("SANDBOX_DIED", "the sandbox's server ended, or could not start the work")
        metering.used(report.end["cpu_seconds"])
        _judge_end(report.end, policy)
        try:
            lines = [json.loads(line) for line in report.answer.splitlines()]
        except (ValueError, RecursionError):
            lines = []
        walls: Any = None
        result: dict[str, Any] = {}
        if len(lines) == 2 and all(isinstance(line, dict) for line in lines):
            walls, result = lines[0].get("walls"), lines[1]
        if "refused" in result:
            refused = result["refused"]
            worded = isinstance(refused, list) and [type(each) for each in refused] == [str, str]
            if not worded or refused[0] not in known_rules():  # the child is not trusted to invent a rule
                raise RendererFault("CRASHED", "the work answered with an unknown refusal")
            raise Refused(refused[0], "".join(c if c.isprintable() else "?" for c in refused[1][:400]))
        if result.get("exhausted") == "memory":
            raise refusal("TOO_MUCH_MEMORY", limit=policy.memory >> 20)
        if not isinstance(walls, list) or not isinstance(result.get("done"), dict):
            raise RendererFault("CRASHED", f"the work broke off: {last_line(str(result.get('broke', report.log)))}")
        return Done(
            answer=result["done"],
            walls=tuple(plain(wall) for wall in walls),
            log=report.log,
            cpu_seconds=report.end["cpu_seconds"],
            wall_seconds=report.wall_seconds,
            peak_bytes=report.end["peak_bytes"],
        )

    def close(self) -> None:
        """End the server and wait for it."""
        self._server.close()

    def server_pid(self) -> int:
        """The running server's process id, started if need be."""
        return self._server.pid()


def _judge_end(end: dict[str, Any], policy: SandboxPolicy) -> None:
    """Whose doing was it that the child ended by a signal?"""
    ended_by = end["signal"]
    if ended_by == signal.SIGXCPU or (ended_by == signal.SIGKILL and end["cpu_seconds"] >= policy.cpu_seconds):
        raise refusal("TOO_SLOW", limit=policy.cpu_seconds)
    if end["overran"]:
        raise RendererFault("OVERRAN", f"no result within {policy.wall_seconds:g} seconds on a busy machine")
    if ended_by in CRASHES:
        raise RendererFault("CRASHED", f"the work crashed with {signal.Signals(ended_by).name}")
    if ended_by:
        raise RendererFault("KILLED", f"the work was killed with {signal.Signals(ended_by).name}")
