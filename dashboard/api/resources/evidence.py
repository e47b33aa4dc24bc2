"""What can be read of audits, findings, the ledger, its checkpoints, and published bundles?"""

from __future__ import annotations

from typing import Any

from audits.models import Audit
from competition.models import Checkpoint, LedgerEvent
from dashboard.api.errors import missing
from dashboard.api.filters import IN_PATHS, NUMBER, ROUND, WORD, Filter, FilterSet, Parameter, one_of
from dashboard.api.resources.game import HAPPENED, of_competition, of_hotkey, of_round
from dashboard.api.rows import evidence as rows
from dashboard.api.views import DetailView, ListView
from dashboard.models import Publication, VerifierFinding

AUDIT_STATES = one_of("gathering", "reviewing", "passed", "rejected")
AUDIT_KINDS = one_of("source", "generation")


class AuditFilters(FilterSet):
    competition = of_competition("round__competition__slug")
    round = of_round()
    hotkey = of_hotkey("submission__miner__hotkey")
    kind = Filter(AUDIT_KINDS, "kind", "Of this kind.")
    state = Filter(AUDIT_STATES, "state", "In this state.")
    as_of_round = Filter(ROUND, "round__number__lte", HAPPENED)


class Audits(ListView):
    """Audits with their findings, limits and numbers."""

    group, dataclass = "audits", rows.AuditRow
    filterset_class = AuditFilters
    queryset = Audit.objects.select_related("attempt", "round__competition", "submission__miner").prefetch_related(
        "findings"
    )
    to_row = staticmethod(rows.audit)


class VerifierFindingFilters(FilterSet):
    competition = of_competition()
    round = of_round()
    kind = Filter(WORD, "kind", "Of this kind.")
    severity = Filter(WORD, "severity", "Of this severity.")


class VerifierFindings(ListView):
    """What the verifier finds in records that were imported."""

    group, dataclass = "audits", rows.VerifierFindingRow
    filterset_class = VerifierFindingFilters
    queryset = VerifierFinding.objects.select_related("competition", "round")
    to_row = staticmethod(rows.verifier_finding)


class LedgerEventFilters(FilterSet):
    competition = of_competition()
    kind = Filter(WORD, "kind", "Of this kind.")
    round = Filter(ROUND, "body__round", "That tell of the round of this number.")
    after_seq = Filter(NUMBER, "seq__gt", "After this one: ask so for what is new.")
    as_of_seq = Filter(NUMBER, "seq__lte", "Up to this one, as a checkpoint signs it.")


class LedgerEvents(ListView):
    """The ledger, event by event: anybody can recompute its hashes."""

    group, dataclass = "ledger", rows.EventRow
    filterset_class = LedgerEventFilters
    queryset = LedgerEvent.objects.select_related("competition")
    to_row = staticmethod(rows.event)


class LedgerEventDetail(DetailView):
    """One event of one ledger."""

    group, dataclass = "ledger", rows.EventRow
    in_path = {**IN_PATHS, "number": Parameter(ROUND, "The event's number in its ledger.")}

    def get_object(self) -> Any:
        wanted = LedgerEvent.objects.select_related("competition")
        row = wanted.filter(competition__slug=self.kwargs["competition"], seq=self.kwargs["number"]).first()
        if row is None:
            raise missing("This ledger has no such event.")
        return rows.event(row)


class CheckpointFilters(FilterSet):
    competition = of_competition()
    as_of_seq = Filter(NUMBER, "seq__lte", "Of this event, or of one before.")


class Checkpoints(ListView):
    """The heads of the ledgers that the operator has signed, newest first."""

    group, dataclass, newest_first = "ledger", rows.CheckpointRow, True
    filterset_class = CheckpointFilters
    queryset = Checkpoint.objects.select_related("competition")
    to_row = staticmethod(rows.checkpoint)


class BundleFilters(FilterSet):
    competition = of_competition("round__competition__slug")
    round = of_round()


class Bundles(ListView):
    """The published files of finished rounds, with the hash of their manifest."""

    group, dataclass, newest_first = "ledger", rows.BundleRow, True
    filterset_class = BundleFilters
    queryset = Publication.objects.filter(state="published").select_related("round__competition")
    to_row = staticmethod(rows.bundle)
