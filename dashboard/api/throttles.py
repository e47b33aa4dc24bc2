"""Who asks too often?  Counted by address before anything else is looked at, and by key once a signature held.

By address: in this process's memory, a fixed window; with several web processes each counts for itself.  By key: from
the table of used nonces, so exactly, whichever process answered.
"""

from __future__ import annotations

import time
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from django.conf import settings
from django.core.cache import caches
from rest_framework.throttling import BaseThrottle

from dashboard.api.errors import RequestRefused
from dashboard.api.models import UsedNonce
from dashboard.doors import visitors

WINDOW_S = 60


@dataclass(frozen=True)
class QuotaUse:
    """How much of a quota is used in a window; `resets_s` until it is whole again."""

    name: str
    quota: int
    used: int
    resets_s: int

    @property
    def headers(self) -> dict[str, str]:
        """draft-ietf-httpapi-ratelimit-headers-10, and the three older ones that most clients know."""
        left = max(0, self.quota - self.used)
        return {
            "RateLimit-Policy": f'"{self.name}";q={self.quota};w={WINDOW_S}',
            "RateLimit": f'"{self.name}";r={left};t={self.resets_s}',
            "RateLimit-Limit": str(self.quota),
            "RateLimit-Remaining": str(left),
            "RateLimit-Reset": str(self.resets_s),
        }


def by_address(request: Any, *, now: float | None = None) -> QuotaUse:
    """Count this request."""
    return counted(visitors.address_of(request), name="address", quota=settings.API_REQUESTS_PER_MINUTE, now=now)


def counted(visitor: str, *, name: str, quota: int, window_s: int = WINDOW_S, now: float | None = None) -> QuotaUse:
    """Count one more of `name` by this address, apart from whatever has another name."""
    moment = time.time() if now is None else now
    window, gone = divmod(int(moment), window_s)
    store, key = caches["throttles"], f"{name}:{window}:{visitor}"
    store.add(key, 0, timeout=2 * window_s)
    try:
        used = store.incr(key)
    except ValueError:  # pushed out of the memory between the two lines
        used = 1
    return QuotaUse(name, quota, used, window_s - gone)


class AddressThrottle(BaseThrottle):
    """Counts a request once, however often a view looks, and leaves the count where the view sends it from."""

    def allow_request(self, request: Any, view: Any) -> bool:
        if view.use is None:
            view.use = by_address(request)
        return bool(view.use.name != "address" or view.use.used <= view.use.quota)


def refused(use: QuotaUse) -> RequestRefused:
    return RequestRefused(
        f"Too many requests: {use.quota} in {WINDOW_S} seconds are answered.",
        code="throttled",
        fix="Ask again after the time in Retry-After, and less often: an unchanged answer costs least with "
        "If-None-Match, and a whole round is one file at its bundle's address.",
        status_code=429,
        retry_after_s=max(1, use.resets_s),
    )


def by_key(hotkey: str, *, now: datetime) -> QuotaUse:
    """Signed requests of one hotkey, this one included.  It is counted before its nonce is taken: who is refused
    leaves no row, so no flood makes the table grow beyond the quota."""
    used = UsedNonce.objects.filter(hotkey=hotkey, used_at__gte=now - timedelta(seconds=WINDOW_S)).count()
    return QuotaUse("hotkey", settings.API_SIGNED_PER_MINUTE, used + 1, WINDOW_S)
