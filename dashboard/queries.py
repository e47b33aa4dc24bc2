"""What do pages read of the publisher?"""

from __future__ import annotations

from competition.models import Round
from dashboard.models import Publication


def publication_of(round_: Round) -> Publication | None:
    return Publication.objects.select_related("checkpoint").filter(round=round_).first()
