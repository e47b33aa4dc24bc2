"""How much of what a miner's code printed is stored, and who may read it when?

While a pod runs only its owner may read it.  The log of a run on fresh prompts is closed to everybody, its owner
included, until the round is finished: a service can print the prompts it is given, and those are secret until then.
"""

from __future__ import annotations

from audits.models import PodRun
from audits.pods.base import Pod, PodFault, PodProvider

LETTERS = 20_000  # the end of it
FRESH = "The log of a run on fresh prompts could show them, so it is shown when the round is finished."


def readable(output: bytes | str, *, letters: int = LETTERS) -> str:
    """The end of it as plain lines: what would steer a terminal or a page, or no database takes, is spelled out."""
    text = output[-letters:].decode(errors="replace") if isinstance(output, bytes) else output[-letters:]
    lines = text.replace("\r\n", "\n").replace("\r", "\n")  # bars of progress begin their line again
    return "".join(c if c in "\n\t" or c.isprintable() else ascii(c)[1:-1] for c in lines)[-letters:]


def heard(run: PodRun, provider: PodProvider, pod: Pod) -> str:
    """What the service printed so far.  Where its provider is silent, or the pod is gone: what was heard last."""
    try:
        return readable(provider.log(pod)) or run.log
    except PodFault:
        return run.log


def changed(run: PodRun, log: str) -> dict[str, str]:
    """What is to be written: nothing where it is known, for a log is long and a pod is looked at every second."""
    if log == run.log:
        return {}
    run.log = log
    return {"log": log}


def withheld(run: PodRun) -> str:
    """Why even its owner may not read it yet; "" if it may."""
    return FRESH if run.on_fresh_prompts and run.submission.round.state != "finished" else ""


def published(run: PodRun) -> str:
    """What everybody may read of it."""
    return run.log if run.settled and not withheld(run) else ""
