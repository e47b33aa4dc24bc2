"""How often does a judge agree with people?  On a set of assets that people rated, as far as somebody has one.

The form is that of DB-3DME (https://huggingface.co/datasets/nsjia/DB-3DME, MIT, arXiv 2606.10142): a folder with
`metadata.csv` (or `dataset.csv`) and turntable GIFs.  Its assets were made from words, and our judges compare with a
picture: the reference is the first frame of the asset that people rated best under the same words, which is then in no
pair.  A turntable shows nothing from above or below: those views are the nearest turns.  So the agreement is a lower
bound of what a judge would reach on pictures of our own.
"""

from __future__ import annotations

import csv
import hashlib
import json
import tempfile
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from fractions import Fraction
from itertools import combinations
from pathlib import Path
from typing import Any

import cv2
import numpy as np
from PIL import Image, UnidentifiedImageError

from judging.backends.base import Judge, NoAnswer, Side
from judging.decisions.agreement import JudgeAgreement
from judging.decisions.ballots import MICRO
from judging.panel.answer_store import Remembered
from judging.panel.duel_verdict import verdict_of
from judging.panel.vlm_panel import members_of

FILES = ("metadata.csv", "dataset.csv")
WORDS, FRAMES = "Prompt", "gif_path"
RATINGS = ("Geometry Rating", "Prompt Adherence Rating")
TWO_FAMILIES = Fraction(66, 100)
"""Cohen's kappa between two families of models on one rig of views, as arXiv 2606.18451 measured it."""
TURNS = {
    "front_left": 30,
    "front_right": 330,
    "front_below": 15,
    "front_above": 345,
    "right": 90,
    "back": 180,
    "left": 270,
    "top_down": 0,
}
"""View -> degrees of the turntable, from its first frame on."""
ON_GRAY = ("front_left", "front_right", "front_below", "front_above")
GRAY, GROUND = 128, 6  # the gray ground; levels of 255 by which an object differs from its plain ground
MOST_BYTES, MOST_FRAMES, MOST_EDGE = 64 << 20, 400, 2048
MOST_SILENT = 3  # pairs in a row


class BadRatedSet(ValueError):
    """The folder is not a set of rated assets; the sentence says where."""


@dataclass(frozen=True, kw_only=True)
class RatedAsset:
    """`rating`: the mean of people's ratings, larger is better."""

    words: str
    frames: Path
    rating: Fraction


@dataclass(frozen=True, kw_only=True)
class RatedPair:
    """Two assets of one prompt.  `people`: `defender`, `draw` or `challenger`, of left and right."""

    reference: RatedAsset
    left: RatedAsset
    right: RatedAsset

    @property
    def people(self) -> str:
        if self.left.rating == self.right.rating:
            return "draw"
        return "defender" if self.left.rating > self.right.rating else "challenger"


def rated_assets(folder: Path) -> list[RatedAsset]:
    """Raises BadRatedSet for a file that is missing, lies elsewhere or has other columns."""
    sheet = next((folder / name for name in FILES if (folder / name).is_file()), None)
    if sheet is None:
        raise BadRatedSet(f"{folder} has no {' or '.join(FILES)}")
    with sheet.open(newline="", encoding="utf-8-sig") as file:
        reader = csv.DictReader(file)
        missing = [name for name in (WORDS, FRAMES, *RATINGS) if name not in (reader.fieldnames or ())]
        if missing:
            raise BadRatedSet(f"{sheet} has no column {', '.join(missing)}")
        return [_rated(row, folder=folder, where=f"{sheet.name}, line {reader.line_num}") for row in reader]


def _rated(row: dict[str, str], *, folder: Path, where: str) -> RatedAsset:
    try:
        ratings = [Fraction(row[name].strip()) for name in RATINGS]
    except (ValueError, ZeroDivisionError, AttributeError) as error:
        raise BadRatedSet(f"{where}: a rating is not a number") from error
    name = (row[FRAMES] or "").strip()
    # a bare name lies in GIFs/, as one of the set's two editions writes it
    candidates = [folder / name, folder / "GIFs" / name]
    inside = [path.resolve() for path in candidates if name and path.resolve().is_relative_to(folder.resolve())]
    frames = next((path for path in inside if path.is_file()), None)
    if frames is None:
        raise BadRatedSet(f"{where}: there is no file {name!r} in the folder")
    return RatedAsset(words=(row[WORDS] or "").strip(), frames=frames, rating=sum(ratings, Fraction(0)) / len(ratings))


def rated_pairs(assets: Sequence[RatedAsset], *, pairs: int, seed: int) -> list[RatedPair]:
    """At most `pairs` of one prompt each, drawn by the seed; a prompt needs three assets."""
    by_words: dict[str, list[RatedAsset]] = {}
    for asset in assets:
        by_words.setdefault(asset.words, []).append(asset)
    drawn: list[tuple[bytes, RatedPair]] = []
    for words, rated in by_words.items():
        best, *others = sorted(rated, key=lambda asset: (-asset.rating, asset.frames.name))
        for left, right in combinations(sorted(others, key=lambda asset: asset.frames.name), 2):
            name = hashlib.sha256(f"{seed} {words} {left.frames.name} {right.frames.name}".encode()).digest()
            # which of the two is left is chance, too: a judge that likes a place must not agree by it
            one, other = (left, right) if name[0] % 2 else (right, left)
            drawn.append((name, RatedPair(reference=best, left=one, right=other)))
    return [pair for _, pair in sorted(drawn, key=lambda each: each[0])[:pairs]]


def turntable_side(asset: RatedAsset, *, into: Path) -> Side:
    """The asset as a judge sees it, its frames taken for views.  Raises BadRatedSet for what is no turntable."""
    sha256 = hashlib.sha256(asset.frames.read_bytes()).hexdigest()
    folder = into / sha256
    names = [*TURNS, *(f"gray_{name}" for name in ON_GRAY)]
    views = {name: folder / f"{name}.png" for name in names}
    if not folder.exists():
        frames = frames_of(asset.frames, [turn / 360 for turn in TURNS.values()])
        folder.mkdir(parents=True)
        for name, pixels in zip(TURNS, frames, strict=True):
            cv2.imwrite(str(views[name]), pixels)
            if name in ON_GRAY:
                apart = np.abs(pixels.astype(int) - pixels[0, 0].astype(int)).max(axis=2, keepdims=True) > GROUND
                cv2.imwrite(str(views[f"gray_{name}"]), np.where(apart, pixels, GRAY).astype(np.uint8))
    return Side(sha256, views)


def frames_of(path: Path, turns: Sequence[float]) -> list[np.ndarray]:
    """The BGR frames nearest to these shares of a whole turn, on white."""
    if path.stat().st_size > MOST_BYTES:
        raise BadRatedSet(f"{path.name} is larger than {MOST_BYTES >> 20} MiB")
    try:
        with Image.open(path, formats=("GIF",)) as gif:
            count = getattr(gif, "n_frames", 1)
            if not (len(TURNS) <= count <= MOST_FRAMES and max(gif.size) <= MOST_EDGE):
                raise BadRatedSet(
                    f"{path.name} has {count} frames of {gif.size[0]} x {gif.size[1]}; a turntable has {len(TURNS)} to "
                    f"{MOST_FRAMES} of at most {MOST_EDGE}"
                )
            return [_frame(gif, round(turn * count) % count) for turn in turns]
    except (UnidentifiedImageError, OSError, EOFError, ValueError) as error:
        if isinstance(error, BadRatedSet):
            raise
        raise BadRatedSet(f"{path.name} cannot be read as a GIF: {error}") from error


def _frame(gif: Image.Image, number: int) -> np.ndarray:
    gif.seek(number)
    frame = gif.convert("RGBA")
    ground = Image.new("RGBA", frame.size, (255, 255, 255, 255))
    return np.asarray(Image.alpha_composite(ground, frame).convert("RGB"))[..., ::-1].copy()


def agreement_document(
    judge: Judge,
    folder: Path,
    *,
    pairs: int,
    seed: int,
    progress: Callable[[str], None] = lambda line: None,
) -> dict[str, Any]:
    """Raises BadRatedSet where there is nothing to judge."""
    assets = rated_assets(folder)
    drawn = rated_pairs(assets, pairs=pairs, seed=seed)
    if not drawn:
        raise BadRatedSet("no prompt has three rated assets: one is the reference, two are compared")
    with tempfile.TemporaryDirectory(prefix="judge-exam-") as views:
        outcomes = list(_outcomes(judge, drawn, into=Path(views), progress=progress))
    judged = [(people, verdict) for people, verdict in outcomes if verdict != "void"]
    agreement = JudgeAgreement.of(judged)
    decided = [pair for pair in judged if "draw" not in pair]
    low, high = agreement.interval95
    return {
        "judge": judge.name,
        "version": judge.version,
        "set": folder.name,
        "assets": len(assets),
        "pairs": len(outcomes),
        "void": len(outcomes) - len(judged),
        "agreement_micro": _micro(agreement.share),
        "low_micro": round(low * MICRO),
        "high_micro": round(high * MICRO),
        "kappa_micro": _micro(agreement.kappa),
        "two_families_kappa_micro": _micro(TWO_FAMILIES),
        "opposite": agreement.opposite,
        "where_both_decide": {"pairs": len(decided), "alike": sum(one == other for one, other in decided)},
        "matrix": [
            {"people": people, "judge": verdict, "pairs": count}
            for (people, verdict), count in agreement.counts.items()
        ],
    }


def _outcomes(
    judge: Judge, drawn: Sequence[RatedPair], *, into: Path, progress: Callable[[str], None]
) -> Iterator[tuple[str, str]]:
    """(people's, the judge's).  Ends after three pairs in a row without an answer."""
    silent = 0
    for number, pair in enumerate(drawn, start=1):
        reference, left, right = (turntable_side(each, into=into) for each in (pair.reference, pair.left, pair.right))
        try:
            outcome: str = verdict_of(
                judge,
                reference=reference.views["top_down"],  # the turntable's first frame
                reference_sha256=reference.sha256,
                defender=left,
                challenger=right,
                answers=Remembered() if members_of(judge) else None,
            ).outcome
            silent = 0
        except NoAnswer as no_answer:
            outcome, silent = "void", silent + 1
            progress(f"no answer: {no_answer}")
        progress(f"{number}/{len(drawn)}: people {pair.people}, judge {outcome}")
        yield pair.people, outcome
        if silent == MOST_SILENT:
            progress("No answer three times in a row: given up. The operator must mend the judge.")
            return


def table(document: dict[str, Any]) -> str:
    kappa, figure = document["kappa_micro"], document["two_families_kappa_micro"] / MICRO
    if document["agreement_micro"] is None:
        return f"{document['judge']}: no pair of {document['pairs']} has a verdict"
    both = document["where_both_decide"]
    return "\n".join(
        [
            f"{document['judge']} beside people: {document['pairs']} pairs of {document['set']}, "
            f"{document['void']} of them void",
            f"agreement {document['agreement_micro'] / MICRO:.1%} "
            f"(95 %: {document['low_micro'] / MICRO:.1%} to {document['high_micro'] / MICRO:.1%})",
            f"kappa {'not defined' if kappa is None else f'{kappa / MICRO:.2f}'}; two families of models with each "
            f"other: {figure:.2f} (arXiv 2606.18451)",
            f"where both name a winner: {both['alike']} of {both['pairs']} alike, {document['opposite']} opposite",
            json.dumps(document["matrix"]),
        ]
    )


def _micro(share: Fraction | None) -> int | None:
    return None if share is None else round(share * MICRO)
