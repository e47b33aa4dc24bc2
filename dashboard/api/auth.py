"""Who asks?  A registered hotkey by its signature, or staff and services by a token.  Every refusal sounds the same."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any
from urllib.parse import urlsplit

from django.conf import settings
from django.db import IntegrityError, connection, transaction
from rest_framework.authentication import BaseAuthentication

from competition.models import Checkpoint
from core import clock
from dashboard.api import registered, signing, throttles, tokens
from dashboard.api.errors import RequestRefused, too_large
from dashboard.api.models import UsedNonce
from dashboard.api.parsing import MOST_BYTES

LOOPBACK = ("127.0.0.1", "localhost", "::1")
LOCK_SPACE = 0x6E6F6E63  # "nonc": keeps advisory locks apart from anybody else's
NONCE_LIFETIME = timedelta(minutes=10)  # a nonce; its time window is over after two


@dataclass(frozen=True)
class Caller:
    """What views see as `request.user`."""

    hotkey: str = ""
    name: str = ""
    scopes: tuple[str, ...] = ()
    binding: bool = False  # the signature held for this method and address only, so it may change things
    is_authenticated: bool = field(default=True, init=False)
    is_active: bool = field(default=True, init=False)
    pk: None = field(default=None, init=False)

    def may(self, scope: str) -> bool:
        return scope in self.scopes


def refusal() -> RequestRefused:
    """One body for every reason: it must not tell whether a key is known, a signature right or a nonce used."""
    refused = RequestRefused(
        "This request is not signed by a registered hotkey in a way that holds for it, and bears no valid token.",
        code="not_authenticated",
        fix="Check all of these: the key is sr25519 and registered; the clock is right to 60 seconds (compare `time` "
        "of /api/v1/); the nonce is new; method, host, path with query and body are signed as they are sent; a call "
        "that changes something is signed in the gauntlet/1 form. See /api/v1/docs/.",
        status_code=401,
    )
    refused.auth_header = 'Gauntlet realm="gauntlet/1", Epistula realm="2", Bearer'
    return refused


class ByHotkey(BaseAuthentication):
    def authenticate(self, request: Any) -> tuple[Caller, signing.Signed] | None:
        if not any(name in request.headers for name in (*signing.OURS, *signing.EPISTULA)):
            return None
        now = clock.now()
        signed = signing.claimed(request.headers)
        if signed is None or not signing.timely(signed, now_ms=round(now.timestamp() * 1000)):
            raise refusal()
        if not signed.binding and request.method not in ("GET", "HEAD"):
            raise refusal()
        sent = as_sent(request._request)
        if sent is None or not for_us(signed) or not registered.anywhere(signed.hotkey):
            raise refusal()
        if not signing.genuine(signed, sent):
            raise refusal()
        turn = take_turn(signed.hotkey, signed.nonce, now=now)
        if turn is None:
            raise refusal()
        request.parser_context["view"].use = turn
        if turn.used > turn.quota:
            raise throttles.refused(turn)
        return Caller(hotkey=signed.hotkey, name=signed.hotkey, binding=signed.binding), signed

    def authenticate_header(self, request: Any) -> str:
        return "Gauntlet"


class ByToken(BaseAuthentication):
    def authenticate(self, request: Any) -> tuple[Caller, Any] | None:
        given = request.headers.get("Authorization", "")
        if not given:
            return None
        scheme, _, token = given.partition(" ")
        row = tokens.holder(token, now=clock.now()) if scheme == "Bearer" else None
        if row is None:
            raise refusal()
        return Caller(name=row.name, scopes=tuple(row.scopes)), row


def for_us(signed: signing.Signed) -> bool:
    """What names its recipient names the operator, who signs the checkpoints."""
    return not signed.signed_for or Checkpoint.objects.filter(signed_by=signed.signed_for).exists()


def as_sent(request: Any) -> signing.SentRequest | None:
    """The request as it was signed.  None where it was sent to a host that is not ours: a signature for another
    installation must not count here."""
    host, ours = request.get_host(), urlsplit(settings.ORIGIN)
    if ours.hostname not in LOOPBACK and host != ours.netloc:
        return None
    raw = request.META.get("RAW_URI", "")
    path = raw if raw.startswith("/") else request.get_full_path()
    return signing.SentRequest(method=request.method, host=host, path=path, body=body_of(request))


def body_of(request: Any) -> bytes:
    """Never more than a reveal needs is read."""
    length = request.META.get("CONTENT_LENGTH") or "0"
    if not re.fullmatch("[0-9]{1,9}", length, re.ASCII) or int(length) > MOST_BYTES:
        raise too_large(MOST_BYTES)
    return bytes(request.body)


def take_turn(hotkey: str, nonce: str, *, now: datetime) -> throttles.QuotaUse | None:
    """Take a nonce, if the key has not asked too often: then nothing is written, and the nonce may be used later.

    None where the nonce was used.  Of any number who try at once, one gets it; requests of one key are counted one at a
    time.
    """
    # Not a throttle class of the framework's: it asks those after the permissions.  Then a used nonce would be answered
    # with 403 where it is 401 now, which tells that the signature held, and refused requests would neither be counted
    # nor spend their nonce.  Counted before the nonce is spent, and in one transaction, no flood passes or leaves rows.
    try:
        with transaction.atomic(), connection.cursor() as cursor:
            cursor.execute("SELECT pg_advisory_xact_lock(%s, hashtext(%s))", [LOCK_SPACE, hotkey])
            turn = throttles.by_key(hotkey, now=now)
            if turn.used <= turn.quota:
                UsedNonce.objects.create(hotkey=hotkey, nonce=nonce, used_at=now)
            return turn
    except IntegrityError:
        return None


def forget(now: datetime) -> None:
    """Nonces whose time window is long over."""
    UsedNonce.objects.filter(used_at__lt=now - NONCE_LIFETIME).delete()
