"""What is judged?  Renderings of assets, matches between two sides, duels on one prompt."""

from __future__ import annotations

from collections.abc import Iterable
from functools import reduce
from operator import or_
from typing import ClassVar, Self

from django.contrib.postgres.indexes import GinIndex
from django.db import models

from competition.attempts import goes_by
from competition.decisions.attempts import number_document, number_of, plain
from competition.models import Asset, Attempt, Competition, Prompt, Round, Submission
from core.machine.stateful import Stateful
from judging.exam.models import JudgeExam  # noqa: F401  (this app's, too)
from judging.shadow.models import ShadowAnswer, ShadowDuel, ShadowRun  # noqa: F401  (this app's, too)
from judging.states import ControlStates, DuelStates, MatchStates, MeasurementStates, RenderingStates


class Rendering(Stateful):
    """The views of one file (by content) under one rig.  `views` maps a view's name to the sha256 of its PNG;
    `processor_ms`: what the try that settled it took of a processor; None where nobody measured it."""

    graph = RenderingStates
    competition = models.ForeignKey(Competition, models.PROTECT, related_name="renderings")
    sha256 = models.CharField(max_length=64, db_index=True)
    rig = models.CharField(max_length=64)
    renderer = models.CharField(max_length=120)
    views = models.JSONField(default=dict)
    triangles = models.PositiveIntegerField(default=0)
    isolation = models.JSONField(default=list)
    processor_ms = models.PositiveIntegerField(null=True)

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

    def waiting_rounds(self) -> Iterable[Stateful]:
        held = Asset.objects.filter(sha256=self.sha256).values("submission__round")
        return Round.objects.filter(pk__in=held, competition=self.competition_id, state__in=Round.graph.active())

    def competition_pk(self) -> int:
        return self.competition_id

    def wakes(self) -> Iterable[Stateful]:
        sides = Submission.objects.filter(assets__sha256=self.sha256, round__competition=self.competition_id)
        of_sides = models.Q(defender__in=sides) | models.Q(challenger__in=sides)
        return Match.objects.filter(of_sides, state="waiting")


class Measurement(Stateful):
    """How sound a file is, by its hash; `numbers`: those of `formats.integrity.measures` in that `version`;
    `picture`: the hash of a PNG that shows where a mesh is at fault, "" of one that is sound and where none was drawn;
    `positions`: the hash of a file that has those defects for the viewer, "" too of what was measured before it had;
    `processor_ms`: as of a rendering.

    The ledger records no move of it: what was measured is a document of the round's bundle.  What is measured, or not
    to be measured by the file's own fault, stays so.
    """

    graph = MeasurementStates
    in_ledger = False
    competition = models.ForeignKey(Competition, models.PROTECT, related_name="measurements")
    sha256 = models.CharField(max_length=64)
    version = models.CharField(max_length=40)
    numbers = models.JSONField(default=dict)
    picture = models.CharField(max_length=64, blank=True, default="", db_index=True)
    positions = models.CharField(max_length=64, blank=True, default="", db_default="", db_index=True)
    processor_ms = models.PositiveIntegerField(null=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["sha256", "version"], name="one_measurement_per_content_and_version")
        ]
        indexes = [models.Index(fields=["state", "due_at"], name="measurement_due")]

    def describe(self) -> dict[str, object]:
        return {"asset": self.sha256, "version": self.version}

    def waiting_rounds(self) -> Iterable[Stateful]:
        """Only those whose rules go by measurements name a rule for them."""
        held = Asset.objects.filter(sha256=self.sha256).values("submission__round")
        runs = models.Q(state__in=Round.graph.active()) | models.Q(matches__state__in=Match.graph.active())
        return Round.objects.filter(runs, pk__in=held, rules__has_key="integrity", source={}).distinct()

    def competition_pk(self) -> int:
        return self.competition_id


class UnmeasuredFile(models.Model):
    """A drawn file that this edition of a round's bundle publishes as not measured, for a reason that is ours (`code`).

    Written before the bundle, and never taken back: what is measured later, for another round, changes no bundle.  A
    corrected round's next edition may know more, for duels may have been decided by the file since.
    """

    round = models.ForeignKey(Round, models.PROTECT, related_name="unmeasured_files")
    edition = models.PositiveSmallIntegerField()
    sha256 = models.CharField(max_length=64)
    code = models.CharField(max_length=40)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["round", "edition", "sha256"], name="one_unmeasured_file_per_edition")
        ]


def auditing(of: str = "") -> models.Q:
    """Matches that are a part of an audit; `of`: the way to them, as match__ from a duel."""
    return reduce(or_, (goes_by(f"{of}kind", kind.value) for kind in Match.Kind if kind.of_audit))


class MatchesInForce(models.Manager["Match"]):
    """Without those of attempts that do not count, or count no more."""

    def get_queryset(self) -> models.QuerySet[Match]:
        return super().get_queryset().filter(counts=True)


class Match(Stateful):
    """All duels of a defender and a challenger.  `screen`: against the round's leader, `ladder`: against the defender
    of the moment, `audit`: what the platform generated against what the miner submitted, `again`: what the platform
    generated against the defender (margin-2), `title`: against the leader on fresh prompts, both sides generated by the
    platform.  Those of a winner's further regenerations are numbered: `audit_1`, `again_1`.

    A match is never edited: where its duels are judged again, or an audit generates again, that of another `attempt`
    stands beside, and `counts` in its place once two people have applied it.  A round's `matches` are those that count.
    """

    class Kind(models.TextChoices):
        SCREEN = "screen", "Screen against the leader"
        LADDER = "ladder", "Ladder match against the defender of the moment"
        AUDIT = "audit", "Generation audit: generated again, against submitted"
        AGAINST_DEFENDER = "again", "Generated again, against the defender"
        TITLE = "title", "Title match on fresh prompts, both sides generated by the platform"

        @property
        def of_audit(self) -> bool:
            """A part of an audit: those of a winner's further regenerations are numbered."""
            return self.value in ("audit", "again")

    graph = MatchStates
    round = models.ForeignKey(Round, models.PROTECT, related_name="matches")
    kind = models.CharField(max_length=40, choices=Kind.choices)
    defender = models.ForeignKey(Submission, models.PROTECT, related_name="defended")
    defender_origin = models.CharField(max_length=12, choices=Asset.Origin.choices)
    challenger = models.ForeignKey(Submission, models.PROTECT, related_name="challenged")
    challenger_origin = models.CharField(max_length=12, choices=Asset.Origin.choices)
    attempt = models.ForeignKey(Attempt, models.PROTECT, null=True, blank=True, related_name="matches")
    counts = models.BooleanField(default=True)
    judge = models.CharField(max_length=64, blank=True, default="")
    judge_name = models.CharField(max_length=100, blank=True, default="")
    won = models.PositiveIntegerField(default=0)
    drawn = models.PositiveIntegerField(default=0)
    lost = models.PositiveIntegerField(default=0)
    void = models.PositiveIntegerField(default=0)
    forfeits_challenger = models.PositiveIntegerField(default=0)
    forfeits_defender = models.PositiveIntegerField(default=0)
    margin_micro = models.IntegerField(null=True)
    stopped = models.CharField(max_length=12, blank=True, default="")
    stopped_after = models.PositiveIntegerField(null=True)
    duels_made = models.PositiveIntegerField(default=0)  # written when it is decided: then no duel is added any more

    in_force = MatchesInForce()  # the first is what a round's `matches` are taken from
    objects: ClassVar[models.Manager[Self]] = models.Manager()

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["round", "kind", "defender", "challenger", "attempt"],
                name="one_match_per_attempt",
                nulls_distinct=False,
            ),
            models.UniqueConstraint(
                fields=["round", "kind", "defender", "challenger"],
                condition=models.Q(counts=True),
                name="one_match_per_pair_and_kind_counts",
            ),
        ]
        indexes = [models.Index(fields=["state", "due_at"], name="match_due")]

    @property
    def plain_kind(self) -> Kind:
        """Without the number of the regeneration."""
        return self.Kind(plain(self.kind))

    @property
    def audits(self) -> bool:
        """Does it belong to an audit, whichever regeneration it is about?"""
        return self.plain_kind.of_audit

    def describe(self) -> dict[str, object]:
        return {
            "round": self.round.number,
            "match": self.kind,
            "defender": self.defender.key,
            "challenger": self.challenger.key,
            **number_document("version", self.attempt),
        }

    def waiting_rounds(self) -> Iterable[Stateful]:
        return (self.round,)

    def competition_pk(self) -> int:
        return self.round.competition_id

    def wakes(self) -> Iterable[Stateful]:
        return (self.round,)


class Duel(Stateful):
    """Two assets on one prompt.  `score_micro` is (s_AB - s_BA)/2 x 10^6, positive when the challenger is better.

    `attempt`: that of its match in which the judge was asked anew, without any earlier answer.
    """

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
    attempt = models.ForeignKey(Attempt, models.PROTECT, null=True, blank=True, related_name="duels")
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

    @property
    def answer_namespace(self) -> str:
        """The namespace in which the duel's answers are stored; "" where an answer to the same question serves."""
        round_ = self.match.round
        return f"{round_.competition.slug} {round_.number} {self.attempt.number}" if self.attempt else ""

    def describe(self) -> dict[str, object]:
        return {**self.match.describe(), "prompt": self.prompt.stem, "position": self.position}

    def waiting_rounds(self) -> Iterable[Stateful]:
        return (self.match.round,)

    def competition_pk(self) -> int:
        return self.match.round.competition_id

    def wakes(self) -> Iterable[Stateful]:
        return (self.match,)


class StoredAnswer(models.Model):
    """What a model answered to one question, once and for all matches that ask the same.  Rows are never changed.

    `key`: SHA-256 over judge version, words and pictures in their order; `asked_for`: the duel that asked first, whose
    round it is counted for; `raw`: what came over the wire, enough to check `probabilities`; `attempt`: from 1.
    """

    key = models.CharField(max_length=64, unique=True)
    judge = models.CharField(max_length=64)
    kind = models.CharField(max_length=20)
    probabilities = models.JSONField(default=dict)
    mass = models.FloatField()
    text = models.TextField(blank=True, default="")
    raw = models.JSONField(default=dict)
    latency_ms = models.PositiveIntegerField(default=0)
    attempt = models.PositiveSmallIntegerField(default=1)
    asked_for = models.ForeignKey(Duel, models.SET_NULL, null=True, related_name="answers")
    made_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        db_table = "judging_answer"
        indexes = [models.Index(fields=["judge", "kind"], name="answer_kind")]

    def __str__(self) -> str:
        return f"{self.kind} {self.key[:12]}"


class DescribedJudge(models.Model):
    """All that makes up a judge that deliberates, whose SHA-256 its version is.  Kept when it first judges a match, for
    the bundle: by then its folder or its libraries may be others.

    `server`: what the server behind its address turned out to be when a judge's process last started, as
    `ServedModel.to_dict` writes it; empty for a model in the worker's memory, and where none was examined.
    """

    version = models.CharField(max_length=64, unique=True)
    described = models.JSONField()
    server = models.JSONField(default=dict, db_default={}, blank=True)

    def __str__(self) -> str:
        return f"{self.described.get('model')} {self.version[:12]}"


class Control(Stateful):
    """A duel with a known answer, which tests the judge of a round: see `decisions.health`.

    The defender is the prompt's own picture; the challenger is the same, changed as `variant` says; a repeat shows both
    sides of its duel.  `before_micro` is the score of the duel that a repeat repeats.  The controls are made in another
    `attempt` when a round goes on after its judge failed.  `views`: the changed pictures by name; `answers`: to this
    control alone, by key.
    """

    graph = ControlStates
    round = models.ForeignKey(Round, models.PROTECT, related_name="controls")
    kind = models.CharField(max_length=10)
    prompt = models.ForeignKey(Prompt, models.PROTECT, related_name="controls")
    variant = models.CharField(max_length=20)
    attempt = models.ForeignKey(Attempt, models.PROTECT, null=True, blank=True, related_name="controls")
    score_micro = models.IntegerField(null=True)
    before_micro = models.IntegerField(null=True)
    left_sha256 = models.CharField(max_length=64, blank=True, default="")
    right_sha256 = models.CharField(max_length=64, blank=True, default="")
    views = models.JSONField(default=dict)
    answers = models.JSONField(default=dict)
    detail = models.JSONField(default=dict)

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["round", "kind", "prompt", "variant", "attempt"],
                name="one_control_per_attempt",
                nulls_distinct=False,
            )
        ]
        indexes = [models.Index(fields=["state", "due_at"], name="control_due")]

    def describe(self) -> dict[str, object]:
        return {
            "round": self.round.number,
            "control": self.kind,
            "prompt": self.prompt.stem,
            "variant": self.variant,
            "take": number_of(self.attempt),
        }

    def waiting_rounds(self) -> Iterable[Stateful]:
        return (self.round,)

    def competition_pk(self) -> int:
        return self.round.competition_id

    def wakes(self) -> Iterable[Stateful]:
        return (self.round,)
