"""What can be read of audits, findings, the ledger, its checkpoints, and published bundles?"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from django.db.models import QuerySet

from audits.models import Audit
from competition.models import Checkpoint, LedgerEvent
from dashboard.api.errors import missing
from dashboard.api.filters import NUMBER, ROUND, WORD, Filter, one_of
from dashboard.api.reading import Collection, Item
from dashboard.api.resources.game import HAPPENED, of_competition, of_hotkey, of_round
from dashboard.api.rows import evidence as rows
from dashboard.models import Publication, VerifierFinding

AUDIT_STATES = one_of("gathering", "reviewing", "passed", "rejected")
AUDIT_KINDS = one_of("source", "generation")


class Audits(Collection):
    """Audits with their findings, limits and numbers."""

    group, shape = "audits", rows.AuditRow
    filters = {
        "competition": of_competition("round__competition__slug"),
        "round": of_round(),
        "hotkey": of_hotkey("submission__miner__hotkey"),
        "kind": Filter(AUDIT_KINDS, "kind", "Of this kind."),
        "state": Filter(AUDIT_STATES, "state", "In this state."),
        "as_of_round": Filter(ROUND, "round__number__lte", HAPPENED),
    }

    def rows(self, asked: Mapping[str, Any], **named: Any) -> QuerySet[Any]:
        found = Audit.objects.select_related("round__competition", "submission__miner")
        return found.prefetch_related("findings")

    def told(self, found: list[Any]) -> Iterable[Any]:
        return (rows.audit(row) for row in found)


class VerifierFindings(Collection):
    """What the verifier says of records that were imported."""

    group, shape = "audits", rows.VerifierFindingRow
    filters = {
        "competition": of_competition(),
        "round": of_round(),
        "kind": Filter(WORD, "kind", "Of this kind."),
        "severity": Filter(WORD, "severity", "Of this severity."),
    }

    def rows(self, asked: Mapping[str, Any], **named: Any) -> QuerySet[Any]:
        return VerifierFinding.objects.select_related("competition", "round")

    def told(self, found: list[Any]) -> Iterable[Any]:
        return (rows.verifier_finding(row) for row in found)


class LedgerEvents(Collection):
    """The ledger, event by event: anybody can recompute its hashes."""

    group, shape = "ledger", rows.EventRow
    filters = {
        "competition": of_competition(),
        "kind": Filter(WORD, "kind", "Of this kind."),
        "round": Filter(ROUND, "body__round", "That tell of the round of this number."),
        "after_seq": Filter(NUMBER, "seq__gt", "After this one: ask so for what is new."),
        "as_of_seq": Filter(NUMBER, "seq__lte", "Up to this one, as a checkpoint signs it."),
    }

    def rows(self, asked: Mapping[str, Any], **named: Any) -> QuerySet[Any]:
        return LedgerEvent.objects.select_related("competition")

    def told(self, found: list[Any]) -> Iterable[Any]:
        return (rows.event(row) for row in found)


class LedgerEventDetail(Item):
    """One event of one ledger."""

    group, shape = "ledger", rows.EventRow

    def found(self, asked: Mapping[str, Any], **named: Any) -> Any:
        wanted = LedgerEvent.objects.select_related("competition")
        row = wanted.filter(competition__slug=named["competition"], seq=named["number"]).first()
        if row is None:
            raise missing("This ledger has no such event.")
        return rows.event(row)


class Checkpoints(Collection):
    """The heads of the ledgers that the operator has signed, newest first."""

    group, shape, newest_first = "ledger", rows.CheckpointRow, True
    filters = {
        "competition": of_competition(),
        "as_of_seq": Filter(NUMBER, "seq__lte", "Of this event, or of one before."),
    }

    def rows(self, asked: Mapping[str, Any], **named: Any) -> QuerySet[Any]:
        return Checkpoint.objects.select_related("competition")

    def told(self, found: list[Any]) -> Iterable[Any]:
        return (rows.checkpoint(row) for row in found)


class Bundles(Collection):
    """The published files of finished rounds, with the hash of their manifest."""

    group, shape, newest_first = "ledger", rows.BundleRow, True
    filters = {"competition": of_competition("round__competition__slug"), "round": of_round()}

    def rows(self, asked: Mapping[str, Any], **named: Any) -> QuerySet[Any]:
        return Publication.objects.filter(state="published").select_related("round__competition")

    def told(self, found: list[Any]) -> Iterable[Any]:
        return (rows.bundle(row) for row in found)
