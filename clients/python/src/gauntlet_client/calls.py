"""What can be asked?  Each question is a plain value; a client, waiting or not, asks it.

Client(server, key=key).ask(calls.standing(competition="mesh"))
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import rfc8785

from gauntlet_client.keys import Key

APPEAL = "gauntlet-appeal/1"
OPINION = "gauntlet-opinion/1"
RESULTS = ("stands", "changes", "not covered")


@dataclass(frozen=True, kw_only=True)
class Call:
    """`address`: below /api/v1, or a whole path.  `signed`: needs the hotkey's signature."""

    address: str
    method: str = "GET"
    query: Mapping[str, Any] = field(default_factory=dict)
    send: Mapping[str, Any] | None = None
    signed: bool = False


def get(address: str, **query: Any) -> Call:
    """Any address of docs/api that needs no key; values that are None are left out."""
    return Call(address=address, query=query)


def index() -> Call:
    return get("")


def competition(slug: str) -> Call:
    return get(f"competitions/{slug}")


def standing(hotkey: str | None = None, *, competition: str | None = None, round_: int | None = None) -> Call:
    """Of any miner; without `hotkey` of the one that signs."""
    asked = {"competition": competition, "round": round_}
    return Call(address=f"miners/{hotkey}/standing" if hotkey else "me/standing", query=asked, signed=not hotkey)


def diagnostics(*, competition: str | None = None, round_: int | None = None) -> Call:
    """What only the miner may see, as soon as it is known: logs of builds and pods, missing files, refused pictures."""
    return Call(address="me/diagnostics", query={"competition": competition, "round": round_}, signed=True)


def submit(competition: str, *, repo: str, commit: str, cdn_url: str) -> Call:
    """Reveal without the chain, where the competition takes that.  `repo`: owner/name; `commit`: 40 hex digits."""
    told = {"competition": competition, "repo": repo, "commit": commit, "cdn_url": cdn_url}
    return Call(address="me/reveals", method="POST", send=told, signed=True)


def withdraw(competition: str) -> Call:
    """Take back what was revealed in this window."""
    return Call(address="me/reveals", method="POST", send={"competition": competition, "withdraw": True}, signed=True)


def webhooks() -> Call:
    """My webhooks, and which of them are suspended."""
    return Call(address="webhooks", signed=True)


def resume_webhook(id_: str) -> Call:
    """Switch a suspended webhook on again."""
    return Call(address=f"webhooks/{id_}/resume", method="POST", send={}, signed=True)


def objection(document: Mapping[str, Any]) -> bytes:
    """What a hotkey signs to object: for everybody to see, unlike the request that carries it."""
    return f"{APPEAL}\n".encode() + bytes(rfc8785.dumps(dict(document)))


def opinion_document(report: Mapping[str, Any], *, asker: str) -> dict[str, Any]:
    """What a hotkey signs about a report of `verify --ask --report`: all of it but the rows of single matches, of which
    there are counts, and the hash of the whole.  Raises KeyError and TypeError where it is no such report."""
    whole = hashlib.sha256(rfc8785.dumps(dict(report))).hexdigest()
    short = {name: value for name, value in report.items() if name != "by_match"}
    results = [row["result"] for row in report["by_match"]]
    short["matches"] = {result: results.count(result) for result in RESULTS}
    return {"format": OPINION, "asker": asker, "report_sha256": whole, "report": short}


def opinion(report: Mapping[str, Any], *, key: Key) -> Call:
    """Post what a model of one's own answered; the document's signature is all that is needed."""
    document = opinion_document(report, asker=key.address)
    signature = key.sign(f"{OPINION}\n".encode() + bytes(rfc8785.dumps(document)))
    return Call(address="opinions", method="POST", send={"document": document, "signature": signature})


def appeal(
    competition: str,
    round_: int,
    *,
    key: Key,
    audit: str,
    version: int,
    ground: str,
    statement: str,
    entry: str | None = None,
    finding: int | None = None,
    evidence: str = "",
) -> Call:
    """Object to the `version` of a `source` or `generation` audit of `entry` (the key's own where none is named)."""
    document = {
        "format": APPEAL,
        "competition": competition,
        "round": round_,
        "entry": entry or key.address,
        "audit": audit,
        "version": version,
        "finding": finding,
        "ground": ground,
        "statement": statement,
        "evidence": evidence,
        "appellant": key.address,
    }
    told = {"document": document, "signature": key.sign(objection(document))}
    return Call(address="me/appeals", method="POST", send=told, signed=True)
