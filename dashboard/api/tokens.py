"""Which staff or service is this?  By a token that is shown once, kept as a hash, scoped, and runs out."""

from __future__ import annotations

import hashlib
import re
import secrets
from collections.abc import Sequence
from datetime import datetime, timedelta

from dashboard.api.models import ApiToken

SCOPES = {
    "diagnostics:read": "read any miner's private diagnostics",
    "webhooks:write": "make, change and delete webhooks of whole competitions",
}
FORM = re.compile(r"gnt_[A-Za-z0-9_-]{43}")
SEEN_EVERY = timedelta(minutes=1)


class BadToken(ValueError):
    """A token cannot be made so; says what to write instead."""


def make(name: str, *, scopes: Sequence[str], lasts: timedelta, now: datetime) -> str:
    """The token in clear, this once.  Raises BadToken."""
    unknown = sorted(set(scopes) - set(SCOPES))
    if unknown or not scopes:
        what = f"unknown scope {unknown[0]!r}" if unknown else "a token without a scope can do nothing"
        raise BadToken(f"{what}: choose from {', '.join(SCOPES)}")
    if ApiToken.objects.filter(name=name, revoked_at=None).exists():
        raise BadToken(f"a token named {name!r} is in use: revoke it first, or choose another name")
    token = f"gnt_{secrets.token_urlsafe(32)}"
    row = {"scopes": sorted(set(scopes)), "created_at": now, "expires_at": now + lasts}
    ApiToken.objects.create(name=name, digest=digest(token), **row)
    return token


def digest(token: str) -> str:
    """256 random bits need no salt and no slow hash."""
    return hashlib.sha256(token.encode()).hexdigest()


def holder(token: str, *, now: datetime) -> ApiToken | None:
    """The live row of this token; None for any other text."""
    if not FORM.fullmatch(token):
        return None
    row = ApiToken.objects.filter(digest=digest(token)).first()
    if row is None or not row.live(now=now):
        return None
    if row.last_used_at is None or now - row.last_used_at > SEEN_EVERY:
        ApiToken.objects.filter(pk=row.pk).update(last_used_at=now)
    return row


def revoke(name: str, *, now: datetime) -> bool:
    return bool(ApiToken.objects.filter(name=name, revoked_at=None).update(revoked_at=now))
