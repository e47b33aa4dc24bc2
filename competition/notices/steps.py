"""When are letters written, and what is done with one until it has arrived?

Letters follow from the ledger: a sweep reads on from where it was and writes one row per event and subscription, so
that nothing is forgotten.  A receiver may get a letter twice (we died between its answer and our note of it): its id
stays the same.
"""

from __future__ import annotations

from datetime import datetime, timedelta

from django.db import transaction
from django.db.models import Q

from competition.decisions import notices
from competition.machine import engine
from competition.machine.outcomes import Failure, Move, Outcome, Retry
from competition.models import Competition
from competition.notices import subscribing
from competition.notices.channels import CHANNELS, Undelivered, letter
from competition.notices.models import Delivery, DeliveryTry, ReadUpTo, Subscription

AT_ONCE = 500
GONE = 410


@engine.sweep
def write_letters(now: datetime) -> None:
    for competition in Competition.objects.filter(active=True).order_by("pk"):
        while read_on(competition, now=now) == AT_ONCE:
            pass


@transaction.atomic
def read_on(competition: Competition, *, now: datetime) -> int:
    """Write the letters of the next events.  Returns how many events were read."""
    ReadUpTo.objects.get_or_create(competition=competition)
    place = ReadUpTo.objects.select_for_update(skip_locked=True).filter(competition=competition).first()
    if place is None:
        return 0  # another process is at it
    events = list(competition.events.filter(seq__gt=place.seq).order_by("seq")[:AT_ONCE])
    if not events:
        return 0
    wanted = Subscription.objects.filter(Q(competition=None) | Q(competition=competition), active=True)
    Delivery.objects.bulk_create(
        (
            Delivery(subscription=one, event=event, **Delivery.born(now=now))
            for one in wanted
            for event in events
            if event.created_at >= one.created_at
            and notices.asks_for(event.kind, event.body, kinds=one.kinds, miner=one.miner)
        ),
        ignore_conflicts=True,
    )
    ReadUpTo.objects.filter(pk=place.pk).update(seq=events[-1].seq)
    engine.announce(Delivery, now=now)
    return len(events)


@engine.step(Delivery, "waiting")
def deliver(delivery: Delivery, now: datetime) -> Outcome:
    subscription = delivery.subscription
    if not subscription.active:
        failure = Failure("miner", "ENDED", "The subscription has ended meanwhile.")
        return Move("failed", because=failure.sentence, failure=failure)
    try:
        status = CHANNELS[subscription.channel](subscription, letter(delivery), now=now)
    except Undelivered as failed:
        return _undelivered(delivery, failed, now=now)
    DeliveryTry.objects.create(delivery=delivery, at=now, status=status, code="delivered")
    return Move("delivered", because=f"the receiver answered {status}")


def _undelivered(delivery: Delivery, failed: Undelivered, *, now: datetime) -> Outcome:
    DeliveryTry.objects.create(
        delivery=delivery, at=now, status=failed.status, code=failed.code[:40], sentence=failed.sentence
    )
    failure = Failure(failed.failure_class, failed.code[:40], failed.sentence)
    if failed.status == GONE:
        subscribing.end(delivery.subscription, because="its receiver answered 410: gone")
    if notices.given_up(delivery.attempts, permanent=failed.permanent):
        return Move("failed", because=failed.sentence, failure=failure)
    return Retry(timedelta(seconds=notices.pause_s(delivery.attempts)), failure)
