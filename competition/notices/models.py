"""What is kept of notices?  Who asked for which events, each letter, each try, and how far each ledger was read."""

from __future__ import annotations

import uuid

from django.db import models

from competition.states import DeliveryStates
from core.machine.stateful import Stateful


class Subscription(models.Model):
    """Somebody who wants to hear: of these kinds of events (`["appeal.*"]`), of one competition or all, of one miner
    or all.  `address` is private: a Discord address is a password.  `owner`: a hotkey, or a name of the platform's.

    `failing_since`: of the first try since the last letter that arrived, `failures` how many, `next_at` when the next
    letter is tried.  One that fails for an hour is suspended until its owner switches it on again.
    """

    public_id = models.UUIDField(default=uuid.uuid4, unique=True)
    competition = models.ForeignKey("competition.Competition", models.PROTECT, null=True, related_name="subscriptions")
    miner = models.CharField(max_length=48, blank=True, default="")
    kinds = models.JSONField(default=list)
    channel = models.CharField(max_length=40)  # a name in `notices.channels.CHANNELS`
    address = models.TextField()
    owner = models.CharField(max_length=150, db_index=True)
    active = models.BooleanField(default=True)
    ended_because = models.TextField(blank=True, default="")
    created_at = models.DateTimeField()
    failing_since = models.DateTimeField(null=True, blank=True)
    failures = models.PositiveIntegerField(default=0)
    next_at = models.DateTimeField(null=True, blank=True)
    suspended_at = models.DateTimeField(null=True, blank=True)
    suspended_because = models.TextField(blank=True, default="")

    class Meta:
        app_label = "competition"
        ordering = ["pk"]

    def __str__(self) -> str:
        return f"{self.channel} of {self.owner}"


class Delivery(Stateful):
    """One event for one subscription: sent once, tried until it arrived.  It is due once it is its turn."""

    graph = DeliveryStates
    in_ledger = False
    public_id = models.UUIDField(default=uuid.uuid4, unique=True)
    subscription = models.ForeignKey(Subscription, models.PROTECT, related_name="deliveries")
    event = models.ForeignKey("competition.LedgerEvent", models.PROTECT, related_name="deliveries")

    class Meta:
        app_label = "competition"
        constraints = [models.UniqueConstraint(fields=["subscription", "event"], name="one_letter_per_event")]
        indexes = [models.Index(fields=["state", "due_at"], name="delivery_due")]
        ordering = ["-pk"]

    def describe(self) -> dict[str, object]:
        return {"delivery": str(self.public_id)}

    def competition_pk(self) -> int:
        return self.event.competition_id


class DeliveryTry(models.Model):
    """What one try came to.  `status`: what the receiver's server answered, null where none did."""

    delivery = models.ForeignKey(Delivery, models.CASCADE, related_name="tried")
    at = models.DateTimeField()
    status = models.PositiveSmallIntegerField(null=True)
    code = models.CharField(max_length=40)
    sentence = models.TextField(blank=True, default="")

    class Meta:
        app_label = "competition"
        ordering = ["pk"]


class ReadUpTo(models.Model):
    """Up to which event of a ledger everybody's letters are written."""

    competition = models.OneToOneField("competition.Competition", models.PROTECT, related_name="notices_read")
    seq = models.PositiveBigIntegerField(default=0)

    class Meta:
        app_label = "competition"
