"""What does a Three.js module build?  Run in a page of its own, twice, and kept as data that nobody has to run.

The module's code runs in its page until `generate` returns, and nowhere else and never again: what it built is read
out as numbers and bytes (building.js), checked and counted (formats.threejs.built), kept as a scene for the pictures,
and made a glb in a fresh page (baking.js) for whoever wants a mesh.  So
nothing it could do later (hooks, getters, patched classes, a look at the stack) is ever run; what a broken page says is
only such an answer, or a refusal in words of ours, both checked like any other file.
"""

import base64
import json
import tempfile
import time
from pathlib import Path
from typing import Any

from core.sandbox.chromium.browser import Files
from core.sandbox.chromium.browsers import Browsers
from core.sandbox.chromium.faults import ours
from core.sandbox.chromium.scripts import own, vendored
from core.sandbox.outcomes import Refused, RendererFault
from core.sandbox.policy import SandboxPolicy
from formats.blame import settled
from formats.rules import MOST_BYTES, refusal
from formats.threejs import built, module_names, scene_file, scene_parameters
from formats.threejs.built import Built

CPU_SECONDS, HEAP_MEGABYTES = 5, 256
BROWSER_SECONDS = 1  # what the browser itself uses meanwhile
STARTING = SandboxPolicy(memory=2 << 30, cpu_seconds=60, wall_seconds=120)
RUNNING = SandboxPolicy(
    memory=2 << 30, cpu_seconds=CPU_SECONDS + BROWSER_SECONDS, wall_seconds=60, heap=HEAP_MEGABYTES << 20
)
WRITING = SandboxPolicy(memory=3 << 30, cpu_seconds=60, wall_seconds=240)
PAGE = '<!doctype html><meta charset="utf-8"><script type="module" src="/{script}"></script>'
RUN = 'import generate from "/module.js"; finish(generate);'
PIECE = 32 << 20  # bytes in one answer
BAKING = Browsers(heap_megabytes=HEAP_MEGABYTES)


def baked(module: bytes, *, browsers: Browsers = BAKING) -> bytes:
    """What a module built whose text was checked: its scene and its glb.  Raises Refused or RendererFault."""

    def work(path: Path) -> bytes:
        """A refusal is raised when the page is gone: whoever keeps the browser need not start another."""
        code = path.read_bytes()
        answer = _answered(code, browsers)
        scene = built.read(answer)
        if _answered(code, browsers) != answer:
            raise refusal("MODULE_CHANGES")
        return scene_file.join(scene, _glb(_written(scene, browsers)))

    with tempfile.TemporaryDirectory(prefix="gauntlet-module-") as folder:
        file = Path(folder, "module.js")
        file.write_bytes(module)
        return settled(work, file, file_format="threejs", accuse=accuse)


def accuse(fault: RendererFault) -> Refused:
    """The refusal of a module that broke its page, or used it up, where a good module did not."""
    if fault.code == "CPU":
        return refusal("MODULE_TOO_SLOW", limit=CPU_SECONDS)
    if fault.code in ("MEMORY", "CRASHED"):  # a page whose heap is full crashes
        return refusal("MODULE_TOO_MUCH_MEMORY", limit=HEAP_MEGABYTES)
    return refusal("MODULE_THREW", why="it broke the page it ran in")


def _answered(module: bytes, browsers: Browsers) -> Any:
    """What the module's page says that it built."""
    files: Files = {
        "/": PAGE.format(script="building.js"),
        "/building.js": own("building.js"),
        "/three-core.js": vendored("three-core"),
        "/module.js": module,
        "/run.js": RUN,
    }
    names, chance = (json.dumps(sorted(listed)) for listed in (module_names.THREE, module_names.CHANCE))
    with ours(), browsers.one() as browser, browser.page(files, size=256, allowance=STARTING) as page:
        page.until("globalThis.ready")
        browser.allow(RUNNING)
        page.ask(f"start({names}, {chance}, {json.dumps(scene_parameters.MATERIALS)})", awaited=False)
        while not (answer := page.ask("globalThis.outcome", awaited=False)):
            time.sleep(0.01)
        return answer


def _written(scene: Built, browsers: Browsers) -> Any:
    """What a fresh page makes of it."""
    parts = [scene.data[start : start + PIECE] for start in range(0, len(scene.data), PIECE)]
    files: Files = {
        "/": PAGE.format(script="baking.js"),
        "/baking.js": own("baking.js"),
        "/three-core.js": vendored("three-core"),
        **{f"/built/{i}": part for i, part in enumerate(parts)},
    }
    with ours(), browsers.one() as browser, browser.page(files, size=256, allowance=WRITING) as page:
        page.until("globalThis.ready")
        return page.ask(f"bake({json.dumps(scene.tree)}, {len(parts)})")


def _glb(text: Any) -> bytes:
    try:
        if len(text) > 2 * MOST_BYTES:
            raise refusal("FILE_TOO_LARGE", bytes=len(text) * 3 // 4, limit=MOST_BYTES)
        return base64.b64decode(text, validate=True)
    except (TypeError, ValueError):
        raise built.broken() from None
