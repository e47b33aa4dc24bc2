"""What do pages read of the publisher, and of imported records?"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from django.db.models import Exists, Func, OuterRef, Subquery

from audits.models import Correction
from competition.models import Competition, Round, RoundPrompt
from competition.queries import ROUND_PLACE
from dashboard.models import LightCopy, MirroredFile, Publication, Reissue, VerifierFinding, WinnerCopy
from formats import registry
from judging.models import Match, Rendering

MOST_FINDINGS = 200


def mirrored(urls: Iterable[str]) -> dict[str, str]:
    """Address on another host -> hash of our copy of the picture there."""
    wanted = set(urls)
    rows = MirroredFile.objects.filter(url__in=wanted).exclude(sha256="") if wanted else ()
    return {row.url: row.sha256 for row in rows}


def is_mirrored(sha256: str) -> bool:
    return MirroredFile.objects.filter(sha256=sha256).exists()


def light_copies_of(originals: Iterable[str]) -> dict[str, LightCopy]:
    """Hash of a file -> its light copy, where one was made."""
    wanted = {sha256 for sha256 in originals if sha256}
    return {row.original: row for row in LightCopy.objects.filter(original__in=wanted, state="made")}


def winner_copies_of(originals: Iterable[str]) -> list[WinnerCopy]:
    """Copies in other formats of these files, where they were made."""
    wanted = {sha256 for sha256 in originals if sha256}
    return list(WinnerCopy.objects.filter(original__in=wanted, state="made").order_by("target"))


def is_accepted_module(sha256: str) -> bool:
    """A stored module that was rendered: its text kept every rule, and so did what it built."""
    running = [row.name for row in registry.FORMATS.values() if row.runs_code]
    of_format = Competition.objects.filter(config__format__in=running).values("pk")
    return Rendering.objects.filter(sha256=sha256, state="rendered", competition__in=of_format).exists()


def is_light_copy(sha256: str) -> bool:
    """Is it a copy of ours, light or converted?"""
    copies = (LightCopy.objects, WinnerCopy.objects)
    return any(rows.filter(sha256=sha256, state="made").exists() for rows in copies)


def publication_of(round_: Round) -> Publication | None:
    return Publication.objects.select_related("checkpoint").filter(round=round_).first()


@dataclass(frozen=True, kw_only=True)
class RoundBeside:
    """What a round's page shows of other tables, in one query: how many prompts were drawn, what was published, whether
    a correction was ever opened, and the rounds with the numbers before and after it, by their places and blocks."""

    prompts: int
    publication: Publication | None
    corrected: bool
    before: Round | None
    after: Round | None


def beside(round_: Round) -> RoundBeside:
    drawn = RoundPrompt.objects.filter(round=OuterRef("pk")).order_by().values(n=Func("pk", function="COUNT"))
    numbers = [round_.number + n for n in (-1, 0, 1)]
    places = Round.objects.filter(competition=round_.competition_id, number__in=numbers).order_by()
    rows = places.select_related("publication__checkpoint").annotate(
        prompts=Subquery(drawn), corrected=Exists(Correction.objects.filter(round=OuterRef("pk")))
    )
    by_step = {row.number - round_.number: row for row in rows.only(*ROUND_PLACE, "publication")}
    own = by_step[0]
    return RoundBeside(
        prompts=own.prompts,
        publication=getattr(own, "publication", None),
        corrected=own.corrected,
        before=by_step.get(-1),
        after=by_step.get(1),
    )


def edition_of(round_: Round, *, edition: int) -> Publication | Reissue | None:
    """What was published of a round first (1), or after its decision was corrected."""
    if edition == 1:
        return publication_of(round_)
    return Reissue.objects.filter(correction__round=round_, edition=edition).first()


def corrections_of(round_: Round) -> list[Correction]:
    """What was, or is being, decided anew about a round, oldest first."""
    return list(round_.corrections.select_related("round__competition", "reissue").order_by("number"))


def findings_on(round_: Round, *, match: Match | None = None) -> list[VerifierFinding]:
    """What the verifier says of a round that was played elsewhere, or of one match of it; none of our own rounds."""
    if not round_.source:
        return []
    rows = round_.verifier_findings.all() if match is None else match.verifier_findings.all()
    return list(rows.order_by("place")[:MOST_FINDINGS])
