"""What was published of a round, and what is known of one that was played elsewhere?"""

from __future__ import annotations

from django.db import models

from audits.models import Correction
from competition.models import Checkpoint, Competition, Prompt, Round, Submission
from core.machine.stateful import Stateful
from dashboard.api.models import ApiToken, UsedNonce
from dashboard.states import LightCopyStates, PublicationStates, WinnerCopyStates
from judging.models import Match

__all__ = [
    "ApiToken",
    "LightCopy",
    "MirroredFile",
    "PromptCount",
    "Publication",
    "RecordFile",
    "SecondOpinion",
    "UsedNonce",
    "VerifierFinding",
    "WinnerCopy",
]


class Publication(Stateful):
    """The bundle of a finished round: `bundle_hash` is the SHA-256 of its manifest."""

    graph = PublicationStates
    round = models.OneToOneField(Round, models.PROTECT, related_name="publication")
    bundle_hash = models.CharField(max_length=64, blank=True, default="")
    files = models.PositiveIntegerField(default=0)
    bytes = models.PositiveBigIntegerField(default=0)
    checkpoint = models.ForeignKey(Checkpoint, models.PROTECT, null=True, blank=True, related_name="publications")

    def describe(self) -> dict[str, object]:
        return {"round": self.round.number}

    def competition_pk(self) -> int:
        return self.round.competition_id


class LightCopy(Stateful):
    """A small file that shows what a heavy one (`original`, by its hash) looks like: simplified, for visitors only."""

    graph = LightCopyStates
    in_ledger = False
    competition = models.ForeignKey(Competition, models.PROTECT, related_name="light_copies")
    original = models.CharField(max_length=64, unique=True)
    sha256 = models.CharField(max_length=64, blank=True, default="", db_index=True)
    bytes = models.PositiveIntegerField(default=0)
    triangles = models.PositiveIntegerField(default=0)

    class Meta:
        indexes = [models.Index(fields=["state", "due_at"], name="light_copy_due")]

    def describe(self) -> dict[str, object]:
        return {"original": self.original}

    def competition_pk(self) -> int:
        return self.competition_id


class Reissue(Stateful):
    """The bundle of a round whose decision was corrected, beside those of its earlier editions."""

    graph = PublicationStates
    correction = models.OneToOneField(Correction, models.PROTECT, related_name="reissue")
    edition = models.PositiveSmallIntegerField()
    bundle_hash = models.CharField(max_length=64, blank=True, default="")
    files = models.PositiveIntegerField(default=0)
    bytes = models.PositiveBigIntegerField(default=0)
    checkpoint = models.ForeignKey(Checkpoint, models.PROTECT, null=True, blank=True, related_name="reissues")

    @property
    def round(self) -> Round:
        return self.correction.round

    def describe(self) -> dict[str, object]:
        return {"round": self.round.number, "edition": self.edition}

    def competition_pk(self) -> int:
        return self.round.competition_id


class WinnerCopy(Stateful):
    """A winner's file (`original`, by its hash) as `target`, with where it comes from inside; for downloading only."""

    graph = WinnerCopyStates
    in_ledger = False
    competition = models.ForeignKey(Competition, models.PROTECT, related_name="winner_copies")
    original = models.CharField(max_length=64)
    target = models.CharField(max_length=40)
    sha256 = models.CharField(max_length=64, blank=True, default="", db_index=True)
    bytes = models.PositiveIntegerField(default=0)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["original", "target"], name="one_copy_per_content_and_target")]
        indexes = [models.Index(fields=["state", "due_at"], name="winner_copy_due")]

    def describe(self) -> dict[str, object]:
        return {"original": self.original, "target": self.target}

    def competition_pk(self) -> int:
        return self.competition_id


class PromptCount(models.Model):
    """How the counted duels of a settled round on one prompt ended (`facts.prompt_counts` writes it, once): pages
    that look over many rounds read these instead of the duels.  `along`, `against`: decisive duels by whether they went
    the way of their match."""

    round = models.ForeignKey(Round, models.CASCADE, related_name="prompt_counts")
    prompt = models.ForeignKey(Prompt, models.CASCADE, related_name="counts")
    judged = models.PositiveIntegerField()
    won = models.PositiveIntegerField()
    lost = models.PositiveIntegerField()
    along = models.PositiveIntegerField()
    against = models.PositiveIntegerField()
    forfeited = models.PositiveIntegerField()
    void = models.PositiveIntegerField()

    class Meta:
        constraints = [models.UniqueConstraint(fields=["round", "prompt"], name="one_count_per_round_and_prompt")]


class RecordFile(models.Model):
    """A file of a public state repository as it was read (`content` is deflated).  Evidence: what a later import finds
    changed or gone is no longer `current`, and stays."""

    competition = models.ForeignKey(Competition, models.PROTECT, related_name="record_files")
    number = models.PositiveIntegerField(null=True)
    path = models.CharField(max_length=400)
    sha256 = models.CharField(max_length=64)
    bytes = models.PositiveBigIntegerField()
    content = models.BinaryField()
    known = models.BooleanField(default=True)
    current = models.BooleanField(default=True)
    troubles = models.JSONField(default=list)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["competition", "path", "sha256"], name="one_record_per_content"),
            models.UniqueConstraint(
                fields=["competition", "path"], condition=models.Q(current=True), name="one_current_record_per_path"
            ),
        ]
        ordering = ["path"]


class SecondOpinion(models.Model):
    """What an outsider says whose model was asked the questions of a published bundle: `document` is what `hotkey`
    signed, `bundle` the hash of the bundle's manifest.  `registered`: on the competition's chain, when it was posted.
    Rows are never changed: one of a hotkey about a bundle, for ever.
    """

    round = models.ForeignKey(Round, models.PROTECT, related_name="opinions")
    bundle = models.CharField(max_length=64)
    hotkey = models.CharField(max_length=48)
    registered = models.BooleanField()
    document = models.JSONField()
    signature = models.CharField(max_length=128)
    posted_at = models.DateTimeField()

    class Meta:
        constraints = [models.UniqueConstraint(fields=["bundle", "hotkey"], name="one_opinion_per_hotkey_and_bundle")]
        ordering = ["pk"]

    def __str__(self) -> str:
        return f"{self.hotkey} about {self.bundle[:12]}"


class VerifierFinding(models.Model):
    """What `python -m verify` says of an imported repository; `match` and `submission` are what it is about."""

    competition = models.ForeignKey(Competition, models.CASCADE, related_name="verifier_findings")
    round = models.ForeignKey(Round, models.CASCADE, null=True, related_name="verifier_findings")
    place = models.PositiveIntegerField()
    kind = models.CharField(max_length=60)
    severity = models.CharField(max_length=12)
    file = models.TextField()
    field = models.TextField(blank=True, default="")
    found = models.JSONField(null=True)
    expected = models.JSONField(null=True)
    sentence = models.TextField()
    match = models.ForeignKey(Match, models.CASCADE, null=True, related_name="verifier_findings")
    submission = models.ForeignKey(Submission, models.CASCADE, null=True, related_name="verifier_findings")

    class Meta:
        constraints = [models.UniqueConstraint(fields=["competition", "place"], name="findings_are_numbered")]
        ordering = ["place"]


class MirroredFile(models.Model):
    """A picture that lay on somebody else's host: where, and under which hash it is kept here."""

    url = models.TextField(unique=True)
    sha256 = models.CharField(max_length=64, blank=True, default="", db_index=True)
    bytes = models.PositiveBigIntegerField(default=0)
    failure = models.TextField(blank=True, default="")
    tried_at = models.DateTimeField()
