"""What does the first process of a process tree do?  It waits for one program, says how that ended, and ends.

When it ends the kernel kills whatever else is in the tree.  Standard library only.
"""

import contextlib
import json
import os
import signal
from typing import NoReturn


def how_it_ended(status: int) -> dict[str, int]:
    """A status of `wait`, as {"exit": code} or {"signal": number}."""
    if os.WIFSIGNALED(status):
        return {"signal": os.WTERMSIG(status)}
    return {"exit": os.waitstatus_to_exitcode(status)}


def report_end(program: int, outcome: int) -> NoReturn:
    """Wait for process `program`, bury all others that end meanwhile, and write to `outcome` how it ended."""
    while True:
        pid, status = os.wait()
        if pid == program:
            os.write(outcome, json.dumps(how_it_ended(status)).encode())
            os._exit(0)


def end_alike(outcome: int, first: int) -> NoReturn:
    """End as the program did of which process `first` reports; by SIGKILL where that was killed before it could."""
    report = os.read(outcome, 200)
    os.waitpid(first, 0)
    ended = {"signal": int(signal.SIGKILL)}
    with contextlib.suppress(ValueError):
        ended = json.loads(report)
    if "exit" in ended:
        os._exit(ended["exit"])
    number = ended["signal"]
    with contextlib.suppress(OSError, ValueError):
        signal.signal(number, signal.SIG_DFL)
    os.kill(os.getpid(), number)
    os._exit(128 + number)
