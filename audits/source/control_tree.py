"""A small clean repository of ours that every check must be able to read: the control of the checks.

A check that fails on a stranger's tree and passes on this one, right after it and in the same place, was made to fail
by the tree.
"""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from audits.source import archive
from audits.source.inventory import InventoryPart

FILES = {
    "LICENSE": "Permission is hereby granted, free of charge, to any person obtaining a copy of this software.\n",
    "README.md": "# A generator\n",
    "docker/Dockerfile": f"FROM python:3.11-slim@sha256:{'0' * 64}\nCOPY . .\nUSER 1000\n",
    "pyproject.toml": '[project]\nname = "generator"\nversion = "1"\ndependencies = ["numpy==2.4.6"]\n',
    "requirements.txt": "numpy==2.4.6\n",
    "serve.py": 'import numpy as np\n\nSIDE = 3\n\n\ndef generate(image, *, seed):\n    """One cube."""\n'
    "    return np.zeros(SIDE).tobytes()\n",
}
PARTS = (InventoryPart(kind="pypi", name="numpy", version="2.4.6", file="requirements.txt"),)


@contextmanager
def tree() -> Iterator[Path]:
    """The archive of the control, as a file."""
    with tempfile.TemporaryDirectory(prefix="gauntlet-control-") as folder:
        path = Path(folder) / "archive.tar"
        path.write_bytes(archive.pack(archive.File(path=name, content=text.encode()) for name, text in FILES.items()))
        yield path
