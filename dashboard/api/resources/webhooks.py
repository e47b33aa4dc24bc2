"""How does a program hear of things without asking?  By webhooks of its own, with a log and a second try on demand."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from django.db.models import QuerySet
from rest_framework.response import Response

from competition.notices import subscribing
from competition.notices.models import Delivery, Subscription
from core import clock
from core.machine import engine
from core.machine.outcomes import Move
from dashboard.api.bodies import Field, Takes
from dashboard.api.errors import bad, conflict, missing
from dashboard.api.filters import FLAG, HOTKEY, SLUG, TEXT, WORD, Filter, one_of
from dashboard.api.reading import Collection, Item
from dashboard.api.resources.game import competition_of
from dashboard.api.rows import writes
from dashboard.api.rows import writes as rows
from dashboard.api.writes import Personal, Takable, caller_of
from dashboard.facts.twins import twin

SCOPE = "webhooks:write"
DELIVERY_STATES = one_of("waiting", "delivered", "failed")


def owner_of(request: Any) -> str:
    """A hotkey, or a token by its name: no hotkey holds a colon."""
    caller = caller_of(request)
    return caller.hotkey or f"token:{caller.name}"


def own(request: Any) -> QuerySet[Subscription]:
    rows = Subscription.objects.filter(owner=owner_of(request), channel="webhook")
    return rows.select_related("competition")


def one(request: Any, public_id: str) -> Subscription:
    """Somebody else's is as unknown as one that never was."""
    found = own(request).filter(public_id=public_id).first()
    if found is None:
        raise missing("You have no webhook with this id.")
    return found


class Webhooks(Takable, Collection):
    """My webhooks."""

    group, shape, scope, gives = "webhooks", rows.WebhookRow, SCOPE, rows.WebhookMade
    filters = {"active": Filter(FLAG, "active", "Those that are told, or those that ended.")}
    refuses = (403, 409)
    takes = Takes(
        fields={
            "address": Field(about="https address on port 443; it is never redirected.", kind=TEXT, required=True),
            "kinds": Field(
                about="Kinds of ledger events, such as audit.* or round.finished.",
                type=list,
                required=True,
                most=60,
                kind=TEXT,
            ),
            "competition": Field(about="Only of this competition.", kind=SLUG),
            "miner": Field(about="Only events that name this hotkey.", kind=HOTKEY, most=48),
        },
        example={"address": "https://hooks.example.org/gauntlet", "kinds": ["round.*"], "competition": "demo"},
    )

    def rows(self, asked: Mapping[str, Any], **named: Any) -> QuerySet[Any]:
        return own(self.request)

    def told(self, found: list[Any]) -> Iterable[Any]:
        return (rows.webhook(row) for row in found)

    def post(self, request: Any, **named: Any) -> Response:
        """Be told of events from now on.  The secret that letters are signed with is shown this once."""
        return self.taken(request, **named)

    def take(self, request: Any, body: dict[str, Any], **named: Any) -> writes.WebhookMade:
        competition = competition_of(body["competition"]) if "competition" in body else None
        try:
            made, secret = subscribing.subscribe(
                channel="webhook",
                address=body["address"],
                kinds=body["kinds"],
                owner=owner_of(request),
                now=clock.now(),
                competition=competition,
                miner=body.get("miner", ""),
            )
        except subscribing.BadSubscription as no:
            if no.field == "owner":
                raise conflict(no.reason, code="too_many", fix="Delete one of your webhooks first.") from no
            raise bad(no.field, no.reason, fix="Send another one.") from no
        return rows.WebhookMade(webhook=rows.webhook(made), secret=secret)


class Webhook(Personal, Item):
    """One of my webhooks."""

    group, shape, scope = "webhooks", rows.WebhookRow, SCOPE

    def found(self, asked: Mapping[str, Any], **named: Any) -> Any:
        return rows.webhook(one(self.request, named["subscription"]))

    def delete(self, request: Any, **named: Any) -> Response:
        """Be told no more.  Its log stays."""
        subscribing.end(one(request, named["subscription"]), because="its owner ended it")
        return Response(status=204)


class Resume(Takable):
    """Switch a suspended webhook on again."""

    group, scope, gives = "webhooks", SCOPE, rows.WebhookRow
    refuses = (403, 409)
    takes = Takes(fields={}, example={})

    def post(self, request: Any, **named: Any) -> Response:
        """Be told again, from now on, by a webhook that was suspended because it failed for an hour."""
        self.given(request)
        subscription = one(request, named["subscription"])
        if not subscribing.switch_on(subscription):
            sentence = "The webhook is not suspended." if subscription.active else "The webhook has ended."
            raise conflict(sentence, code="not_suspended", fix="Look at it again; make another where it has ended.")
        return Response(twin(rows.webhook(one(request, named["subscription"]))), status=201)


class WebhookDeliveries(Personal, Collection):
    """What was sent to one of my webhooks, try by try, newest first."""

    group, shape, scope, newest_first = "webhooks", rows.DeliveryRow, SCOPE, True
    filters = {
        "state": Filter(DELIVERY_STATES, "state", "In this state."),
        "kind": Filter(WORD, "event__kind", "Of events of this kind."),
    }

    def rows(self, asked: Mapping[str, Any], **named: Any) -> QuerySet[Any]:
        return deliveries(one(self.request, named["subscription"]))

    def told(self, found: list[Any]) -> Iterable[Any]:
        return (rows.delivery(row) for row in found)


def deliveries(subscription: Subscription) -> QuerySet[Delivery]:
    found = subscription.deliveries.select_related("subscription", "event__competition")
    return found.prefetch_related("tried").order_by()


class Replay(Takable):
    """Send a letter again."""

    group, scope, gives = "webhooks", SCOPE, rows.DeliveryRow
    refuses = (403, 409)
    takes = Takes(fields={}, example={})

    def post(self, request: Any, **named: Any) -> Response:
        """Send a letter once more, under the same `webhook-id`, whether it arrived before or was given up."""
        self.given(request)
        subscription = one(request, named["subscription"])
        row = deliveries(subscription).filter(public_id=named["delivery"]).first()
        if row is None:
            raise missing("This webhook was never sent such a letter.")
        if subscription.suspended_at:
            raise conflict(
                "The webhook is suspended.", code="suspended", fix="Mend the receiver, then resume it first."
            )
        again = Move("waiting", because="its owner asked for it again")
        if not subscription.active or row.state == "waiting" or not engine.move(row, again, now=clock.now()):
            sentence = "The letter is on its way." if row.state == "waiting" else "The webhook has ended."
            raise conflict(sentence, code="not_replayable", fix="Look at the delivery again in a while.")
        return Response(twin(rows.delivery(deliveries(subscription).get(pk=row.pk))), status=201)
