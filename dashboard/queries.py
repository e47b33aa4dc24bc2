"""What do pages read of the publisher?"""

from __future__ import annotations

from competition.models import Round
from dashboard.models import Publication, VerifierFinding
from judging.models import Match

MOST_FINDINGS = 200


def publication_of(round_: Round) -> Publication | None:
    return Publication.objects.select_related("checkpoint").filter(round=round_).first()


def findings_on(round_: Round, *, match: Match | None = None) -> list[VerifierFinding]:
    """What the verifier says of a round that was played elsewhere, or of one match of it; none of our own rounds."""
    if not round_.source:
        return []
    rows = round_.verifier_findings.all() if match is None else match.verifier_findings.all()
    return list(rows.order_by("place")[:MOST_FINDINGS])
