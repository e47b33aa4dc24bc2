"""Which bytes does a renderer get for a miner's file?  A derived file of our own, of what the check has read."""

import tempfile
from pathlib import Path

from core.sandbox.policy import SandboxPolicy
from formats.format_sandbox import built_file, sandbox_of
from formats.light_copy import regular_file
from formats.registry import FORMATS
from formats.sandbox import Done

MOST_DRAWN = 800_000_000  # bytes of a file that is written anew
LIMITS = SandboxPolicy(cpu_seconds=120, file_bytes=MOST_DRAWN)


def derived_file(data: Path, name: str, *, file_format: str, near: Path) -> tuple[bytes, Done]:
    """The derived file `name`, and what the check knows of it; `near` is on the disk that has room.

    A file whose code has to be run is checked before that, and what it built afterwards.  Raises Refused or
    RendererFault.
    """
    sandbox = sandbox_of(file_format)
    with tempfile.TemporaryDirectory(prefix=".derived-", dir=near) as folder:
        if FORMATS[file_format].runs_code:
            sandbox.run({}, data=data, folder=Path(folder), limits=LIMITS)
        with built_file(data, file_format=file_format) as built:
            done = sandbox.run({"built": True, "derive": [name]}, data=built, folder=Path(folder), limits=LIMITS)
        return regular_file(Path(folder, name), most=MOST_DRAWN), done
