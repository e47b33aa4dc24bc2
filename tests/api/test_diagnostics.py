"""What only its owner may see of a running pod and of a build, and when everybody may."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from django.core.cache import cache
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse
from django.utils import timezone

from audits.models import Build, PodRun
from audits.pods import logs
from competition import attempts
from competition.models import Attempt, Round, Submission
from dashboard.api import tokens
from tests.api import contract
from tests.api.conftest import Api
from tests.dashboard.made_round import NOW

WHY = "/api/v1/me/diagnostics?competition=made&round=2"
SECRET = "weights at step 7"
HOSTILE = b"50%\r100%\r\n\x1b]0;owned\x07</script><img src=x onerror=alert(1)>\xe2\x80\xae\xff\x00=1+1"


def entry(api: Api) -> Submission:
    return Submission.objects.get(round=api.made.running, miner__hotkey=api.entered.hotkey)


def running(api: Api, *, log: str = SECRET, purpose: str = "audit", **more: Any) -> PodRun:
    values = {"seed": 7, "provider": "docker", "state": "generating", "since": NOW, "log": log, **more}
    return PodRun.objects.create(submission=entry(api), purpose=purpose, **values)


def built(api: Api, **more: Any) -> Build:
    values = {"builder": "engine", "state": "building", "since": NOW, "archive": "a" * 64, **more}
    return Build.objects.create(submission=entry(api), **values)


def public(client: Client, api: Api) -> str:
    """What everybody may read of this miner's pods."""
    cache.clear()
    answer = client.get(reverse("miner-json", args=[api.entered.hotkey]))
    assert answer.status_code == 200
    return str(answer.content.decode())


def ask(api: Api, path: str = WHY) -> Any:
    return contract.check("/api/v1/me/diagnostics", api.entered.get(path))


def test_a_running_pods_log_is_its_owners_alone(client: Client, api: Api) -> None:
    running(api)
    (pod,) = ask(api)["pods"]
    assert (pod["state"], pod["log"], pod["log_withheld"]) == ("generating", SECRET, "")
    assert api.newcomer.get(WHY).json()["pods"] == []
    assert client.get(WHY).status_code == 401
    standing = f"/api/v1/miners/{api.entered.hotkey}/standing?competition=made&round=2"
    assert SECRET not in client.get(standing).content.decode()
    assert SECRET not in public(client, api)
    PodRun.objects.update(state="done")
    assert SECRET in public(client, api)


def test_a_token_needs_the_scope_and_a_name(client: Client, api: Api) -> None:
    running(api)
    built(api, log="Step 1/3")
    path, now = f"{WHY}&hotkey={api.entered.hotkey}", timezone.now()
    for scope, status in (("diagnostics:read", 200), ("webhooks:write", 403)):
        token = tokens.make(scope, scopes=[scope], lasts=timedelta(days=1), now=now)
        answer = client.get(path, headers={"Authorization": f"Bearer {token}"})
        body = contract.check("/api/v1/me/diagnostics", answer)
        seen = status == 200
        assert (answer.status_code, SECRET in str(body), "Step 1/3" in str(body)) == (status, seen, seen)


def test_a_build_tells_its_state_its_words_and_who_must_act(api: Api) -> None:
    row = built(api, log="Step 1/3 : FROM scratch\n")
    (build,) = ask(api)["builds"]
    assert (build["entry"], build["state"], build["failure"]) == (api.entered.hotkey, "building", None)
    for whose, must in (("miner", "The miner must act."), ("infrastructure", "the operator must act")):
        Build.objects.filter(pk=row.pk).update(
            state="failed", failure_class=whose, failure_code="BUILD_FAILED", failure_reason="exit code 1"
        )
        (build,) = ask(api)["builds"]
        failure = build["failure"]
        assert (build["state"], build["log"]) == ("failed", "Step 1/3 : FROM scratch\n")
        assert (failure["failure_class"], failure["code"], failure["reason"]) == (whose, "BUILD_FAILED", "exit code 1")
        assert must in failure["who_must_act"]
    assert api.newcomer.get(WHY).json()["builds"] == []


def test_fresh_prompts_are_not_printed_out_to_anybody_before_the_round_is_finished(client: Client, api: Api) -> None:
    running(api, purpose="title", state="done")
    (pod,) = ask(api)["pods"]
    assert (pod["log"], pod["log_withheld"]) == ("", logs.FRESH)
    assert SECRET not in public(client, api)
    Round.objects.filter(pk=api.made.running.pk).update(state="finished")
    (pod,) = ask(api)["pods"]
    assert (pod["log"], pod["log_withheld"]) == (SECRET, "")
    assert SECRET in public(client, api)


def test_what_code_prints_steers_neither_a_terminal_nor_a_page(api: Api) -> None:
    running(api, log=logs.readable(HOSTILE))
    answer = api.entered.get(WHY)
    (pod,) = contract.check("/api/v1/me/diagnostics", answer)["pods"]
    spelled = "50%\n100%\n\\x1b]0;owned\\x07</script><img src=x onerror=alert(1)>\\u202e\ufffd\\x00=1+1"
    assert pod["log"] == spelled
    assert answer.headers["Content-Type"].startswith("application/json")
    assert answer.headers["X-Content-Type-Options"] == "nosniff"


@pytest.mark.parametrize("said", [b"\x1b" * 90_000, "\ud800" * 90_000, "x\n" * 90_000, bytes(range(256)) * 400])
def test_a_kept_log_is_bounded_printable_and_fit_for_the_database(said: bytes | str) -> None:
    kept = logs.readable(said)
    assert 0 < len(kept) <= logs.LETTERS
    assert all(letter in "\n\t" or letter.isprintable() for letter in kept)
    assert kept.encode()


@pytest.mark.usefixtures("clock_measured")
def test_more_pods_cost_no_more_questions(api: Api) -> None:
    def queries() -> int:
        with CaptureQueriesContext(connection) as seen:
            assert api.entered.get(WHY).status_code == 200
        return len(seen)

    running(api)
    built(api)
    queries()
    few = queries()
    for number in range(2, 7):
        for purpose in ("audit", "title"):
            of, cause = f"run {purpose}", Attempt.Cause.POD
            again = attempts.later(api.made.running, number, of=of, entry=entry(api), cause=cause)
            running(api, purpose=purpose, attempt=again)
    assert queries() == few
