"""Connects a walled pod on a GPU host with us: `python -m audits.pods.gate POD PICTURES`, in a container.

It carries connections from the published port to the service, and serves the pictures of one folder to the pod.  It
knows nothing else and holds no secrets: the pod may attack it.
"""

from __future__ import annotations

import asyncio
import sys
from pathlib import Path

from audits.pods.bridge import LARGEST_HEAD, Bridge, Pictures

PORT, PICTURES = 10006, 10007


async def serve(pod: str, folder: Path, *, port: int = PORT, pictures: int = PICTURES, service: int = PORT) -> None:
    """Until it is ended."""
    doors = [
        await asyncio.start_server(Bridge(service, host=pod), "0.0.0.0", port),  # noqa: S104, inside its container
        await asyncio.start_server(Pictures(folder), "0.0.0.0", pictures, limit=LARGEST_HEAD),  # noqa: S104
    ]
    await asyncio.gather(*(door.serve_forever() for door in doors))


if __name__ == "__main__":
    asyncio.run(serve(sys.argv[1], Path(sys.argv[2])))
