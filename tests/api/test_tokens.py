"""A token is shown once, kept as a hash, and ends."""

from __future__ import annotations

from datetime import timedelta
from io import StringIO

import pytest
from django.core.management import CommandError, call_command
from django.utils import timezone

from dashboard.api import tokens
from dashboard.api.models import ApiToken

pytestmark = pytest.mark.django_db


def told(*words: str) -> str:
    out = StringIO()
    call_command("api_token", *words, stdout=out)
    return out.getvalue()


def test_a_list_of_nothing_says_so() -> None:
    assert told("list").startswith("none yet")


def test_a_list_of_no_subscriptions_says_so() -> None:
    out = StringIO()
    call_command("notify", stdout=out)
    assert out.getvalue().startswith("none yet")


def test_a_token_is_made_used_listed_and_revoked() -> None:
    token = told("create", "desk", "--scope", "diagnostics:read").split()[0]
    assert tokens.FORM.fullmatch(token)
    row = ApiToken.objects.get()
    assert token not in str(vars(row)) and row.digest == tokens.digest(token)
    assert tokens.holder(token, now=timezone.now()) == row
    listed = told("list")
    assert "desk  live" in listed and token not in listed and row.digest not in listed
    assert "desk is revoked" in told("revoke", "desk")
    assert tokens.holder(token, now=timezone.now()) is None
    assert "desk  revoked" in told("list")


def test_what_makes_no_sense_is_refused_by_name() -> None:
    told("create", "desk", "--scope", "diagnostics:read")
    for words, said in (
        (("create", "desk", "--scope", "diagnostics:read"), "in use"),
        (("create", "x", "--scope", "everything"), "invalid choice"),
        (("create", "x", "--scope", "diagnostics:read", "--days", "0"), "1 to 366"),
        (("revoke", "nobody"), "no live token"),
    ):
        with pytest.raises(CommandError, match=said):
            told(*words)


def test_a_token_ends_and_no_other_text_is_one() -> None:
    now = timezone.now()
    token = tokens.make("desk", scopes=["webhooks:write"], lasts=timedelta(minutes=1), now=now)
    assert tokens.holder(token, now=now + timedelta(seconds=59))
    assert tokens.holder(token, now=now + timedelta(seconds=60)) is None
    for other in ("", token[:-1], token + "x", token.swapcase(), "gnt_" + "\u00e9" * 43, tokens.digest(token)):
        assert tokens.holder(other, now=now) is None
    with pytest.raises(tokens.BadToken):
        tokens.make("none", scopes=[], lasts=timedelta(days=1), now=now)
