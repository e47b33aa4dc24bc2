"""How does a miner enter, withdraw and object without the chain?"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from django.db.models import QuerySet
from rest_framework.response import Response

from audits.models import Appeal
from audits.reviews import appeals
from competition.models import Reveal
from competition.reveals import ingest, signed_reveals
from core import clock
from dashboard.api import signing
from dashboard.api.auth import as_sent, refusal
from dashboard.api.bodies import Field, Takes
from dashboard.api.errors import RequestRefused
from dashboard.api.filters import SLUG, TEXT, Filter, one_of
from dashboard.api.reading import Collection
from dashboard.api.resources.game import competition_of, of_competition, of_hotkey, of_round
from dashboard.api.rows import game, writes
from dashboard.api.rows import writes as rows
from dashboard.api.writes import Takable, caller_of, forbidden

STATUS = {"unreadable": 400, "not_allowed": 403, "too_many": 429}
AUDIT_KINDS = one_of("source", "generation")


class OwnReveals(Takable, Collection):
    """My reveals, those of the chain among them."""

    group, shape, newest_first, gives = "me", game.RevealRow, True, rows.RevealTaken
    filters = {"competition": of_competition()}
    refuses = (403, 409)
    takes = Takes(
        fields={
            "competition": Field(about="The competition's short name.", kind=SLUG, required=True),
            "repo": Field(about="owner/name, as on GitHub.", kind=TEXT),
            "commit": Field(about="40 lower-case hex digits.", kind=TEXT),
            "cdn_url": Field(about="https address: /<prompt>.<format> is added to it.", kind=TEXT),
            "withdraw": Field(about="true: take back what was revealed in this window.", type=bool),
        },
        example={
            "competition": "demo",
            "repo": "owner/generator",
            "commit": "0123456789abcdef0123456789abcdef01234567",
            "cdn_url": "https://files.example.org/round-7",
        },
    )

    def rows(self, asked: Mapping[str, Any], **named: Any) -> QuerySet[Any]:
        found = Reveal.objects.filter(miner__hotkey=caller_of(self.request).hotkey)
        return found.select_related("competition", "miner")

    def told(self, found: list[Any]) -> Iterable[Any]:
        return (game.reveal(row) for row in found)

    def post(self, request: Any, **named: Any) -> Response:
        """Reveal without the chain, where the competition takes that; or withdraw with `{"withdraw": true}`.

        It counts from the block that is current, behind that block's own messages.  The bytes of the body and the
        signature stay in the ledger: anybody can check that the miner asked for exactly this.  The same body again
        changes nothing.
        """
        return self.taken(request, **named)

    def take(self, request: Any, body: dict[str, Any], **named: Any) -> writes.RevealTaken:
        competition = competition_of(body["competition"])
        try:
            round_, reveal = signed_reveals.take(competition, _asked(request), now=clock.now())
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


def _asked(request: Any) -> signed_reveals.Asked:
    signed, sent = request.auth, as_sent(request._request)
    if not isinstance(signed, signing.Signed) or sent is None:
        raise refusal()
    text = signing.message(signed, sent).decode()
    return signed_reveals.Asked(hotkey=signed.hotkey, payload=sent.body, request=text, signature=signed.signature)


def shown_appeals() -> QuerySet[Appeal]:
    return Appeal.objects.select_related("audit__round__competition", "audit__submission__miner", "appellant")


APPEALS = {
    "competition": of_competition("audit__round__competition__slug"),
    "round": of_round("audit__round__number"),
    "kind": Filter(AUDIT_KINDS, "audit__kind", "Against audits of this kind."),
}


class Appeals(Collection):
    """Objections of miners to verdicts, with their signatures, and what was decided."""

    group, shape = "audits", rows.AppealRow
    filters = {**APPEALS, "hotkey": of_hotkey("appellant__hotkey")}

    def rows(self, asked: Mapping[str, Any], **named: Any) -> QuerySet[Any]:
        return shown_appeals()

    def told(self, found: list[Any]) -> Iterable[Any]:
        return (rows.appeal(row) for row in found)


class OwnAppeals(Takable, Collection):
    """My objections, and what was decided."""

    group, shape, newest_first, gives = "me", rows.AppealRow, True, rows.AppealRow
    filters = APPEALS
    refuses = (403, 409)
    takes = Takes(
        fields={
            "document": Field(
                about="`gauntlet-appeal/1`: format, competition, round, entry, audit, version, finding, ground, "
                "statement, evidence, appellant.",
                type=dict,
                required=True,
            ),
            "signature": Field(
                about="128 hex digits: sr25519 over `gauntlet-appeal/1`, a newline, and the document's RFC 8785 form.",
                required=True,
                most=128,
                kind=TEXT,
            ),
        },
        example={
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
        },
    )

    def rows(self, asked: Mapping[str, Any], **named: Any) -> QuerySet[Any]:
        return shown_appeals().filter(appellant__hotkey=caller_of(self.request).hotkey)

    def told(self, found: list[Any]) -> Iterable[Any]:
        return (rows.appeal(row) for row in found)

    def post(self, request: Any, **named: Any) -> Response:
        """Object to a verdict: once, in time, with a document that the hotkey signs for everybody to see."""
        return self.taken(request, **named)

    def take(self, request: Any, body: dict[str, Any], **named: Any) -> writes.AppealRow:
        document = body["document"]
        if document.get("appellant") != caller_of(request).hotkey:
            raise forbidden("The document names another appellant.", fix="Object with the appellant's own hotkey.")
        try:
            made = appeals.lodge(document, signature=body["signature"], now=clock.now())
        except appeals.AppealRefused as no:
            raise _refused(no.refusal) from no
        return rows.appeal(shown_appeals().get(pk=made.pk))


def _refused(no: Any) -> RequestRefused:
    """Whatever is wrong with the document is the caller's to mend; what stands against it now is a conflict."""
    status = 409 if no.field in ("audit", "round", "appellant", "version") else 400
    return RequestRefused(
        f"{no.field}: {no.reason}", code="appeal_refused", fix=no.fix, field=f"document.{no.field}", status_code=status
    )
