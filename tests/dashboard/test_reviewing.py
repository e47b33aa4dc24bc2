"""Who may decide, what is shown before it is written, and what everybody else sees of it."""

from __future__ import annotations

import io
import re
from typing import Any

import pytest
from django.contrib import admin
from django.contrib.auth.models import Group, User
from django.core.management import CommandError, call_command
from django.test import Client
from django_otp.oath import TOTP
from django_otp.plugins.otp_static.models import StaticDevice
from django_otp.plugins.otp_totp.models import TOTPDevice

from audits.models import Audit, Ruling
from competition.models import LedgerEvent
from dashboard.facts import review_pages
from tests.audits import appealing
from tests.audits.reviewing import WHY, lodge

pytestmark = pytest.mark.django_db
PASSWORD = "a long enough phrase"
SHOWN = re.compile(r'name="shown" value="([0-9a-f]{64})"')


@pytest.fixture
def borderline() -> Audit:
    _, round_ = appealing.a_round()
    appealing.entered(round_, "Rival")
    return appealing.audit(appealing.entered(round_, "Ann"), state="reviewing")


def account(name: str, *roles: str) -> TOTPDevice:
    user = User.objects.create_user(name, password=PASSWORD)
    user.groups.set([Group.objects.get_or_create(name=role)[0] for role in roles or ("reviewer",)])
    return TOTPDevice.objects.create(user=user, name="authenticator")


def token(device: TOTPDevice) -> str:
    return f"{TOTP(device.bin_key, device.step, device.t0, device.digits).token():06}"


def signed_in(name: str, *roles: str) -> Client:
    client = Client(enforce_csrf_checks=False)
    told = {"username": name, "password": PASSWORD, "otp_token": token(account(name, *roles))}
    answer = client.post("/reviews/sign-in/", told)
    assert answer.status_code == 302, answer.content.decode()
    return client


def shown_in(answer: Any) -> str:
    found = SHOWN.search(answer.content.decode())
    assert found, answer.content.decode()
    return found[1]


def test_a_case_is_decided_by_two_people_on_the_site(borderline: Audit) -> None:
    url = review_pages.url_of(borderline)
    ann, bob = signed_in("ann"), signed_in("bob", "lead")
    form = {"decision": "rejected:licence_forbids", "sentence": WHY}
    preview = ann.post(url, {**form, "action": "show"})
    assert "ruling.proposed" in preview.content.decode() and not Ruling.objects.exists()
    assert ann.post(url, {**form, "action": "write", "shown": shown_in(preview)}).status_code == 302
    own = ann.get(url).content.decode()
    assert "Somebody else must confirm it" in own and "Confirm and sign" not in own
    asked = bob.get(url)
    assert "audit.rejected" in asked.content.decode()
    told = {"action": "confirm", "ruling": "1", "shown": shown_in(asked)}
    assert ann.post(url, told).status_code == 409
    assert bob.post(url, told).status_code == 302
    borderline.refresh_from_db()
    assert borderline.state == "rejected" and borderline.people == ["ann", "bob"]
    assert bob.post(url, told).status_code == 409


@pytest.mark.parametrize("action", ["confirm", "decline"])
def test_a_number_of_a_proposal_that_is_none_names_none(borderline: Audit, action: str) -> None:
    url, (ann, bob) = review_pages.url_of(borderline), (signed_in("ann"), signed_in("bob", "lead"))
    form = {"decision": "rejected:licence_forbids", "sentence": WHY}
    preview = ann.post(url, {**form, "action": "show"})
    ann.post(url, {**form, "action": "write", "shown": shown_in(preview)})
    events = LedgerEvent.objects.count()
    for value in ("²", "9" * 5000, "-1", "1.0", "٣", " 1", "0x1", ""):
        answer = bob.post(url, {"action": action, "ruling": value, "shown": shown_in(bob.get(url)), "sentence": WHY})
        assert answer.status_code == 409 and "This proposal is not there any more" in answer.content.decode(), value
        assert LedgerEvent.objects.count() == events and Ruling.objects.get().state == "proposed", value


def test_what_was_not_shown_is_not_written(borderline: Audit) -> None:
    ann = signed_in("ann")
    form = {"decision": "passed:harmless", "sentence": WHY, "action": "write", "shown": "0" * 64}
    answer = ann.post(review_pages.url_of(borderline), form)
    assert answer.status_code == 409 and "Look again" in answer.content.decode() and not Ruling.objects.exists()


def test_everybody_reads_the_same_without_the_buttons(borderline: Audit) -> None:
    anybody, ann, url = Client(), signed_in("ann"), review_pages.url_of(borderline)
    listed, seen = anybody.get("/reviews/"), anybody.get(url)
    assert url in listed.content.decode() and "LICENSE names the GPL." in seen.content.decode()
    assert 'name="decision"' not in seen.content.decode() and 'name="decision"' in ann.get(url).content.decode()
    assert "no-store" not in seen.headers["Cache-Control"] and "no-store" in ann.get(url).headers["Cache-Control"]
    assert "'unsafe-inline'" not in seen.headers["Content-Security-Policy"]
    assert anybody.post(url, {"action": "write"}).headers["Location"].startswith("/reviews/sign-in/")
    told = anybody.get("/reviews.json").json()
    assert told["waiting"][0]["kind"] == "audit" and told["waiting"][0]["on"] == "anybody with the role"


def test_a_password_alone_opens_nothing(borderline: Audit) -> None:
    device, client = account("ann"), Client()
    told = {"username": "ann", "password": PASSWORD}
    assert client.post("/reviews/sign-in/", {**told, "otp_token": ""}).status_code == 400
    assert client.post("/reviews/sign-in/", {**told, "otp_token": "000000"}).status_code == 400
    client.force_login(device.user, backend="django.contrib.auth.backends.ModelBackend")  # a stolen session
    answer = client.post(review_pages.url_of(borderline), {"action": "show"})
    assert answer.headers["Location"].startswith("/reviews/sign-in/")


def test_a_code_works_once_and_a_backup_code_too(borderline: Audit) -> None:
    device = account("ann")
    backup = StaticDevice.objects.create(user=device.user, name="backup")
    backup.token_set.create(token="0123456789")
    told = {"username": "ann", "password": PASSWORD}
    for code in (token(device), "0123456789"):
        assert Client().post("/reviews/sign-in/", {**told, "otp_token": code}).status_code == 302
        assert Client().post("/reviews/sign-in/", {**told, "otp_token": code}).status_code == 400
        TOTPDevice.objects.update(throttling_failure_count=0, throttling_failure_timestamp=None)


def test_who_guesses_is_locked_out_and_the_right_password_does_not_help(borderline: Audit) -> None:
    device, client = account("ann"), Client()
    wrong = {"username": "ann", "password": "guessed", "otp_token": "000000"}
    codes = [client.post("/reviews/sign-in/", wrong).status_code for _ in range(6)]
    assert codes[:4] == [400] * 4 and codes[-1] == 429
    right = {**wrong, "password": PASSWORD, "otp_token": token(device)}
    assert client.post("/reviews/sign-in/", right).status_code == 429


def test_a_form_from_elsewhere_is_refused(borderline: Audit) -> None:
    client = Client(enforce_csrf_checks=True)
    assert client.post("/reviews/sign-in/", {"username": "ann"}).status_code == 403
    assert client.post(review_pages.url_of(borderline), {"action": "show"}).status_code == 403


def test_a_sign_in_leads_nowhere_else(borderline: Audit) -> None:
    device = account("ann")
    told = {"username": "ann", "password": PASSWORD, "otp_token": token(device), "next": "//evil.example.org/"}
    assert Client().post("/reviews/sign-in/", told).headers["Location"] == "/reviews/"


def test_an_appeal_shows_what_was_signed_and_hostile_words_stay_words(borderline: Audit) -> None:
    Audit.objects.update(state="rejected")
    document, signature = appealing.objection(
        Audit.objects.get(), by="Ann", statement="<script>alert(1)</script> is not in our code."
    )
    from audits.reviews import appeals

    lodged = appeals.lodge(document, signature=signature, now=appealing.NOW)
    page = Client().get(review_pages.url_of(lodged)).content.decode()
    assert "<script>alert(1)" not in page and "&lt;script&gt;alert(1)" in page and signature in page


@pytest.mark.parametrize("name", ["5x-source-1", "leader-source-x", "1", "a-b-c-d", "x" * 300])
@pytest.mark.parametrize("kind", ["audit", "appeal", "correction", "other"])
def test_a_case_that_is_not_there_is_not_found(borderline: Audit, kind: str, name: str) -> None:
    assert Client().get(f"/reviews/small/1/{kind}/{name}/").status_code == 404


def test_the_admin_shows_states_and_changes_none(borderline: Audit) -> None:
    user = account("otto", "operator").user
    User.objects.filter(pk=user.pk).update(is_staff=True, is_superuser=True)
    states = [m for m in admin.site._registry if m._meta.app_label in ("competition", "judging", "audits", "dashboard")]
    assert {"Audit", "Round", "Duel", "Reign", "LedgerEvent", "Appeal"} <= {m.__name__ for m in states}
    request = type("Request", (), {"user": User.objects.get(pk=user.pk)})()
    for model in states:
        shown: Any = admin.site._registry[model]
        assert shown.has_view_permission(request)
        assert not any(
            allowed(request)
            for allowed in (shown.has_add_permission, shown.has_change_permission, shown.has_delete_permission)
        )
    client = Client()
    client.force_login(user, backend="django.contrib.auth.backends.ModelBackend")
    assert client.get("/admin/audits/audit/").status_code == 302  # without the second factor


def test_the_delivery_log_is_for_staff_and_tells_no_address(borderline: Audit) -> None:
    from competition.notices import steps, subscribing

    secret = "https://discord.com/api/webhooks/1/verysecret"
    subscribing.subscribe(channel="discord", address=secret, kinds=["*"], owner="lead", now=appealing.NOW)
    Audit.objects.update(state="rejected")
    lodge(Audit.objects.get(), by="Ann")
    steps.write_letters(appealing.NOW)
    assert Client().get("/reviews/letters/").status_code == 302
    page = signed_in("ann").get("/reviews/letters/").content.decode()
    assert "discord at discord.com" in page and "verysecret" not in page and "appeal.lodged" in page


def test_the_command_makes_people_and_shows_their_secrets_once() -> None:
    told = io.StringIO()
    call_command("reviewer", "ann", "--role", "lead", stdout=told)
    user = User.objects.get(username="ann")
    password = re.search(r"password +(\S+)", told.getvalue())
    assert password and user.check_password(password[1]) and "otpauth://totp/" in told.getvalue()
    assert [g.name for g in user.groups.all()] == ["lead"] and not user.is_staff
    with pytest.raises(CommandError, match="there already"):
        call_command("reviewer", "ann")
    with pytest.raises(CommandError, match="not a public name"):
        call_command("reviewer", "Ann Smith")
    call_command("reviewer", "ann", "--end", stdout=told)
    assert not User.objects.get(username="ann").is_active


def test_the_command_lists_everybody_and_locks_one_out() -> None:
    told = io.StringIO()
    call_command("reviewer", stdout=told)
    assert told.getvalue().startswith("nobody yet")
    account("ann", "lead")
    User.objects.create_user("bob", password=PASSWORD).groups.add(Group.objects.get_or_create(name="reviewer")[0])
    client = signed_in("cleo", "reviewer")
    told = io.StringIO()
    call_command("reviewer", "ann", "--lock", stdout=told)
    call_command("reviewer", "cleo", "--lock", stdout=told)
    call_command("reviewer", stdout=told)
    said = told.getvalue()
    assert "ann  lead  second factor  never signed in  locked" in said
    assert "bob  reviewer  NO second factor  never signed in  open" in said
    assert re.search(r"cleo  reviewer  second factor  last in \d{4}-\d\d-\d\d \d\d:\d\d  locked", said)
    assert "Signed in as" not in client.get("/reviews/").content.decode()  # out with the next page
    call_command("reviewer", "ann", "--unlock", stdout=told)
    assert User.objects.get(username="ann").is_active
    call_command("reviewer", "ann", "--end", stdout=told)
    with pytest.raises(CommandError, match="was ended"):
        call_command("reviewer", "ann", "--unlock")
    with pytest.raises(CommandError, match="there is no dan"):
        call_command("reviewer", "dan", "--lock")


def test_the_command_decides_with_two_people_too(borderline: Audit, monkeypatch: pytest.MonkeyPatch) -> None:
    devices = {name: account(name) for name in ("ann", "bob")}
    hotkey = borderline.submission.miner.hotkey
    words = ["review", "small", "1", hotkey, "source", "reject", "--code", "licence_forbids", "--why", WHY]

    def sign(name: str) -> None:
        monkeypatch.setattr("getpass.getpass", lambda ask: PASSWORD if ask.startswith("pass") else token(devices[name]))
        call_command(*words, "--as", name, stdout=io.StringIO())

    sign("ann")
    TOTPDevice.objects.update(last_t=-1)
    with pytest.raises(CommandError, match="somebody else"):
        sign("ann")
    sign("bob")
    assert Audit.objects.get().state == "rejected"
    assert LedgerEvent.objects.filter(kind="ruling.confirmed").count() == 1
