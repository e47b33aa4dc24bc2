"""Which sandbox works on files of a format, and on what?  One of its own; on what its code built, where it has any."""

import functools
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from formats.registry import FORMATS, part
from formats.sandbox import Sandbox


@functools.cache
def sandbox_of(file_format: str) -> Sandbox:
    """Shared by the threads of this process; started when it is first used."""
    return Sandbox(f"{FORMATS[file_format].sandbox}:work")


@contextmanager
def built_file(data: Path, *, file_format: str) -> Iterator[Path]:
    """The file that is drawn and converted, while the block runs.  Raises Refused or RendererFault.

    It lies where no sandbox has written: a child may have left a link under any name.
    """
    built_by = FORMATS[file_format].built_by
    if not built_by:
        yield data
        return
    with tempfile.TemporaryDirectory(prefix="gauntlet-built-") as folder:
        file = Path(folder, "built")
        file.write_bytes(part(built_by)(data.read_bytes()))
        yield file
