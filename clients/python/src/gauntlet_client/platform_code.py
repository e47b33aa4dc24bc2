"""Where is the platform's own code, which checks, draws, judges and verifies here exactly as it does there?

A wheel carries it in its folder `platform`; in a checkout of the platform it is the checkout.
"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Sequence
from functools import cache
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from gauntlet_client.errors import Unusable

HERE = Path(__file__).resolve().parent
NEEDED = {
    "cv2": "opencv-python-headless",
    "embreex": "embreex",
    "numpy": "numpy",
    "PIL": "pillow",
    "tree_sitter": "tree-sitter",
    "tree_sitter_javascript": "tree-sitter-javascript",
    "trimesh": "trimesh",
}
LIST_FORMATS = """
import json
from formats.registry import FORMATS
row = lambda each: {"extension": each.extension, "renderers": each.renderers, "runs_code": each.runs_code}
print(json.dumps({name: row(each) for name, each in FORMATS.items()}))
"""
BROWSERS = ("chromium-headless-shell", "chromium", "chromium-browser", "google-chrome")


def folder() -> Path:
    for place in (HERE / "platform", *HERE.parents):
        if (place / "verify" / "__main__.py").is_file() and (place / "formats" / "registry.py").is_file():
            return place
    raise Unusable(
        "This installation lacks the platform's code.",
        fix="Install the wheel: pip install gauntlet-client.",
        code="incomplete",
    )


def require_drawing() -> None:
    """Raises Unusable where what draws and judges is not installed."""
    missing = sorted(package for module, package in NEEDED.items() if find_spec(module) is None)
    if missing:
        raise Unusable(
            f"Files cannot be drawn and judged without {', '.join(missing)}.",
            fix="pip install 'gauntlet-client[preflight]'",
            code="no_preflight",
        )


def chromium() -> str | None:
    """The browser that draws here, as the platform looks for it; None where there is none.  Raises Unusable."""
    named = os.environ.get("GAUNTLET_CHROMIUM", "")
    found = next(filter(None, map(shutil.which, (named,) if named else BROWSERS)), None)
    if named and not found:
        raise Unusable(
            f"GAUNTLET_CHROMIUM names {named}, which is no program here.",
            fix="Set it to the path of Chromium, or unset it.",
            code="no_browser",
        )
    return found


def start(arguments: Sequence[str], *, hear: bool = False) -> subprocess.Popen[str]:
    """`python ARGUMENTS` with the platform's modules in reach, and none of the folder in which it is started (-P); with
    `hear`, its output can be read."""
    environment = os.environ | {"PYTHONPATH": str(folder()), "PYTHONDONTWRITEBYTECODE": "1"}
    return subprocess.Popen(
        [sys.executable, "-P", *arguments], env=environment, text=True, stdout=subprocess.PIPE if hear else None
    )


@cache
def formats() -> dict[str, dict[str, Any]]:
    """By name what the platform's table has of each format: its files' `extension`, the `renderers` that draw them, the
    usual one first, and `runs_code`: whether a file's own code has to be run.  Raises Unusable."""
    process = start(["-c", LIST_FORMATS], hear=True)
    answer, _ = process.communicate()
    if process.returncode:
        raise Unusable(
            "The platform's table of formats cannot be read.",
            fix="Install the wheel again: pip install gauntlet-client.",
            code="incomplete",
        )
    table: dict[str, dict[str, Any]] = json.loads(answer)
    return table
