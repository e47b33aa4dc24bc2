"""Which port does a server get that has to find it free again?

None of those that the kernel lends to outgoing connections: such a port may be gone before the server takes it, or
while it starts again.
"""

from __future__ import annotations

import random
import socket
from pathlib import Path

LOWEST = 10_000
LENT = Path("/proc/sys/net/ipv4/ip_local_port_range")
USUAL_LENT = 32_768
TRIES = 1000


def free_port(*, host: str = "127.0.0.1") -> int:
    """Nobody listens there just now.  Raises OSError where all that were tried are taken."""
    lot = random.SystemRandom()
    for _ in range(TRIES):
        port = lot.randrange(LOWEST, highest())
        if is_free(port, host=host):
            return port
    raise OSError(f"{TRIES} ports between {LOWEST} and {highest()} are taken")


def highest() -> int:
    """The first port that is lent; far enough from the lowest on a machine that lends nearly all of them."""
    lent = int(LENT.read_text().split()[0]) if LENT.exists() else USUAL_LENT
    return lent if lent > 2 * LOWEST else USUAL_LENT


def is_free(port: int, *, host: str = "127.0.0.1") -> bool:
    """A connection that has just ended there is in nobody's way."""
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((host, port))
        except OSError:
            return False
    return True
