"""A solution's commit follows from its files, and from nothing else."""

from pathlib import Path

import pytest

from competition.solution import commit_of


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "code").mkdir()
    (tmp_path / "code" / "serve.py").write_text("print(1)\n")
    (tmp_path / "README.md").write_text("hello\n")
    return tmp_path


def test_a_commit_is_forty_lower_case_hex_characters(folder: Path) -> None:
    assert len(commit_of(folder)) == 40
    assert set(commit_of(folder)) <= set("0123456789abcdef")


def test_the_commit_of_a_known_folder_never_changes(folder: Path) -> None:
    assert commit_of(folder) == "80ad741e9323a574abeb94d6b252c36571b382b7"


def test_content_and_names_count(folder: Path) -> None:
    before = commit_of(folder)
    (folder / "README.md").write_text("hello!\n")
    changed = commit_of(folder)
    (folder / "README.md").write_text("hello\n")
    (folder / "README.md").rename(folder / "README.txt")
    assert len({before, changed, commit_of(folder)}) == 3


def test_what_python_and_git_leave_behind_does_not_count(folder: Path) -> None:
    before = commit_of(folder)
    for litter in ("__pycache__/serve.pyc", "code/__pycache__/serve.pyc", ".git/HEAD"):
        (folder / litter).parent.mkdir(exist_ok=True)
        (folder / litter).write_bytes(b"x")
    assert commit_of(folder) == before


def test_a_symbolic_link_is_refused(folder: Path) -> None:
    (folder / "passwords").symlink_to("/etc/passwd")
    with pytest.raises(ValueError, match="symbolic link"):
        commit_of(folder)
