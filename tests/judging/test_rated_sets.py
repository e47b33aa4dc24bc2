"""Is a set that people rated read as its page says, and is a judge's agreement with them counted?"""

from __future__ import annotations

import hashlib
from pathlib import Path

import pytest
from PIL import Image

from judging.backends import Answer, NoAnswer, Question
from judging.exam import rated_sets
from judging.exam.rated_sets import BadRatedSet

HEAD = "Prompt,gif_path,Geometry Rating,Prompt Adherence Rating"
FRAMES = 12


def turntable(path: Path, *, shade: int, frames: int = FRAMES) -> Path:
    """A square that moves to the right as the table turns."""
    path.parent.mkdir(parents=True, exist_ok=True)
    pictures = []
    for number in range(frames):
        picture = Image.new("RGB", (48, 48), "white")
        picture.paste((shade, 40, 60), (4 + 2 * number, 10, 20 + 2 * number, 38))
        pictures.append(picture)
    pictures[0].save(path, save_all=True, append_images=pictures[1:], duration=50, loop=0)
    return path


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Two prompts: of the first four assets, the last two rated alike; of the second two, which make no pair."""
    rows = [("SUV", 5, 4), ("SUV", 4, 4), ("SUV", 2, 3), ("SUV", 3, 2), ("a cup", 5, 5), ("a cup", 1, 1)]
    lines = [HEAD]
    for number, (words, geometry, adherence) in enumerate(rows):
        turntable(tmp_path / "set" / "GIFs" / f"output-{number}.gif", shade=40 * number)
        lines.append(f"{words},GIFs/output-{number}.gif,{geometry},{adherence}")
    (tmp_path / "set" / "metadata.csv").write_text("\n".join(lines) + "\n")
    return tmp_path / "set"


class Rates:
    """Likes as people do, or the other way round; a silent one never answers."""

    name, version = "rates", "2" * 64

    def __init__(self, folder: Path, *, sign: int = 1) -> None:
        self.sign = sign
        self.worth = {
            hashlib.sha256(asset.frames.read_bytes()).hexdigest(): float(asset.rating) / 10
            for asset in rated_sets.rated_assets(folder)
        }

    def ask(self, question: Question) -> Answer:
        if not self.sign:
            raise NoAnswer("timeout", "No answer in time.")
        return Answer(self.sign * (self.worth[question.second.sha256] - self.worth[question.first.sha256]))


def judged(folder: Path, *, sign: int = 1) -> dict:
    return rated_sets.agreement_document(Rates(folder, sign=sign), folder, pairs=100, seed=1)


def test_the_best_rated_is_the_reference_and_in_no_pair(folder: Path) -> None:
    pairs = rated_sets.rated_pairs(rated_sets.rated_assets(folder), pairs=100, seed=1)
    assert {pair.reference.frames.name for pair in pairs} == {"output-0.gif"}
    sides = {frozenset((pair.left.frames.name, pair.right.frames.name)) for pair in pairs}
    names = [f"output-{n}.gif" for n in (1, 2, 3)]
    assert sides == {frozenset(names[:2]), frozenset(names[1:]), frozenset((names[0], names[2]))}
    assert sorted(pair.people == "draw" for pair in pairs) == [False, False, True]


def test_fewer_pairs_are_a_part_of_more(folder: Path) -> None:
    assets = rated_sets.rated_assets(folder)
    assert rated_sets.rated_pairs(assets, pairs=2, seed=1) == rated_sets.rated_pairs(assets, pairs=100, seed=1)[:2]


def test_a_judge_that_likes_what_people_like_agrees_and_one_that_does_not_is_opposite(folder: Path) -> None:
    same, other = judged(folder), judged(folder, sign=-1)
    assert (same["agreement_micro"], same["kappa_micro"], same["pairs"], same["void"]) == (1_000_000, 1_000_000, 3, 0)
    assert same["two_families_kappa_micro"] == 660_000
    assert other["opposite"] == 2 and other["where_both_decide"] == {"pairs": 2, "alike": 0}
    assert "two families of models with each other: 0.66" in rated_sets.table(same)


def test_a_judge_without_answers_agrees_with_nobody(folder: Path) -> None:
    document = judged(folder, sign=0)
    assert document["void"] == document["pairs"] == 3 and document["agreement_micro"] is None
    assert "no pair of 3 has a verdict" in rated_sets.table(document)


def test_a_turntable_s_frames_are_the_views_nearest_to_their_turn(folder: Path, tmp_path: Path) -> None:
    (asset, *_) = rated_sets.rated_assets(folder)
    side = rated_sets.turntable_side(asset, into=tmp_path)
    lefts = {}
    for name in ("top_down", "right", "back", "left"):
        with Image.open(side.views[name]) as view:
            row = [view.convert("L").getpixel((x, 24)) for x in range(48)]
        lefts[name] = next(x for x, value in enumerate(row) if value < 200)
    assert lefts == {"top_down": 4, "right": 4 + 2 * 3, "back": 4 + 2 * 6, "left": 4 + 2 * 9}
    with Image.open(side.views["gray_front_left"]) as gray:
        assert gray.convert("RGB").getpixel((0, 0)) == (128, 128, 128)


def test_the_other_edition_names_the_files_without_their_folder(folder: Path) -> None:
    text = (folder / "metadata.csv").read_text().replace("GIFs/", "")
    (folder / "metadata.csv").unlink()
    (folder / "dataset.csv").write_text(text)
    assert len(rated_sets.rated_assets(folder)) == 6


@pytest.mark.parametrize(
    ("sheet", "words"),
    [
        (None, "has no metadata.csv"),
        ("Prompt,gif_path\nSUV,GIFs/output-0.gif\n", "no column Geometry Rating"),
        (f"{HEAD}\nSUV,GIFs/output-0.gif,good,3\n", "line 2: a rating is not a number"),
        (f"{HEAD}\nSUV,GIFs/output-0.gif,1/0,3\n", "line 2: a rating is not a number"),
        (f"{HEAD}\nSUV,GIFs/none.gif,1,3\n", "there is no file"),
        (f"{HEAD}\nSUV,../outside.gif,1,3\n", "there is no file"),
        (f"{HEAD}\nSUV,GIFs/output-0.gif,1,3\n", "no prompt has three rated assets"),
    ],
)
def test_a_folder_that_is_no_rated_set_is_refused_in_a_sentence(folder: Path, sheet: str | None, words: str) -> None:
    turntable(folder.parent / "outside.gif", shade=1)
    judge = Rates(folder)
    if sheet is None:
        (folder / "metadata.csv").unlink()
    else:
        (folder / "metadata.csv").write_text(sheet)
    with pytest.raises(BadRatedSet, match=words):
        rated_sets.agreement_document(judge, folder, pairs=10, seed=1)


@pytest.mark.parametrize("content", [b"", b"GIF89a", b"\x89PNG\r\n\x1a\n", None])
def test_a_file_that_is_no_turntable_is_refused(folder: Path, tmp_path: Path, content: bytes | None) -> None:
    (asset, *_) = rated_sets.rated_assets(folder)
    if content is None:
        turntable(asset.frames, shade=1, frames=3)
    else:
        asset.frames.write_bytes(content)
    with pytest.raises(BadRatedSet, match=r"frames|cannot be read"):
        rated_sets.turntable_side(asset, into=tmp_path / "views")
