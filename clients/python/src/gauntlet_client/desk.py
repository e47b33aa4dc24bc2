"""Would the platform take these files, and how would the embedded judge decide?  Run with the platform's modules.

Reads one JSON task (see `preflight.task`) from the file that the argument names, writes one JSON line per prompt.
"""

from __future__ import annotations

import hashlib
import json
import sys
from pathlib import Path
from typing import Any

from judging.asking import verdict_of
from judging.backends.base import NoAnswer, Side
from judging.backends.perceptual import Perceptual
from judging.renderers.base import Refused, Rendered, RendererFault
from judging.renderers.raycast import Raycast
from judging.renderers.rig import Rig


def work(task: dict[str, Any]) -> None:
    rig, renderer, judge = Rig.from_json(task["rig"]), Raycast(), Perceptual()
    told({"renderer": renderer.version, "judge": judge.name, "judge_version": judge.version})
    for prompt in task["prompts"]:
        told(
            {
                "prompt": prompt["stem"],
                **examined(prompt, rig=rig, renderer=renderer, judge=judge, pictures=Path(task["pictures"])),
            }
        )


def told(document: dict[str, Any]) -> None:
    sys.stdout.write(json.dumps(document) + "\n")
    sys.stdout.flush()


def examined(
    prompt: dict[str, Any], *, rig: Rig, renderer: Raycast, judge: Perceptual, pictures: Path
) -> dict[str, Any]:
    try:
        mine = renderer.render(Path(prompt["file"]), rig=rig, out=pictures / prompt["stem"] / "mine")
    except (Refused, RendererFault) as no:
        return {"refused": {"failure_class": no.failure_class, "code": no.code, "sentence": no.sentence}}
    found: dict[str, Any] = {"triangles": mine.triangles, "bytes": mine.bytes, "isolation": list(mine.isolation)}
    try:
        theirs = renderer.render(Path(prompt["leader"]), rig=rig, out=pictures / prompt["stem"] / "leader")
        return found | {"verdict": judged(prompt, mine, theirs, judge=judge)}
    except (NoAnswer, Refused, RendererFault) as no:
        return found | {"verdict": {"outcome": "void", "reason": f"{no.code}: {no.sentence}"}}


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
