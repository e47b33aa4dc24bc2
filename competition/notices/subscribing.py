"""Who may ask to be told, and of what?  The door that pages, commands and the API share."""

from __future__ import annotations

import re
from collections.abc import Sequence
from datetime import datetime, timedelta

from django.db import transaction

from competition.decisions import notices
from competition.models import Competition
from competition.notices import channels, signing
from competition.notices.models import Subscription

KIND = re.compile(r"[a-z_*]+(\.[a-z_*]+)?")
MOST_KINDS, MOST_EACH = 20, 10


class BadSubscription(Exception):
    """Names the field, what is wrong with it, and what to give instead."""

    def __init__(self, field: str, reason: str) -> None:
        super().__init__(f"{field}: {reason}")
        self.field, self.reason = field, reason


@transaction.atomic
def subscribe(
    *,
    channel: str,
    address: str,
    kinds: Sequence[str],
    owner: str,
    now: datetime,
    competition: Competition | None = None,
    miner: str = "",
    most: int = MOST_EACH,
) -> tuple[Subscription, str]:
    """The subscription, and the secret its webhooks are signed with.  Raises BadSubscription."""
    if channel not in channels.CHANNELS:
        raise BadSubscription("channel", f"give one of {', '.join(channels.CHANNELS)}")
    wrong = next((kind for kind in kinds if not isinstance(kind, str) or not KIND.fullmatch(kind)), None)
    if wrong is not None or not 0 < len(kinds) <= MOST_KINDS:
        raise BadSubscription("kinds", f"give 1 to {MOST_KINDS} kinds of events, such as audit.* or appeal.lodged")
    try:
        channels.check_address(channel, address)
    except channels.BadAddress as bad:
        raise BadSubscription("address", str(bad)) from bad
    if Subscription.objects.select_for_update().filter(owner=owner, active=True).count() >= most:
        raise BadSubscription("owner", f"there are {most} already; end one of them first")
    made = Subscription.objects.create(
        channel=channel,
        address=address,
        kinds=list(kinds),
        owner=owner,
        competition=competition,
        miner=miner,
        created_at=now,
    )
    return made, signing.secret_of(made)


def end(subscription: Subscription, *, because: str) -> None:
    """No more letters; those on their way still arrive."""
    Subscription.objects.filter(pk=subscription.pk, active=True).update(active=False, ended_because=because)


def arrived(subscription: Subscription) -> None:
    """A letter arrived: whatever failed before counts no more."""
    Subscription.objects.filter(pk=subscription.pk).update(failing_since=None, failures=0, next_at=None)


def failed(subscription: Subscription, *, why: str, now: datetime) -> None:
    """A try failed by the receiver's doing.  Pauses grow; after an hour of failing there is no further try."""
    subscription.refresh_from_db()
    since, failures = subscription.failing_since or now, subscription.failures + 1
    Subscription.objects.filter(pk=subscription.pk).update(
        failing_since=since, failures=failures, next_at=now + timedelta(seconds=notices.pause_s(failures))
    )
    if notices.too_long((now - since).total_seconds()):
        because = f"No letter arrived since {since:%Y-%m-%d %H:%M} UTC. The last try: {why}"
        suspend(subscription, because=because, now=now)


def suspend(subscription: Subscription, *, because: str, now: datetime) -> None:
    """No more letters until its owner switches it on again."""
    rows = Subscription.objects.filter(pk=subscription.pk, active=True, suspended_at=None)
    rows.update(suspended_at=now, suspended_because=because)


def switch_on(subscription: Subscription) -> bool:
    """Write to it again, from now on.  False where it has ended, or was not suspended."""
    rows = Subscription.objects.filter(pk=subscription.pk, active=True, suspended_at__isnull=False)
    fresh = {"suspended_at": None, "suspended_because": "", "failing_since": None, "failures": 0, "next_at": None}
    return rows.update(**fresh) == 1
