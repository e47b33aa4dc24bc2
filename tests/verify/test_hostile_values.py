"""Whatever stands anywhere in a bundle or a state repository, the verifier ends with findings, never a traceback."""

from __future__ import annotations

import io
import json
import os
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from random import Random

import pytest
import rfc8785

from tests.verify import made_bundle, made_records
from verify.__main__ import main
from verify.bundles import files
from verify.bundles.files import digest_of

VALUES: list[bytes] = [
    b"null",
    b"true",
    b"-1",
    b"0.5",
    b"NaN",
    b"Infinity",
    b"1e999",
    b"9007199254740993",
    b"9" * 4300,
    b"9" * 5000,
    rb'"\ud800"',
    b'"\xed\xa0\x80"',
    b'"\xff"',
    rb'"\u0000"',
    '"²"'.encode(),
    b'"' + b"x" * 5000 + b'"',
    b'"../../../etc/passwd"',
    b"[]",
    b"{}",
    b"[[]]",
    b'{"a": 1, "a": 2}',
    b"[" * 900 + b"]" * 900,
    b'{"a":' * 900 + b"1" + b"}" * 900,
    b"[" * 100_000,
]
VALUE = re.compile(rb'"(?:[^"\\]|\\.)*"(?!\s*:)|-?\d+(?:\.\d+)?|true|false|null')


def changed(data: bytes, random: Random, *, every: int) -> Iterator[bytes]:
    """The document with another value at one of its places: each value once, or of each `every` one."""
    places = [match.span() for match in VALUE.finditer(data)] or [(0, len(data))]
    for value in VALUES[random.randrange(every) :: every]:
        start, end = random.choice(places)
        yield data[:start] + value + data[end:]
        yield value


def assert_told(folder: Path, capsys: pytest.CaptureFixture[str], *options: str) -> None:
    assert main([str(folder), "--json", *options]) in (0, 1)
    shown = capsys.readouterr()
    assert shown.err == ""
    json.loads(shown.out, parse_constant=lambda name: pytest.fail(f"{name} is not JSON"))
    assert main([str(folder), *options]) in (0, 1)
    capsys.readouterr().out.encode()


EVERY = pytest.mark.parametrize("every", [4, pytest.param(1, marks=pytest.mark.long)])


@EVERY
@pytest.mark.parametrize(
    "name", ["manifest.json", "checkpoint.txt", "checkpoint.sig.json", "ledger.jsonl", "matches.json", "round.json"]
)
def test_any_value_at_any_place_of_a_bundle_is_a_finding(
    name: str, every: int, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    made = made_bundle.make()
    folder = made.write(tmp_path / "bundle")
    for data in changed((folder / name).read_bytes(), Random(name), every=every):
        (folder / name).write_bytes(data)
        assert_told(folder, capsys)


@EVERY
@pytest.mark.parametrize(
    "name", ["config.json", "leader.json", "state.json", "submissions.json", "schedule.json", "duels_"]
)
def test_any_value_at_any_place_of_a_repository_is_a_finding(
    name: str, every: int, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    root = made_records.write(made_records.era_1(), tmp_path)
    path = next(path for path in sorted(root.rglob("*.json")) if path.name.startswith(name))
    for data in changed(path.read_bytes(), Random(name), every=every):
        path.write_bytes(data)
        assert_told(root, capsys)


def test_folders_without_end_are_a_finding(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    folder = made_bundle.make().write(tmp_path / "bundle")
    deep = str(folder)
    for _ in range(1500):
        deep += "/d"
        os.mkdir(deep)
    try:
        assert_told(folder, capsys)
    finally:
        subprocess.run(["rm", "-rf", f"{folder}/d"], check=True)


def test_a_terminal_without_the_letters_of_a_file_s_name_is_no_trouble(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = made_bundle.make().write(tmp_path / "bundle")
    (folder / "é☃").touch()
    shown = io.BytesIO()
    monkeypatch.setattr(sys, "stdout", io.TextIOWrapper(shown, encoding="ascii"))
    assert main([str(folder)]) == 1
    sys.stdout.flush()
    assert b"\\xe9\\u2603" in shown.getvalue()


def test_a_path_that_stands_twice_is_a_finding_and_nothing_is_read_by_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    folder = made_bundle.make().write(tmp_path / "bundle")
    manifest = json.loads((folder / "manifest.json").read_bytes())
    for entry in (manifest["files"][0], manifest["files"][-1]):
        doubled = {**manifest, "files": sorted([*manifest["files"], *[entry] * 3000], key=lambda row: row["path"])}
        (folder / "manifest.json").write_bytes(rfc8785.dumps(doubled))
        hashed: list[str] = []

        def hashing(bundle: files.ExaminedBundle, path: str, hashed: list[str] = hashed) -> tuple[str, int] | None:
            hashed.append(path)
            return digest_of(bundle, path)

        monkeypatch.setattr(files, "digest_of", hashing)
        assert main([str(folder)]) == 1
        assert "A path stands twice" in capsys.readouterr().out
        assert hashed == []
