"""What if the disk is full?  FAULT_DISK names a file of the play: while it is there, whatever is put into the store
fails half-way with ENOSPC, as on a disk without room, and so does each download."""

from __future__ import annotations

import errno
import os
from pathlib import Path
from typing import Any, BinaryIO

from django.conf import settings

from core import store
from core.net import partial_files
from core.net.failures import FetchFailed
from tests.scenarios.faults.apps import happened


def install(mark: str) -> None:
    full, write, room = settings.VAR_DIR / mark, store._write, partial_files.require_room

    def no_room(content: bytes | Path, file: BinaryIO) -> str:
        if full.exists():
            happened("no_room")
            file.write(b"half of it")
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        return write(content, file)

    def require_room(folder: Path, **needs: Any) -> None:
        if full.exists():
            happened("no_room")
            raise FetchFailed("our_disk_full", os.strerror(errno.ENOSPC))
        room(folder, **needs)

    store._write = no_room
    partial_files.require_room = require_room
