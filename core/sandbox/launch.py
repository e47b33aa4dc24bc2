"""Put limits on this process, take its network if asked, and become another program, with a process tree of its own.

Started by `processes.start_program`: python -I launch.py ROOT ORDERS PROGRAM ARGUMENT…, where ORDERS is a JSON object
of `parent`, `uid` and `policy`.  Exit code 97 says that a wall could not be built.  Three processes: this one, which
ends as the program ended; the first of the tree, with which the kernel ends whatever the program left; the program.
"""

import json
import os
import signal
import sys
from typing import Any, NoReturn

NO_WALLS = 97


def main(root: str, text: str, *command: str) -> None:
    sys.path.insert(0, root)
    from core.sandbox import confinement, first_process  # found on the path of the line above
    from core.sandbox.policy import SandboxPolicy

    orders: dict[str, Any] = json.loads(text)
    policy, uid = SandboxPolicy(**orders["policy"]), orders["uid"]
    confinement.die_with_parent(orders["parent"])
    confinement.first_to_go()
    try:
        confinement.own_namespaces(network=policy.network, stay_root=uid is not None)
    except OSError as reason:
        _give_up(reason)
    confinement.die_with_parent(orders["parent"])  # once more: some walls clear it
    outcome, outcome_in = os.pipe()
    pid = os.fork()
    if pid == 0:
        os.close(outcome)
        _first_process(command, policy=policy, uid=uid, outcome=outcome_in)
    os.close(outcome_in)
    _let_go()
    first_process.end_alike(outcome, pid)


def _first_process(command: tuple[str, ...], *, policy: Any, uid: int | None, outcome: int) -> NoReturn:
    from core.sandbox import confinement, first_process, namespaces  # as in `main`

    namespaces.prctl(namespaces.PR_SET_PDEATHSIG, signal.SIGKILL)
    program = os.fork()
    if program == 0:
        os.close(outcome)
        try:
            confinement.confine_program(policy=policy, uid=uid)
        except OSError as reason:
            _give_up(reason)
        namespaces.prctl(namespaces.PR_SET_PDEATHSIG, signal.SIGKILL)
        try:
            os.execv(command[0], list(command))  # noqa: S606
        except OSError as reason:
            os.write(2, f"{command[0]}: {reason.strerror}\n".encode())
            os._exit(126)
    _let_go()
    first_process.report_end(program, outcome)


def _let_go() -> None:
    """Close this process's copies of what the program reads and writes, so that nobody waits for their end."""
    nothing = os.open(os.devnull, os.O_RDWR)
    for descriptor in (0, 1, 2):
        os.dup2(nothing, descriptor)
    os.close(nothing)


def _give_up(reason: OSError) -> NoReturn:
    os.write(2, f"no walls: {reason}\n".encode())
    os._exit(NO_WALLS)


if __name__ == "__main__":
    main(*sys.argv[1:])
