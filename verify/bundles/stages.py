"""Was every move that the ledger tells of possible?

Written again, each row goes on from where it was, along its diagram, and no move is left out.
"""

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
    *("round", "entry", "origin", "audit", "purpose", "repeat", "match", "defender", "challenger", "prompt"),
    *("asset", "rig", "renderer", "control", "variant", "take", "version"),
    *("appellant", "correction", "ruling", "edition"),
)
"""What of an event's body says which row it is."""

Rows = dict[tuple[str, ...], str]


def check(bundle: ExaminedBundle) -> None:
    actual, rows = dict[str, Any](), Rows()
    for event in moves(bundle):
        place, body = f"event {event['seq']} {event['kind']}", event["body"]
        actual[place] = {"from": body["from"], "to": body.get("to")}
        if event["kind"] == "round.paused":
            bundle.note("paused", NAME, field=place, found=body.get("because"), sentence="The operator had to act.")
    expected = write(bundle, rows)
    ends = {
        f"{kind} {bundle.round}": rows.get(row_of(kind, {"round": bundle.round})) for kind in ("round", "publication")
    }
    round_, publication = ends
    at_end: dict[str, str | None] = {round_: "finished", publication: "signing"}
    if ends[publication] == "published" or (bundle.draft and ends[publication] is None):
        at_end[publication] = ends[publication]
    bundle.compare("wrong-stage", NAME, actual | ends, expected | at_end)


def moves(bundle: ExaminedBundle) -> list[dict[str, Any]]:
    return [e for e in bundle.events if e["kind"].partition(".")[0] in EDGES and "from" in e["body"]]


def row_of(kind: str, body: dict[str, Any]) -> tuple[str, ...]:
    return (kind, *(str(body.get(name, "")) for name in WHO))


def write(bundle: ExaminedBundle, rows: Rows) -> dict[str, Any]:
    """The moves, from the kinds of the events and from where each row was; `rows` is then where each is left.

    A row may be older than this part of the ledger only if it belongs to an earlier round or to none.
    """
    table, from_the_first = dict[str, Any](), bool(bundle.events) and bundle.events[0]["seq"] == 1
    for event in moves(bundle):
        body, (kind, _, to) = event["body"], event["kind"].partition(".")
        number, row = body.get("round"), row_of(kind, body)
        of_this = type(number) is int and bundle.round is not None and number >= bundle.round
        begins = next(iter(EDGES[kind])) if from_the_first or of_this else body["from"]
        before = rows.get(row, begins)
        there = EDGES[kind].get(str(before), ())
        table[f"event {event['seq']} {event['kind']}"] = {"from": before, "to": to if to in there else list(there)}
        rows[row] = to
    return table
