"""How does a miner enter, withdraw and object without the chain?"""

from __future__ import annotations

from typing import Any

from django.db.models import QuerySet
from drf_spectacular.utils import OpenApiExample, extend_schema_serializer
from rest_framework.response import Response

from audits.decisions import appeals as appeal_rules
from audits.models import Appeal
from audits.queries import APPEAL_SIDES
from audits.reviews import appeals
from competition.models import Reveal
from competition.reveals import ingest, signed_reveals
from core import clock
from dashboard.api import signing
from dashboard.api.auth import as_sent, refusal
from dashboard.api.bodies import BodySerializer, FlagField, ObjectField, TextField
from dashboard.api.errors import RequestRefused
from dashboard.api.filters import SLUG, Filter, FilterSet, one_of
from dashboard.api.permissions import caller_of, forbidden
from dashboard.api.resources.game import competition_of, of_competition, of_hotkey, of_round
from dashboard.api.rows import game
from dashboard.api.rows import writes as rows
from dashboard.api.views import ListView
from dashboard.api.writes import WriteView

STATUS = {"unreadable": 400, "not_allowed": 403, "too_many": 429}
AUDIT_KINDS = one_of("source", "generation")


class OwnRevealFilters(FilterSet):
    competition = of_competition()


REVEAL = {
    "competition": "demo",
    "repo": "owner/generator",
    "commit": "0123456789abcdef0123456789abcdef01234567",
    "cdn_url": "https://files.example.org/round-7",
}


@extend_schema_serializer(examples=[OpenApiExample("a reveal", REVEAL)])
class RevealBody(BodySerializer):
    """A reveal, or a part of one, or its withdrawal."""

    competition = TextField(kind=SLUG, help_text="The competition's short name.")
    repo = TextField(required=False, help_text="owner/name, as on GitHub.")
    commit = TextField(required=False, help_text="40 lower-case hex digits.")
    cdn_url = TextField(required=False, help_text="https address: /<prompt>.<format> is added to it.")
    withdraw = FlagField(required=False, help_text="true: take back what was revealed in this window.")


class OwnReveals(WriteView, ListView):
    """My reveals, those of the chain among them."""

    group, dataclass, newest_first, created_dataclass = "me", game.RevealRow, True, rows.RevealTaken
    filterset_class = OwnRevealFilters
    refuses = (403, 409)
    body_class = RevealBody
    queryset = Reveal.objects.select_related("competition", "miner")
    to_row = staticmethod(game.reveal)

    def get_queryset(self) -> Any:
        return super().get_queryset().filter(miner__hotkey=caller_of(self.request).hotkey)

    def post(self, request: Any, **named: Any) -> Response:
        """Reveal without the chain, where the competition takes that; or withdraw with `{"withdraw": true}`.

        It counts from the block that is current, behind that block's own messages.  The bytes of the body and the
        signature stay in the ledger: anybody can check that the miner asked for exactly this.  The same body again
        changes nothing.
        """
        return self.create(request, **named)

    def perform(self, request: Any, body: dict[str, Any], **named: Any) -> rows.RevealTaken:
        competition = competition_of(body["competition"])
        try:
            round_, reveal = signed_reveals.accept(competition, signed_request(request), now=clock.now())
        except signed_reveals.NotTaken as no:
            raise RequestRefused(str(no), code=no.code, fix=no.fix, status_code=STATUS.get(no.code, 409)) from no
        derived = ingest.entries(round_)
        own = next(entry for entry in derived if entry.hotkey == caller_of(request).hotkey)
        places = [entry.hotkey for entry in derived if entry.objection is None]
        return rows.RevealTaken(
            round=round_.number,
            reveal=game.reveal(reveal),
            closes_at_block=round_.schedule_at(reveal.block).latest_reveal_block,
            repo=own.repo,
            commit=own.commit,
            cdn_url=own.cdn_url,
            eligible=own.objection is None,
            objection=own.objection or "",
            place=places.index(own.hotkey) + 1 if own.hotkey in places else None,
        )


def signed_request(request: Any) -> signed_reveals.SignedReveal:
    """What the miner signed, to the letter.  Raises RequestRefused where nobody signed."""
    signed, sent = request.auth, as_sent(request._request)
    if not isinstance(signed, signing.Signed) or sent is None:
        raise refusal()
    text = signing.message(signed, sent).decode()
    return signed_reveals.SignedReveal(
        hotkey=signed.hotkey, payload=sent.body, request=text, signature=signed.signature
    )


def shown_appeals() -> QuerySet[Appeal]:
    return Appeal.objects.select_related(*APPEAL_SIDES)


class OwnAppealFilters(FilterSet):
    competition = of_competition("audit__round__competition__slug")
    round = of_round("audit__round__number")
    kind = Filter(AUDIT_KINDS, "audit__kind", "Against audits of this kind.")


class AppealFilters(OwnAppealFilters):
    hotkey = of_hotkey("appellant__hotkey")


class Appeals(ListView):
    """Objections of miners to verdicts, with their signatures, and what was decided."""

    group, dataclass = "audits", rows.AppealRow
    filterset_class = AppealFilters
    queryset = shown_appeals()
    to_row = staticmethod(rows.appeal)


APPEAL = {
    "document": {
        "format": "gauntlet-appeal/1",
        "competition": "demo",
        "round": 6,
        "entry": "5F…",
        "audit": "source",
        "version": 1,
        "finding": 0,
        "ground": "licence",
        "evidence": "",
        "appellant": "5F…",
        "statement": "The author has granted us a licence for this use; see the commit named here.",
    },
    "signature": "00" * 64,
}


GROUNDS = "; ".join(f"`{ground}`: {meaning}" for ground, meaning in appeal_rules.GROUNDS.items())
DOCUMENT = {
    "format": {"type": "string", "const": appeal_rules.FORMAT, "description": f"`{appeal_rules.FORMAT}`."},
    "competition": {"type": "string", "description": "The competition's short name."},
    "round": {"type": "integer", "description": "The round's number."},
    "entry": {"type": "string", "description": "Whose audit it is about: `leader`, or a challenger's hotkey."},
    "audit": {"type": "string", "enum": list(AUDIT_KINDS.choices), "description": "`source` or `generation`."},
    "version": {"type": "integer", "description": "Of the verdict that is in force."},
    "finding": {"type": ["integer", "null"], "description": "Its place among the audit's findings, from 0; or null."},
    "ground": {"type": "string", "enum": list(appeal_rules.GROUNDS), "description": f"{GROUNDS}."},
    "statement": {
        "type": "string",
        "minLength": appeal_rules.SHORTEST,
        "maxLength": appeal_rules.LONGEST,
        "description": f"What is wrong, in {appeal_rules.SHORTEST} to {appeal_rules.LONGEST} characters.",
    },
    "evidence": {"type": "string", "description": "The SHA-256 of a file that the miner publishes; or empty."},
    "appellant": {"type": "string", "description": "The hotkey that objects, and signs."},
}


@extend_schema_serializer(examples=[OpenApiExample("an appeal", APPEAL)])
class AppealBody(BodySerializer):
    """An objection to a verdict, signed by who makes it."""

    document = ObjectField(properties=DOCUMENT, help_text="The objection, for everybody to see: exactly these fields.")
    signature = TextField(
        longest=128,
        help_text="128 hex digits: sr25519 over `gauntlet-appeal/1`, a newline, and the document's RFC 8785 form.",
    )


class OwnAppeals(WriteView, ListView):
    """My objections, and what was decided."""

    group, dataclass, newest_first, created_dataclass = "me", rows.AppealRow, True, rows.AppealRow
    filterset_class = OwnAppealFilters
    refuses = (403, 409)
    body_class = AppealBody
    queryset = shown_appeals()
    to_row = staticmethod(rows.appeal)

    def get_queryset(self) -> Any:
        return super().get_queryset().filter(appellant__hotkey=caller_of(self.request).hotkey)

    def post(self, request: Any, **named: Any) -> Response:
        """Object to a verdict: once, in time, with a document that the hotkey signs for everybody to see."""
        return self.create(request, **named)

    def perform(self, request: Any, body: dict[str, Any], **named: Any) -> rows.AppealRow:
        document = body["document"]
        if document.get("appellant") != caller_of(request).hotkey:
            raise forbidden("The document names another appellant.", fix="Object with the appellant's own hotkey.")
        try:
            made = appeals.lodge(document, signature=body["signature"], now=clock.now())
        except appeals.AppealRefused as no:
            # Whatever is wrong with the document is the caller's to mend; what stands against it now is a conflict.
            refusal = no.refusal
            raise RequestRefused(
                f"{refusal.field}: {refusal.reason}",
                code="appeal_refused",
                fix=refusal.fix,
                field=f"document.{refusal.field}",
                status_code=409 if refusal.field in ("audit", "round", "appellant", "version") else 400,
            ) from no
        return rows.appeal(shown_appeals().get(pk=made.pk))
