"""What do all the demo's miners have in common?  The one place where these files are edited."""

from pathlib import Path

KIT = Path(__file__).parent
MINERS = KIT.parent / "miners"
FILES = ("LICENSE", "cutout.py", "docker/Dockerfile", "requirements.txt", "serve.py", "solids.py")
SHARED = {name: KIT / name for name in FILES}


def miners() -> list[Path]:
    """The miners' folders: those with a generator."""
    return sorted(path.parent for path in MINERS.glob("*/generator.py"))
