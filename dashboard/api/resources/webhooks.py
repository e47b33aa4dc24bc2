"""How does a program hear of things without asking?  By webhooks of its own, with a log and a second try on demand."""

from __future__ import annotations

from typing import Any

from django.db.models import QuerySet
from drf_spectacular.utils import OpenApiExample, extend_schema_serializer
from rest_framework.response import Response

from competition.notices import subscribing
from competition.notices.models import Delivery, Subscription
from core import clock
from core.machine import engine
from core.machine.outcomes import Move
from dashboard.api.bodies import BodySerializer, TextField, TextsField
from dashboard.api.errors import bad, conflict, missing
from dashboard.api.filters import FLAG, HOTKEY, SLUG, WORD, Filter, FilterSet, one_of
from dashboard.api.permissions import caller_of
from dashboard.api.resources.game import competition_of
from dashboard.api.rows import writes as rows
from dashboard.api.views import DetailView, ListView
from dashboard.api.writes import PersonalView, WriteView

SCOPE = "webhooks:write"
DELIVERY_STATES = one_of("waiting", "delivered", "failed")


def owner_of(request: Any) -> str:
    """A hotkey, or a token by its name: no hotkey holds a colon."""
    caller = caller_of(request)
    return caller.hotkey or f"token:{caller.name}"


def own(request: Any) -> QuerySet[Subscription]:
    return Subscription.objects.filter(owner=owner_of(request), channel="webhook").select_related("competition")


def one(request: Any, public_id: str) -> Subscription:
    """Somebody else's is as unknown as one that never was."""
    subscription = own(request).filter(public_id=public_id).first()
    if subscription is None:
        raise missing("You have no webhook with this id.")
    return subscription


class WebhookFilters(FilterSet):
    active = Filter(FLAG, "active", "Those that are told, or those that ended.")


EXAMPLE = {"address": "https://hooks.example.org/gauntlet", "kinds": ["round.*"], "competition": "demo"}


@extend_schema_serializer(examples=[OpenApiExample("a webhook", EXAMPLE)])
class WebhookBody(BodySerializer):
    """What a webhook hears of, and where."""

    address = TextField(help_text="https address on port 443; it is never redirected.")
    kinds = TextsField(longest=60, help_text="Kinds of ledger events, such as audit.* or round.finished.")
    competition = TextField(kind=SLUG, required=False, help_text="Only of this competition.")
    miner = TextField(kind=HOTKEY, longest=48, required=False, help_text="Only events that name this hotkey.")


class EmptyBody(BodySerializer):
    """An object without fields."""


class Webhooks(WriteView, ListView):
    """My webhooks."""

    group, dataclass, scope, created_dataclass = "webhooks", rows.WebhookRow, SCOPE, rows.WebhookMade
    filterset_class = WebhookFilters
    refuses = (403, 409)
    body_class = WebhookBody
    queryset = Subscription.objects.none()
    to_row = staticmethod(rows.webhook)

    def get_queryset(self) -> QuerySet[Any]:
        return own(self.request)

    def post(self, request: Any, **named: Any) -> Response:
        """Be told of events from now on.  The secret that letters are signed with is shown this once."""
        return self.create(request, **named)

    def perform(self, request: Any, body: dict[str, Any], **named: Any) -> rows.WebhookMade:
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


class Webhook(PersonalView, DetailView):
    """One of my webhooks."""

    group, dataclass, scope = "webhooks", rows.WebhookRow, SCOPE

    def get_object(self) -> Any:
        return rows.webhook(one(self.request, self.kwargs["subscription"]))

    def delete(self, request: Any, **named: Any) -> Response:
        """Be told no more.  Its log stays."""
        subscribing.end(one(request, named["subscription"]), because="its owner ended it")
        return Response(status=204)


class Resume(WriteView):
    """Switch a suspended webhook on again."""

    group, scope, created_dataclass = "webhooks", SCOPE, rows.WebhookRow
    refuses = (403, 409)
    body_class = EmptyBody

    def post(self, request: Any, **named: Any) -> Response:
        """Be told again, from now on, by a webhook that was suspended because it failed for an hour."""
        self.read_body(request)
        subscription = one(request, named["subscription"])
        if not subscribing.switch_on(subscription):
            sentence = "The webhook is not suspended." if subscription.active else "The webhook has ended."
            raise conflict(sentence, code="not_suspended", fix="Look at it again; make another where it has ended.")
        return self.created(rows.webhook(one(request, named["subscription"])))


class DeliveryFilters(FilterSet):
    state = Filter(DELIVERY_STATES, "state", "In this state.")
    kind = Filter(WORD, "event__kind", "Of events of this kind.")


class WebhookDeliveries(PersonalView, ListView):
    """What was sent to one of my webhooks, try by try, newest first."""

    group, dataclass, scope, newest_first = "webhooks", rows.DeliveryRow, SCOPE, True
    filterset_class = DeliveryFilters
    queryset = Delivery.objects.none()
    to_row = staticmethod(rows.delivery)

    def get_queryset(self) -> QuerySet[Any]:
        return deliveries(one(self.request, self.kwargs["subscription"]))


def deliveries(subscription: Subscription) -> QuerySet[Delivery]:
    every = subscription.deliveries.select_related("subscription", "event__competition")
    return every.prefetch_related("tried").order_by()


class Replay(WriteView):
    """Send a letter again."""

    group, scope, created_dataclass = "webhooks", SCOPE, rows.DeliveryRow
    refuses = (403, 409)
    body_class = EmptyBody

    def post(self, request: Any, **named: Any) -> Response:
        """Send a letter once more, under the same `webhook-id`, whether it arrived before or was given up."""
        self.read_body(request)
        subscription = one(request, named["subscription"])
        row = deliveries(subscription).filter(public_id=named["delivery"]).first()
        if row is None:
            raise missing("This webhook was never sent such a letter.")
        if subscription.suspended_at:
            raise conflict(
                "The webhook is suspended.", code="suspended", fix="Mend the receiver, then resume it first."
            )
        redelivery = Move("waiting", because="its owner asked for it again")
        if not subscription.active or row.state == "waiting" or not engine.move(row, redelivery, now=clock.now()):
            sentence = "The letter is on its way." if row.state == "waiting" else "The webhook has ended."
            raise conflict(sentence, code="not_replayable", fix="Look at the delivery again in a while.")
        return self.created(rows.delivery(deliveries(subscription).get(pk=row.pk)))
