"""Would the platform take these files, and how would the embedded judge decide?  Run with the platform's modules.

Reads one JSON task (see `preflight.desk`) from the file that the argument names, writes one JSON line per prompt.
"""

from __future__ import annotations

import hashlib
import json
import sys
import tempfile
from dataclasses import asdict
from pathlib import Path
from typing import Any

from core.sandbox.chromium import browsers
from core.sandbox.outcomes import Refused, RendererFault
from core.sandbox.policy import SandboxPolicy
from formats.format_sandbox import sandbox_of
from formats.integrity.measurement import measure
from formats.integrity.measures import VERSION, worst_first
from formats.registry import FORMATS
from judging.backends.base import NoAnswer, Side
from judging.panel.duel_verdict import verdict_of
from judging.perceptual.perceptual import Perceptual
from judging.renderers.base import Rendered, Renderer
from judging.renderers.raycast import Raycast
from judging.renderers.rig import Rig
from judging.renderers.threejs import Threejs

CHECKING = SandboxPolicy(cpu_seconds=120)


def work(task: dict[str, Any]) -> None:
    renderer = renderer_of(task)
    if renderer is None:
        for prompt in task["prompts"]:
            told({"prompt": prompt["stem"], **checked(Path(prompt["file"]), task=task)})
        return
    judge = Perceptual()
    told({"renderer": renderer.version, "judge": judge.name, "judge_version": judge.version})
    for prompt in task["prompts"]:
        told({"prompt": prompt["stem"], **examined(prompt, task=task, renderer=renderer, judge=judge)})


def renderer_of(task: dict[str, Any]) -> Renderer | None:
    """The competition's; None where it needs a browser and there is none."""
    if task["renderer"] == "raycast":
        return Raycast()
    browsers.elsewhere = task["chromium"]
    return Threejs() if task["chromium"] else None


def told(document: dict[str, Any]) -> None:
    sys.stdout.write(json.dumps(document) + "\n")
    sys.stdout.flush()


def checked(file: Path, *, task: dict[str, Any]) -> dict[str, Any]:
    """The rules of the format, without a picture."""
    with tempfile.TemporaryDirectory() as folder:
        try:
            done = sandbox_of(task["format"]).run({}, data=file, folder=Path(folder), limits=CHECKING)
        except Refused as no:
            return refused(no)
        except RendererFault as fault:
            return void(fault)
    checked = {"count": done.answer.get("count"), "bytes": file.stat().st_size, "isolation": list(done.walls)}
    if FORMATS[task["format"]].runs_code:
        return checked  # what it builds is not known
    return checked | {"integrity": sound(file, task=task)}


def sound(file: Path, *, task: dict[str, Any]) -> dict[str, Any]:
    """How sound the file is: its numbers, and its defects, worst first; or why it could not be measured."""
    try:
        measured = measure(file, file_format=task["format"])
    except (Refused, RendererFault) as no:
        return {"version": VERSION, "not_measured": f"{no.code}: {no.sentence}"}
    defects = [
        {"name": row.name, "label": row.label, "count": count, "share": round(share, 6), "mend": row.mend}
        for row, count, share in worst_first(measured)
    ]
    return {"version": VERSION, "numbers": asdict(measured), "defects": defects}


def examined(prompt: dict[str, Any], *, task: dict[str, Any], renderer: Renderer, judge: Perceptual) -> dict[str, Any]:
    def render(side: str, file: str) -> Rendered:
        out = Path(task["pictures"]) / prompt["stem"] / side
        return renderer.render(Path(file), rig=Rig.from_json(task["rig"]), out=out, file_format=task["format"])

    try:
        mine = render("mine", prompt["file"])
    except Refused as no:
        return refused(no)
    except RendererFault as fault:
        return void(fault)
    found: dict[str, Any] = {"count": mine.triangles, "bytes": mine.bytes, "isolation": list(mine.isolation)}
    found["integrity"] = sound(Path(prompt["file"]), task=task)
    try:
        theirs = render("leader", prompt["leader"])
        return found | {"verdict": judged(prompt, mine, theirs, judge=judge)}
    except (NoAnswer, Refused, RendererFault) as no:
        return found | void(no)


def refused(no: Refused) -> dict[str, Any]:
    return {"refused": {"failure_class": no.failure_class, "code": no.code, "sentence": no.sentence}}


def void(no: NoAnswer | Refused | RendererFault) -> dict[str, Any]:
    """It could not be judged here: nothing is held against the file."""
    return {"verdict": {"outcome": "void", "reason": f"{no.code}: {no.sentence}"}}


def judged(prompt: dict[str, Any], mine: Rendered, theirs: Rendered, *, judge: Perceptual) -> dict[str, Any]:
    """As the platform asks: the leader defends."""
    verdict = verdict_of(
        judge,
        reference=Path(prompt["picture"]),
        reference_sha256=digest(Path(prompt["picture"])),
        defender=Side(digest(Path(prompt["leader"])), theirs.views),
        challenger=Side(digest(Path(prompt["file"])), mine.views),
    )
    return {"outcome": verdict.outcome, "score_micro": verdict.score_micro, "decided_by": verdict.decided_by}


def digest(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


if __name__ == "__main__":
    work(json.loads(Path(sys.argv[1]).read_text()))
