"""Is a bundle that is shown ever taken away by a worker that comes late?"""

from pathlib import Path

import pytest

from dashboard.bundles.publish import place


def folder(path: Path, text: str) -> Path:
    path.mkdir()
    (path / "manifest.json").write_text(text)
    return path


def test_a_draft_is_shown_whole(tmp_path: Path) -> None:
    place(folder(tmp_path / ".draft-1", "new"), tmp_path / "1")
    assert [path.name for path in tmp_path.iterdir()] == ["1"]


def test_what_an_earlier_database_left_there_is_replaced(tmp_path: Path) -> None:
    folder(tmp_path / "1", "of another database")
    folder(tmp_path / ".old-1", "left by a worker that was killed")
    place(folder(tmp_path / ".draft-1", "new"), tmp_path / "1")
    assert (tmp_path / "1" / "manifest.json").read_text() == "new"
    assert [path.name for path in tmp_path.iterdir()] == ["1"]


def test_whoever_comes_second_finds_no_draft_and_takes_nothing_away(tmp_path: Path) -> None:
    draft, target = folder(tmp_path / ".draft-1", "new"), tmp_path / "1"
    place(draft, target)
    with pytest.raises(FileNotFoundError):
        place(draft, target)
    assert (target / "manifest.json").read_text() == "new"
