"""What ledger does a site serve now?  Asked of its API page by page, and recomputed."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlencode, urlsplit

from verify.bundles.checkpoints import is_good, signed_head
from verify.bundles.files import ExaminedBundle
from verify.bundles.ledger import NAME as LEDGER
from verify.bundles.ledger import LedgerHead, add_event, check_signer
from verify.bundles.web import Unreachable, WebSource

MOST_EVENTS = 2_000_000
SLUG = re.compile(r"/c/([A-Za-z0-9_-]{1,50})(?:/|$)")


def read(address: str, *, after: int, operator: str | None) -> ExaminedBundle:
    """The events after number `after`, and the newest signed head.  Raises Unreachable.

    `address`: of a competition's pages (https://SITE/c/SLUG) or of its ledger (…/api/v1/ledger?competition=SLUG).
    """
    try:
        parts = urlsplit(address)
    except ValueError as error:
        raise Unreachable(f"{address[:200]!r} is no address: {error}") from error
    named = SLUG.search(parts.path)
    slug = named[1] if named else parse_qs(parts.query).get("competition", [""])[0]
    if not slug:
        raise Unreachable("the address must be that of a competition: https://SITE/c/SLUG")
    bundle, source = ExaminedBundle(Path(), prefix=""), WebSource()
    bundle.manifest = {"competition": slug, "files": []}
    site, of_it = f"{parts.scheme}://{parts.netloc}/api/v1", {"competition": slug}
    try:
        row = next(_rows(source, f"{site}/checkpoints", of_it | {"limit": "1"}), None)
        head = signed_head(row) if row else None
    except ValueError as error:
        raise Unreachable(f"checkpoints: {error}") from error
    good = is_good(head) if head else False
    # whoever signs any number has only as long, and as many bytes, as for the events that have come
    source.most_rows = min(MOST_EVENTS, max(0, head.seq - after)) if head and good is not False else 0
    with bundle.log.finishing(LEDGER):
        for row in _rows(source, f"{site}/ledger", of_it | {"after_seq": str(after), "limit": "200"}):
            event = {name: row.get(name) for name in ("seq", "kind", "body", "previous", "hash")}
            if not add_event(bundle, event, field=f"event {row.get('seq')}"):
                break
            event["body"] = {}  # its hash is all that is compared
    with bundle.log.finishing("checkpoints"):
        _compare(bundle, head, good=good, operator=operator)
    bundle.log.count("events", by=len(bundle.events))
    return bundle


def _compare(bundle: ExaminedBundle, head: LedgerHead | None, *, good: bool | None, operator: str | None) -> None:
    """The newest signed head must be an event of what is served."""
    bundle.signed_by, bundle.signature_is_good = (head.signed_by, good) if head else ("", None)
    check_signer(bundle, "checkpoints", operator=operator)
    if head is None or good is False:
        bundle.note("bad-signature", "checkpoints", sentence="No head of this ledger is signed by the key it names.")
        return
    stated = next((event["hash"] for event in bundle.events if event["seq"] == head.seq), None)
    if stated is not None or bundle.events:
        bundle.compare("wrong-checkpoint", "checkpoints", head.head, stated, field=f"event {head.seq}")


def _rows(source: WebSource, address: str, query: dict[str, str]) -> Iterator[dict[str, Any]]:
    """Page by page; of the next page's address only the cursor is taken, so that a site sends nobody elsewhere."""
    while True:
        page = source.json(f"{address}?{urlencode(query)}")
        rows = page.get("results") if isinstance(page, dict) else None
        if not isinstance(rows, list) or not all(isinstance(row, dict) for row in rows):
            raise Unreachable(f"{address}: not an answer of the API")
        source.rows += len(rows)
        yield from rows
        following = cursor_of(page.get("next"))
        if not following or not rows or query["limit"] == "1":
            return
        if source.rows > MOST_EVENTS:
            raise Unreachable(f"more than {MOST_EVENTS} events are served: verify the folder of all bundles")
        query = {**query, "cursor": following}


def cursor_of(following: Any) -> str:
    """Of the next page's address; "" where there is none.  Raises Unreachable."""
    if following is None:
        return ""
    try:
        return parse_qs(urlsplit(following).query).get("cursor", [""])[0] if isinstance(following, str) else ""
    except ValueError as error:
        raise Unreachable(f"the address of the next page is none: {error}") from error
