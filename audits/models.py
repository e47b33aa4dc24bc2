"""What is checked before a win counts?  Pod runs that generate the outputs again, audits, and their findings."""

from __future__ import annotations

from collections.abc import Iterable
from typing import ClassVar

from django.db import models

from audits.reviews.models import Appeal as Appeal  # this app's, too
from audits.reviews.models import Correction as Correction
from audits.reviews.models import Reminder as Reminder
from audits.reviews.models import Ruling as Ruling
from audits.states import AuditStates, BuildStates, PodRunStates
from competition.decisions.attempts import number_document, repeat_of
from competition.models import Attempt, Round, Submission
from core.machine.stateful import Stateful


class PodRun(Stateful):
    """One run of a submission's code: on the round's prompts for the leader's outputs or an audit, on fresh prompts for
    a title match.  The purposes of a winner's further regenerations are numbered: `audit_1`.  One that was lost, or has
    more to bring, is made in another `attempt`.  Where rules go by speed the leader's code may run once more `beside` a
    winner's, for its time alone: it brings nothing, and nobody waits long for it.

    `handle` finds the pod again after a worker died, `progress` is the state of `audits.decisions.lifecycle`,
    `isolation` lists what the pod was and was not kept from, `mean_output_s` is the mean of `audits.decisions.speed`,
    `rentals` are the pods of `audits.decisions.rentals`, `usd` what they cost, unknown where one has no price.
    """

    class Purpose(models.TextChoices):
        LEADER = "leader"
        AUDIT = "audit"
        TITLE = "title"
        BESIDE = "beside"

    ON_FRESH_PROMPTS: ClassVar[str] = Purpose.TITLE
    """Of the run that generates a round's fresh prompts, batch by batch as its matches ask for them."""

    graph = PodRunStates
    submission = models.ForeignKey(Submission, models.PROTECT, related_name="pod_runs")
    purpose = models.CharField(max_length=8, choices=Purpose.choices)
    attempt = models.ForeignKey(Attempt, models.PROTECT, null=True, blank=True, related_name="pod_runs")
    beside = models.OneToOneField("self", models.PROTECT, null=True, blank=True, related_name="leaders_run")
    seed = models.PositiveBigIntegerField()
    provider = models.CharField(max_length=40)
    handle = models.JSONField(null=True, blank=True)
    progress = models.JSONField(default=dict)
    isolation = models.JSONField(default=list)
    generated_s = models.PositiveIntegerField(default=0)
    mean_output_s = models.FloatField(null=True, blank=True)
    rentals = models.JSONField(default=list, db_default=[], blank=True)
    usd = models.FloatField(null=True, blank=True)
    log = models.TextField(blank=True, default="")

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["submission", "purpose", "attempt"], name="one_pod_run_per_attempt", nulls_distinct=False
            )
        ]

    @property
    def on_fresh_prompts(self) -> bool:
        return self.purpose == self.ON_FRESH_PROMPTS

    def describe(self) -> dict[str, object]:
        run = {"entry": self.submission.key, "purpose": self.purpose, "repeat": repeat_of(self.attempt)}
        described = {"round": self.submission.round.number, **run}
        if self.beside is not None:
            audited = self.beside.describe()
            described["beside"] = {name: audited[name] for name in run}
        return described

    def waiting_rounds(self) -> Iterable[Stateful]:
        return () if self.beside_id else (self.submission.round,)

    def competition_pk(self) -> int:
        return self.submission.round.competition_id

    def wakes(self) -> Iterable[Stateful]:
        audited = self.beside.submission if self.beside else self.submission
        return (self.submission.round, *audited.audits.filter(state="gathering"))


class Build(Stateful):
    """The image of a submission's commit, for the providers that run images: built once, from our own archive of it."""

    graph = BuildStates
    submission = models.OneToOneField(Submission, models.PROTECT, related_name="build")
    builder = models.CharField(max_length=40)
    archive = models.CharField(max_length=64, blank=True, default="")
    digest = models.CharField(max_length=300, blank=True, default="")
    log = models.TextField(blank=True, default="")
    disturbed = models.PositiveSmallIntegerField(default=0)

    def describe(self) -> dict[str, object]:
        return {"round": self.submission.round.number, "entry": self.submission.key, "builder": self.builder}

    def waiting_rounds(self) -> Iterable[Stateful]:
        return (self.submission.round,)

    def competition_pk(self) -> int:
        return self.submission.round.competition_id

    def wakes(self) -> Iterable[Stateful]:
        return self.submission.pod_runs.filter(state="warming")


class Audit(Stateful):
    """A source audit or a generation audit of one entry in one round.

    A verdict is never edited: that of another `attempt` supersedes it.  One that belongs to a `correction` is in force
    only once that is applied.  `people`: who decided, where the tools could not; nobody otherwise.
    """

    class Kind(models.TextChoices):
        SOURCE = "source"
        GENERATION = "generation"

    finding_count: int  # of rows that `queries.shown` has read
    graph = AuditStates
    round = models.ForeignKey(Round, models.PROTECT, related_name="audits")
    submission = models.ForeignKey(Submission, models.PROTECT, related_name="audits")
    kind = models.CharField(max_length=12, choices=Kind.choices)
    attempt = models.ForeignKey(Attempt, models.PROTECT, null=True, blank=True, related_name="audits")
    correction = models.ForeignKey(Correction, models.PROTECT, null=True, blank=True, related_name="audits")
    code = models.CharField(max_length=60, blank=True, default="")
    reason = models.TextField(blank=True, default="")
    people = models.JSONField(default=list, blank=True)
    limits = models.JSONField(default=dict)
    numbers = models.JSONField(default=dict)

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["submission", "kind", "attempt"], name="one_audit_per_attempt", nulls_distinct=False
            )
        ]

    def describe(self) -> dict[str, object]:
        named = {"round": self.round.number, "entry": self.submission.key, "audit": self.kind}
        return {**named, **number_document("version", self.attempt)}

    def waiting_rounds(self) -> Iterable[Stateful]:
        return (self.round,)

    def competition_pk(self) -> int:
        return self.round.competition_id

    def wakes(self) -> Iterable[Stateful]:
        return (self.round,)


class SourceCopy(models.Model):
    """The code of one commit as it was first fetched.  This is audited, compared and shown, whatever its host says.

    `archive` is a deterministic tar in the store, `left_out` what the commit holds that is no plain file (as findings),
    `origin` where it came from, `fingerprint` the hash of what lineage compares, "" until it is computed.
    """

    repo = models.CharField(max_length=201)
    commit = models.CharField(max_length=40)
    origin = models.CharField(max_length=300)
    archive = models.CharField(max_length=64)
    files = models.PositiveIntegerField()
    size = models.PositiveBigIntegerField()
    left_out = models.JSONField(default=list)
    fingerprint = models.CharField(max_length=64, blank=True, default="")
    fetched_at = models.DateTimeField()

    class Meta:
        constraints = [models.UniqueConstraint(fields=["repo", "commit"], name="one_copy_per_commit")]


class CheckRun(models.Model):
    """One check of one source audit: which tool and version, under which rules, behind which walls, and its output.

    `outcome`: done; exhausted (the code made it use up its limits: a person must look); broken (ours: it is retried);
    unconfigured (it needs something that this deployment does not have: never a pass).  `raw` is its whole output in
    the store, `summary` the few facts of it that a page shows.
    """

    class Outcome(models.TextChoices):
        DONE = "done"
        EXHAUSTED = "exhausted"
        BROKEN = "broken"
        UNCONFIGURED = "unconfigured"

    audit = models.ForeignKey(Audit, models.PROTECT, related_name="checks")
    check_name = models.CharField(max_length=40)
    tool = models.CharField(max_length=60)
    tool_version = models.CharField(max_length=40)
    ruleset = models.CharField(max_length=64)
    outcome = models.CharField(max_length=12, choices=Outcome.choices)
    why = models.TextField(blank=True, default="")
    tries = models.PositiveSmallIntegerField(default=1)
    walls = models.JSONField(default=list)
    raw = models.CharField(max_length=64, blank=True, default="")
    summary = models.JSONField(default=dict)

    class Meta:
        ordering = ["check_name"]
        constraints = [models.UniqueConstraint(fields=["audit", "check_name"], name="one_run_per_check")]


class Finding(models.Model):
    """One observation with its evidence: what, where, by which check, with which tool in which version."""

    audit = models.ForeignKey(Audit, models.PROTECT, related_name="findings")
    check_name = models.CharField(max_length=40, blank=True, default="")
    tool = models.CharField(max_length=60, blank=True, default="")
    tool_version = models.CharField(max_length=40, blank=True, default="")
    severity = models.CharField(max_length=12)
    rule = models.CharField(max_length=60)
    file = models.CharField(max_length=300, blank=True, default="")
    line = models.PositiveIntegerField(null=True)
    excerpt = models.TextField(blank=True, default="")
    sentence = models.TextField()

    class Meta:
        ordering = ["pk"]
