"""How is an independent asker's report taken?  Signed by its hotkey, about a bundle that is published here, once.

Anybody may post, registered or not: keys are free, so those that are on no chain count for nothing but themselves, and
of one bundle only so many are kept.  A report that is sent again changes nothing, whoever sends it.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from datetime import datetime
from pathlib import Path
from typing import Any

import rfc8785
from django.core.cache import cache
from django.db import connection, transaction
from django.db.models import QuerySet

from competition.models import Round
from competition.publication.bundle_folders import folder_of
from core import hotkey_signatures
from dashboard.api import registered, throttles
from dashboard.bundles import publish, stored_bundles
from dashboard.models import SecondOpinion
from dashboard.opinions.reports import OPINION, CitedBundle, ReportProblem, malformed, problems
from verify.bundles.ballots import silent
from verify.bundles.judging import NAME as JUDGING
from verify.bundles.panel import judges_of

LOCK_SPACE = 0x6F70696E  # "opin": reports about one bundle are counted one at a time
MOST_UNREGISTERED = 64
"""Reports about one bundle by keys that are on no chain: whoever makes a thousand keys fills no more than this."""
MOST_A_DAY = 2
"""Of these from one address: whoever has only many keys, and not many addresses, leaves room for others."""
DAY_S = 86_400


class OpinionRefused(Exception):
    """The report is not taken.  `code` is stable; `fix` says what to do; `field` where in the body it is wrong."""

    def __init__(self, reason: str, *, code: str, fix: str, field: str = "document", conflict: bool = False) -> None:
        super().__init__(reason)
        self.reason, self.code, self.fix, self.field, self.conflict = reason, code, fix, field, conflict


def message(document: Mapping[str, Any]) -> bytes:
    """What the hotkey signs."""
    return f"{OPINION}\n".encode() + bytes(rfc8785.dumps(dict(document)))


def signed(document: Mapping[str, Any], *, signature: str) -> bool:
    """Is the document signed by its asker?"""
    return hotkey_signatures.signed_in_hex(document["asker"], message(document), signature=signature)


def post(document: Mapping[str, Any], *, signature: str, visitor: str, now: datetime) -> SecondOpinion:
    """Take the report, or return the row that holds it already.  Raises OpinionRefused, and ChainFault where nobody
    knows whether the key is registered."""
    _require(malformed(document))
    report = document["report"]
    round_, folder = published_round(report["bundle"])
    if not signed(document, signature=signature):
        raise OpinionRefused(
            "signature is not the asker's over this document.",
            code="bad_signature",
            field="signature",
            fix=f"Sign `{OPINION}`, a newline and the RFC 8785 form of the document with the asker's sr25519 hotkey.",
        )
    _require(next(problems(report, cited_bundle(report["bundle"], folder)), None))
    known = registered.on(round_.competition, document["asker"])
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute("SELECT pg_advisory_xact_lock(%s, hashtext(%s))", [LOCK_SPACE, report["bundle"]])
        before = SecondOpinion.objects.filter(bundle=report["bundle"])
        if own := before.filter(hotkey=document["asker"]).first():
            return _same(own, document)
        if not known:
            _require_room(before, bundle=report["bundle"], visitor=visitor)
        return SecondOpinion.objects.create(
            round=round_,
            bundle=report["bundle"],
            hotkey=document["asker"],
            registered=known,
            document=dict(document),
            signature=signature,
            posted_at=now,
        )


def _require_room(before: QuerySet[SecondOpinion], *, bundle: str, visitor: str) -> None:
    """Raises OpinionRefused where keys that cost nothing have taken what one bundle, or one address, has for them."""
    fix = "Sign with a hotkey that is registered on the competition's chain."
    if before.filter(registered=False).count() >= MOST_UNREGISTERED:
        raise OpinionRefused(
            f"Of one bundle {MOST_UNREGISTERED} reports by unregistered keys are kept, and they are there.",
            code="full",
            fix=fix,
            conflict=True,
        )
    if throttles.counted(visitor, name=f"unregistered:{bundle}", quota=MOST_A_DAY, window_s=DAY_S).used > MOST_A_DAY:
        raise OpinionRefused(
            f"{MOST_A_DAY} reports a day about one bundle by unregistered keys are taken from one address.",
            code="enough_from_here",
            fix=f"{fix} Or post it tomorrow.",
            conflict=True,
        )


def _same(own: SecondOpinion, document: Mapping[str, Any]) -> SecondOpinion:
    """Raises OpinionRefused where the hotkey said something else before."""
    if own.document != document:
        raise OpinionRefused(
            "This hotkey has posted another report about this bundle.",
            code="already_posted",
            fix="The first one stands: a second choice among samples would be a picked one.",
            conflict=True,
        )
    return own


def _require(problem: ReportProblem | None) -> None:
    if problem is not None:
        raise OpinionRefused(
            f"{problem.field} {problem.reason}.",
            code="bad_report",
            field=f"document.{problem.field}",
            fix="Post what `python -m verify BUNDLE --ask URL --report FILE` wrote, unchanged: "
            "`gauntlet opinion FILE` does.",
        )


def published_round(digest: str) -> tuple[Round, Path]:
    """The round whose published bundle, in any edition, has this manifest, and its folder.  Raises OpinionRefused."""
    try:
        publication = stored_bundles.published(digest)
    except ValueError:
        publication = None
    if publication is None or publication.checkpoint_id is None:
        raise OpinionRefused(
            "report.bundle is the hash of no bundle whose signed head is published here.",
            code="not_published",
            field="document.report.bundle",
            fix="Ask about a bundle of this site: see /api/v1/bundles.",
        )
    return publication.round, folder_of(publication.round, edition=publish.edition_of(publication))


def cited_bundle(digest: str, folder: Path) -> CitedBundle:
    """What the documents of a published bundle say; remembered, as it never changes.  Raises OpinionRefused."""
    key = f"cited:{digest}"
    known: CitedBundle | None = cache.get(key)
    if known is None:
        known = read_bundle(folder)
        cache.set(key, known, 3600)
    return known


def read_bundle(folder: Path) -> CitedBundle:
    """Raises OpinionRefused where no model judged, and NotThere where the platform has lost the bundle."""
    judging, matches, decision, statistics, manifest = (
        _document(folder, name)
        for name in (JUDGING, "matches.json", "decision.json", "statistics.json", "manifest.json")
    )
    if not (judging and judging["described"]):
        raise OpinionRefused(
            "No model judged this round: its bundle cites no questions.",
            code="no_model",
            field="document.report.bundle",
            fix="What a judge that computes came to is recomputed by running it.",
        )
    described = judging["described"]
    if len(judges_of(described)) != 1:
        raise OpinionRefused(
            "Two families of models judged this round together: a second opinion is about one model's questions.",
            code="no_model",
            field="document.report.bundle",
            fix="python -m verify recomputes the verdicts of both.",
        )
    kinds = tuple(sorted(kind for kind, each in described["questions"].items() if each["labels"]))
    duels = [duel for match in matches for duel in match["duels"] if duel["state"] == "judged"]
    stages = [duel["detail"].get("stages", []) for duel in duels]
    return CitedBundle(
        competition=manifest["competition"],
        round=manifest["round"],
        judge=judging["name"],
        judge_version=judging["version"],
        judge_model=f"{described['model']}@{described['revision']}",
        kinds=kinds,
        duels=sum(bool(each) and not silent(each) for each in stages),
        answers=sum(row["kind"] in kinds for row in judging["answers"]),
        matches=len(matches),
        winner=str(decision["winner"]),
        flip_distance=statistics["flip_distance"],
    )


class NotThere(OSError):
    """The bundle is published, and its files are gone: the platform's fault, which a scrub mends."""


def _document(folder: Path, name: str) -> Any:
    try:
        return json.loads((folder / name).read_bytes())
    except FileNotFoundError as error:
        if name == JUDGING and folder.is_dir():
            return None
        raise NotThere(f"{folder / name} is gone") from error
