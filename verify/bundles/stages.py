"""Was every move that the ledger tells of possible?  Each row moves along its diagram, and no move is left out."""

from __future__ import annotations

from typing import Any

from verify.bundles.files import ExaminedBundle
from verify.bundles.ledger import NAME

RUNNING = ("open", "miner_generation", "downloading", "duels", "finalizing")
EDGES: dict[str, dict[str, tuple[str, ...]]] = {
    "round": {
        "open": ("miner_generation", "paused"),
        "miner_generation": ("downloading", "paused"),
        "downloading": ("duels", "paused"),
        "duels": ("finalizing", "paused"),
        "finalizing": ("finished", "paused"),
        "finished": ("paused",),
        "paused": (*RUNNING, "finished"),
    },
    "asset": {"downloading": ("stored", "failed")},
    "rendering": {"rendering": ("rendered", "refused")},
    "match": {"waiting": ("judging", "dropped"), "judging": ("decided", "dropped")},
    "duel": {"judging": ("judged", "forfeited", "void", "unneeded")},
    "control": {"judging": ("judged", "unneeded")},
    "podrun": {"warming": ("generating", "done", "failed"), "generating": ("warming", "done", "failed")},
    "audit": {
        "gathering": ("passed", "rejected", "reviewing", "dropped"),
        "reviewing": ("passed", "rejected", "dropped"),
    },
    "ruling": {"proposed": ("confirmed", "declined", "withdrawn")},
    "appeal": {"lodged": ("upheld", "dismissed")},
    "correction": {"staged": ("ready", "discarded"), "ready": ("applied", "discarded")},
    "publication": {"publishing": ("signing",), "signing": ("published",)},
    "reissue": {"publishing": ("signing",), "signing": ("published",)},
}
"""Of each kind of row: state -> states it may move to; the first is where it begins."""

WHO = (
    "round",
    "entry",
    "origin",
    "audit",
    "purpose",
    "repeat",
    "match",
    "defender",
    "challenger",
    "prompt",
    "asset",
    "rig",
    "renderer",
    "control",
    "variant",
    "take",
    "version",
    "appellant",
    "correction",
    "ruling",
    "edition",
)


def check(bundle: ExaminedBundle) -> None:
    """A row may be older than this part of the ledger only if it belongs to an earlier round or to none.

    A published round has finished, and its bundle was about to be signed; of a draft that need not be told yet.
    """
    last: dict[tuple[str, ...], str] = {}
    for event in bundle.events:
        kind, _, to = event["kind"].partition(".")
        body = event["body"]
        if kind not in EDGES or "from" not in body:
            continue
        who = (kind, *(str(body.get(name, "")) for name in WHO))
        move(bundle, event, kind=kind, to=to, before=last.get(who))
        last[who] = to
    for kind, wanted in (("round", "finished"), ("publication", "signing")):
        who = (kind, str(bundle.round), *("" for _ in WHO[1:]))
        found = last.get(who)
        if kind == "publication" and (found == "published" or (bundle.draft and found is None)):
            continue
        bundle.compare("wrong-stage", NAME, found, wanted, field=f"{kind} {bundle.round}")


def move(bundle: ExaminedBundle, event: dict[str, Any], *, kind: str, to: str, before: str | None) -> None:
    body, edges, field = event["body"], EDGES[kind], f"event {event['seq']} {event['kind']}"
    bundle.compare("wrong-stage", NAME, body.get("to"), to, field=field)
    if to not in edges.get(str(body["from"]), ()):
        bundle.note("wrong-stage", NAME, field=field, found=body["from"], sentence="There is no such move.")
    number, from_the_first = body.get("round"), bool(bundle.events) and bundle.events[0]["seq"] == 1
    of_this = type(number) is int and bundle.round is not None and number >= bundle.round
    if before is None and (from_the_first or of_this):
        before = next(iter(edges))
    if before is not None:
        bundle.compare("wrong-stage", NAME, body["from"], before, field=field)
    if event["kind"] == "round.paused":
        bundle.note("paused", NAME, field=field, found=body.get("because"), sentence="The operator had to act.")
