"""What has been seen of a real chain?  Written by `manage.py runchain` alone; everybody else reads these rows.

A row says what enough endpoints agreed on at a finalised block.  Times of the watching itself are the database's own
clock, so that a worker whose clock is wrong sees the same age as every other.
"""

from __future__ import annotations

from django.db import models
from django.db.models import Q


class ObservedChain(models.Model):
    """One chain: the last finalised block that was agreed on and read, and what is wrong with it just now."""

    name = models.CharField(max_length=40, unique=True)  # as in `Competition.chain`, e.g. bittensor:17
    genesis = models.CharField(max_length=64, blank=True, default="")
    block = models.PositiveBigIntegerField(default=0)
    block_hash = models.CharField(max_length=64, blank=True, default="")
    block_at = models.DateTimeField(null=True)  # what the chain says of the block's time
    read_at = models.DateTimeField(null=True)  # when that block was read
    looked_at = models.DateTimeField(null=True)  # the heartbeat: the last look, whatever came of it
    fault_code = models.CharField(max_length=30, blank=True, default="")
    fault = models.TextField(blank=True, default="")
    fault_since = models.DateTimeField(null=True)
    remark = models.TextField(blank=True, default="")  # of what stops nothing: a gap, a clock that differs
    subnet = models.JSONField(default=dict)  # decisions.weights.Subnet, and who owns the subnet
    weights_said = models.TextField(blank=True, default="")  # what the last look at the weights decided
    weights_at = models.DateTimeField(null=True)

    def __str__(self) -> str:
        return self.name


class ObservedEndpoint(models.Model):
    """What one endpoint answered last.  `shown` has no path and no key in it."""

    chain = models.ForeignKey(ObservedChain, models.CASCADE, related_name="endpoints")
    shown = models.CharField(max_length=120)
    finalised = models.PositiveBigIntegerField(null=True)
    spec = models.PositiveIntegerField(null=True)
    answered_at = models.DateTimeField(null=True)
    fault = models.TextField(blank=True, default="")
    seconds = models.FloatField(null=True)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["chain", "shown"], name="one_row_per_endpoint")]
        ordering = ["shown"]


class ObservedBlock(models.Model):
    """A finalised block, its hash, and the endpoints that reported it."""

    chain = models.ForeignKey(ObservedChain, models.CASCADE, related_name="blocks")
    number = models.PositiveBigIntegerField()
    hash = models.CharField(max_length=64)
    at = models.DateTimeField()
    told_by = models.JSONField(default=list)
    seen_at = models.DateTimeField()

    class Meta:
        constraints = [models.UniqueConstraint(fields=["chain", "number"], name="one_hash_per_block")]
        ordering = ["number"]


class ObservedReveal(models.Model):
    """A revealed commitment, once: the chain keeps ten of each hotkey, these rows keep all.

    `position` counts the messages of one hotkey in one block, in the chain's order.
    """

    chain = models.ForeignKey(ObservedChain, models.CASCADE, related_name="reveals")
    hotkey = models.CharField(max_length=48)
    block = models.PositiveBigIntegerField()
    position = models.PositiveIntegerField()
    payload = models.BinaryField()
    sha256 = models.CharField(max_length=64)
    read_block = models.PositiveBigIntegerField()  # the finalised block whose state told it
    read_hash = models.CharField(max_length=64)
    seen_at = models.DateTimeField()

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["chain", "hotkey", "block", "sha256"], name="an_observed_reveal_once"),
            models.UniqueConstraint(fields=["chain", "hotkey", "block", "position"], name="one_reveal_per_place"),
        ]
        ordering = ["block", "position", "hotkey"]
        indexes = [models.Index(fields=["chain", "block"], name="reveals_by_block")]


class ObservedNeuron(models.Model):
    """Who is registered on the subnet at the last block read."""

    chain = models.ForeignKey(ObservedChain, models.CASCADE, related_name="neurons")
    uid = models.PositiveIntegerField()
    hotkey = models.CharField(max_length=48)
    coldkey = models.CharField(max_length=48)
    registered_at_block = models.PositiveBigIntegerField()
    alpha = models.PositiveBigIntegerField(default=0)  # staked to the hotkey, in 10^-9

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["chain", "uid"], name="one_neuron_per_uid"),
            models.UniqueConstraint(fields=["chain", "hotkey"], name="one_neuron_per_hotkey"),
        ]
        ordering = ["uid"]


class WeightSetting(models.Model):
    """One attempt to set weights, written down before anything is sent: a crash leaves a row to look after."""

    class Outcome(models.TextChoices):
        UNKNOWN = ""
        SET = "set"
        COMMITTED = "committed"
        FAILED = "failed"
        LOST = "lost"

    competition = models.ForeignKey("competition.Competition", models.PROTECT, related_name="weight_settings")
    chain = models.ForeignKey(ObservedChain, models.CASCADE, related_name="settings")
    hotkey = models.CharField(max_length=48)
    block = models.PositiveBigIntegerField()
    until_block = models.PositiveBigIntegerField()
    vector = models.JSONField()  # uid -> "n/d"
    values = models.JSONField()  # uid -> u16
    proof = models.JSONField(default=dict)
    outcome = models.CharField(max_length=10, blank=True, default="", choices=Outcome.choices)
    extrinsic = models.CharField(max_length=80, blank=True, default="")
    error = models.TextField(blank=True, default="")
    failures = models.PositiveIntegerField(default=0)
    created_at = models.DateTimeField()
    settled_at = models.DateTimeField(null=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["chain", "hotkey"], condition=Q(outcome=""), name="one_attempt_at_a_time")
        ]
        ordering = ["-pk"]


class Beacon(models.Model):
    """The value of a public beacon that went into a round's seed."""

    round = models.OneToOneField("competition.Round", models.PROTECT, related_name="beacon")
    kind = models.CharField(max_length=40)
    number = models.PositiveBigIntegerField()
    signature = models.CharField(max_length=192)
    block_ms = models.PositiveBigIntegerField()  # the seed block's time, from which the beacon's round follows

    def as_json(self) -> dict[str, object]:
        fields = {"kind": self.kind, "round": self.number, "signature": self.signature}
        return {**fields, "block_ms": self.block_ms}


class Anchor(models.Model):
    """A checkpoint's head on the chain, put there by the operator's hotkey."""

    checkpoint = models.OneToOneField("competition.Checkpoint", models.PROTECT, related_name="anchor")
    chain = models.ForeignKey(ObservedChain, models.CASCADE, related_name="anchors")
    text = models.CharField(max_length=128)
    block = models.PositiveBigIntegerField(null=True)  # where the chain has it; null: sent, not read back yet
    block_hash = models.CharField(max_length=64, blank=True, default="")
    hotkey = models.CharField(max_length=48)
    failures = models.PositiveIntegerField(default=0)
    error = models.TextField(blank=True, default="")
    sent_at_block = models.PositiveBigIntegerField(default=0)
    created_at = models.DateTimeField()

    class Meta:
        ordering = ["pk"]
