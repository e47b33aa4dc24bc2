"""What is a 3D file of an entry, as anybody may know it?"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from competition.models import Asset, Competition
from formats import registry


@dataclass(frozen=True, kw_only=True)
class AssetFacts:
    """One file of a submission for one prompt.  The API and the bundle make their rows of this.

    `sha256` is empty while there is no file, `file_url` too.
    """

    id: str
    competition: str
    round: int
    entry: str
    prompt: str
    origin: str
    state: str
    sha256: str
    bytes: int
    content_type: str
    file_url: str
    waiting_for: str
    failure_class: str
    failure_code: str
    failure_reason: str
    since: datetime


def asset_facts(asset: Asset) -> AssetFacts:
    """Of a file that was read with its prompt, its entry's miner, and the round's competition."""
    of = asset.submission
    slug, number, extension = of.round.competition.slug, of.round.number, extension_of(of.round.competition)
    return AssetFacts(
        id=f"{slug}/{number}/{of.key}/{asset.prompt.stem}/{asset.origin}",
        competition=slug,
        round=number,
        entry=of.key,
        prompt=asset.prompt.stem,
        origin=asset.origin,
        state=asset.state,
        sha256=asset.sha256,
        bytes=asset.bytes,
        content_type=asset.content_type,
        file_url=blob_url(asset.sha256, extension) if asset.state == "stored" and extension else "",
        waiting_for=asset.waiting_for,
        failure_class=asset.failure_class,
        failure_code=asset.failure_code,
        failure_reason=asset.failure_reason,
        since=asset.since,
    )


def extension_of(competition: Competition) -> str:
    """Of its 3D files; empty for a format that is none of ours."""
    try:
        return registry.of(competition.config).extension
    except ValueError:
        return ""


def blob_url(sha256: str, extension: str) -> str:
    return f"/blob/{sha256}.{extension}"
