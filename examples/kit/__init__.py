"""What do all the demo's miners have in common?  These files; each miner's repository is put together from them.

A repository of the demo is the kit's files, and beside them the miner's own `generator.py` and `README.md`.
"""

import os
from pathlib import Path

KIT = Path(__file__).parent
OWN = KIT.parent / "miners"
FILES = ("LICENSE", "cutout.py", "docker/Dockerfile", "requirements.txt", "serve.py", "solids.py")
OWN_FILES = ("README.md", "generator.py")


def repositories() -> Path:
    """The folder of the demo's repositories: `GAUNTLET_LOCAL_REPOSITORIES`, or `<GAUNTLET_VAR>/repositories`.

    The second is put together here.  Several processes may do so at once: a file that is right is left alone.
    """
    if given := os.environ.get("GAUNTLET_LOCAL_REPOSITORIES"):
        return Path(given)
    target = Path(os.environ.get("GAUNTLET_VAR") or KIT.parent.parent / "var").resolve() / "repositories"
    assemble(target)
    return target


def assemble(target: Path) -> list[Path]:
    """Write one whole repository per miner below `target`; the commit of each follows from its bytes alone."""
    own = sorted(path.parent for path in OWN.glob("*/generator.py"))
    for miner in own:
        for name in FILES:
            write(target / miner.name / name, (KIT / name).read_bytes(), beside=target)
        for name in OWN_FILES:
            write(target / miner.name / name, (miner / name).read_bytes(), beside=target)
    return [target / miner.name for miner in own]


def write(path: Path, data: bytes, *, beside: Path | None = None) -> None:
    """Whole or not at all, and not again: somebody may be reading this folder.

    The unfinished file lies in the folder `beside`, where a repository must not hold it for a moment.
    """
    if path.is_file() and path.read_bytes() == data:
        return
    path.parent.mkdir(parents=True, exist_ok=True)
    partial = (beside or path.parent) / f".{path.name}.{os.getpid()}"
    partial.write_bytes(data)
    partial.replace(path)
