"""Who is believed to be whom: every way to be somebody else is tried, and none works."""

from __future__ import annotations

import random
import string
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from typing import Any

import pytest
from bittensor_core import Keypair
from django.core.cache import cache
from django.db import connection
from django.test import Client
from django.utils import timezone

from competition.models import Checkpoint, SimulatedChain
from dashboard.api import auth, tokens
from dashboard.api.models import UsedNonce
from tests.api import contract, signing
from tests.api.conftest import Api, people
from tests.dashboard import made_round

ME = "/api/v1/me/standing"
WHY = "/api/v1/me/diagnostics"
DEAF = b'{"error":{"code":"not_authenticated"'


def ask(client: Client, headers: dict[str, str], path: str = ME) -> Any:
    return client.get(path, headers=headers)


def test_our_form_epistula_and_wrapped_signatures_are_believed(client: Client, api: Api) -> None:
    key = api.entered.key
    for headers in (
        signing.headers(key, method="GET", path=ME),
        signing.headers(key, method="GET", path=ME, wrapped=True),
        signing.epistula(key),
    ):
        body = contract.check(ME, ask(client, headers))
        assert body["miner"]["hotkey"] == api.entered.hotkey
        assert body["submission"]["entry"] == api.entered.hotkey


def test_the_query_is_signed_as_it_is_sent(client: Client, api: Api) -> None:
    path = f"{ME}?competition=made&round=1"
    assert contract.check(ME, api.entered.get(path))["round"] == 1
    signed = signing.headers(api.entered.key, method="GET", path=path)
    assert ask(client, signed, f"{ME}?competition=made&round=2").status_code == 401
    assert ask(client, signing.headers(api.entered.key, method="GET", path=ME), path).status_code == 401


def test_a_registered_key_that_never_revealed_is_somebody(api: Api) -> None:
    body = contract.check(ME, api.newcomer.get(ME))
    assert (body["submission"], body["sentence"]) == (None, "This miner has not entered this round.")


def test_nobody_without_a_signature_or_with_a_strangers(client: Client, api: Api) -> None:
    for answer in (client.get(ME), api.stranger.get(ME)):
        assert answer.status_code == 401
        assert "Gauntlet" in answer.headers["WWW-Authenticate"]
        assert answer.headers["Cache-Control"] == "private, no-store"
        contract.check(ME, answer)


def test_every_refusal_reads_the_same(client: Client, api: Api) -> None:
    key = api.entered.key
    used = signing.headers(key, method="GET", path=ME)
    ask(client, used)
    late = signing.headers(key, method="GET", path=ME, timestamp=round(time.time() * 1000) - 61_000)
    wrong = {**signing.headers(key, method="GET", path=ME), "Gauntlet-Signature": "00" * 64}
    unknown = signing.headers(api.stranger.key, method="GET", path=ME)
    bodies = {ask(client, headers).content for headers in (used, late, wrong, unknown, {})}
    assert len(bodies) == 1, "a difference would tell whether a key is known, or a signature right"
    token = client.get(ME, headers={"Authorization": "Bearer gnt_" + "x" * 43})
    assert token.content in bodies


def test_a_replay_is_refused(client: Client, api: Api) -> None:
    for headers in (signing.headers(api.entered.key, method="GET", path=ME), signing.epistula(api.entered.key)):
        assert [ask(client, headers).status_code for _ in range(3)] == [200, 401, 401]


def test_a_clock_may_be_wrong_by_a_minute_and_no_more(
    client: Client, api: Api, monkeypatch: pytest.MonkeyPatch
) -> None:
    ours = timezone.now()
    for clock in ("django.utils.timezone.now", "core.clock.now"):
        monkeypatch.setattr(clock, lambda: ours)
    for skew, status in ((-58, 200), (58, 200), (-61, 401), (61, 401), (-86_400, 401), (10**6, 401)):
        stamp = round(ours.timestamp() * 1000) + skew * 1000
        headers = signing.headers(api.entered.key, method="GET", path=ME, timestamp=stamp)
        assert ask(client, headers).status_code == status, skew
        assert ask(client, signing.epistula(api.entered.key, timestamp=stamp)).status_code == status, skew


def test_a_deregistered_key_is_nobody(client: Client, api: Api) -> None:
    assert api.entered.get(ME).status_code == 200
    SimulatedChain.objects.get(name="made").registrations.filter(hotkey=api.entered.hotkey).delete()
    cache.clear()  # known for a block at most
    assert api.entered.get(ME).status_code == 401


def test_a_chain_that_does_not_answer_is_our_fault(client: Client, api: Api) -> None:
    cache.clear()
    api.made.competition.refresh_from_db()
    type(api.made.competition).objects.filter(slug="made").update(chain="simulated:gone")
    answer = api.entered.get(ME)
    error = contract.check(ME, answer)["error"]
    assert (answer.status_code, error["class"], error["code"]) == (503, "infrastructure", "chain")


def test_other_kinds_of_keys_are_nobody(client: Client, api: Api) -> None:
    for number in (0, 2):  # ed25519 and ecdsa, where this version has them
        try:
            other = Keypair.create_from_uri("//entered", crypto_type=number)
        except (TypeError, ValueError):
            continue
        SimulatedChain.objects.get(name="made").registrations.create(uid=90 + number, hotkey=other.ss58_address)
        cache.clear()
        assert ask(client, signing.headers(other, method="GET", path=ME)).status_code == 401


def test_epistula_for_somebody_else_is_not_for_us(client: Client, api: Api) -> None:
    other, operator = api.stranger.hotkey, api.newcomer.hotkey
    assert ask(client, signing.epistula(api.entered.key, signed_for=other)).status_code == 401
    told = {"text": "x", "signature": "00" * 64, "created_at": timezone.now(), "seq": 1}
    Checkpoint.objects.create(competition=api.made.competition, signed_by=operator, **told)
    assert ask(client, signing.epistula(api.entered.key, signed_for=operator)).status_code == 200


def test_a_signature_for_another_host_does_not_count(client: Client, api: Api, settings: Any) -> None:
    signed = signing.headers(api.entered.key, method="GET", path=ME, host="evil.example")
    assert ask(client, signed).status_code == 401
    settings.ORIGIN = "https://gauntlet.example"
    settings.ALLOWED_HOSTS = ["gauntlet.example", "localhost"]
    local = signing.headers(api.entered.key, method="GET", path=ME, host="localhost")
    answer = client.get(ME, headers={**local, "Host": "localhost"})
    assert answer.status_code == 401, "signed for somebody's own installation, sent on to this one"
    ours = signing.headers(api.entered.key, method="GET", path=ME, host="gauntlet.example")
    assert client.get(ME, headers={**ours, "Host": "gauntlet.example"}).status_code == 200


def swaps() -> dict[str, Callable[[str, random.Random], str]]:
    """Ways to bend one header."""

    def flip(text: str, dice: random.Random) -> str:
        at = dice.randrange(len(text))
        return text[:at] + dice.choice([c for c in string.hexdigits.lower() if c != text[at]]) + text[at + 1 :]

    return {
        "flipped": flip,
        "cut": lambda text, dice: text[: dice.randrange(len(text))],
        "longer": lambda text, dice: text + dice.choice("0aF5z-_ "),
        "doubled": lambda text, dice: text + text,
        "upper": lambda text, dice: text.upper() if text.upper() != text else text + "A",
        "spaced": lambda text, dice: text[:4] + " " + text[4:],
        "empty": lambda text, dice: "",
        "foreign": lambda text, dice: text[:3] + dice.choice(["\u00e9", "\u00b2", "\u00aa"]) + text[4:],
        "prefixed": lambda text, dice: dice.choice(["0x0x", "0X", "+", "-", "00"]) + text,
        "zeros": lambda text, dice: "0" * len(text),
    }


def variants(api: Api, dice: random.Random) -> Iterator[tuple[str, dict[str, str]]]:
    """Requests that differ from a good one in one respect."""
    key, other = api.entered.key, api.newcomer.key
    for form in (lambda **m: signing.headers(key, method="GET", path=ME, **m), lambda **m: signing.epistula(key, **m)):
        yield from _bent(form, dice)
        for _ in range(40):
            earlier = round(time.time() * 1000) - 5_000
            mixed, whose = form(), signing.headers(other, method="GET", path=ME, timestamp=earlier)
            whose |= signing.epistula(other, timestamp=earlier)
            whose.pop("Epistula-Version")
            for name in dice.sample(sorted(set(mixed) & set(whose)), k=1):
                yield f"{name} of another", {**mixed, name: whose[name]}
    for method, path, body in (("POST", ME, b""), ("GET", WHY, b""), ("GET", ME + "/", b""), ("GET", ME, b"{}")):
        for _ in range(40):
            yield f"signed {method} {path} {body!r}", signing.headers(key, method=method, path=path, body=body)
    for _ in range(100):
        mixed = {**signing.headers(key, method="GET", path=ME), **signing.epistula(key)}
        yield "both forms at once", mixed


def _bent(form: Callable[[], dict[str, str]], dice: random.Random) -> Iterator[tuple[str, dict[str, str]]]:
    """One header changed in each way, or left out."""
    for name in form():
        for way, bend in swaps().items():
            for _ in range(9):
                good = form()
                if name != "Epistula-Version" or bend(good[name], dice) != "2":
                    yield f"{name} {way}", {**good, name: bend(good[name], dice)}
        yield f"{name} left out", {n: v for n, v in form().items() if n != name}


def test_of_a_thousand_forgeries_none_is_accepted(client: Client, api: Api, settings: Any) -> None:
    settings.API_REQUESTS_PER_MINUTE = 10**6
    dice, tried, accepted, odd = random.Random(17), 0, [], set()
    for name, headers in variants(api, dice):
        answer = ask(client, headers)
        tried += 1
        if answer.status_code == 200:
            accepted.append((name, headers))
        elif (answer.status_code, answer.content.startswith(DEAF)) != (401, True):
            odd.add((name, answer.status_code))
    assert tried >= 1_000
    assert not accepted, accepted[:3]
    assert not odd, odd
    assert not UsedNonce.objects.exists(), "a forgery uses up nobody's nonces"


@pytest.fixture
def racing(transactional_db: None) -> Api:
    return people(made_round.make(), client=Client())


def test_of_fifty_racing_uses_of_a_nonce_one_is_accepted(racing: Api) -> None:
    headers = signing.headers(racing.entered.key, method="GET", path=ME)

    def once(_: int) -> int:
        try:
            return int(Client().get(ME, headers=headers).status_code)
        finally:
            connection.close()

    with ThreadPoolExecutor(12) as pool:
        statuses = list(pool.map(once, range(50)))
    assert sorted(statuses) == [200] + [401] * 49


def test_a_nonce_is_forgotten_only_when_its_time_is_long_over(api: Api) -> None:
    now = timezone.now()
    for age in (1, 3, 11):
        UsedNonce.objects.create(hotkey="x", nonce=str(age), used_at=now - timedelta(minutes=age))
    auth.forget(now)
    assert list(UsedNonce.objects.order_by("used_at").values_list("nonce", flat=True)) == ["3", "1"]


def test_one_key_is_told_when_it_asks_too_often(client: Client, api: Api, settings: Any) -> None:
    settings.API_SIGNED_PER_MINUTE = 3
    answers = [api.entered.get(ME) for _ in range(5)]
    assert [answer.status_code for answer in answers] == [200, 200, 200, 429, 429]
    assert answers[-1].headers["RateLimit"].startswith('"hotkey";r=0')
    assert int(answers[-1].headers["Retry-After"]) > 0
    assert api.newcomer.get(ME).status_code == 200, "each key has its own quota"


def test_a_refused_request_takes_no_nonce_and_leaves_no_row(api: Api, settings: Any) -> None:
    settings.API_SIGNED_PER_MINUTE = 3
    for _ in range(3):
        api.entered.get(ME)
    assert api.entered.get(ME, nonce="kept-for-later-0001").status_code == 429
    assert [api.entered.get(ME).status_code for _ in range(20)] == [429] * 20
    assert UsedNonce.objects.filter(hotkey=api.entered.hotkey).count() == 3
    UsedNonce.objects.update(used_at=timezone.now() - timedelta(minutes=2))
    assert api.entered.get(ME, nonce="kept-for-later-0001").status_code == 200
    assert api.entered.get(ME, nonce="kept-for-later-0001").status_code == 401


def test_diagnostics_are_for_the_miner_alone(client: Client, api: Api) -> None:
    path = f"{WHY}?competition=made&round=1"
    own = contract.check(WHY, api.entered.get(path))
    assert own["miner"]["hotkey"] == api.entered.hotkey
    another = f"{path}&hotkey={api.made.miners[1].hotkey}"
    answer = api.entered.get(another)
    assert (answer.status_code, answer.json()["error"]["code"]) == (403, "forbidden")
    assert client.get(path).status_code == 401


def test_staff_may_read_diagnostics_by_a_token_of_that_scope(client: Client, api: Api) -> None:
    now, path = timezone.now(), f"{WHY}?competition=made&round=1&hotkey={api.made.miners[1].hotkey}"
    token = tokens.make("desk", scopes=["diagnostics:read"], lasts=timedelta(days=1), now=now)
    narrow = tokens.make("hooks", scopes=["webhooks:write"], lasts=timedelta(days=1), now=now)
    call = lambda given, at=path: client.get(at, headers={"Authorization": f"Bearer {given}"})  # noqa: E731
    body = contract.check(WHY, call(token))
    assert [(pod["purpose"], pod["log"]) for pod in body["pods"]] == [("audit", "ready\n\n")]
    assert call(narrow).status_code == 403
    assert call(token, WHY).status_code == 400, "whose?"
    assert call(token, ME).status_code == 403, "a token belongs to no miner"
    assert tokens.revoke("desk", now=now)
    assert call(token).status_code == 401
    late = tokens.make("desk", scopes=["diagnostics:read"], lasts=timedelta(seconds=-1), now=now)
    assert call(late).status_code == 401, "it ran out"


def test_one_silent_chain_keeps_nobody_of_another_out(client: Client, api: Api) -> None:
    from dashboard.api import registered

    made_round.make(slug="other")
    type(api.made.competition).objects.filter(slug="other").update(chain="simulated:gone")
    cache.clear()
    assert registered.anywhere(api.entered.hotkey)
    assert api.entered.get(f"{ME}?competition=made").status_code == 200
    assert api.stranger.get(ME).status_code == 503, "it may be registered there: nobody can say"
