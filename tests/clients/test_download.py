"""Does `gauntlet download` write only the one folder it is asked for, whatever the server sends?"""

from __future__ import annotations

import gzip
import hashlib
import json
import os
import shutil
import subprocess
import tarfile
import threading
import tracemalloc
from collections.abc import Iterator
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result
from gauntlet_client import downloading, platform_code
from gauntlet_client.cli import main

from tests.clients.hostile_archives import ARCHIVES, GOOD, MANIFEST, entry, good
from tests.verify import made_bundle

HASH = hashlib.sha256(MANIFEST).hexdigest()
ROW = {"round": 1, "hash": HASH, "archive_url": "/c/demo/r/1/bundle.tar", "bytes": 4096, "files": 2}
OWN = {".profile": b"mine\n", ".ssh/authorized_keys": b"my key\n", "demo-1.tar": b"my own\n"}


@dataclass
class Server:
    """Lists one bundle, and sends `archive` for it; `cut`: breaks off there once."""

    address: str
    archive: bytes = GOOD
    row: Any = field(default_factory=lambda: dict(ROW))
    headers: dict[str, str] = field(default_factory=dict)
    cut: int | None = None
    ranges: list[str] = field(default_factory=list)


@pytest.fixture
def server() -> Iterator[Server]:
    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            listed = {"results": [told.row], "next": None}
            body = json.dumps(listed).encode() if "/bundles" in self.path else told.archive
            start = 0
            if "/bundles" not in self.path:
                told.ranges.append(self.headers.get("Range", ""))
                start = int(self.headers.get("Range", "bytes=0-")[6:-1])
            self.send_response(206 if start else 200)
            if start:
                self.send_header("Content-Range", f"bytes {start}-{len(body) - 1}/{len(body)}")
            more = told.headers if "/bundles" not in self.path else {}
            for name, value in ({"Content-Length": str(len(body) - start)} | more).items():
                self.send_header(name, value)
            self.end_headers()
            if "/bundles" not in self.path and told.cut is not None:
                body, told.cut = body[: told.cut], None
            self.wfile.write(body[start:])
            self.close_connection = True

        def log_message(self, *_: Any) -> None:
            pass

    class Quiet(ThreadingHTTPServer):
        def handle_error(self, *_: Any) -> None:
            """A client that hangs up is no news."""

    made = Quiet(("127.0.0.1", 0), Handler)
    told = Server(f"http://127.0.0.1:{made.server_port}")
    threading.Thread(target=made.serve_forever, args=(0.05,), daemon=True).start()
    yield told
    made.shutdown()
    made.server_close()


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Where a miner is, with files of its own."""
    home = tmp_path / "home"
    for name, content in OWN.items():
        (home / name).parent.mkdir(parents=True, exist_ok=True)
        (home / name).write_bytes(content)
    monkeypatch.chdir(home)
    return home


def download(server: Server, *words: str) -> Result:
    return CliRunner().invoke(main, ["download", "-c", "demo", "--round", "1", "--server", server.address, *words])


def files(folder: Path) -> dict[str, bytes]:
    paths = [path for path in folder.rglob("*") if path.is_symlink() or not path.is_dir()]
    return {str(path.relative_to(folder)): path.read_bytes() for path in paths}


def assert_refused(result: Result, home: Path, *, code: int = 5) -> None:
    assert result.exit_code == code, (result.output, result.exception)
    assert isinstance(result.exception, SystemExit), result.exception
    assert "No:" in result.output and "Traceback" not in result.output
    assert files(home.parent) == {f"home/{name}": content for name, content in OWN.items()}, (
        "something else was written"
    )
    assert sorted(path.name for path in home.iterdir()) == [".profile", ".ssh", "demo-1.tar"]


HUGE = ("more files than any bundle has", "a header for each of too many")  # a hundred thousand names are many, too


def test_there_are_many_hostile_archives() -> None:
    assert len(ARCHIVES) >= 60


@pytest.mark.parametrize(
    "name", [name if name not in HUGE else pytest.param(name, marks=pytest.mark.long) for name in ARCHIVES]
)
def test_a_hostile_archive_is_refused_and_leaves_nothing(server: Server, home: Path, name: str) -> None:
    server.archive = ARCHIVES[name]()
    server.row["bytes"] = len(server.archive)
    assert_refused(download(server), home)
    server.archive = GOOD
    assert download(server).exit_code == 0, "the same command, and a good server"
    assert (home / "demo-1/blobs/a").read_bytes() == b"one"


@pytest.mark.parametrize("kind", [tarfile.PAX_FORMAT, tarfile.USTAR_FORMAT, tarfile.GNU_FORMAT])
def test_a_good_archive_becomes_one_new_folder(server: Server, home: Path, kind: int) -> None:
    server.archive = good(kind, **{"blobs/" + "a" * 64: b"one", "empty": b"", "judging.json": b"{}"})
    assert download(server).exit_code == 0
    assert files(home / "demo-1") == {
        "manifest.json": MANIFEST,
        "blobs/" + "a" * 64: b"one",
        "empty": b"",
        "judging.json": b"{}",
    }
    assert sorted(path.name for path in home.iterdir()) == [".profile", ".ssh", "demo-1", "demo-1.tar"]
    assert not any(path.stat().st_mode & 0o111 for path in (home / "demo-1").rglob("*") if path.is_file())


def test_a_long_name_may_come_in_a_short_header(server: Server, home: Path) -> None:
    server.archive = good(**{f"{'long' * 30}.json": b"{}"})
    assert download(server).exit_code == 0
    assert (home / "demo-1" / f"{'long' * 30}.json").read_bytes() == b"{}"


def test_what_the_platform_writes_is_taken(server: Server, home: Path, tmp_path: Path) -> None:
    from dashboard.pages.files import archive

    folder = tmp_path / "made"
    (folder / "blobs").mkdir(parents=True)
    (folder / "manifest.json").write_bytes(MANIFEST)
    (folder / "blobs" / ("b" * 64)).write_bytes(b"x" * 1000)
    server.archive = b"".join(archive(folder, name="demo-1"))
    assert download(server).exit_code == 0
    assert files(home / "demo-1") == files(folder)


def test_files_are_compared_with_the_manifest_before_one_is_written(server: Server, home: Path) -> None:
    for row in ({"path": "blobs/a", "sha256": "0" * 64}, {"path": "blobs/b", "sha256": HASH}, {"path": "../x"}, 1, "x"):
        manifest = json.dumps({"files": [row]}).encode()
        server.row["hash"] = hashlib.sha256(manifest).hexdigest()
        server.archive = entry("demo-1/manifest.json", manifest) + entry("demo-1/blobs/a", b"one") + bytes(1024)
        assert_refused(download(server), home)
    for manifest in (b"[" * 100_000, b"{}" * 3, b"null", b'{"files": {"a": 1}}', b"[]"):
        server.row["hash"] = hashlib.sha256(manifest).hexdigest()
        server.archive = entry("demo-1/manifest.json", manifest) + bytes(1024)
        assert_refused(download(server), home)


def test_what_broke_off_is_gone_on_with(server: Server, home: Path) -> None:
    server.archive, server.cut = good(**{"blobs/a": bytes(100_000)}), 40_000
    assert download(server).exit_code == 4
    assert (home / "demo-1.tar.part").stat().st_size == 40_000
    assert download(server).exit_code == 0
    assert server.ranges == ["", "bytes=40000-"]
    assert not (home / "demo-1.tar.part").exists()


def test_the_rest_of_a_bad_archive_does_not_spoil_the_next_download(server: Server, home: Path) -> None:
    (home / "demo-1.tar.part").write_bytes(b"x" * 700)
    assert download(server).exit_code == 0
    assert server.ranges == ["bytes=700-", ""]


@pytest.mark.parametrize("name", ["a file that never ends", "an announced giant", "compressed on its way"])
def test_an_archive_far_larger_than_announced_is_left(server: Server, home: Path, name: str) -> None:
    server.archive = GOOD + bytes(300 << 20) if name == "a file that never ends" else GOOD
    if name == "an announced giant":
        server.headers = {"Content-Length": str(1 << 50)}
    if name == "compressed on its way":
        server.archive, server.headers = gzip.compress(bytes(200 << 20)), {"Content-Encoding": "gzip"}
    assert_refused(download(server), home)


@pytest.mark.parametrize("kind", ["folder", "file", "link"])
def test_what_is_there_is_not_replaced(server: Server, home: Path, kind: str) -> None:
    target = home / "demo-1"
    {"folder": target.mkdir, "file": target.touch, "link": lambda: target.symlink_to(".ssh")}[kind]()
    before = files(home) if kind != "link" else None
    result = download(server)
    assert result.exit_code == 2 and "there already" in result.output and not server.ranges
    assert before is None or files(home) == before


@pytest.mark.parametrize(
    "change",
    [
        {"round": "1"},
        {"round": "../../x"},
        {"round": -1},
        {"round": True},
        {"round": None},
        {"round": 1.5},
        {"hash": ""},
        {"hash": None},
        {"hash": "x" * 64},
        {"hash": HASH.upper()},
        {"archive_url": None},
        {"archive_url": "http://127.0.0.1:9/x"},
        {"archive_url": "//127.0.0.1:9/x"},
        {"archive_url": "file:///etc/passwd"},
        {"archive_url": "x"},
        {"archive_url": "/a\\b"},
        {"archive_url": "/a b"},
    ],
)
def test_a_row_that_no_platform_writes_is_refused(server: Server, home: Path, change: dict[str, Any]) -> None:
    server.row |= change
    assert_refused(download(server), home)


@pytest.mark.parametrize("row", [None, 1, "x", []])
def test_a_table_that_is_none_is_refused(server: Server, home: Path, row: Any) -> None:
    server.row = row
    assert_refused(download(server), home, code=4)


def test_a_folder_that_cannot_be_written_is_said_to_be_none(server: Server, home: Path) -> None:
    assert download(server, "--to", ".profile/x").exit_code == 2
    if os.geteuid():
        home.chmod(0o500)
        assert download(server).exit_code == 2


@pytest.mark.parametrize(
    "name",
    [
        pytest.param("more files than any bundle has", marks=pytest.mark.long),
        "a header that never ends",
        "a bomb in gzip",
    ],
)
def test_refusing_takes_little_memory(name: str, tmp_path: Path) -> None:
    from gauntlet_client import archives

    (tmp_path / "it").write_bytes(ARCHIVES[name]())
    tracemalloc.start()
    with pytest.raises(archives.Damaged):
        archives.unpack(tmp_path / "it", tmp_path, name="demo-1", manifest_sha256=HASH)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 150 << 20


def test_the_documented_way_without_the_client_writes_nowhere_else(home: Path) -> None:
    page = (Path(__file__).parents[2] / "docs/verify.md").read_text()
    command = next(line for line in page.splitlines() if line.startswith("mkdir fetched && tar "))
    for name, made in ARCHIVES.items():
        if "bomb" in name or "more files" in name or "too many" in name or "thousand" in name or "never ends" in name:
            continue  # these cost time and room; they write nowhere else
        (home / "bundle.tar").write_bytes(made())
        subprocess.run(["bash", "-c", f"ulimit -f 1000; {command}"], cwd=home, capture_output=True, timeout=60)
        shutil.rmtree(home / "fetched")
        (home / "bundle.tar").unlink()
        assert files(home.parent) == {f"home/{name}": content for name, content in OWN.items()}, name


@pytest.fixture
def made(server: Server, tmp_path: Path) -> Server:
    """It serves a whole bundle, which a judge that computes judged."""
    folder = made_bundle.make().write(tmp_path / "made")
    paths = sorted(path for path in folder.rglob("*") if path.is_file())
    entries = [entry(f"demo-1/{path.relative_to(folder)}", path.read_bytes()) for path in paths]
    server.archive = b"".join(entries) + bytes(1024)
    server.row |= {"hash": downloading.digest(folder / "manifest.json"), "bytes": len(server.archive)}
    return server


def rejudge(server: Server, *words: str) -> Result:
    told = ("rejudge", "-c", "demo", "-r", "1", "--server", server.address, "--ask", "http://127.0.0.1:9", *words)
    return CliRunner().invoke(main, told)


def test_rejudge_fetches_a_bundle_once_verifies_it_and_says_what_there_is_to_ask(
    made: Server, home: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    for _ in range(2):
        assert rejudge(made).exit_code == 2
        assert "cites no questions to a model (judging.json): there is nothing to ask" in capfd.readouterr().err
    assert made.ranges == [""] and (home / "demo-1" / "manifest.json").is_file()
    (home / "demo-1" / "round.json").write_text("{}")
    assert rejudge(made).exit_code == 1 and "Run it without --ask" in capfd.readouterr().err
    (home / "demo-1" / "manifest.json").write_text("{}")
    result = rejudge(made)
    assert result.exit_code == 2 and "is not the bundle that is published now" in result.output


def test_rejudge_hands_its_options_to_the_verifier_and_the_miner_s_key_to_nobody(
    made: Server, home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    started: list[list[str]] = []
    real = platform_code.start
    monkeypatch.setattr(platform_code, "start", lambda words: (started.append(words), real(["-c", ""]))[1])
    words = ("--sample", "all", "--model=-x", "--ask-key-file", "server.key", "--report", "r.json", "--yes", "--json")
    assert rejudge(made, *words).exit_code == 0
    plain = ["--sample=all", "--model=-x", "--report=r.json", "--key-file=server.key", "--yes", "--json"]
    assert started == [["-m", "verify", "demo-1", "--ask=http://127.0.0.1:9", *plain]]
