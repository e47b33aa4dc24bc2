"""Nobody who merely knows a name keeps its owner out, and whoever guesses must be right in both factors at once."""

from __future__ import annotations

from typing import Any

import pytest
from axes.models import AccessAttempt
from django.contrib.auth.models import Group, User
from django.contrib.sessions.models import Session
from django.core.management import call_command
from django.test import Client
from django_otp.plugins.otp_static.models import StaticDevice
from django_otp.plugins.otp_totp.models import TOTPDevice

from tests.dashboard.test_reviewing import PASSWORD, account, signed_in, token

pytestmark = pytest.mark.django_db
DOOR = "/reviews/sign-in/"


@pytest.fixture
def one_proxy(settings: Any) -> None:
    settings.API_PROXIES = 1


def attempt(client: Client, name: str, *, at: str = "", password: str = "guessed", code: str = "000000") -> int:
    headers = {"X-Forwarded-For": at} if at else {}
    form = {"username": name, "password": password, "otp_token": code}
    return int(client.post(DOOR, form, headers=headers).status_code)


@pytest.mark.usefixtures("one_proxy")
def test_a_stranger_who_knows_a_name_does_not_keep_its_owner_out() -> None:
    device = account("eve")
    codes = [attempt(Client(), "eve", at="6.6.6.6") for _ in range(6)]
    assert codes[-1] == 429
    assert attempt(Client(), "eve", at="6.6.6.6", password=PASSWORD, code=token(device)) == 429
    assert attempt(Client(), "eve", at="5.5.5.5", password=PASSWORD, code=token(device)) == 302


@pytest.mark.usefixtures("one_proxy")
def test_strangers_at_many_addresses_do_not_keep_the_owner_out_either() -> None:
    device = account("eve")
    for place in range(50):
        attempt(Client(), "eve", at=f"6.6.{place}.6")
    assert attempt(Client(), "eve", at="5.5.5.5", password=PASSWORD, code=token(device)) == 302


@pytest.mark.usefixtures("one_proxy")
def test_what_a_visitor_writes_in_front_of_our_proxys_word_moves_no_count() -> None:
    account("eve")
    codes = [attempt(Client(), "eve", at=f"9.9.9.{place}, 6.6.6.6") for place in range(6)]
    assert codes[-1] == 429
    assert [attempt(Client(), "eve", at=f"2001:db8::{place:x}") for place in range(6)][-1] == 429, "one site of IPv6"


@pytest.mark.usefixtures("one_proxy")
def test_a_browser_that_signed_in_before_is_not_kept_out_by_strangers_at_its_own_address() -> None:
    device, browser = account("eve"), Client()
    assert attempt(browser, "eve", at="5.5.5.5", password=PASSWORD, code=token(device)) == 302
    for _ in range(25):
        attempt(Client(), "eve", at="5.5.5.5")
    TOTPDevice.objects.update(last_t=-1)
    assert attempt(Client(), "eve", at="5.5.5.5", password=PASSWORD, code=token(device)) == 429
    assert attempt(browser, "eve", at="5.5.5.5", password=PASSWORD, code=token(device)) == 302
    assert [attempt(browser, "eve", at="5.5.5.5") for _ in range(6)][-1] == 429, "it has five tries of its own"
    other = account("ann")
    assert attempt(browser, "ann", at="5.5.5.5", password=PASSWORD, code=token(other)) == 429, "of its own name only"


@pytest.mark.usefixtures("one_proxy")
def test_one_address_has_twenty_wrong_tries_whatever_the_names() -> None:
    codes = [attempt(Client(), f"name-{number}", at="6.6.6.6") for number in range(25)]
    assert codes[:20] == [400] * 20 and set(codes[20:]) == {429}
    assert AccessAttempt.objects.count() == 20, "who must wait writes nothing"
    assert attempt(Client(), "name-1", at="7.7.7.7") == 400


def test_which_factor_was_wrong_is_never_said() -> None:
    device = account("eve")
    pages = []
    for password, code in ((PASSWORD, "000000"), ("guessed", token(device)), ("guessed", "000000"), (PASSWORD, "x")):
        answer = Client().post(DOOR, {"username": "eve", "password": password, "otp_token": code})
        assert answer.status_code == 400
        pages.append(answer.content.split(b'role="alert"')[1].split(b"</div>")[0])
    assert len(set(pages)) == 1
    assert AccessAttempt.objects.get().failures_since_start == 4, "a wrong code counts as a wrong password does"


def test_the_admin_has_no_door_of_its_own() -> None:
    answer = Client().post("/admin/login/", {"username": "eve", "password": "x"})
    assert answer.status_code == 302 and answer.headers["Location"].startswith(DOOR)
    assert Client().get("/admin/", follow=True).redirect_chain[-1][0].startswith(DOOR)


def lock(user: User) -> None:
    call_command("reviewer", user.username, "--lock")


TAKEN = {
    "locked by the command": lock,
    "locked in the database": lambda user: User.objects.filter(pk=user.pk).update(is_active=False),
    "without its role": lambda user: user.groups.clear(),
    "without one of its roles": lambda user: user.groups.remove(Group.objects.get(name="lead")),
    "with a role deleted for all": lambda user: Group.objects.get(name="lead").delete(),
    "without its second factor": lambda user: TOTPDevice.objects.filter(user=user).delete(),
    "with its factor unconfirmed": lambda user: TOTPDevice.objects.filter(user=user).update(confirmed=False),
    "without its backup codes": lambda user: StaticDevice.objects.filter(user=user).delete(),
    "without its account": lambda user: user.delete(),
    "with new secrets": lambda user: call_command("reviewer", user.username, "--reset"),
}


@pytest.mark.parametrize("taken", TAKEN)
def test_a_session_ends_when_what_it_was_opened_with_is_taken_away(taken: str) -> None:
    StaticDevice.objects.create(user=account("eve", "reviewer", "lead").user, name="backup")
    User.objects.filter(username="eve").update(username="old")
    client = signed_in("eve", "reviewer", "lead")
    user = User.objects.get(username="eve")
    if taken == "without its backup codes":
        StaticDevice.objects.create(user=user, name="backup")
        client.session.flush()
        client = Client()
        TOTPDevice.objects.update(last_t=-1)
        attempt(client, "eve", password=PASSWORD, code=token(TOTPDevice.objects.get(user=user)))
    assert "Signed in as" in client.get("/reviews/").content.decode()
    TAKEN[taken](user)
    assert "Signed in as" not in client.get("/reviews/").content.decode()
    assert not Session.objects.exists(), "the session is gone, and does not come back with the role"


def test_a_locked_accounts_session_does_not_come_back_when_it_is_unlocked() -> None:
    client = signed_in("eve")
    call_command("reviewer", "eve", "--lock")
    call_command("reviewer", "eve", "--unlock")
    assert "Signed in as" not in client.get("/reviews/").content.decode()


def test_a_session_lives_when_something_is_given() -> None:
    client = signed_in("eve")
    User.objects.get(username="eve").groups.add(Group.objects.create(name="lead"))
    assert "Signed in as" in client.get("/reviews/").content.decode()
