"""What a miner can do with its key, and what nobody can do without."""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import pytest
from django.test import Client
from django.utils import timezone

from audits.models import Appeal, Audit
from competition.models import Competition, LedgerEvent, Reveal, Round, SimulatedChain
from competition.notices import steps, subscribing
from competition.notices.models import Delivery, Subscription
from competition.reveals import ingest, signed_reveals
from dashboard.api import tokens
from tests.api import contract, signing
from tests.api.conftest import Api
from tests.competition.receiving import receiver
from verify.bundles.ledger import is_signed
from verify.bundles.reveals import added_up, is_requested, objection

REVEALS = "/api/v1/me/reveals"
APPEALS = "/api/v1/me/appeals"
HOOKS = "/api/v1/webhooks"
GOOD = {
    "competition": "made",
    "repo": "owner/generator",
    "commit": "c" * 40,
    "cdn_url": "https://files.example.org/r3",
}


@pytest.fixture
def window(api: Api) -> Round:
    """Round 3 takes reveals now."""
    chain = SimulatedChain.objects.get(name="made")
    block = int((timezone.now() - chain.genesis_at).total_seconds() // chain.block_seconds) + chain.skipped
    return Round.objects.create(
        competition=api.made.competition,
        number=3,
        ruleset="margin-1",
        rules=api.made.running.rules,
        state="open",
        since=timezone.now(),
        defending=api.made.running.defending,
        earliest_reveal_block=block - 5,
        latest_reveal_block=block + 1000,
        seed_block=block + 1002,
        generation_deadline_block=block + 1100,
    )


def test_a_signed_reveal_counts_at_once_and_anybody_can_check_it(api: Api, window: Round) -> None:
    body = contract.check(REVEALS, api.newcomer.post(REVEALS, GOOD), method="POST")
    assert (body["round"], body["eligible"], body["place"], body["repo"]) == (3, True, 1, "owner/generator")
    row = Reveal.objects.get(miner__hotkey=api.newcomer.hotkey)
    assert row.extrinsic_index == ingest.SIGNED_FROM
    event = LedgerEvent.objects.get(kind="reveal").body
    told = {"miner": api.newcomer.hotkey, "extrinsic_index": row.extrinsic_index}
    assert is_requested(told, event, payload=bytes(row.payload))
    assert not is_requested(told, event, payload=bytes(row.payload) + b" ")
    assert not is_requested({**told, "miner": api.entered.hotkey}, event, payload=bytes(row.payload))
    moved = event["request"].replace("testserver", "elsewhere")
    assert not is_requested(told, {**event, "request": moved}, payload=bytes(row.payload))
    assert is_signed(by=api.newcomer.hotkey, message=event["request"].encode(), signature=event["signature"])


def test_the_next_look_at_the_chain_forgets_nothing_for_it(api: Api, window: Round) -> None:
    from competition.chain.simulated import Simulated

    block = window.earliest_reveal_block + 1
    Simulated("made").reveal(api.entered.key, json.dumps(GOOD).encode(), block=block)
    assert api.newcomer.post(REVEALS, GOOD).status_code == 201
    window.competition.refresh_from_db()
    ingest.take_reveals(window.competition, now=timezone.now())
    derived = {entry.hotkey: entry.reveal_block for entry in ingest.entries(window)}
    assert derived[api.entered.hotkey] == block, "revealed before, though read after"
    assert derived[api.newcomer.hotkey] > block


@pytest.mark.parametrize("path", [REVEALS, APPEALS, HOOKS])
def test_what_was_written_is_never_answered_as_a_table(api: Api, window: Round, path: str) -> None:
    """The tables at these addresses are CSV and Parquet as well; a row that was just made is neither."""
    for format in ("csv", "parquet"):
        error = api.newcomer.post(f"{path}?format={format}", GOOD).json()["error"]
        assert (error["code"], error["field"]) == ("bad_value", "format")
    assert api.newcomer.get(f"{path}?format=csv").headers["Content-Type"].startswith("text/csv")


def test_the_same_reveal_again_keeps_its_place(api: Api, window: Round) -> None:
    first = api.newcomer.post(REVEALS, GOOD).json()
    again = api.newcomer.post(REVEALS, GOOD).json()
    assert first["reveal"]["id"] == again["reveal"]["id"]
    assert Reveal.objects.filter(miner__hotkey=api.newcomer.hotkey).count() == 1
    changed = api.newcomer.post(REVEALS, {**GOOD, "commit": "d" * 40}).json()
    assert changed["commit"] == "d" * 40
    assert Reveal.objects.filter(miner__hotkey=api.newcomer.hotkey).count() == 2


def test_a_part_of_a_reveal_waits_for_the_rest(api: Api, window: Round) -> None:
    part = {"competition": "made", "commit": "e" * 40}
    body = contract.check(REVEALS, api.newcomer.post(REVEALS, part), method="POST")
    assert (body["eligible"], body["place"]) == (False, None)
    assert "No repo and no cdn_url" in body["objection"]


def test_a_miner_may_withdraw_and_enter_again(api: Api, window: Round) -> None:
    api.newcomer.post(REVEALS, GOOD)
    body = api.newcomer.post(REVEALS, {"competition": "made", "withdraw": True}).json()
    assert (body["eligible"], body["objection"].split(";")[0]) == (False, "Withdrawn by its miner")
    heap = [
        {"block": r.block, "extrinsic_index": r.extrinsic_index, "payload": bytes(r.payload).hex(), "miner": "x"}
        for r in Reveal.objects.filter(miner__hotkey=api.newcomer.hotkey)
    ]
    assert added_up(heap, demo=False)[1] == "repo", "the verifier does not let it in either"
    assert objection({"repo": "withdrawn", "commit": "withdrawn", "cdn_url": "withdrawn"}, demo=True)
    assert api.newcomer.post(REVEALS, {**GOOD, "commit": "d" * 40}).json()["eligible"] is True


def test_what_cannot_count_is_refused_with_a_reason(api: Api, window: Round) -> None:
    for body, status, code in (
        ({**GOOD, "competition": "nothing"}, 404, "not_found"),
        ({**GOOD, "repo": 5}, 400, "bad_value"),
        ({**GOOD, "repo": "ü/x"}, 400, "unreadable"),
        ({"competition": "made"}, 400, "unreadable"),
        ({**GOOD, "colour": "red"}, 400, "unknown_field"),
        ({"repo": "a/b"}, 400, "missing_field"),
        ({**GOOD, "withdraw": "yes"}, 400, "bad_value"),
        ({**GOOD, "cdn_url": "x" * 501}, 400, "bad_value"),
        ([GOOD], 400, "unreadable"),
        (5, 400, "unreadable"),
    ):
        answer = api.newcomer.post(REVEALS, body)
        error = contract.check(REVEALS, answer, method="POST")["error"]
        assert (answer.status_code, error["code"]) == (status, code), (body, error)
    assert not Reveal.objects.filter(miner__hotkey=api.newcomer.hotkey).exists()


def test_hostile_bodies_are_refused_before_they_cost_anything(api: Api, window: Round) -> None:
    for body, status in (
        (b"[" * 16_000, 400),
        (b'{"a":' * 2_000 + b"1" + b"}" * 2_000, 400),
        (b"{" + b" " * 16_384 + b"}", 413),
        (b"x" * 10_000_000, 413),
        (b'{"competition": "made", "competition": "made"}', 400),
        (b'{"competition": NaN}', 400),
        (b'{"competition": "\xff"}', 400),
        (b'{"competition": "\\ud800"}', 400),
        (b'{"competition": "made\\u0000"}', 400),
        (b"", 400),
        (b"null", 400),
        (b'{"competition": 1e999}', 400),
    ):
        answer = api.newcomer.post(REVEALS, body)
        assert answer.status_code == status, (body[:40], answer.content[:300])
        contract.check(REVEALS, answer, method="POST")


def test_another_content_type_is_refused(api: Api, window: Round, client: Client) -> None:
    body = json.dumps(GOOD).encode()
    for kind in (
        "text/plain",
        "application/x-www-form-urlencoded",
        "multipart/form-data; boundary=x",
        "application/xml",
    ):
        headers = signing.headers(api.newcomer.key, method="POST", path=REVEALS, body=body)
        answer = client.post(REVEALS, body, content_type=kind, headers=headers)
        assert answer.status_code == 415, kind
        contract.check(REVEALS, answer, method="POST")


def test_a_window_that_is_closed_takes_nothing(api: Api, window: Round) -> None:
    Round.objects.filter(pk=window.pk).update(latest_reveal_block=window.earliest_reveal_block)
    answer = api.newcomer.post(REVEALS, GOOD)
    assert (answer.status_code, answer.json()["error"]["code"]) == (409, "window_closed")
    Round.objects.filter(pk=window.pk).update(state="miner_generation", latest_reveal_block=10**9)
    assert api.newcomer.post(REVEALS, GOOD).status_code == 409


def test_a_competition_that_wants_its_chain_takes_no_signed_reveal(api: Api, window: Round) -> None:
    Competition.objects.filter(slug="made").update(config=api.made.competition.config)
    answer = api.newcomer.post(REVEALS, GOOD)
    assert (answer.status_code, answer.json()["error"]["code"]) == (403, "not_allowed")


def test_nobody_fills_the_ledger_with_reveals(api: Api, window: Round) -> None:
    statuses = [
        api.newcomer.post(REVEALS, {**GOOD, "commit": f"{n:040x}"}).status_code for n in range(signed_reveals.MOST + 2)
    ]
    assert statuses == [201] * signed_reveals.MOST + [429] * 2


def test_a_webhook_is_told_signed_and_sent_again_on_demand(api: Api, window: Round, settings: Any) -> None:
    settings.DEMO = True  # a receiver on loopback
    with receiver() as at:
        asked = {"address": at.url, "kinds": ["reveal"], "competition": "made", "miner": api.newcomer.hotkey}
        made = contract.check(HOOKS, api.newcomer.post(HOOKS, asked), method="POST")
        assert made["secret"].startswith("whsec_")
        hook = f"{HOOKS}/{made['webhook']['id']}"
        assert contract.check(hook, api.newcomer.get(hook)) == made["webhook"]
        api.newcomer.post(REVEALS, GOOD)
        deliver()
        log = contract.check(f"{hook}/deliveries", api.newcomer.get(f"{hook}/deliveries"))["results"]
        assert [(row["state"], row["kind"], row["tries"][0]["status"]) for row in log] == [("delivered", "reveal", 204)]
        again = f"{hook}/deliveries/{log[0]['id']}/replay"
        assert contract.check(again, api.newcomer.post(again, {}), method="POST")["state"] == "waiting"
        assert api.newcomer.post(again, {}).status_code == 409, "it is on its way"
        deliver()
        assert [headers["webhook-id"] for headers, _ in at.letters] == [log[0]["id"]] * 2
        assert api.newcomer.delete(hook).status_code == 204
        assert contract.check(hook, api.newcomer.get(hook))["active"] is False


def test_what_miners_send_waits_in_no_queue_of_workers(
    api: Api, window: Round, monkeypatch: pytest.MonkeyPatch, django_capture_on_commit_callbacks: Any
) -> None:
    """Reveals, appeals and webhooks are answered by the web process; only letters are sent later, in their queue."""
    queues: list[str] = []
    monkeypatch.setattr("core.machine.registry.CONNECTED.send", lambda label, pk, *, queue: queues.append(queue))
    with django_capture_on_commit_callbacks(execute=True):
        assert api.newcomer.post(REVEALS, GOOD).status_code == 201
        asked = {"address": "https://hooks.example.org/", "kinds": ["*"]}
        assert api.newcomer.post(HOOKS, asked).status_code == 201
        api.entered.post(APPEALS, {"document": {}, "signature": ""})
        steps.write_letters(timezone.now() + timedelta(seconds=1))
    assert set(queues) <= {"letters"}


def test_the_owner_of_a_suspended_webhook_sees_why_and_switches_it_on(api: Api, window: Round, settings: Any) -> None:
    settings.DEMO = True
    with receiver() as at:
        made = api.newcomer.post(HOOKS, {"address": at.url, "kinds": ["reveal"], "competition": "made"}).json()
    hook = f"{HOOKS}/{made['webhook']['id']}"
    assert api.newcomer.post(f"{hook}/resume", {}).status_code == 409
    row = Subscription.objects.get(public_id=made["webhook"]["id"])
    subscribing.suspend(row, because="No letter arrived for an hour.", now=timezone.now())
    seen = contract.check(hook, api.newcomer.get(hook))
    assert seen["suspended_at"] and "No letter arrived" in seen["suspended_because"]
    assert f"POST {hook}/resume" in seen["suspended_because"]
    resumed = contract.check(f"{hook}/resume", api.newcomer.post(f"{hook}/resume", {}), method="POST")
    assert (resumed["suspended_at"], resumed["suspended_because"]) == (None, "")
    assert api.entered.post(f"{hook}/resume", {}).status_code == 404, "of somebody else"


def deliver() -> None:
    """What the reconciler and a worker do."""
    from core.machine import engine

    now = timezone.now() + timedelta(seconds=1)
    steps.write_letters(now)
    for row in Delivery.objects.filter(engine.due(Delivery, now=now)):
        engine.advance("competition.Delivery", row.pk, now=now)


def test_an_address_inside_is_no_address_for_a_webhook(api: Api) -> None:
    for address in ("http://hooks.example.org/x", "https://127.0.0.1/x", "https://10.0.0.1/", "ftp://x", "nothing"):
        answer = api.newcomer.post(HOOKS, {"address": address, "kinds": ["*"]})
        error = contract.check(HOOKS, answer, method="POST")["error"]
        assert (answer.status_code, error["field"]) == (400, "address"), address


def test_a_webhook_of_another_is_as_unknown_as_none(api: Api) -> None:
    asked = {"address": "https://hooks.example.org/x", "kinds": ["*"]}
    made = api.newcomer.post(HOOKS, asked).json()["webhook"]["id"]
    other = api.entered
    for answer in (
        other.get(f"{HOOKS}/{made}"),
        other.delete(f"{HOOKS}/{made}"),
        other.get(f"{HOOKS}/{made}/deliveries"),
        other.post(f"{HOOKS}/{made}/deliveries/{made}/replay", {}),
    ):
        assert answer.status_code == 404
    assert other.get(HOOKS).json()["results"] == []
    assert Subscription.objects.get().active


def test_a_service_may_have_webhooks_by_its_token(api: Api, client: Client) -> None:
    now = timezone.now()
    token = tokens.make("hooks", scopes=["webhooks:write"], lasts=timedelta(days=1), now=now)
    headers = {"Authorization": f"Bearer {token}"}
    asked = json.dumps({"address": "https://hooks.example.org/x", "kinds": ["*"]})
    answer = client.post(HOOKS, asked, content_type="application/json", headers=headers)
    assert answer.status_code == 201
    assert Subscription.objects.get().owner == "token:hooks"


def test_an_appeal_goes_through_the_one_door(api: Api) -> None:
    from audits.reviews import appeals

    audit = Audit.objects.filter(kind="source").first()
    Audit.objects.filter(pk=audit.pk).update(state="rejected")
    type(audit.submission.miner).objects.filter(pk=audit.submission.miner_id).update(hotkey=api.newcomer.hotkey)
    Round.objects.filter(number=2).update(earliest_reveal_block=10**8, latest_reveal_block=10**8 + 99)
    audit.refresh_from_db()
    document = appeals.unsigned(
        audit,
        appellant=api.newcomer.hotkey,
        ground="licence",
        statement="The author granted us a licence, see there.",
        finding=0,
    )
    signature = api.newcomer.key.sign(appeals.message(document)).hex()
    body = {"document": document, "signature": signature}
    foreign = api.entered.post(APPEALS, body)
    assert foreign.status_code == 403, "signed by the appellant, but brought by another"
    unsigned = contract.check(APPEALS, api.newcomer.post(APPEALS, {**body, "signature": "00" * 64}), method="POST")
    assert unsigned["error"]["field"] == "document.signature"
    made = contract.check(APPEALS, api.newcomer.post(APPEALS, body), method="POST")
    assert (made["appellant"]["hotkey"], made["document"]) == (api.newcomer.hotkey, document)
    assert api.newcomer.post(APPEALS, body).status_code == 409, "once"
    assert [row["id"] for row in api.newcomer.get(APPEALS).json()["results"]] == [made["id"]]
    assert Appeal.objects.count() == 1


OPEN_TO_ALL = ("/api/v1/opinions",)  # who posts signs the document itself: tests/api/test_opinions.py


def writes() -> Iterator[tuple[str, str]]:
    """Every documented call that changes something, and is for those who say who they are."""
    filled = {
        "subscription": "0" * 8 + "-0000-0000-0000-" + "0" * 12,
        "delivery": "0" * 8 + "-0000-0000-0000-" + "0" * 12,
    }
    for path, operations in contract.document()["paths"].items():
        for method in operations:
            if method in ("post", "delete") and path not in OPEN_TO_ALL:
                yield method, path.format(**filled)


def test_every_write_is_refused_to_everybody_who_may_not(api: Api, window: Round, client: Client) -> None:
    now = timezone.now()
    narrow = tokens.make("reader", scopes=["diagnostics:read"], lasts=timedelta(days=1), now=now)
    before = [model.objects.count() for model in (Reveal, Appeal, Subscription, LedgerEvent)]
    tried = 0
    for method, path in writes():
        body = json.dumps(GOOD).encode() if method == "post" else b""
        good = signing.headers(api.newcomer.key, method=method.upper(), path=path, body=body)
        for name, headers, statuses in (
            ("nobody", {}, (401,)),
            ("a stranger", signing.headers(api.stranger.key, method=method.upper(), path=path, body=body), (401,)),
            ("epistula", signing.epistula(api.newcomer.key, body=body), (401,)),
            ("another body", signing.headers(api.newcomer.key, method=method.upper(), path=path, body=b"x"), (401,)),
            ("another method", signing.headers(api.newcomer.key, method="GET", path=path, body=body), (401,)),
            ("another address", signing.headers(api.newcomer.key, method=method.upper(), path="/", body=body), (401,)),
            ("bent", {**good, "Gauntlet-Signature": good["Gauntlet-Signature"][::-1]}, (401,)),
            ("a token without the scope", {"Authorization": f"Bearer {narrow}"}, (403,)),
            ("a session's cookie", {"Cookie": "sessionid=x"}, (401,)),
        ):
            answer = client.generic(method.upper(), path, body, content_type="application/json", headers=headers)
            assert answer.status_code in statuses, (name, method, path, answer.content[:200])
            contract.check(path, answer, method=method)
            tried += 1
    assert tried >= 9 * 5
    assert before == [model.objects.count() for model in (Reveal, Appeal, Subscription, LedgerEvent)]
