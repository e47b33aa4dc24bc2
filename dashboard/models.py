"""What was published of a round?"""

from __future__ import annotations

from django.db import models

from competition.machine.stateful import Stateful
from competition.models import Checkpoint, Round
from dashboard.states import PublicationStates


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
