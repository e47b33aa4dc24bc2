"""Which questions does a bundle cite, about which duels, and which of them does a seed draw?

A duel is drawn with all its questions, so that its verdict can be reached again from their answers.  The lists of parts
that a model read from the prompts' pictures are words of the bundle: they stand in other questions, and are not asked
for.  Controls are not drawn either.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from verify.bundles import judging
from verify.bundles.answers import AnswersByKey
from verify.bundles.ballots import silent
from verify.bundles.files import ExaminedBundle, Row
from verify.bundles.matches import NAME as MATCHES
from verify.bundles.matches import label

DRAW = "gauntlet-second-opinion/1"


class NotAskable(Exception):
    """Nothing can be asked; the sentence says why, and what to do."""


@dataclass(frozen=True)
class CitedQuestion:
    """`pictures`: of each the photographs that it consists of, by hash, the prompt's own first."""

    key: str
    kind: str
    text: str
    pictures: tuple[tuple[str, ...], ...]


@dataclass(frozen=True)
class CitedDuel:
    """A duel that the model judged.  `questions`: those on which its verdict rests, but for lists of parts."""

    match: str
    duel: Row
    reference: str
    attempt: str
    questions: tuple[CitedQuestion, ...]

    @property
    def name(self) -> str:
        return f"{self.match} {self.duel['prompt']}"

    @property
    def kinds(self) -> list[str]:
        return [stage["kind"] for stage in self.duel["detail"]["stages"]]


class CitationRecorder(AnswersByKey):
    """Notes each question whose answer is looked up."""

    cited: dict[str, CitedQuestion]

    def answer_to(self, kind: str, pictures: list[list[str]], text: str) -> Row:
        row = super().answer_to(kind, pictures, text)
        self.cited[row["key"]] = CitedQuestion(row["key"], kind, text, tuple(map(tuple, pictures)))
        return row


def cited_duels(bundle: ExaminedBundle) -> list[CitedDuel]:
    """Of the matches that count, in their order.  Raises NotAskable."""
    described = judging.described_here(bundle)
    if not described:
        judge = str(bundle.document("competition.json")["judge"])[:60]
        raise NotAskable(
            f"This round was judged by {judge}, and its bundle cites no questions to a model (judging.json): there is "
            "nothing to ask. What a judge that computes came to is recomputed by running it on the bundle's pictures."
        )
    if judging.is_panel(bundle):
        raise NotAskable(
            "This round was judged by two families of models together, each of which was asked its own questions: a "
            "second opinion asks one model the questions of one. python -m verify recomputes the verdicts of both."
        )
    doc = bundle.document(judging.NAME)
    recorder = CitationRecorder(
        doc["answers"], version=doc["version"], described=described, views=judging.views_of(bundle)
    )
    duels = []
    for match in bundle.document(MATCHES):
        for duel in match["duels"]:
            stages = duel["detail"].get("stages", []) if duel["state"] == "judged" else []
            if not stages or silent(stages):
                continue
            recorder.cited, recorder.attempt = {}, judging.take_of(bundle, duel)
            reference = judging.prompt_of(bundle, duel["prompt"])
            left, right = (recorder.views.get(duel[side], {}) for side in ("left", "right"))
            recorder.stages([stage["kind"] for stage in stages], reference=reference, left=left, right=right)
            compared = [each for each in recorder.cited.values() if described["questions"][each.kind]["labels"]]
            duels.append(CitedDuel(label(match), duel, reference, recorder.attempt, tuple(compared)))
    if not duels:
        raise NotAskable("No duel of this round rests on a model's answers: there is nothing to ask.")
    return duels


def questions_of(duels: Iterable[CitedDuel]) -> dict[str, CitedQuestion]:
    """Each once, by its key: several duels may rest on one answer."""
    return {question.key: question for duel in duels for question in duel.questions}


def with_pictures(duels: Sequence[CitedDuel], folder: Path) -> list[CitedDuel]:
    """Those whose pictures are all in the bundle.  Raises NotAskable where none are."""
    shown = {sha256 for each in questions_of(duels).values() for picture in each.pictures for sha256 in picture}
    missing = {sha256 for sha256 in shown if not blob(folder, sha256).is_file()}
    whole = [
        duel
        for duel in duels
        if not any(missing & {*picture} for question in duel.questions for picture in question.pictures)
    ]
    if not whole:
        raise NotAskable(
            f"{len(missing)} of the {len(shown)} pictures that the questions show are not in this bundle, and no duel "
            "has all of its own: download the whole bundle (gauntlet download). Where the site no longer serves its "
            "pictures, nobody can ask about them any more."
        )
    return whole


def draw(duels: Sequence[CitedDuel], *, seed: str, most: int | None) -> list[CitedDuel]:
    """Duels in the order of SHA-256 over seed and name, as long as their questions are `most` together (None: all).

    Raises NotAskable where the first alone has more.
    """
    drawn: list[CitedDuel] = []
    keys: set[str] = set()
    for duel in sorted(duels, key=lambda each: place_of(each, seed=seed)):
        more = keys | {question.key for question in duel.questions}
        if most is not None and len(more) > most:
            break
        drawn.append(duel)
        keys = more
    if not drawn:
        least = min(len(duel.questions) for duel in duels)
        raise NotAskable(
            f"A duel is drawn with all its questions, and the first has more than {most}: ask for a larger --sample "
            f"(the smallest duel here has {least})."
        )
    return drawn


def place_of(duel: CitedDuel, *, seed: str) -> str:
    return hashlib.sha256(f"{DRAW}\n{seed}\n{duel.name}".encode(errors="backslashreplace")).hexdigest()


def blob(folder: Path, sha256: str) -> Path:
    return folder / "blobs" / sha256


def labels_of(described: Row, kind: str) -> dict[str, Any]:
    return dict(described["questions"][kind]["labels"])
