"""What does a round's bundle say?  Plain documents in the same bytes every time: no clock, no ids, no worker's luck.

`documents` gives every JSON document of a round by its path, `blobs` the content-addressed files beside them.  Times
stand in the ledger, which lies beside the bundle and is signed.  So do matches and audits that were begun on a guess
and that the ladder then did without: which of them were begun depends on the order in which verdicts came.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from django.conf import settings

from audits.models import Audit
from competition import chain
from competition.decisions import seed as seeds
from competition.decisions import weights as weighing
from competition.models import Asset, FreshPrompt, Round, RoundPrompt, Submission
from competition.queries import entry_rows
from competition.weights import reigns
from dashboard.bundles import correction, counts, fresh, integrity, judging, statistics
from dashboard.bundles import matches as bundle_matches
from dashboard.bundles.matches import failure_document
from dashboard.facts.assets import AssetFacts, asset_facts
from dashboard.facts.competitions import competition_facts
from dashboard.facts.entries import EntryFacts, entry_facts
from dashboard.facts.reveals import RevealFacts, reveal_facts
from dashboard.facts.round_facts import round_facts
from judging import matches
from judging.models import Duel, Rendering
from judging.sides import rig_of

FORMAT = "gauntlet-bundle/1"


def documents(round_: Round, *, edition: int = 1) -> dict[str, Any]:
    more: dict[str, Any] = fresh.documents(round_)
    if hasattr(round_, "beacon"):
        more["beacon.json"] = round_.beacon.as_json()
    if judging.by_model(round_):
        more["judging.json"] = judging.document(round_, published_duels(round_, edition=edition))
    if edition > 1:
        more["correction.json"] = correction.document(round_)
    rows = entry_rows(round_.submissions.all())
    entries = sorted(rows, key=lambda s: (s.reveal_block or 0, s.extrinsic_index or 0, s.key))
    contents = more | {
        "competition.json": _competition(round_),
        "round.json": _round(round_),
        "reveals.json": _reveals(round_),
        "submissions.json": [_entry(entry_facts(s, round_=round_)) for s in entries],
        "assets.json": _assets(round_, edition=edition),
        "matches.json": [bundle_matches.match_document(m, round_=round_) for m in counts.matches_of(round_)],
        "audits.json": [correction.audit_document(a, round_=round_) for a in counts.audits_of(round_)],
        "decision.json": _decision(round_, edition=edition),
    }
    contents |= integrity.documents(round_, contents, edition=edition)
    return contents | {"statistics.json": statistics.document(contents)}


def blobs(round_: Round, *, edition: int = 1) -> list[tuple[str, str]]:
    """(sha256, role) of every picture and 3D file that the documents name."""
    used = max(_reach(round_, edition=edition).values(), default=0)
    drawn: list[RoundPrompt | FreshPrompt] = [
        *round_.drawn.select_related("prompt"),
        *round_.fresh.select_related("prompt")[:used],
    ]
    kinds = {one.prompt.sha256: "prompt" for one in drawn}
    shas = {asset.sha256 for asset in _published_assets(round_, edition=edition) if asset.state == "stored"}
    kinds |= dict.fromkeys(shas, "asset")
    for rendering in _renderings(round_, shas).values():
        kinds |= dict.fromkeys(rendering.views.values(), "view")
    kinds = dict.fromkeys(judging.blobs(round_), "view") | kinds
    return sorted(kinds.items())


def _competition(round_: Round) -> dict[str, Any]:
    facts = competition_facts(round_.competition)
    same = ("name", "description", "ruleset", "judge", "renderer", "chain", "pods", "config")
    return {"slug": facts.id, **{name: getattr(facts, name) for name in same}, "demo": settings.DEMO}


def _round(round_: Round) -> dict[str, Any]:
    pool, facts = _pool_when_drawn(round_), round_facts(round_)
    return {
        "number": facts.round,
        "rules": facts.rules,
        "schedule": facts.schedule,
        "seed_block_hash": facts.seed_block_hash,
        "seed": facts.seed,
        "pool": pool,
        "pool_commitment": seeds.pool_commitment(pool),
        "prompts": [
            {"position": d.position, "stem": d.prompt.stem, "sha256": d.prompt.sha256}
            for d in round_.drawn.select_related("prompt")
        ],
    }


def _pool_when_drawn(round_: Round) -> list[str]:
    """By hash: as many of the pool's prompts, in the order in which they were added, as the ledger had last told of.

    What was added since belongs to later rounds, however late this bundle is written.
    """
    events = round_.competition.events
    drawn = events.filter(kind="round.miner_generation", body__round=round_.number).order_by("seq").first()
    event = events.filter(kind="pool", seq__lt=drawn.seq).order_by("seq").last() if drawn else None
    hashes = list(round_.competition.pool.order_by("pk").values_list("sha256", flat=True))
    return sorted(hashes[: event.body["prompts"]] if event else hashes)


def _reveals(round_: Round) -> list[dict[str, Any]]:
    window = round_.competition.reveals.filter(
        block__gte=round_.earliest_reveal_block, block__lte=round_.latest_reveal_block
    ).select_related("miner")
    return [_reveal(reveal_facts(reveal, competition=round_.competition)) for reveal in window]


def _reveal(facts: RevealFacts) -> dict[str, Any]:
    same = ("block", "extrinsic_index", "objection")
    return {
        **{name: getattr(facts, name) for name in same},
        "miner": facts.miner.hotkey,
        "payload": facts.payload_hex,
    }


def _entry(facts: EntryFacts) -> dict[str, Any]:
    same = ("entry", "role", "repo", "commit", "cdn_url", "reveal_block", "extrinsic_index", "objection")
    return {
        **{name: getattr(facts, name) for name in same},
        "miner": facts.miner.hotkey,
        "copy_of": facts.copy_of.hotkey if facts.copy_of else "",
    }


def _reach(round_: Round, *, edition: int) -> dict[int, int]:
    aside = correction.matches_aside(round_) if edition > 1 else []
    return fresh.reach([*counts.matches_of(round_), *aside])


def _published_assets(round_: Round, *, edition: int) -> list[Asset]:
    """What was submitted, what the leader's code gave, and what audited code gave again."""
    rows = Asset.objects.filter(submission__round=round_)
    rows = rows.select_related("submission__miner", "submission__round__competition", "prompt")
    rows = rows.exclude(origin__in=correction.given_up(round_))
    regenerated = {audit.submission_id for audit in counts.audits_of(round_) if audit.kind == Audit.Kind.GENERATION}
    leads, places, reach = Submission.Role.LEADER, fresh.places(round_), _reach(round_, edition=edition)
    published = [
        a
        for a in rows
        if (
            places[a.prompt_id] < reach.get(a.submission_id, 0)
            if a.prompt_id in places
            else a.origin == "submitted" or a.submission.role == leads or a.submission_id in regenerated
        )
    ]
    return sorted(published, key=lambda a: (a.submission.key, a.origin, a.prompt.stem))


def _renderings(round_: Round, shas: Iterable[str]) -> dict[str, Rendering]:
    rig = rig_of(round_.competition).digest()
    rows = Rendering.objects.filter(competition=round_.competition, rig=rig, sha256__in=list(shas))
    return {row.sha256: row for row in rows.order_by("pk")}


def _assets(round_: Round, *, edition: int) -> list[dict[str, Any]]:
    rows = _published_assets(round_, edition=edition)
    renderings = _renderings(round_, {row.sha256 for row in rows if row.sha256})
    listed = []
    for asset in rows:
        rendering = renderings.get(asset.sha256)
        photographed = rendering and {
            "state": rendering.state,
            "rig": rendering.rig,
            "renderer": rendering.renderer,
            "views": rendering.views,
            "triangles": rendering.triangles,
            "failure": failure_document(rendering),
        }
        listed.append({**_asset(asset_facts(asset)), "rendering": photographed})
    return listed


def _asset(facts: AssetFacts) -> dict[str, Any]:
    same = ("entry", "prompt", "origin", "state", "sha256", "bytes")
    return {**{name: getattr(facts, name) for name in same}, "failure": failure_document(facts)}


def published_duels(round_: Round, *, edition: int = 1) -> list[Duel]:
    """The duels of whose outcome the bundle tells, whether it counts or not."""
    shown_matches = counts.matches_of(round_) + (correction.matches_aside(round_) if edition > 1 else [])
    return [duel for match in shown_matches for duel in bundle_matches.played(match) if not matches.beyond(match, duel)]


def _decision(round_: Round, *, edition: int) -> dict[str, Any]:
    following = round_.competition.rounds.get(number=round_.number + 1)
    begun = list(round_.reigns_begun.order_by("sequence"))
    entries = reigns(round_.competition)[: begun[0 if edition == 1 else -1].sequence]
    block = entries[-1].effective_block
    connected = chain.of(round_.competition)
    uids = dict(sorted(connected.uids().items()))
    shares = weighing.vector(entries, block=block, uids=uids, owner_uid=connected.owner_uid())
    # As the ledger told it when the round was announced: a pause of its window may have lengthened it since.
    announced = (
        round_.competition.events.filter(kind="round.open", body__round=following.number).order_by("seq").first()
    )
    blocks = ("earliest_reveal_block", "latest_reveal_block", "seed_block", "generation_deadline_block")
    schedule = announced.body["schedule"] if announced else {name: getattr(following, name) for name in blocks}
    return {
        **(round_.decision or {}),
        "headline": round_.headline,
        "next_schedule": schedule,
        "reigns": [
            {"hotkey": r.hotkey, "weight": str(r.weight), "effective_block": r.effective_block} for r in entries
        ],
        "uids": uids,
        "owner_uid": connected.owner_uid(),
        "weights": {str(uid): str(share) for uid, share in sorted(shares.items())},
        "weights_block": block,
    }
