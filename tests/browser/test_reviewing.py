"""A round's reviewers at work: two let a borderline licence pass, a miner objects, two uphold it, the reign changes."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import dataclass, field
from typing import Any

import pytest
from django_otp.oath import totp

from tests.browser.conftest import ROOT
from tests.browser.test_in_a_browser import visitor

pytestmark = pytest.mark.browser
WHY = "The second paragraph of the licence says so, as everybody can read."


@dataclass
class Played:
    address: str
    password: str
    keys: dict[str, str]
    process: subprocess.Popen[str] = field(repr=False)

    def password_of(self, name: str) -> str:
        return self.password

    def order(self, what: str) -> str:
        assert self.process.stdin and self.process.stdout
        self.process.stdin.write(f"{what}\n")
        self.process.stdin.flush()
        return self.process.stdout.readline().strip()


@pytest.fixture(scope="module")
def played(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Played]:
    """Its own process, folder and PostgreSQL: its workers work on everything they find."""
    folder = tmp_path_factory.mktemp("reviewed")
    environment = {**os.environ, "DJANGO_SETTINGS_MODULE": "tests.settings", "GAUNTLET_TEST_VAR": str(folder)}
    command = [sys.executable, "-W", "ignore", "-m", "tests.browser.reviewed_site"]
    process = subprocess.Popen(
        command, cwd=ROOT, env=environment, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    )
    assert process.stdin and process.stdout
    told = process.stdout.readline()
    assert told, "the site did not start; its error is above"
    yield Played(process=process, **json.loads(told))
    process.stdin.close()
    process.wait(timeout=120)


class Reviewer:
    """One person before one browser."""

    def __init__(self, page: Any, played: Played, name: str) -> None:
        self.page, self.played, self.name = page, played, name
        self.heard: list[str] = []
        page.on("console", lambda message: self.heard.append(message.text))
        page.on("pageerror", lambda error: self.heard.append(str(error)))
        page.goto(f"{played.address}/reviews/")
        page.click("text=Sign in")
        page.fill("#username", name)
        page.fill("#password", played.password_of(name))
        page.fill("#otp_token", f"{totp(bytes.fromhex(played.keys[name])):06}")
        page.click("main button:has-text('Sign in')")
        page.wait_for_selector(f"text=Signed in as {name}")

    def first_case(self) -> str:
        """By the keyboard: j opens the most urgent one.  Its title."""
        self.page.goto(f"{self.played.address}/reviews/")
        self.page.locator("main").focus()
        self.page.keyboard.press("j")
        self.page.wait_for_selector("#decide")
        self.page.wait_for_load_state("load")
        return str(self.page.inner_text("h1"))

    def propose(self, decision: str) -> str:
        """The events shown before they were written."""
        self.page.keyboard.press("d")
        assert self.page.evaluate("document.activeElement.id") == "decision"
        self.page.select_option("#decision", decision)
        self.page.fill("#sentence", WHY)
        self.page.click("text=Show what would be written")
        shown = self.page.inner_text(".events")
        self.page.click("button[value=write]")
        self.page.wait_for_selector("text=Somebody else must confirm it")
        return str(shown)

    def confirm(self) -> str:
        shown = self.page.inner_text(".events")
        self.page.keyboard.press("d")
        assert self.page.evaluate("document.activeElement.value") == "confirm"
        self.page.keyboard.press("Enter")
        self.page.wait_for_selector("#decide", state="detached")
        return str(shown)


def decide(first: Reviewer, second: Reviewer, decision: str) -> str:
    """All that the second person was shown."""
    title = first.first_case()
    assert "ruling.proposed" in first.propose(decision)
    assert second.first_case() == title
    return second.confirm()


@pytest.mark.long
def test_reviewers_decide_a_round_and_an_appeal_turns_it(chromium: Any, played: Played) -> None:
    with ExitStack() as stack:
        people = {name: Reviewer(stack.enter_context(visitor(chromium)), played, name) for name in played.keys}
        anybody = stack.enter_context(visitor(chromium))
        ann, bob, lea, otto = (people[name] for name in ("ann", "bob", "lea", "otto"))

        # borderline licences: each passes by two people
        while not played.order("work").startswith("finished"):
            assert "audit.passed" in decide(ann, bob, "passed:licence_allows")

        # the cheat's code could not make what it had hosted: rejected on evidence, by no person
        round_ = json.loads(anybody.request.get(f"{played.address}/c/played/r/1.json").text())
        rungs = {audit["verdict"] for audit in round_["audits"]}
        assert {"passed", "rejected"} <= rungs
        first = json.loads(anybody.request.get(f"{played.address}/c/played/leaders.json").text())["steps"]

        # a rival objects, and is heard: everybody reads it, two people decide it
        statement = played.order("lodge")
        anybody.goto(f"{played.address}/reviews/")
        anybody.click("main table a")
        assert statement in anybody.inner_text("blockquote") and not anybody.query_selector("#decide")
        shown = decide(bob, lea, "upheld:rule_was_misread")
        assert all(kind in shown for kind in ("appeal.upheld", "audit.rejected", "correction.staged"))

        # the round is decided anew beside itself; two more people let that count
        assert played.order("work").endswith("1 cases")
        lea.first_case()
        assert "What would change" in lea.page.inner_text("main")
        shown = decide(lea, otto, "applied:appeal_upheld")
        assert "correction.applied" in shown and '"supersedes"' in shown
        played.order("work")
        assert played.order("verify") == "1 1.2: 0 errors"

        # both results stay, and everybody can take them away
        anybody.goto(f"{played.address}/c/played/r/1/")
        assert "This decision was corrected." in anybody.inner_text("main")
        for edition in ("", "?edition=2"):
            assert anybody.request.get(f"{played.address}/c/played/r/1/bundle.tar{edition}").ok
        assert anybody.request.get(f"{played.address}/c/played/r/1/bundle.tar?edition=3").status == 404

        after = json.loads(anybody.request.get(f"{played.address}/c/played/leaders.json").text())["steps"]
        assert len(after) == len(first) + 1
        for person in people.values():
            assert not [text for text in person.heard if "Content Security Policy" in text]
