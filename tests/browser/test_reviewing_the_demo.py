"""The demo's own cast and real pods before reviewers in a browser: the cheat is rejected on evidence, a borderline
licence decided by two people, an appeal upheld, the reign replaced; and all of it is recomputed from the bundles.
"""

from __future__ import annotations

import base64
import json
import signal
import subprocess
import sys
import time
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import ExitStack, suppress
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest
import rfc8785

from examples import cast
from examples.kit import assemble
from tests.api import signing
from tests.browser.conftest import ROOT
from tests.browser.test_in_a_browser import visitor
from tests.browser.test_reviewing import Reviewer, decide
from tests.scenarios.stage import COMPETITION, Play, free_port, prepare

pytestmark = [pytest.mark.browser, pytest.mark.long, pytest.mark.timeout(1500)]
PEOPLE = {"ann": "reviewer", "bob": "reviewer", "lea": "lead", "otto": "operator"}
BORDERLINE = "This Source Code Form is subject to the terms of the Mozilla Public License, version 2.0.\n"
OBJECTION = "The licence asks for terms that the outputs of this competition do not carry."
APPEALS = "/api/v1/me/appeals"


class Demo:
    """One played demo and the accounts of its reviewers."""

    def __init__(self, folder: Path) -> None:
        miners = folder / "miners"
        assemble(miners)
        (miners / "chooser" / "LICENSE").write_text(BORDERLINE)
        hosting, env = free_port(), {"GAUNTLET_LOCAL_REPOSITORIES": str(miners)}
        prepare(folder / "var", hosting=hosting, competition=COMPETITION, env=env)
        self.play = Play(folder / "var", hosting=hosting, env=env, port=free_port(), longest=900)
        self.address = f"http://127.0.0.1:{self.play.port}"
        self.passwords: dict[str, str] = {}
        self.keys: dict[str, str] = {}
        for name, role in PEOPLE.items():
            self._account(name, role)

    def _account(self, name: str, role: str) -> None:
        done = self.play.command("reviewer", name, "--role", role)
        assert done.returncode == 0, done.stderr
        told = dict(line.split(None, 1) for line in done.stdout.splitlines() if line.startswith("password"))
        address = next(word for word in done.stdout.split() if word.startswith("otpauth://"))
        secret = parse_qs(urlsplit(address).query)["secret"][0]
        self.passwords[name] = told["password"].strip()
        self.keys[name] = base64.b32decode(secret + "=" * (-len(secret) % 8)).hex()

    def password_of(self, name: str) -> str:
        return self.passwords[name]

    def json(self, path: str) -> Any:
        with urllib.request.urlopen(self.address + path, timeout=120) as answer:
            return json.load(answer)

    def waiting(self) -> list[str]:
        """What kinds of cases wait for people."""
        with suppress(OSError, ValueError):
            return [row["kind"] for row in self.json("/reviews.json")["waiting"]]
        return []

    @property
    def over(self) -> bool:
        return self.play.process is None or self.play.process.poll() is not None

    def until(self, done: Callable[[], object], *, seconds: float = 600) -> None:
        deadline = time.monotonic() + seconds
        while not done():
            assert time.monotonic() < deadline, self.play.story()
            time.sleep(0.5)

    def stop(self) -> None:
        assert self.play.process is not None
        self.play.process.send_signal(signal.SIGINT)
        self.play.process.wait(timeout=60)

    def lodge(self, name: str, *, against: str) -> None:
        """The miner's own program: it knows the API and its key."""
        key = cast.member(name).key
        document = {
            "format": "gauntlet-appeal/1",
            "competition": "demo",
            "round": 1,
            "entry": against,
            "audit": "source",
            "version": 1,
            "finding": None,
            "ground": "overlooked",
            "statement": OBJECTION,
            "evidence": "",
            "appellant": key.ss58_address,
        }
        message = b"gauntlet-appeal/1\n" + bytes(rfc8785.dumps(document))
        body = json.dumps({"document": document, "signature": key.sign(message).hex()}).encode()
        host = urlsplit(self.address).netloc
        headers = signing.headers(key, method="POST", path=APPEALS, body=body, host=host)
        asked = urllib.request.Request(
            self.address + APPEALS, data=body, method="POST", headers={**headers, "Content-Type": "application/json"}
        )
        with urllib.request.urlopen(asked, timeout=120) as answer:
            assert answer.status == 201

    def verified(self) -> str:
        command = [sys.executable, "-m", "verify", "--errors", str(self.play.var / "bundles" / "demo")]
        done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True)
        assert done.returncode == 0, done.stdout + done.stderr
        return done.stdout


@pytest.fixture(scope="module")
def demo(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Demo]:
    played = Demo(tmp_path_factory.mktemp("reviewed-demo"))
    yield played
    played.play.end()


def test_the_demo_is_reviewed_from_the_cheat_to_another_reign(chromium: Any, demo: Demo) -> None:
    chooser, cheat = cast.member("Chooser").hotkey, cast.member("Cheat").hotkey
    demo.play.start()
    demo.until(demo.waiting)
    with ExitStack() as stack:
        people = {name: Reviewer(stack.enter_context(visitor(chromium)), demo, name) for name in PEOPLE}
        anybody = stack.enter_context(visitor(chromium))
        ann, bob, lea, otto = (people[name] for name in ("ann", "bob", "lea", "otto"))

        # a borderline licence: two people let it pass, and the round goes on
        while not demo.over:
            if demo.waiting():
                shown = decide(ann, bob, "passed:licence_allows")
                assert "audit.passed" in shown
            time.sleep(0.5)
        assert demo.play.process is not None and demo.play.process.returncode == 0, demo.play.story()
        bundle = demo.play.var / "bundles" / "demo" / "1"
        audits = {(row["entry"], row["kind"]): row for row in json.loads((bundle / "audits.json").read_text())}

        # the cheat's code could not make what it had hosted: rejected on evidence, by no person
        assert audits[cheat, "generation"]["verdict"] == "rejected" and not audits[cheat, "generation"]["people"]
        assert audits[chooser, "source"]["people"] == ["ann", "bob"]
        assert json.loads((bundle / "decision.json").read_text())["winner"] == chooser

        # while the next round takes reveals a rival objects with its own key
        demo.play.start(live=True)
        demo.until(lambda: _answers(demo))
        before = demo.json("/c/demo/leaders.json")["steps"]
        demo.lodge("Gaps", against=chooser)
        anybody.goto(f"{demo.address}/reviews/")
        anybody.click("main table a")
        assert OBJECTION in anybody.inner_text("blockquote") and not anybody.query_selector("#decide")
        assert "correction.staged" in decide(bob, lea, "upheld:rule_was_misread")

        # decided anew beside itself: whoever shares that code is looked at with the same eyes
        while "correction" not in demo.waiting():
            if demo.waiting():
                decide(ann, bob, "rejected:licence_forbids")
            time.sleep(0.5)
        shown = decide(lea, otto, "applied:appeal_upheld")
        assert "correction.applied" in shown and '"supersedes"' in shown
        demo.until(lambda: (demo.play.var / "bundles" / "demo" / "1.2" / "manifest.json").exists())
        after = demo.json("/c/demo/leaders.json")["steps"]
        assert len(after) == len(before) + 1
        for person in people.values():
            assert not [text for text in person.heard if "Content Security Policy" in text]
    demo.stop()
    assert "0 errors" in demo.verified()
    second = json.loads((demo.play.var / "bundles" / "demo" / "1.2" / "decision.json").read_text())
    assert second["leader"] != chooser


def _answers(demo: Demo) -> bool:
    with suppress(OSError, ValueError):
        return bool(demo.json("/reviews.json"))
    return False
