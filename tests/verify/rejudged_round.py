"""Rounds whose judge was disturbed, and what people made of it afterwards: judged again, or generated again."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from typing import Any

from audits.models import Correction
from audits.reviews import corrections
from competition.models import Prompt, Round
from competition.publication.bundle_folders import folder_of
from judging.backends.base import Question
from tests.verify.played_round import Stage
from tests.verify.reviewed_round import decide, until

WHY = "The judge's host was changed while it answered, as its log shows."


def disturbed_on(*names: str) -> Callable[[Question], bool]:
    """The judge says the contrary about these prompts; without a name, about all."""
    hashes = {hashlib.sha256(f"picture {name.removeprefix('p')}".encode()).hexdigest() for name in names}
    return lambda question: not names or question.reference_sha256 in hashes


def well(question: Question) -> bool:
    return False


def stage_duels(stage: Stage, round_: Round, **choice: str) -> Correction:
    return corrections.stage(
        round_, scope="duels", code="judge_disturbed", sentence=WHY, opened_by="lea", now=stage.at, choice=choice
    )


def ready(stage: Stage, correction: Correction) -> Correction:
    until(stage, lambda: Correction.objects.get(pk=correction.pk).state == "ready")
    return Correction.objects.get(pk=correction.pk)


def apply(stage: Stage, correction: Correction) -> None:
    """Two leads sign, and the second edition is published."""
    said: dict[str, Any] = {"first": "lea", "second": "otto", "role": "lead"}
    decide(correction, "applied", "fault_confirmed", now=stage.at, **said)
    edition = corrections.edition(correction.round)
    until(stage, lambda: (folder_of(correction.round, edition=edition) / "manifest.json").exists())


def discard(stage: Stage, correction: Correction, *, code: str = "no_fault") -> None:
    decide(correction, "discarded", code, first="lea", second="otto", role="lead", now=stage.at)


def stems(round_: Round) -> list[str]:
    drawn = round_.drawn.select_related("prompt").order_by("position")
    return [str(Prompt.objects.get(pk=row.prompt_id).stem) for row in drawn]


def first_match(round_: Round) -> tuple[str, str, str]:
    """A screen that was decided."""
    screens = round_.matches.filter(kind="screen", state="decided").select_related("defender", "challenger__miner")
    match = screens.order_by("pk")[0]
    return (match.kind, match.defender.key, match.challenger.key)


def stage_generation(stage: Stage, round_: Round) -> Correction:
    return corrections.stage(round_, scope="generation", code="pod_fault", sentence=WHY, opened_by="lea", now=stage.at)
