"""Is the judge out of order, or do the pictures of one side keep it from answering?

Used when a duel was asked about as often as its state allows.  The judge is asked about a control (the prompt's own
picture and a changed copy), then about each side alone (against itself), then about the control once more: every
question, and without stored answers.  Only a judge that answers the control at the first attempt, both times, shows
anything about the sides: one that fails now and then might fail at anybody's pictures.
"""

from __future__ import annotations

import secrets
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from judging.backends.base import NoAnswer, Side
from judging.decisions import silence
from judging.decisions.ballots import Verdict
from judging.panel.answer_store import Remembered
from judging.panel.vlm_panel import ASKS, HICCUPS, Deliberates, Deliberation

ABOUT_PICTURES = HICCUPS | {"refused"}
"""What an answerer may say because of what it is shown.  An outage (unreachable, deadline, another server) is ours."""


def verdict_of_all(judges: Sequence[Deliberates], **about: Any) -> Verdict | None:
    """As `verdict_on`, of a panel: who silences any of its models; None where any of them is itself to blame."""
    verdicts = [verdict_on(judge, **about) for judge in judges]
    known = [each.stages[0] for each in verdicts if each is not None]
    if len(known) < len(verdicts):
        return None
    return silence.verdict(
        defender_silences=any(stage.ab for stage in known), challenger_silences=any(stage.ba for stage in known)
    )


def verdict_on(
    judge: Deliberates,
    *,
    reference: Path,
    control: tuple[Side, Side],
    defender: Side,
    challenger: Side,
    wanted: Callable[[], bool],
) -> Verdict | None:
    """The verdict where a side keeps the judge from answering; None where the judge itself is to blame.

    `control`: two assets on the same prompt that show nothing of a miner's.  Raises Unwanted when the verdict is not
    wanted any more.
    """

    def silent(left: Side, right: Side, *, asks: int) -> bool:
        """Raises NoAnswer for a silence that no picture makes."""
        namespace = f"silence {secrets.token_hex(8)}"  # no answer to anybody else's question is one to this
        probe = Deliberation(judge.judge_version, judge, Remembered(), reference, left, right, wanted, namespace, asks)
        try:
            probe.ask_everything()
        except NoAnswer as no_answer:
            if no_answer.code not in ABOUT_PICTURES:
                raise
            return True
        return False

    try:
        if silent(*control, asks=1):
            return None
        # the same pictures under another name, for a judge is not asked about one file against itself
        twins = [(side, replace(side, sha256=side.sha256[::-1])) for side in (defender, challenger)]
        of_defender, of_challenger = (silent(side, twin, asks=ASKS) for side, twin in twins)
        if silent(*control, asks=1):
            return None
    except NoAnswer:
        return None
    return silence.verdict(defender_silences=of_defender, challenger_silences=of_challenger)
