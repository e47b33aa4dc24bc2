"""The demo's hosts: whole files, ranges, and files that appear once the prompts are known."""

import hashlib
import json
import os
import re
import signal
import subprocess
import sys
import threading
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest

from examples import hosting
from examples.cast import CHALLENGERS
from examples.objects import glb_of
from examples.prompts import prompts

DEADLINE_SECONDS = 120


def until(condition: Callable[[], Any]) -> Any:
    ends = time.monotonic() + DEADLINE_SECONDS
    while time.monotonic() < ends:
        if answer := condition():
            return answer
        time.sleep(0.05)
    raise AssertionError("not within the deadline")


def served(server: ThreadingHTTPServer) -> str:
    threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True).start()
    return f"http://127.0.0.1:{server.server_port}"


@pytest.fixture
def host(tmp_path: Path) -> Iterator[str]:
    (tmp_path / "lathe").mkdir()
    (tmp_path / "lathe" / "mug.glb").write_bytes(b"0123456789")
    (tmp_path / "lathe" / "done").write_bytes(b"1\n")
    server = hosting.server(tmp_path, port=0)
    yield served(server)
    server.shutdown()
    server.server_close()


def ask(url: str, *, method: str = "GET", **headers: str) -> tuple[int, dict[str, str], bytes]:
    request = urllib.request.Request(url, method=method, headers=headers)
    try:
        with urllib.request.urlopen(request, timeout=60) as answer:
            return answer.status, dict(answer.headers), answer.read()
    except urllib.error.HTTPError as refusal:
        return refusal.code, dict(refusal.headers), refusal.read()


def test_a_file_comes_whole_and_with_its_length(host: str) -> None:
    code, headers, data = ask(f"{host}/lathe/mug.glb")
    assert (code, headers["Content-Length"], data) == (200, "10", b"0123456789")
    code, headers, data = ask(f"{host}/lathe/mug.glb", method="HEAD")
    assert (code, headers["Content-Length"], data) == (200, "10", b"")


@pytest.mark.parametrize(
    ("asked", "code", "content_range", "data"),
    [
        ("bytes=2-4", 206, "bytes 2-4/10", b"234"),
        ("bytes=7-", 206, "bytes 7-9/10", b"789"),
        ("bytes=7-99", 206, "bytes 7-9/10", b"789"),
        ("bytes=-3", 206, "bytes 7-9/10", b"789"),
        ("bytes=10-", 416, "bytes */10", b""),
        ("bytes=4-2", 200, None, b"0123456789"),
        ("bytes=0-1,3-4", 200, None, b"0123456789"),
        ("nonsense", 200, None, b"0123456789"),
    ],
)
def test_a_single_range_is_answered(host: str, asked: str, code: int, content_range: str | None, data: bytes) -> None:
    got, headers, body = ask(f"{host}/lathe/mug.glb", Range=asked)
    assert (got, headers.get("Content-Range"), body) == (code, content_range, data)


@pytest.mark.parametrize("path", ["/lathe/vase.glb", "/lathe/done", "/lathe/..%2fdone", "/../lathe/mug.glb", "/"])
def test_nothing_but_files_of_miners_is_served(host: str, path: str) -> None:
    assert ask(host + path)[0] == 404


class Platform:
    """Answers as the platform does: 404 until the prompts are drawn, then their list and their pictures."""

    def __init__(self, pictures: dict[str, bytes]) -> None:
        self.pictures, self.is_drawn = pictures, False
        outer = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                data = outer.answer(self.path)
                self.send_response(404 if data is None else 200)
                self.end_headers()
                self.wfile.write(data or b"")

            def log_message(self, format: str, *args: object) -> None:
                pass

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = served(self.server)

    def answer(self, path: str) -> bytes | None:
        if path == "/c/demo/r/current/prompts.json" and self.is_drawn:
            listed = [
                {"stem": stem, "sha256": hashlib.sha256(data).hexdigest(), "url": f"/pictures/{stem}"}
                for stem, data in self.pictures.items()
            ]
            return json.dumps({"round": 1, "stage": "miner_generation", "prompts": listed}).encode()
        return self.pictures.get(path.removeprefix("/pictures/"))


def photo() -> bytes:
    """A picture none of the true objects was drawn for."""
    pixels = np.full((160, 160, 3), (200, 205, 210), np.uint8)
    cv2.circle(pixels, (80, 80), 50, (40, 60, 200), -1)
    return cv2.imencode(".png", pixels)[1].tobytes()


def test_the_files_of_all_miners_appear_after_the_prompts_are_drawn(tmp_path: Path) -> None:
    known = {name: prompts()[name].read_bytes() for name in ("mug", "vase", "book", "chair")}
    platform = Platform({**known, "photo": photo()})
    command = [sys.executable, "-B", "-m", "examples.hosting", "--platform", platform.url, "--dir", str(tmp_path)]
    process = subprocess.Popen([*command, "--port=0"], cwd=hosting.ROOT, stdout=subprocess.PIPE, text=True)
    try:
        url = re.search(r"http://\S+", process.stdout.readline())[0]
        assert ask(f"{url}/chooser/mug.glb")[0] == 404
        platform.is_drawn = True
        assert "files of 5 prompts" in process.stdout.readline()
        assert {path.parent.name for path in tmp_path.glob("*/done")} == {
            one.slug for one in CHALLENGERS if one.hosts != "nothing"
        }
        files = {miner: fetched(url, miner) for miner in ("chooser", "copy", "cheat", "gaps", "lathe", "garbled")}
        assert files["cheat"]["mug"] == glb_of("mug"), "the cheat hosts the true object"
        assert files["cheat"]["photo"] == files["chooser"]["photo"], "and does what it can where it has none"
        assert files["copy"] == files["chooser"]
        assert len(files["gaps"]) == 3
        assert len(files["lathe"]) == 5
        assert files["garbled"] == {}
        process.send_signal(signal.SIGTERM)
        assert process.wait(120) == 0
    finally:
        process.kill()
        process.wait()
        platform.server.shutdown()
        platform.server.server_close()


def fetched(url: str, miner: str) -> dict[str, bytes]:
    answers = {stem: ask(f"{url}/{miner}/{stem}.glb") for stem in ("mug", "vase", "book", "chair", "photo")}
    return {stem: data for stem, (code, _, data) in answers.items() if code == 200}


def test_a_picture_that_is_not_the_announced_one_is_not_used(tmp_path: Path) -> None:
    platform = Platform({"mug": prompts()["mug"].read_bytes()})
    studio = hosting.Studio(tmp_path, stop=threading.Event())
    with pytest.raises(OSError, match="not the picture"):
        studio.take("mug", sha256="0" * 64, address=f"{platform.url}/pictures/mug")
    platform.server.shutdown()
    platform.server.server_close()


def test_a_new_picture_under_an_old_name_drops_the_old_files(tmp_path: Path) -> None:
    platform = Platform({"mug": prompts()["mug"].read_bytes()})
    studio = hosting.Studio(tmp_path, stop=threading.Event())
    (tmp_path / ".pictures" / "mug.png").write_bytes(b"another picture")
    (tmp_path / "lathe").mkdir()
    (tmp_path / "lathe" / "mug.glb").write_bytes(b"made from another picture")
    sha256 = hashlib.sha256(prompts()["mug"].read_bytes()).hexdigest()
    studio.take("mug", sha256=sha256, address=f"{platform.url}/pictures/mug")
    assert not (tmp_path / "lathe" / "mug.glb").exists()
    platform.server.shutdown()
    platform.server.server_close()


@pytest.mark.parametrize(
    "told", ["{", "[]", '{"round": 1, "prompts": []}', '{"round": 1, "prompts": [{"stem": "../x"}]}']
)
def test_an_answer_that_is_no_list_of_prompts_means_not_yet(told: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(hosting, "fetched", lambda address: told.encode())
    assert hosting.drawn("http://127.0.0.1:1", slug="demo") is None


def test_a_stem_that_is_no_file_name_costs_no_other_prompt(monkeypatch: pytest.MonkeyPatch) -> None:
    listed = [{"stem": stem, "sha256": "0", "url": "/x"} for stem in ("../x", "mug")]
    monkeypatch.setattr(hosting, "fetched", lambda address: json.dumps({"round": 1, "prompts": listed}).encode())
    assert list(hosting.drawn("http://127.0.0.1:1", slug="demo").prompts) == ["mug"]


def test_no_platform_means_not_yet() -> None:
    assert hosting.drawn("http://127.0.0.1:1", slug="demo") is None


def test_the_hosting_ends_with_whoever_started_it(tmp_path: Path) -> None:
    start = (
        "import subprocess, sys\n"
        f"subprocess.Popen([sys.executable, '-B', '-m', 'examples.hosting', '--platform', 'http://127.0.0.1:1', "
        f"'--dir', {str(tmp_path)!r}, '--port=0'])\n"
        "sys.stdin.read()\n"
    )
    parent = subprocess.Popen(
        [sys.executable, "-c", start], cwd=hosting.ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    )
    assert "hosting at" in parent.stdout.readline()
    child = until(lambda: children(parent.pid))[0]
    os.kill(parent.pid, signal.SIGKILL)
    parent.wait(120)
    until(lambda: not is_running(child))


def is_running(pid: int) -> bool:
    """False too for one that is dead and only waits to be collected."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()[0] != "Z"
    except OSError:
        return False


def children(pid: int) -> list[int]:
    return [int(one) for one in Path(f"/proc/{pid}/task/{pid}/children").read_text().split()]
