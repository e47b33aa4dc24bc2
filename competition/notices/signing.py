"""How does the receiver of a webhook know that it is ours?  As "Standard Webhooks" writes down: HMAC-SHA256.

Signed: `<webhook-id>.<webhook-timestamp>.<body>`.  A subscription's key is derived from the deployment's own secret and
the subscription's id, so that no table holds it; it is shown once, when the subscription is made.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
from collections.abc import Mapping
from datetime import datetime

from django.conf import settings

from competition.notices.models import Subscription

DOMAIN = b"gauntlet-notices/1\n"


def key_of(subscription: Subscription) -> bytes:
    message = DOMAIN + str(subscription.public_id).encode()
    return hmac.digest(settings.SECRET_KEY.encode(), message, "sha256")


def secret_of(subscription: Subscription) -> str:
    """As libraries for Standard Webhooks take it."""
    return "whsec_" + base64.b64encode(key_of(subscription)).decode()


def headers(subscription: Subscription, *, letter: str, body: bytes, now: datetime) -> Mapping[str, str]:
    at = str(int(now.timestamp()))
    signature = hmac.digest(key_of(subscription), f"{letter}.{at}.".encode() + body, hashlib.sha256)
    return {
        "webhook-id": letter,
        "webhook-timestamp": at,
        "webhook-signature": "v1," + base64.b64encode(signature).decode(),
    }
