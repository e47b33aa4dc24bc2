"""The batch API, spoken over loopback with a miner's own serve.py."""

import base64
import io
import json
import os
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
import zipfile
from collections.abc import Callable, Iterator
from typing import Any

import pytest
import trimesh

from core.postgres.ports import free_port
from examples.cast import MINERS
from examples.prompts import prompts

DEADLINE_SECONDS = 120


def until(condition: Callable[[], Any]) -> Any:
    ends = time.monotonic() + DEADLINE_SECONDS
    while time.monotonic() < ends:
        if answer := condition():
            return answer
        time.sleep(0.05)
    raise AssertionError("not within the deadline")


class Service:
    def __init__(self, port: int) -> None:
        self.base = f"http://127.0.0.1:{port}"

    def ask(self, path: str, *, body: object = None, headers: dict[str, str] | None = None) -> tuple[int, bytes]:
        data = None if body is None else body if isinstance(body, bytes) else json.dumps(body).encode()
        request = urllib.request.Request(self.base + path, data=data, headers=headers or {})
        try:
            with urllib.request.urlopen(request, timeout=60) as answer:
                return answer.status, answer.read()
        except urllib.error.HTTPError as refusal:
            return refusal.code, refusal.read()

    def generate(self, **pictures: str) -> tuple[int, dict[str, Any]]:
        asked = [{"stem": stem, "image_url": url} for stem, url in pictures.items()]
        code, answer = self.ask("/generate", body={"prompts": asked, "seed": 7})
        return code, json.loads(answer)

    def status(self) -> dict[str, Any]:
        return json.loads(self.ask("/status?replacements_remaining=3")[1])

    def is_up(self) -> bool:
        try:
            return self.ask("/health")[0] == 200
        except OSError:
            return False

    def finished(self) -> bool:
        return self.status()["status"] == "complete"


@pytest.fixture(scope="module")
def service() -> Iterator[Service]:
    port = free_port()
    environment = {"HOST": "127.0.0.1", "PORT": str(port), "PATH": os.environ["PATH"]}
    process = subprocess.Popen([sys.executable, "-B", "serve.py"], cwd=MINERS / "chooser", env=environment)
    try:
        service = Service(port)
        until(service.is_up)
        until(lambda: service.status()["status"] == "ready")
        yield service
    finally:
        process.terminate()
        process.wait(120)


def url_of(name: str) -> str:
    return "data:image/png;base64," + base64.b64encode(prompts()[name].read_bytes()).decode()


def archive(service: Service) -> zipfile.ZipFile:
    until(service.finished)
    code, data = service.ask("/results")
    assert code == 200
    return zipfile.ZipFile(io.BytesIO(data))


def test_a_batch_comes_back_as_one_archive_with_a_file_for_each_stem(service: Service) -> None:
    assert service.generate(mug=url_of("mug"), vase=url_of("vase")) == (200, {"accepted": 2})
    assert service.status()["total"] == 2
    got = archive(service)
    assert got.namelist() == ["mug.glb", "vase.glb"]
    assert trimesh.load(io.BytesIO(got.read("mug.glb")), file_type="glb").area > 0
    assert service.status() == {"status": "complete", "progress": 2, "total": 2, "payload": None}


def test_the_archive_is_the_same_on_every_call(service: Service) -> None:
    service.generate(mug=url_of("mug"))
    archive(service)
    assert service.ask("/results") == service.ask("/results")


def test_the_same_batch_asked_again_is_accepted_and_not_started_again(service: Service) -> None:
    service.generate(lamp=url_of("lamp"))
    assert service.generate(lamp=url_of("lamp")) == (200, {"accepted": 1})
    archive(service)
    assert service.generate(lamp=url_of("lamp")) == (200, {"accepted": 1})
    assert service.status()["status"] == "complete"


def test_another_batch_meanwhile_is_a_conflict_and_says_what_is_going_on(service: Service) -> None:
    with slow_picture() as url:
        assert service.generate(slow=url)[0] == 200
        code, answer = service.generate(other=url_of("mug"))
        assert (code, answer["current_status"]) == (409, "generating")
        code, data = service.ask("/results")
        assert (code, json.loads(data)["current_status"]) == (409, "generating")
    until(service.finished)
    assert service.generate(other=url_of("mug"))[0] == 200, "after a complete batch the next one may come"
    until(service.finished)


class slow_picture:
    """A picture host that accepts and then says nothing, until the block ends and it hangs up."""

    def __enter__(self) -> str:
        self.listener = socket.create_server(("127.0.0.1", 0))
        return f"http://127.0.0.1:{self.listener.getsockname()[1]}/slow.png"

    def __exit__(self, *_: object) -> None:
        self.listener.settimeout(120)
        self.listener.accept()[0].close()
        self.listener.close()


def test_a_prompt_that_fails_is_named_with_its_reason_and_costs_no_other(service: Service) -> None:
    broken = "data:image/png;base64," + base64.b64encode(b"no picture").decode()
    service.generate(broken=broken, mug=url_of("mug"), local="file:///etc/hostname")
    got = archive(service)
    assert got.namelist() == ["_failed.json", "mug.glb"]
    failed = json.loads(got.read("_failed.json"))
    assert sorted(failed) == ["broken", "local"]
    assert "image_url" in failed["local"]


@pytest.mark.parametrize(
    "body",
    [
        b"{",
        b"[]",
        b'{"prompts": []}',
        b'{"prompts": [{"stem": "../etc", "image_url": "http://x"}]}',
        b'{"prompts": [{"stem": "a", "image_url": "http://x"}, {"stem": "a", "image_url": "http://x"}]}',
        b'{"prompts": [{"stem": "a"}]}',
    ],
)
def test_a_request_nobody_can_answer_is_refused_with_a_sentence(service: Service, body: bytes) -> None:
    code, answer = service.ask("/generate", body=body)
    assert code == 400
    assert json.loads(answer)["detail"]


def test_an_authorization_header_is_tolerated(service: Service) -> None:
    assert service.ask("/health", headers={"Authorization": "Bearer anything"})[0] == 200


def test_an_unknown_path_is_not_found(service: Service) -> None:
    assert service.ask("/etc/passwd")[0] == 404
