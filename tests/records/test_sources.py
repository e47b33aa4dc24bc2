"""A folder, a git checkout and a bare repository are read alike, and nothing in them is run or followed."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path

import pytest

from competition.records import sources
from competition.records.sources import Folder, NoRepository, RecordSource, open_sources
from dashboard.records.evidence import read as read_files
from tests.records.importing import made
from tests.verify.made_records import hotkey

LOST = ("rounds/0/winner.json", "rounds/1/prompts.txt")
AUTHOR = ("-c", "user.name=A", "-c", "user.email=a@b.example", "-c", "init.defaultBranch=main")


def git(root: Path, *arguments: str) -> str:
    command = ["git", *AUTHOR, "-C", str(root), *arguments]
    return subprocess.run(command, check=True, capture_output=True, text=True, timeout=120).stdout.strip()


def committed(root: Path) -> Path:
    git(root, "init", "-q")
    git(root, "add", "-A")
    git(root, "commit", "-q", "-m", "records")
    return root


def everything(source: RecordSource) -> dict[str, bytes]:
    return {file.path: source.read(file) for file in source.listing() if not file.objection}


def only(path: Path) -> RecordSource:
    (source,) = open_sources(path)
    return source


def test_a_checkout_and_a_bare_repository_give_what_the_folder_gives(tmp_path: Path) -> None:
    folder = made(1, tmp_path)
    plain = everything(only(folder))
    checkout = committed(folder)
    git(tmp_path, "clone", "-q", "--bare", str(checkout), "bare.git")
    head = git(checkout, "rev-parse", "HEAD")
    for path in (checkout, tmp_path / "bare.git"):
        source = only(path)
        assert source.commit == head
        assert everything(source) == plain


def test_of_a_checkout_the_commit_is_read_and_not_what_lies_about(tmp_path: Path) -> None:
    checkout = committed(made(1, tmp_path))
    (checkout / "leader.json").write_text("[]")
    (checkout / "rounds" / "0" / "new.txt").write_text("new")
    assert everything(only(checkout))["leader.json"] != b"[]"
    assert "rounds/0/new.txt" not in everything(only(checkout))


def test_a_repository_may_hold_several_competitions(tmp_path: Path) -> None:
    made(0, tmp_path / "all")
    made(1, tmp_path / "all")
    assert [source.origin for source in open_sources(tmp_path / "all")] == [
        str(tmp_path / "all" / name) for name in ("era-0", "era-1")
    ]
    committed(tmp_path / "all")
    of_git = open_sources(tmp_path / "all")
    assert [everything(source)["config.json"] for source in of_git] == [
        (tmp_path / "all" / name / "config.json").read_bytes() for name in ("era-0", "era-1")
    ]


def test_no_hook_and_no_setting_of_a_repository_is_run(tmp_path: Path) -> None:
    checkout, mark = committed(made(1, tmp_path)), tmp_path / "was-run"
    command = f"touch {mark}"
    for name in ("core.fsmonitor", "core.sshCommand", "core.pager", "core.editor", "diff.external", "filter.x.smudge"):
        git(checkout, "config", name, command)
    hook = checkout / ".git" / "hooks" / "post-index-change"
    hook.write_text(f"#!/bin/sh\n{command}\n")
    hook.chmod(0o755)
    everything(only(checkout))
    assert not mark.exists()


def test_links_are_told_and_not_followed(tmp_path: Path) -> None:
    folder = made(1, tmp_path)
    (folder / "rounds" / "0" / "winner.json").unlink()
    os.symlink("/etc/passwd", folder / "rounds" / "0" / "winner.json")
    os.symlink("/etc", folder / "rounds" / "0" / "folder")
    for path in (folder, committed(folder)):
        source = only(path)
        told = {file.path: file.objection for file in source.listing() if file.objection}
        assert set(told) == {"rounds/0/winner.json", "rounds/0/folder"}
        assert b"root:" not in b"".join(everything(source).values())


def test_what_is_too_large_or_oddly_named_is_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    folder = made(1, tmp_path)
    monkeypatch.setattr(sources, "LARGEST_BYTES", 100_000)
    (folder / "rounds" / "0" / "large.json").write_bytes(b" " * 100_001)
    (folder / "rounds" / "0" / "od\nd.json").write_text("{}")
    told = {file.path for file in only(folder).listing() if file.objection}
    assert told == {"rounds/0/large.json", "rounds/0/od\\nd.json…"} or len(told) == 2


@pytest.mark.parametrize("what", ["nothing", "empty", "file"])
def test_what_is_no_repository_is_said_to_be_none(what: str, tmp_path: Path) -> None:
    path = tmp_path / what
    if what == "empty":
        path.mkdir()
    elif what == "file":
        path.write_text("x")
    with pytest.raises(NoRepository):
        open_sources(path)


def test_a_repository_without_a_commit_is_said_to_have_none(tmp_path: Path) -> None:
    git(tmp_path, "init", "-q")
    with pytest.raises(NoRepository, match="HEAD"):
        open_sources(tmp_path)


def without_objects(root: Path, *names: str, spoil: bool = False) -> Path:
    """A repository whose commit names files or folders that it does not hold (or holds damaged), as a partial clone."""
    repository = committed(root)
    for name in names:
        key = git(repository, "rev-parse", f"HEAD:{name}").strip()
        place = repository / ".git" / "objects" / key[:2] / key[2:]
        place.chmod(0o644)
        if spoil:
            place.write_bytes(place.read_bytes()[:9] + b"spoiled")
        else:
            place.unlink()
    return repository


@pytest.mark.parametrize("spoil", [False, True])
def test_what_git_does_not_hold_is_told_and_all_else_is_read(spoil: bool, tmp_path: Path) -> None:
    folder = made(1, tmp_path)
    whole = everything(Folder(folder))
    source = only(without_objects(folder, *LOST, spoil=spoil))
    found = read_files(source, source.listing(), number=None)
    source.close()
    assert {trouble.file for trouble in found.troubles} == set(LOST)
    assert found.contents == {path: content for path, content in whole.items() if path not in LOST}


def test_a_folder_that_git_does_not_hold_is_told_and_all_else_is_read(tmp_path: Path) -> None:
    folder = made(1, tmp_path)
    whole = everything(Folder(folder))
    source = only(without_objects(folder, "rounds/0", f"rounds/1/{hotkey('Ben')}"))
    found = read_files(source, source.listing(), number=None)
    source.close()
    assert {trouble.file for trouble in found.troubles} == {"rounds/0", f"rounds/1/{hotkey('Ben')}"}
    lost = ("rounds/0/", f"rounds/1/{hotkey('Ben')}/")
    assert found.contents == {path: content for path, content in whole.items() if not path.startswith(lost)}


def test_of_git_what_is_too_large_is_not_read_and_the_next_file_is(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = made(1, tmp_path)
    (folder / "rounds" / "0" / "large.json").write_bytes(b" " * 100_001)
    monkeypatch.setattr(sources, "LARGEST_BYTES", 100_000)
    source = only(committed(folder))
    found = read_files(source, source.listing(), number=None)
    source.close()
    assert [trouble.file for trouble in found.troubles] == ["rounds/0/large.json"]
    assert "rounds/2/winner.json" in found.contents
