"""What does the game consist of?  Competitions, rounds, prompts, miners, reveals, submissions, assets, reigns.

What was seen of a real chain is in `competition.chain.observations`.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from django.db import models
from django.db.models import Q

from competition.decisions.schedule import Schedule, lengthened
from competition.notices.models import Delivery, DeliveryTry, ReadUpTo, Subscription  # noqa: F401  (this app's, too)
from competition.states import AssetStates, RoundStages
from competition.stored_files.damage import Damage  # noqa: F401  (this app's, too)
from core.machine.stateful import Stateful
from core.queue.heartbeats import Heartbeat  # noqa: F401  (this app's, too)

LAST_BLOCK = 2**62  # far beyond any chain's


class Competition(models.Model):
    """A series of rounds.

    `config` is the competition's own data (windows in blocks, rig, limits); `judge`, `renderer`, `chain` and `pods`
    name the implementation behind each edge.
    """

    slug = models.SlugField(unique=True)
    name = models.CharField(max_length=80)
    description = models.TextField(blank=True, default="")
    ruleset = models.CharField(max_length=40)
    judge = models.CharField(max_length=100)  # of a plug-in with an argument, as `openai:vlm-2`; so is `chain`
    renderer = models.CharField(max_length=40)
    chain = models.CharField(max_length=100)
    pods = models.CharField(max_length=40)
    config = models.JSONField(default=dict)
    active = models.BooleanField(default=True)
    created_at = models.DateTimeField()

    def __str__(self) -> str:
        return self.slug

    def current_round(self) -> Round | None:
        return self.rounds.order_by("-number").first()


class Round(Stateful):
    """One round, with the rules it is played under (`rules` is a copy, never edited) and its schedule in blocks."""

    graph = RoundStages
    competition = models.ForeignKey(Competition, models.PROTECT, related_name="rounds")
    number = models.PositiveIntegerField()
    ruleset = models.CharField(max_length=40)
    rules = models.JSONField(default=dict)
    # the version by which what is measured of drawn files is published; "" of a round announced before there was one
    measure = models.CharField(max_length=40, blank=True, default="", db_default="")
    earliest_reveal_block = models.PositiveBigIntegerField()
    latest_reveal_block = models.PositiveBigIntegerField()
    seed_block = models.PositiveBigIntegerField()
    generation_deadline_block = models.PositiveBigIntegerField()
    seed_block_hash = models.CharField(max_length=64, blank=True, default="")
    seed = models.CharField(max_length=64, blank=True, default="")
    defending = models.ForeignKey("Reign", models.PROTECT, null=True, blank=True, related_name="defences")
    paused_from = models.CharField(max_length=20, blank=True, default="")
    paused_at_block = models.PositiveBigIntegerField(null=True, blank=True)  # of one whose window is open meanwhile
    headline = models.TextField(blank=True, default="")
    decision = models.JSONField(null=True, blank=True)
    # of a round that was played elsewhere: era, commit, stated and recomputed margins; empty for our own
    source = models.JSONField(default=dict, blank=True)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["competition", "number"], name="one_round_per_number")]
        ordering = ["competition", "number"]

    def __str__(self) -> str:
        return f"{self.competition.slug} round {self.number}"

    def describe(self) -> dict[str, object]:
        return {"round": self.number}

    def waiting_rounds(self) -> Iterable[Round]:
        return (self,)

    def competition_pk(self) -> int:
        return self.competition_id

    @property
    def takes_reveals(self) -> bool:
        """Is its window open, or still to open?  One that is paused meanwhile waits, and takes reveals all the same."""
        return self.state == "open" or (self.state == "paused" and self.paused_from == "open")

    def schedule_at(self, block: int) -> Schedule:
        """Its blocks, as they would be if a pause of its open window ended at this one."""
        names = ("earliest_reveal_block", "latest_reveal_block", "seed_block", "generation_deadline_block")
        schedule = Schedule(**{name: getattr(self, name) for name in names})
        if self.state != "paused" or self.paused_from != "open" or self.paused_at_block is None:
            return schedule
        return lengthened(schedule, paused_at=self.paused_at_block, block=block)

    @property
    def reveal_window(self) -> tuple[int, int]:
        """First and last block of reveals that count; while its open window is paused there is no last one yet."""
        waits = self.state == "paused" and self.takes_reveals and self.paused_at_block is not None
        return self.earliest_reveal_block, LAST_BLOCK if waits else self.latest_reveal_block


class Prompt(models.Model):
    """A picture of the competition's pool.  Its bytes lie in the store under `sha256`.

    One of an imported round has a `url`; its hash is empty until the picture is mirrored.
    """

    competition = models.ForeignKey(Competition, models.PROTECT, related_name="pool")
    stem = models.CharField(max_length=80)
    sha256 = models.CharField(max_length=64, blank=True, default="")
    bytes = models.PositiveIntegerField(default=0)
    url = models.TextField(blank=True, default="")

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["competition", "stem"], name="one_prompt_per_stem"),
            models.UniqueConstraint(
                fields=["competition", "sha256"], condition=Q(url=""), name="one_prompt_per_picture"
            ),
            models.CheckConstraint(condition=~Q(sha256="") | ~Q(url=""), name="a_prompt_has_its_hash_or_an_address"),
        ]

    def __str__(self) -> str:
        return self.stem


class RoundPrompt(models.Model):
    """A prompt drawn for a round, in seed order."""

    round = models.ForeignKey(Round, models.PROTECT, related_name="drawn")
    prompt = models.ForeignKey(Prompt, models.PROTECT, related_name="draws")
    position = models.PositiveIntegerField()

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["round", "position"], name="one_prompt_per_position"),
            models.UniqueConstraint(fields=["round", "prompt"], name="a_prompt_is_drawn_once"),
        ]
        ordering = ["position"]


class FreshPrompt(models.Model):
    """A prompt drawn for a round's title matches, in seed order.  Its picture is shown once the round is over."""

    round = models.ForeignKey(Round, models.PROTECT, related_name="fresh")
    prompt = models.ForeignKey(Prompt, models.PROTECT, related_name="fresh_draws")
    position = models.PositiveIntegerField()

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["round", "position"], name="one_fresh_prompt_per_position"),
            models.UniqueConstraint(fields=["round", "prompt"], name="a_fresh_prompt_is_drawn_once"),
        ]
        ordering = ["position"]


class Miner(models.Model):
    """Who submits: an ss58 sr25519 address.  `label` is a name that the demo gives; real miners have none."""

    hotkey = models.CharField(max_length=48, unique=True)
    label = models.CharField(max_length=60, blank=True, default="")
    note = models.TextField(blank=True, default="")

    def __str__(self) -> str:
        return self.hotkey


class Reveal(models.Model):
    """One message on the chain, kept whatever it holds.  `objection` says what is wrong with it, to the miner."""

    competition = models.ForeignKey(Competition, models.PROTECT, related_name="reveals")
    miner = models.ForeignKey(Miner, models.PROTECT, related_name="reveals")
    block = models.PositiveBigIntegerField()
    extrinsic_index = models.PositiveIntegerField()
    payload = models.BinaryField()
    fields = models.JSONField(default=dict)
    objection = models.TextField(blank=True, default="")
    seen_at = models.DateTimeField()

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["competition", "miner", "block", "extrinsic_index"], name="a_reveal_once")
        ]
        ordering = ["block", "extrinsic_index"]


class Submission(models.Model):
    """What a miner's reveals add up to in one round's window.  The leader takes part as one of role `leader`."""

    class Role(models.TextChoices):
        CHALLENGER = "challenger"
        LEADER = "leader"

    round = models.ForeignKey(Round, models.PROTECT, related_name="submissions")
    miner = models.ForeignKey(Miner, models.PROTECT, related_name="submissions")
    role = models.CharField(max_length=12, choices=Role.choices)
    repo = models.CharField(max_length=200, blank=True, default="")
    commit = models.CharField(max_length=40, blank=True, default="", db_index=True)
    cdn_url = models.TextField(blank=True, default="")
    reveal_block = models.PositiveBigIntegerField(null=True)
    extrinsic_index = models.PositiveIntegerField(null=True)
    objection = models.TextField(blank=True, default="")
    copy_of = models.ForeignKey("self", models.PROTECT, null=True, blank=True, related_name="copies")

    class Meta:
        constraints = [models.UniqueConstraint(fields=["round", "miner", "role"], name="one_submission_per_miner")]
        ordering = ["reveal_block", "extrinsic_index", "miner__hotkey"]

    def __str__(self) -> str:
        return f"{self.role} {self.miner.hotkey} in {self.round}"

    @property
    def key(self) -> str:
        """How rules and URLs name it: `leader` is the round's leader, anybody else goes by the hotkey."""
        return "leader" if self.role == self.Role.LEADER else self.miner.hotkey

    @property
    def eligible(self) -> bool:
        return not self.objection


class Asset(Stateful):
    """One 3D file of a submission for one prompt: `submitted` by the miner, or `generated` by the platform on a pod;
    a winner's further regenerations are numbered (`generated_1`).

    `sha256` is frozen at the first download; only that copy is judged, audited and shown.
    """

    class Origin(models.TextChoices):
        SUBMITTED = "submitted"
        GENERATED = "generated"

    graph = AssetStates
    submission = models.ForeignKey(Submission, models.PROTECT, related_name="assets")
    prompt = models.ForeignKey(Prompt, models.PROTECT, related_name="assets")
    origin = models.CharField(max_length=12, choices=Origin.choices)
    sha256 = models.CharField(max_length=64, blank=True, default="", db_index=True)
    bytes = models.PositiveBigIntegerField(default=0)
    content_type = models.CharField(max_length=80, blank=True, default="")

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["submission", "prompt", "origin"], name="one_asset_per_prompt_and_origin"),
            models.CheckConstraint(condition=~Q(state="stored") | ~Q(sha256=""), name="a_stored_asset_has_its_hash"),
        ]
        indexes = [models.Index(fields=["state", "due_at"], name="asset_due")]

    def describe(self) -> dict[str, object]:
        return {
            "round": self.submission.round.number,
            "entry": self.submission.key,
            "prompt": self.prompt.stem,
            "origin": self.origin,
        }

    def competition_pk(self) -> int:
        return self.submission.round.competition_id

    def waiting_rounds(self) -> Iterable[Round]:
        return (self.submission.round,)

    def wakes(self) -> Iterable[Stateful]:
        still = Asset.objects.filter(submission__round=self.submission.round_id, state="downloading")
        return () if still.exists() else (self.submission.round,)


class Attempt(models.Model):
    """That something of a round is done once more: what, the how manieth time, and why.

    What is done for the first time has none; whatever is made in an attempt points to it, and what was made before
    stays beside.  `of`: the decision of the round, its bankroll or controls, the kind of an audit, a run for a purpose;
    `entry`: whose, where it is one entry's.  Which attempt counts is said by what points to it: of matches by
    `Match.counts`, of verdicts by their correction; of anything else the last does.
    """

    class Cause(models.TextChoices):
        CORRECTION = "correction", "the round may be decided anew"
        APPEAL = "appeal", "an appeal was upheld"
        HEALTH = "health", "the judge was not well enough, or may not have been"
        POD = "pod", "a pod was lost through a fault of ours, or there is more for one to bring"

    round = models.ForeignKey(Round, models.PROTECT, related_name="+")
    of = models.CharField(max_length=20)
    entry = models.ForeignKey(Submission, models.PROTECT, null=True, blank=True, related_name="+")
    number = models.PositiveSmallIntegerField()
    cause = models.CharField(max_length=10, choices=Cause.choices)

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["round", "of", "entry", "number"], name="attempts_are_numbered", nulls_distinct=False
            ),
            models.CheckConstraint(condition=Q(number__gt=1), name="a_first_attempt_has_no_row"),
        ]

    def __str__(self) -> str:
        return f"attempt {self.number} at the {self.of} of {self.round}"


class Reign(models.Model):
    """Who leads from which block, and with which weight ("n/d").  Append-only; a defence is an entry of its own.

    `supersedes`: the reign that a corrected decision takes back; it stays, and the later entry counts.
    """

    competition = models.ForeignKey(Competition, models.PROTECT, related_name="reigns")
    sequence = models.PositiveIntegerField()
    miner = models.ForeignKey(Miner, models.PROTECT, related_name="reigns")
    repo = models.CharField(max_length=200, blank=True, default="")
    commit = models.CharField(max_length=40, blank=True, default="")
    image = models.TextField(blank=True, default="")
    weight = models.CharField(max_length=40)
    effective_block = models.PositiveBigIntegerField()
    won_in = models.ForeignKey(Round, models.PROTECT, null=True, blank=True, related_name="reigns_begun")
    defence = models.BooleanField(default=False)
    supersedes = models.ForeignKey("self", models.PROTECT, null=True, blank=True, related_name="superseded_by")

    class Meta:
        constraints = [models.UniqueConstraint(fields=["competition", "sequence"], name="reigns_are_numbered")]
        ordering = ["sequence"]


class Bankroll(models.Model):
    """What the title duels of one commit against one leader's commit had come to when a round ended.

    Append-only: the newest row of an earlier round is what the pair starts with.  A corrected round has another attempt
    at it, where its title duels came to something else.
    """

    round = models.ForeignKey(Round, models.PROTECT, related_name="bankrolls")
    commit = models.CharField(max_length=40)
    leader_commit = models.CharField(max_length=40)
    won = models.PositiveIntegerField(default=0)
    drawn = models.PositiveIntegerField(default=0)
    lost = models.PositiveIntegerField(default=0)
    out = models.BooleanField(default=False)
    attempt = models.ForeignKey(Attempt, models.PROTECT, null=True, blank=True, related_name="bankrolls")

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["round", "commit", "attempt"], name="one_bankroll_per_attempt", nulls_distinct=False
            )
        ]
        indexes = [models.Index(fields=["commit", "leader_commit"], name="bankroll_pair")]


class LedgerEvent(models.Model):
    """One event of a competition's ledger.  The database refuses UPDATE, DELETE and TRUNCATE."""

    competition = models.ForeignKey(Competition, models.PROTECT, related_name="events")
    seq = models.PositiveBigIntegerField()
    kind = models.CharField(max_length=60)
    body = models.JSONField()
    previous = models.CharField(max_length=64)
    hash = models.CharField(max_length=64)
    created_at = models.DateTimeField()

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["competition", "seq"], name="ledger_is_contiguous"),
            models.UniqueConstraint(fields=["competition", "previous"], name="ledger_does_not_fork"),
        ]
        indexes = [models.Index(fields=["competition", "kind", "seq"], name="ledger_kind")]
        ordering = ["seq"]

    def as_json(self) -> dict[str, Any]:
        return {"seq": self.seq, "kind": self.kind, "body": self.body, "previous": self.previous, "hash": self.hash}


class Checkpoint(models.Model):
    """The signed head of a ledger at one moment."""

    competition = models.ForeignKey(Competition, models.PROTECT, related_name="checkpoints")
    seq = models.PositiveBigIntegerField()
    text = models.TextField()
    signature = models.CharField(max_length=128)
    signed_by = models.CharField(max_length=48)
    created_at = models.DateTimeField()

    class Meta:
        constraints = [models.UniqueConstraint(fields=["competition", "seq"], name="one_checkpoint_per_head")]
        ordering = ["seq"]


class SimulatedChain(models.Model):
    """The clock of a simulated chain: block = seconds since genesis / block_seconds + skipped blocks."""

    name = models.SlugField(unique=True)
    genesis_at = models.DateTimeField()
    block_seconds = models.FloatField(default=1.0)
    skipped = models.PositiveBigIntegerField(default=0)
    weights = models.JSONField(default=dict)
    weights_block = models.PositiveBigIntegerField(default=0)


class SimulatedExtrinsic(models.Model):
    """A signed message in a block of a simulated chain (it counts once its block has come)."""

    chain = models.ForeignKey(SimulatedChain, models.CASCADE, related_name="extrinsics")
    block = models.PositiveBigIntegerField()
    index = models.PositiveIntegerField()
    hotkey = models.CharField(max_length=48)
    payload = models.BinaryField()
    signature = models.BinaryField()

    class Meta:
        constraints = [models.UniqueConstraint(fields=["chain", "block", "index"], name="one_extrinsic_per_place")]


class SimulatedRegistration(models.Model):
    """A hotkey registered on a simulated chain."""

    chain = models.ForeignKey(SimulatedChain, models.CASCADE, related_name="registrations")
    uid = models.PositiveIntegerField()
    hotkey = models.CharField(max_length=48)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["chain", "uid"], name="one_hotkey_per_uid"),
            models.UniqueConstraint(fields=["chain", "hotkey"], name="one_uid_per_hotkey"),
        ]
