"""What do people decide, and what do miners object to?  Rulings, appeals and corrections."""

from __future__ import annotations

from collections.abc import Iterable

from django.conf import settings
from django.db import models
from django.db.models import F, Q

from audits.states import AppealStates, CorrectionStates, RulingStates
from competition.models import Attempt, Miner, Round
from core.machine.stateful import Stateful


class Correction(Stateful):
    """A round decided again, beside the decision that stands: why, on what whole set, and what would change.

    It asks for an `attempt` at the decision: its matches point there.  `before` is the decision it would replace,
    `preview` what would stand in its place; both stay.  `choice`: of duels judged again, what the fault touched.
    """

    class Scope(models.TextChoices):
        DECISION = "decision", "the decision, after an appeal that was upheld"
        SOURCE = "source", "every source audit of the round"
        GENERATION = "generation", "every generation audit of the round"
        DUELS = "duels", "duels judged again"

    graph = CorrectionStates
    round = models.ForeignKey(Round, models.PROTECT, related_name="corrections")
    number = models.PositiveIntegerField()
    attempt = models.OneToOneField(Attempt, models.PROTECT, related_name="correction")
    scope = models.CharField(max_length=10, choices=Scope.choices)
    choice = models.JSONField(default=dict, blank=True)
    code = models.CharField(max_length=40)
    sentence = models.TextField()
    opened_by = models.CharField(max_length=150)
    before = models.JSONField(default=dict)
    preview = models.JSONField(default=dict)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["round", "number"], name="corrections_are_numbered"),
            models.UniqueConstraint(
                fields=["round"], condition=Q(state__in=("staged", "ready")), name="one_open_correction_per_round"
            ),
        ]
        ordering = ["pk"]

    def describe(self) -> dict[str, object]:
        return {"round": self.round.number, "correction": self.number}

    def competition_pk(self) -> int:
        return self.round.competition_id


class Appeal(Stateful):
    """A miner's objection to one verdict.  `document` is what was signed, to the letter; `block` when it was lodged."""

    graph = AppealStates
    audit = models.ForeignKey("audits.Audit", models.PROTECT, related_name="appeals")
    appellant = models.ForeignKey(Miner, models.PROTECT, related_name="appeals")
    document = models.JSONField()
    signature = models.CharField(max_length=128)
    block = models.PositiveBigIntegerField()
    last_block = models.PositiveBigIntegerField(null=True)
    decide_by = models.DateTimeField()
    code = models.CharField(max_length=60, blank=True, default="")
    reason = models.TextField(blank=True, default="")

    class Meta:
        constraints = [models.UniqueConstraint(fields=["audit", "appellant"], name="one_appeal_per_verdict")]
        ordering = ["pk"]

    def describe(self) -> dict[str, object]:
        return {**self.audit.describe(), "appellant": self.appellant.hotkey}

    def competition_pk(self) -> int:
        return self.audit.competition_pk()

    def wakes(self) -> Iterable[Stateful]:
        return (self.audit.round,)


class Reminder(models.Model):
    """The reminder for a case that nears its deadline: written once."""

    case = models.CharField(max_length=10)
    row = models.PositiveBigIntegerField()
    told_at = models.DateTimeField()

    class Meta:
        constraints = [models.UniqueConstraint(fields=["case", "row"], name="one_reminder_per_case")]


class Ruling(Stateful):
    """What one person proposed about one case, and who confirmed it.  The database refuses the same person twice."""

    graph = RulingStates
    number = models.PositiveIntegerField()
    case = models.CharField(max_length=10)
    audit = models.ForeignKey("audits.Audit", models.PROTECT, null=True, related_name="rulings")
    appeal = models.ForeignKey(Appeal, models.PROTECT, null=True, related_name="rulings")
    correction = models.ForeignKey(Correction, models.PROTECT, null=True, related_name="rulings")
    round = models.ForeignKey(Round, models.PROTECT, related_name="rulings")
    outcome = models.CharField(max_length=10)
    code = models.CharField(max_length=40)
    sentence = models.TextField()
    first = models.ForeignKey(settings.AUTH_USER_MODEL, models.PROTECT, related_name="rulings_proposed")
    first_name = models.CharField(max_length=150)
    first_role = models.CharField(max_length=20)
    second = models.ForeignKey(settings.AUTH_USER_MODEL, models.PROTECT, null=True, related_name="rulings_settled")
    second_name = models.CharField(max_length=150, blank=True, default="")

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["round", "number"], name="rulings_are_numbered"),
            models.CheckConstraint(
                condition=~Q(state="confirmed") | (Q(second__isnull=False) & ~Q(second=F("first"))),
                name="two_people_are_two",
            ),
            *(
                models.UniqueConstraint(fields=[case], condition=Q(state="proposed"), name=f"one_proposal_per_{case}")
                for case in ("audit", "appeal", "correction")
            ),
        ]
        ordering = ["pk"]

    @property
    def subject(self) -> Stateful:
        subject = self.audit or self.appeal or self.correction
        if subject is None:
            raise ValueError(f"ruling {self.pk} is about nothing")
        return subject

    def describe(self) -> dict[str, object]:
        return {**self.subject.describe(), "case": self.case, "ruling": self.number}

    def competition_pk(self) -> int:
        return self.round.competition_id
