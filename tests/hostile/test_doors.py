"""Hostile signed bodies go through the real API: none is answered 5xx, and nothing of a round changes."""

from __future__ import annotations

import random
from typing import Any

import pytest
from django.apps import apps
from django.core import serializers
from django.test import Client

from audits.models import Appeal, Audit
from audits.reviews import appeals as lodging
from competition.models import Round
from tests.api.conftest import Api, people
from tests.dashboard import made_round
from tests.hostile import appeals
from tests.hostile.appeals import Hostile, bodies

pytestmark = pytest.mark.django_db
SAMPLE = 80
OWN = ("usednonce", "subscription", "appeal", "ledgerevent")
"""What a miner may write: that a nonce was used, its own webhooks, an appeal and the event that tells of it."""


@pytest.fixture
def api(settings: Any) -> Api:
    settings.API_REQUESTS_PER_MINUTE = settings.API_SIGNED_PER_MINUTE = 10**8
    api = people(made_round.make(), client=Client(raise_request_exception=False))
    audit = Audit.objects.filter(kind="source").order_by("pk")[0]
    Audit.objects.filter(pk=audit.pk).update(state="rejected")
    type(audit.submission.miner).objects.filter(pk=audit.submission.miner_id).update(hotkey=api.newcomer.hotkey)
    Round.objects.filter(number=2).update(earliest_reveal_block=10**8, latest_reveal_block=10**8 + 99)
    return api


def document(api: Api) -> dict[str, Any]:
    audit = Audit.objects.filter(kind="source").order_by("pk")[0]
    statement = "The author has granted us a licence for this use; see there."
    return lodging.unsigned(audit, appellant=api.newcomer.hotkey, ground="licence", statement=statement, finding=0)


def every(api: Api) -> list[Hostile]:
    return bodies(document(api), sign=lambda told: bytes(api.newcomer.key.sign(lodging.message(told))).hex())


def everything() -> dict[str, str]:
    """All rows of the game and of its evidence."""
    labels = ("competition", "judging", "audits", "dashboard")
    models = [model for label in labels for model in apps.get_app_config(label).get_models()]
    kept = [model for model in models if model._meta.model_name not in OWN]
    return {model._meta.label: serializers.serialize("json", model.objects.order_by("pk")) for model in kept}


def check(api: Api, some: list[Hostile]) -> None:
    before = everything()
    for each in some:
        answer = api.newcomer.post(each.path, each.body)
        assert answer.status_code < 500, (each.kind, answer.status_code)
        assert each.fits or answer.status_code >= 400, (each.kind, answer.content[:300])
        if answer.status_code >= 400:
            error = answer.json()["error"]
            assert error["class"] == "miner" and error["fix"] and error["who_must_act"], each.kind
    assert everything() == before


def test_there_are_hundreds_of_kinds_and_they_are_always_the_same(api: Api) -> None:
    kinds = [each.kind for each in every(api)]
    assert len(set(kinds)) == len(kinds) >= 200
    first, second = (bodies(document(api), sign=lambda told: "00" * 64) for _ in range(2))
    assert first == second


def test_a_hostile_body_is_refused_and_nothing_of_a_round_changes(api: Api) -> None:
    check(api, random.Random(1).sample(every(api), SAMPLE))
    assert Appeal.objects.count() <= 1, "one of hostile words may be an appeal"


@pytest.mark.long
def test_every_hostile_body_is_refused_and_nothing_of_a_round_changes(api: Api) -> None:
    check(api, every(api))


def test_the_appeal_that_they_are_made_from_would_be_taken(api: Api) -> None:
    good = document(api)
    signature = bytes(api.newcomer.key.sign(lodging.message(good))).hex()
    assert api.newcomer.post(appeals.APPEALS, {"document": good, "signature": signature}).status_code == 201
