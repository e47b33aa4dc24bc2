"""What is stored of a judge that judges beside the official one?  Its runs, its verdicts, its answers.

None of these rows is a state of the game: the engine does not move them, no round waits for them, nothing publishes or
sums them.  They go where their round, entry or prompt goes.
"""

from __future__ import annotations

from django.db import models

from competition.models import Prompt, Round, Submission
from core.machine.stateful import FailureClass


class ShadowRun(models.Model):
    """One judge beside one round; a second call of the command goes on with the same run.

    `judge`: its version's SHA-256; `described`: what makes up a model's version; `sample`: how many duels were asked
    for, null for the whole round; `most_duels`, `most_questions`: the bound that was announced; `price`: of a thousand
    questions, null where it is not known; `ended_at`: null while it is open; `halted`: why it stopped before its end.
    """

    round = models.ForeignKey(Round, models.CASCADE, related_name="+")
    judge_name = models.CharField(max_length=100)
    judge = models.CharField(max_length=64)
    described = models.JSONField(default=dict)
    sample = models.PositiveIntegerField(null=True)
    most_duels = models.PositiveIntegerField(default=0)
    most_questions = models.PositiveIntegerField(default=0)
    price = models.DecimalField(max_digits=12, decimal_places=4, null=True)
    begun_at = models.DateTimeField()
    last_at = models.DateTimeField()
    ended_at = models.DateTimeField(null=True)
    halted = models.TextField(blank=True, default="")

    class Meta:
        constraints = [models.UniqueConstraint(fields=["round", "judge"], name="one_shadow_run_per_judge")]

    def __str__(self) -> str:
        return f"{self.judge_name} beside {self.round}"


class ShadowDuel(models.Model):
    """What the second judge made of two assets on one prompt.  Named by the match and not by its row, because its
    verdicts may lead to matches that were never played.

    `state` and `outcome` are those of `judging.models.Duel`: judged, forfeited, or void where there is no verdict yet.
    """

    run = models.ForeignKey(ShadowRun, models.CASCADE, related_name="duels")
    kind = models.CharField(max_length=40)
    defender = models.ForeignKey(Submission, models.CASCADE, related_name="+")
    challenger = models.ForeignKey(Submission, models.CASCADE, related_name="+")
    prompt = models.ForeignKey(Prompt, models.CASCADE, related_name="+")
    position = models.PositiveIntegerField()
    left_sha256 = models.CharField(max_length=64, blank=True, default="")
    right_sha256 = models.CharField(max_length=64, blank=True, default="")
    state = models.CharField(max_length=12)
    outcome = models.CharField(max_length=12, blank=True, default="")
    score_micro = models.IntegerField(null=True)
    detail = models.JSONField(default=dict)
    failure_class = models.CharField(max_length=16, choices=FailureClass.choices, blank=True, default="")
    failure_code = models.CharField(max_length=40, blank=True, default="")
    failure_reason = models.TextField(blank=True, default="")
    made_at = models.DateTimeField()

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["run", "kind", "defender", "challenger", "prompt"], name="one_shadow_duel_per_place"
            )
        ]

    def __str__(self) -> str:
        return f"{self.kind} {self.position} {self.state}"

    @property
    def exhausted(self) -> bool:
        """Has it no answer, however often it was asked about?"""
        return self.state == "void"


class ShadowAnswer(models.Model):
    """One answer of the second judge, by the key of its question; it serves every duel of the run, and no other run.

    `raw`: what came over the wire, or the score of a judge that computes; `attempt`: from 1.
    """

    run = models.ForeignKey(ShadowRun, models.CASCADE, related_name="answers")
    key = models.CharField(max_length=64)
    kind = models.CharField(max_length=20)
    probabilities = models.JSONField(default=dict)
    mass = models.FloatField()
    text = models.TextField(blank=True, default="")
    raw = models.JSONField(default=dict)
    latency_ms = models.PositiveIntegerField(default=0)
    attempt = models.PositiveSmallIntegerField(default=1)
    made_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["run", "key"], name="one_shadow_answer_per_question")]

    def __str__(self) -> str:
        return f"{self.kind} {self.key[:12]}"
