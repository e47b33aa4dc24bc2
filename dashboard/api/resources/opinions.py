"""How do independent askers post what a model of their own answered, and where is it read?"""

from __future__ import annotations

from typing import Any, ClassVar

from drf_spectacular.utils import OpenApiExample, extend_schema_serializer
from rest_framework.response import Response

from core import clock
from dashboard.api import throttles
from dashboard.api.bodies import BodySerializer, ObjectField, TextField
from dashboard.api.errors import RequestRefused
from dashboard.api.filters import FLAG, SHA256, Filter, FilterSet
from dashboard.api.resources.game import of_competition, of_hotkey, of_round
from dashboard.api.rows import opinions as rows
from dashboard.api.views import ListView
from dashboard.api.writes import WriteView
from dashboard.doors import visitors
from dashboard.models import SecondOpinion
from dashboard.opinions import posting
from dashboard.opinions.reports import OPINION

POSTS_A_MINUTE = 6
DOCUMENT = {
    "format": {"type": "string", "const": OPINION, "description": f"`{OPINION}`."},
    "asker": {"type": "string", "description": "The hotkey that asked, and signs."},
    "report_sha256": {"type": "string", "description": "SHA-256 of the RFC 8785 form of the whole report."},
    "report": {
        "type": "object",
        "description": "The report without `by_match`, and with `matches`: how many of them stand, change, or are not "
        "covered.",
    },
}
EXAMPLE = {
    "document": {
        "format": OPINION,
        "asker": "5F…",
        "report_sha256": "00" * 32,
        "report": {"format": "gauntlet-second-opinion/1", "…": "…"},
    },
    "signature": "00" * 64,
}


class OpinionFilters(FilterSet):
    competition = of_competition("round__competition__slug")
    round = of_round()
    hotkey = of_hotkey("hotkey")
    bundle = Filter(SHA256, "bundle", "About the bundle whose manifest has this hash.")
    registered = Filter(FLAG, "registered", "By keys that were registered when they posted, or by others.")


@extend_schema_serializer(examples=[OpenApiExample("a report", EXAMPLE)])
class OpinionBody(BodySerializer):
    """What `verify --ask` came to, signed by who asked."""

    document = ObjectField(properties=DOCUMENT, help_text="The report, for everybody to see: exactly these fields.")
    signature = TextField(
        longest=128,
        help_text=f"128 hex digits: sr25519 over `{OPINION}`, a newline, and the document's RFC 8785 form.",
    )


class Opinions(WriteView, ListView):
    """What independent askers say who put a round's questions to a model of their own."""

    group, dataclass, created_dataclass = "judge", rows.OpinionRow, rows.OpinionRow
    permission_classes: list[Any] = []
    private: ClassVar[bool] = False
    filterset_class = OpinionFilters
    refuses = (409,)
    body_class = OpinionBody
    queryset = SecondOpinion.objects.select_related("round__competition")
    to_row = staticmethod(rows.opinion)

    def post(self, request: Any, **named: Any) -> Response:
        """Post a report: one of a hotkey about a bundle, for ever.  The document's own signature is enough: the hotkey
        need not be registered, but is marked where it is.

        What can be computed of the report is computed again, from its own numbers and from the bundle, and a report
        that contradicts either is refused.  The same document again changes nothing.
        """
        return self.create(request, **named)

    def perform(self, request: Any, body: dict[str, Any], **named: Any) -> rows.OpinionRow:
        visitor = visitors.address_of(request)
        turn = throttles.counted(visitor, name="opinions", quota=POSTS_A_MINUTE)
        if turn.used > turn.quota:
            raise throttles.refused(turn)
        try:
            row = posting.post(body["document"], signature=body["signature"], visitor=visitor, now=clock.now())
        except posting.OpinionRefused as no:
            raise RequestRefused(
                no.reason, code=no.code, fix=no.fix, field=no.field, status_code=409 if no.conflict else 400
            ) from no
        except posting.NotThere as gone:
            raise RequestRefused(
                "The files of this bundle are not here just now, so the report cannot be compared with it.",
                code="unavailable",
                fix="Ask again after the time in Retry-After.",
                status_code=503,
                retry_after_s=300,
                failure_class="infrastructure",
            ) from gone
        return rows.opinion(row)
