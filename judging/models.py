"""What is judged?  Renderings of assets, matches between two sides, duels on one prompt."""

from __future__ import annotations

from collections.abc import Iterable

from django.contrib.postgres.indexes import GinIndex
from django.db import models

from competition.machine.stateful import Stateful
from competition.models import Asset, Competition, Prompt, Round, Submission
from judging.states import DuelStates, MatchStates, RenderingStates


class Rendering(Stateful):
    """The views of one file (by content) under one rig.  `views` maps a view's name to the sha256 of its PNG."""

    graph = RenderingStates
    competition = models.ForeignKey(Competition, models.PROTECT, related_name="renderings")
    sha256 = models.CharField(max_length=64, db_index=True)
    rig = models.CharField(max_length=64)
    renderer = models.CharField(max_length=120)
    views = models.JSONField(default=dict)
    triangles = models.PositiveIntegerField(default=0)
    isolation = models.JSONField(default=list)

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["competition", "sha256", "rig", "renderer"], name="one_rendering_per_content"
            )
        ]
        indexes = [
            models.Index(fields=["state", "due_at"], name="rendering_due"),
            GinIndex(fields=["views"], name="rendering_views"),  # is this picture a view of anything?
        ]

    def describe(self) -> dict[str, object]:
        return {"asset": self.sha256, "rig": self.rig, "renderer": self.renderer}

    def competition_pk(self) -> int:
        return self.competition_id

    def wakes(self) -> Iterable[Stateful]:
        sides = Submission.objects.filter(assets__sha256=self.sha256, round__competition=self.competition_id)
        of_sides = models.Q(defender__in=sides) | models.Q(challenger__in=sides)
        return Match.objects.filter(of_sides, state="waiting")


class Match(Stateful):
    """All duels of a defender and a challenger.  `screen`: against the round's leader, `ladder`: against the defender
    of the moment, `audit`: what the platform generated against what the miner submitted."""

    class Kind(models.TextChoices):
        SCREEN = "screen"
        LADDER = "ladder"
        AUDIT = "audit"

    graph = MatchStates
    round = models.ForeignKey(Round, models.PROTECT, related_name="matches")
    kind = models.CharField(max_length=8, choices=Kind.choices)
    defender = models.ForeignKey(Submission, models.PROTECT, related_name="defended")
    defender_origin = models.CharField(max_length=12, choices=Asset.Origin.choices)
    challenger = models.ForeignKey(Submission, models.PROTECT, related_name="challenged")
    challenger_origin = models.CharField(max_length=12, choices=Asset.Origin.choices)
    judge = models.CharField(max_length=64, blank=True, default="")
    judge_name = models.CharField(max_length=60, blank=True, default="")
    won = models.PositiveIntegerField(default=0)
    drawn = models.PositiveIntegerField(default=0)
    lost = models.PositiveIntegerField(default=0)
    void = models.PositiveIntegerField(default=0)
    forfeits_challenger = models.PositiveIntegerField(default=0)
    forfeits_defender = models.PositiveIntegerField(default=0)
    margin_micro = models.IntegerField(null=True)
    stopped = models.CharField(max_length=12, blank=True, default="")
    stopped_after = models.PositiveIntegerField(null=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["round", "kind", "defender", "challenger"], name="one_match_per_pair_and_kind"
            )
        ]
        indexes = [models.Index(fields=["state", "due_at"], name="match_due")]

    def describe(self) -> dict[str, object]:
        return {
            "round": self.round.number,
            "match": self.kind,
            "defender": self.defender.key,
            "challenger": self.challenger.key,
        }

    def competition_pk(self) -> int:
        return self.round.competition_id

    def wakes(self) -> Iterable[Stateful]:
        return (self.round,)


class Duel(Stateful):
    """Two assets on one prompt.  `score_micro` is (s_AB - s_BA)/2 x 10^6, positive when the challenger is better."""

    class Outcome(models.TextChoices):
        DEFENDER = "defender"
        CHALLENGER = "challenger"
        DRAW = "draw"

    graph = DuelStates
    match = models.ForeignKey(Match, models.PROTECT, related_name="duels")
    prompt = models.ForeignKey(Prompt, models.PROTECT, related_name="duels")
    position = models.PositiveIntegerField()
    left_sha256 = models.CharField(max_length=64, blank=True, default="")
    right_sha256 = models.CharField(max_length=64, blank=True, default="")
    outcome = models.CharField(max_length=12, blank=True, default="", choices=Outcome.choices)
    score_micro = models.IntegerField(null=True)
    detail = models.JSONField(default=dict)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["match", "position"], name="one_duel_per_position"),
            models.UniqueConstraint(fields=["match", "prompt"], name="one_duel_per_prompt"),
        ]
        indexes = [
            models.Index(fields=["state", "due_at"], name="duel_due"),
            models.Index(fields=["left_sha256", "right_sha256"], name="duel_sides"),
        ]
        ordering = ["position"]

    def describe(self) -> dict[str, object]:
        return {**self.match.describe(), "prompt": self.prompt.stem, "position": self.position}

    def competition_pk(self) -> int:
        return self.match.round.competition_id

    def wakes(self) -> Iterable[Stateful]:
        return (self.match,)
