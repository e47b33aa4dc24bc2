"""Put limits on this process, take its network if asked, and become another program.

Started by `limited.run`: python -I launch.py ROOT ORDERS PROGRAM ARGUMENT…, where ORDERS is a JSON object of `network`,
`parent` and the fields of `confinement.SandboxLimits`.  Exit code 97 says that a wall could not be built.
"""

import json
import os
import sys
from pathlib import Path

NO_WALLS = 97


def main(root: str, text: str, *command: str) -> None:
    sys.path.insert(0, root)
    from core.sandbox import confinement

    orders = json.loads(text)
    network, parent = orders.pop("network"), orders.pop("parent")
    confinement.die_with_parent(parent)
    confinement.first_to_go()
    try:
        confinement.limit(confinement.SandboxLimits(**orders))
        walls = dict(confinement.WALLS)
        for name in ("no new privileges",) if network else ("no network", "no capabilities", "no new privileges"):
            walls[name](Path())
    except OSError as reason:
        sys.stderr.write(f"no walls: {reason}\n")
        sys.stderr.flush()
        os._exit(NO_WALLS)
    confinement.die_with_parent(parent)  # once more: some walls clear it
    os.execv(command[0], list(command))  # noqa: S606


if __name__ == "__main__":
    main(*sys.argv[1:])
