"""What does a Three.js module build?  Run in a page of its own, twice, and kept as a glb: data that nobody has to run.

The module's code runs here and nowhere else: not when the pictures are taken, and not on the site unless a visitor asks
for it.  So nothing it could do while rendering (hooks, getters, patched classes, a look at the stack) is ever run;
what a broken page says is only bytes and a refusal in words of ours, both checked like any other file.
"""

import base64
import binascii
import json
import tempfile
from pathlib import Path
from typing import Any

from judging.formats import module_names
from judging.renderers.base import RendererFault
from judging.renderers.chromium.browser import Allowance, Files
from judging.renderers.chromium.browsers import Browsers
from judging.renderers.chromium.faults import ASSET_MAY_BE_TO_BLAME, ours
from judging.renderers.chromium.scripts import own, vendored
from judging.renderers.control import MODULE
from judging.renderers.rules import MOST_BYTES, refusal
from judging.renderers.sandbox import Sandbox

CPU_SECONDS, HEAP_MEGABYTES = 5, 256
BROWSER_SECONDS = 1  # what the browser itself uses meanwhile
STARTING = Allowance(memory=2 << 30, cpu_seconds=60, wall_seconds=120)
RUNNING = Allowance(
    memory=2 << 30, cpu_seconds=CPU_SECONDS + BROWSER_SECONDS, wall_seconds=60, heap=HEAP_MEGABYTES << 20
)
WRITING = Allowance(memory=3 << 30, cpu_seconds=60, wall_seconds=240)
HTML = '<!doctype html><meta charset="utf-8"><script type="module" src="/baking.js"></script>'
DESK = Sandbox("judging.formats.desk:work")
BAKING = Browsers(heap_megabytes=HEAP_MEGABYTES)


def baked(module: bytes, *, browsers: Browsers = BAKING) -> bytes:
    """The glb of a module whose text was checked.  Raises Refused or RendererFault."""
    first, second = _settled(module, browsers), _settled(module, browsers)
    if first != second:
        raise refusal("MODULE_CHANGES")
    return first


def triangles(glb: bytes) -> int:
    """Of a baked file.  Raises Refused where the page was made to write another."""
    with tempfile.TemporaryDirectory(prefix="gauntlet-baked-") as folder:
        file = Path(folder, "baked.glb")
        file.write_bytes(glb)
        return int(DESK.run({"format": "baked"}, data=file, folder=Path(folder)).answer["count"])


def _settled(module: bytes, browsers: Browsers) -> bytes:
    """What was used up is the module's doing if that comes again in a fresh browser, and not with a good module."""
    try:
        return _bake(module, browsers, fresh=False)
    except RendererFault as first:
        if first.code not in ASSET_MAY_BE_TO_BLAME:
            raise
    try:
        return _bake(module, browsers, fresh=True)
    except RendererFault as again:
        if again.code not in ASSET_MAY_BE_TO_BLAME:
            raise
        _bake(MODULE.encode(), browsers, fresh=True)
        if again.code == "THREW":
            raise refusal("MODULE_THREW", why="it broke the page it ran in") from again
        if again.code == "CPU":
            raise refusal("MODULE_TOO_SLOW", limit=CPU_SECONDS) from again
        raise refusal("MODULE_TOO_MUCH_MEMORY", limit=HEAP_MEGABYTES) from again


def _bake(module: bytes, browsers: Browsers, *, fresh: bool) -> bytes:
    """A refusal is raised when the page is gone: whoever keeps the browser need not start another."""
    return _glb(_obey(_told(module, browsers, fresh=fresh)))


def _told(module: bytes, browsers: Browsers, *, fresh: bool) -> Any:
    """What the page says of the module, or of the glb it made."""
    names = json.dumps(sorted(module_names.THREE))
    with (
        ours(),
        browsers.one(fresh=fresh) as browser,
        browser.page(_files(module), size=256, allowance=STARTING) as page,
    ):
        page.until("globalThis.ready")
        browser.allow(RUNNING)
        told = page.ask(f"build({names})")
        if not isinstance(told, dict) or "refused" in told:
            return told
        browser.allow(WRITING)
        return page.ask("bake()")


def _files(module: bytes) -> Files:
    return {
        "/": HTML,
        "/baking.js": own("baking.js"),
        "/three-core.js": vendored("three-core"),
        "/module.js": module,
    }


def _obey(told: Any) -> dict[str, Any]:
    """The page's answer; a refusal must name one of our rules and fill its sentence."""
    if not isinstance(told, dict):
        raise refusal("MODULE_THREW", why="it broke the page it ran in")
    if "refused" not in told:
        return told
    try:
        code, seen = told["refused"]
        raise refusal(code, **{name: seen[name] for name in seen if name in ("what", "why", "count", "limit", "bytes")})
    except (KeyError, TypeError, ValueError, IndexError, AttributeError):
        raise refusal("MODULE_THREW", why="it broke the page it ran in") from None


def _glb(told: dict[str, Any]) -> bytes:
    try:
        text = told["glb"]
        if len(text) > 2 * MOST_BYTES:
            raise refusal("FILE_TOO_LARGE", bytes=len(text) * 3 // 4, limit=MOST_BYTES)
        return base64.b64decode(text, validate=True)
    except (KeyError, TypeError, binascii.Error):
        raise refusal("MODULE_THREW", why="it broke the page it ran in") from None
