"""A small recipe of ours that every working builder can build: shows whether a failed build was the builder's fault.

It needs what recipes usually need: a base image from its registry, a package from the index, lists of a distribution.
"""

from __future__ import annotations

import hashlib
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from audits.pods.base import Image
from audits.pods.builders.base import RECIPE
from audits.source import archive

TEXT = """FROM python:3.11-slim
RUN apt-get update
RUN python -m pip download --no-deps --no-cache-dir --dest /control packaging==25.0
"""
TAG = "gauntlet/control:latest"
IMAGE = Image(repo="gauntlet/control", commit="0" * 40)
CONTEXT = archive.pack([archive.File(path=RECIPE, content=TEXT.encode())])
SHA256 = hashlib.sha256(CONTEXT).hexdigest()


@contextmanager
def context() -> Iterator[Path]:
    """The control's build context, as a file."""
    with tempfile.TemporaryDirectory(prefix="gauntlet-control-") as folder:
        path = Path(folder) / "context.tar"
        path.write_bytes(CONTEXT)
        yield path
