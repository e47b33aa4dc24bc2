"""Do a duel's or a control's stages follow from the answers that are told?"""

from __future__ import annotations

from typing import Any

from verify.bundles.answers import Answers, Missing, Views, unsound
from verify.bundles.cascade import Unanswered
from verify.bundles.files import Bundle

NAME = "judging.json"

Row = dict[str, Any]


def sound(bundle: Bundle, rows: list[Row], *, at: str) -> list[Row]:
    described = bundle.document(NAME)["described"]
    keys = [row["key"] for row in rows]
    bundle.compare("wrong-answer", NAME, keys, sorted(set(keys)), field=f"{at} keys")
    for row in rows:
        if why := unsound(row, described):
            bundle.note("wrong-answer", NAME, field=f"{at} {row['key'][:16]}", found=why)
    return rows


def prompt_of(bundle: Bundle, stem: str) -> str:
    prompts = (*bundle.document("round.json")["prompts"], *bundle.fresh)
    return next(str(prompt["sha256"]) for prompt in prompts if prompt["stem"] == stem)


def follow(
    bundle: Bundle,
    file: str,
    stages: list[Row],
    answers: Answers,
    *,
    field: str,
    reference: str,
    left: Views,
    right: Views,
) -> None:
    """The stages are those that the answers give."""
    try:
        expected = answers.stages([s["kind"] for s in stages], reference=reference, left=left, right=right)
    except (Missing, Unanswered) as gap:
        bundle.note("missing-answer", file, field=field, found=str(gap))
    else:
        bundle.compare("wrong-ballots", file, stages, expected, field=field)


def unneeded(bundle: Bundle, answers: Answers, *, at: str) -> None:
    extra = sorted(set(answers.rows) - answers.needed)
    if extra:
        bundle.note("extra-answer", NAME, field=at, found=extra[0], expected=f"{len(extra)} fewer")
