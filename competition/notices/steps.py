"""When are letters written, and what is done with one until it has arrived?

Letters follow from the ledger: a sweep reads on from where it was and writes one row per event and subscription, so
that nothing is forgotten.  A letter becomes due when it is its turn: one at a time to each receiver, and few to all
receivers of one owner, in a queue that rounds, matches and downloads never share.  A receiver may get a letter twice
(we died between its answer and our note of it): its id stays the same.
"""

from __future__ import annotations

from collections import Counter
from datetime import datetime, timedelta

from django.db import transaction
from django.db.models import Count, Q

from competition.decisions import notices
from competition.models import Competition
from competition.notices import subscribing
from competition.notices.channels import CHANNELS, Undelivered, letter
from competition.notices.models import Delivery, DeliveryTry, ReadUpTo, Subscription
from core.machine import engine
from core.machine.outcomes import Move, Outcome, Retry, StepFailure
from core.machine.stateful import FailureClass
from core.net import host_slots

AT_ONCE = 500
GONE = 410
ENDED = "The subscription has ended meanwhile."
SUSPENDED = "The receiver failed for too long: its owner must switch it on again, and may have this sent again."
RETRY_AFTER = timedelta(seconds=5)
TURN = StepFailure(FailureClass.INFRASTRUCTURE, "NO_TURN", "Other letters of this owner are on their way.")
WAITING = Delivery.objects.filter(state="waiting")


def write_letters(now: datetime) -> None:
    for competition in Competition.objects.filter(active=True).order_by("pk"):
        while read_on(competition, now=now) == AT_ONCE:
            pass
    give_turns(now=now)


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
    Delivery.objects.bulk_create(
        (
            Delivery(subscription=one, event=event, **Delivery.born(now=now, due=False))
            for one in _listeners(competition, now=now)
            for event in events
            if event.created_at >= one.created_at
            and notices.asks_for(event.kind, event.body, kinds=one.kinds, miner=one.miner)
        ),
        ignore_conflicts=True,
    )
    ReadUpTo.objects.filter(pk=place.pk).update(seq=events[-1].seq)
    return len(events)


def _listeners(competition: Competition, *, now: datetime) -> list[Subscription]:
    """Who is written to.  A receiver so slow that its letters pile up is suspended."""
    wanted = Subscription.objects.filter(
        Q(competition=None) | Q(competition=competition), active=True, suspended_at=None
    )
    piled = Count("deliveries", filter=Q(deliveries__state="waiting"))
    listeners: list[Subscription] = []
    for one in wanted.annotate(piled=piled):
        if one.piled < notices.MOST_WAITING:
            listeners.append(one)
        else:
            subscribing.suspend(one, because=f"{one.piled} letters wait: the receiver takes them too slowly.", now=now)
    return listeners


def give_turns(*, now: datetime) -> int:
    """Make the oldest letter due of each receiver that has none on its way.  Returns how many."""
    on_their_way = WAITING.filter(Q(due_at__lte=now) | Q(lease__isnull=False))
    busy = set(on_their_way.values_list("subscription", flat=True))
    in_flight = Counter(on_their_way.values_list("subscription__owner", flat=True))
    ready = Q(subscription__next_at=None) | Q(subscription__next_at__lte=now)
    heads = WAITING.filter(ready, due_at=None, lease=None, subscription__suspended_at=None)
    heads = heads.exclude(subscription__in=busy).select_related("subscription")
    given = 0
    for head in heads.order_by("subscription_id", "pk").distinct("subscription_id"):
        owner = head.subscription.owner
        if in_flight[owner] < notices.IN_FLIGHT:
            in_flight[owner] += 1
            engine.nudge(head, now=now)
            given += 1
    for left in WAITING.filter(due_at=None, lease=None, subscription__suspended_at__isnull=False)[:AT_ONCE]:
        engine.move(left, _given_up("SUSPENDED", SUSPENDED), now=now)
    return given


def deliver(delivery: Delivery, now: datetime) -> Outcome:
    subscription = delivery.subscription
    if not subscription.active:
        return _given_up("ENDED", ENDED)
    if subscription.suspended_at:
        return _given_up("SUSPENDED", SUSPENDED)
    with host_slots.AdvisoryLocks(notices.IN_FLIGHT).hold(f"letters of {subscription.owner}") as ours:
        if not ours:
            return Retry(RETRY_AFTER, TURN, counts=False)
        try:
            status = CHANNELS[subscription.channel].send(subscription, letter(delivery), now=now)
        except Undelivered as undelivered:
            return _undelivered(delivery, undelivered, now=now)
    DeliveryTry.objects.create(delivery=delivery, at=now, status=status, code="delivered")
    subscribing.arrived(subscription)

    def next_turn() -> None:  # once the move is committed: a quick receiver need not wait for the next sweep
        transaction.on_commit(lambda: give_turns(now=now))

    return Move("delivered", because=f"the receiver answered {status}", also=next_turn)


def _given_up(code: str, sentence: str) -> Move:
    return Move("failed", because=sentence, failure=StepFailure(FailureClass.MINER, code, sentence))


def _undelivered(delivery: Delivery, failed: Undelivered, *, now: datetime) -> Outcome:
    DeliveryTry.objects.create(
        delivery=delivery, at=now, status=failed.status, code=failed.code[:40], sentence=failed.sentence
    )
    failure = StepFailure(failed.failure_class, failed.code[:40], failed.sentence)
    if failed.failure_class == FailureClass.MINER:
        subscribing.failed(delivery.subscription, why=failed.sentence, now=now)
    if failed.status == GONE:
        subscribing.end(delivery.subscription, because="its receiver answered 410: gone")
    if notices.given_up(delivery.attempts, tries=delivery.declared.tries, permanent=failed.permanent):
        return Move("failed", because=failed.sentence, failure=failure)
    return Retry(timedelta(seconds=notices.pause_s(delivery.attempts)), failure)
