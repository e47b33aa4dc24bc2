"""Does everything in a round's bundle follow from what lies beside it?

No platform code: each rule is written here a second time, from its description, so that a mistake would have to be made
twice to go unseen.  `check` returns every disagreement.
"""

from __future__ import annotations

import hashlib
from collections import Counter
from pathlib import Path
from typing import Any

from verify import bundle_decision, bundle_matches, bundle_reveals
from verify.bundle_files import DOCUMENTS, Bundle, read
from verify.findings import Finding


def check(folder: Path, *, operator: str | None = None) -> tuple[list[Finding], Counter[str]]:
    """Findings, and what was examined."""
    bundle = read(folder, operator=operator)
    if all(name in bundle.documents for name in DOCUMENTS):
        for examine in (_seed, bundle_reveals.check, _assets, bundle_matches.check, bundle_decision.check, _events):
            _guarded(bundle, examine)
    return bundle.findings, _counts(bundle)


def _guarded(bundle: Bundle, examine: Any) -> None:
    """A document whose shape is broken is a finding, not a crash; the other examinations go on."""
    try:
        examine(bundle)
    except (KeyError, TypeError, ValueError, AttributeError, IndexError, ZeroDivisionError) as error:
        said = "A document does not have the shape its examination needs."
        bundle.wrong(
            "malformed-document", examine.__module__.removeprefix("verify."), found=repr(error)[:150], say=said
        )


def _counts(bundle: Bundle) -> Counter[str]:
    matches = bundle.documents.get("matches.json")
    counts = Counter({"files": len(bundle.manifest.get("files", [])), "events": len(bundle.events)})
    if isinstance(matches, list):
        counts["matches"] = len(matches)
        counts["duels"] = sum(len(m.get("duels", [])) for m in matches if isinstance(m, dict))
    return counts


def _seed(bundle: Bundle) -> None:
    """The seed follows from the block's hash, the prompts from the seed and the pool."""
    doc, competition = bundle.documents["round.json"], bundle.documents["competition.json"]
    slug, number, name = competition["slug"], doc["number"], "round.json"
    bundle.same(
        "wrong-round", name, field="number", found=number, expected=bundle.round, say="Another round's document."
    )
    bundle.same("wrong-round", "competition.json", field="slug", found=slug, expected=bundle.manifest["competition"],
                say="Another competition's document.")  # fmt: skip
    kind, _, chain = competition["chain"].partition(":")
    if kind == "simulated":
        text = f"gauntlet-simulated-block/1\n{chain}\n{doc['schedule']['seed_block']}"
        bundle.same("wrong-block-hash", name, field="seed_block_hash", found=doc["seed_block_hash"],
                    expected=hashlib.sha256(text.encode()).hexdigest(), say="Not the hash of the seed block.")  # fmt: skip
    seed = hashlib.sha256(
        "\n".join(["gauntlet-seed/1", slug, str(number), doc["seed_block_hash"]]).encode()
    ).hexdigest()
    bundle.same("wrong-seed", name, field="seed", found=doc["seed"], expected=seed, say="Not drawn from the block.")
    commitment = hashlib.sha256("".join(f"{h}\n" for h in sorted(doc["pool"])).encode()).hexdigest()
    bundle.same("wrong-pool", name, field="pool_commitment", found=doc["pool_commitment"], expected=commitment,
                say="The commitment is not that of the pool.")  # fmt: skip
    ranked = sorted(doc["pool"], key=lambda h: hashlib.sha256(bytes.fromhex(seed) + bytes.fromhex(h)).digest())
    count = min(len(ranked), competition["config"]["prompts_per_round"])
    drawn = [p["sha256"] for p in sorted(doc["prompts"], key=lambda p: p["position"])]
    bundle.same("wrong-prompts", name, field="prompts", found=drawn, expected=ranked[:count], say="Not what was drawn.")


def _assets(bundle: Bundle) -> None:
    """Everyone who entered has a row for each prompt; every stored file is in the bundle with its views."""
    name, rows = "assets.json", bundle.documents["assets.json"]
    stems = [p["stem"] for p in bundle.documents["round.json"]["prompts"]]
    entered = [s for s in bundle.documents["submissions.json"] if not s["objection"]]
    expected = Counter(
        (s["entry"], stem) for s in entered for stem in stems if s["role"] == "challenger" or _challenged(entered)
    )
    found = Counter((r["entry"], r["prompt"]) for r in rows if (r["origin"] == "generated") == (r["entry"] == "leader"))
    missing, extra = expected - found, found - expected
    if missing or (extra and _challenged(entered)):
        first = next(iter(missing or extra))
        bundle.wrong("wrong-assets", name, field=" ".join(first), found=sum(found.values()),
                     expected=sum(expected.values()), say="Not one file per entry and prompt.")  # fmt: skip
    for row in rows:
        _asset(bundle, row, name)


def _challenged(entered: list[dict[str, Any]]) -> bool:
    return any(s["role"] == "challenger" for s in entered)


def _asset(bundle: Bundle, row: dict[str, Any], name: str) -> None:
    field = f"{row['entry']} {row['prompt']}"
    if row["state"] != "stored":
        if not row["failure"] and row["state"] == "failed":
            bundle.wrong("wrong-assets", name, field=field, say="A failed file has no failure.")
        return
    blob = bundle.blobs.get(row["sha256"], {"bytes": None})
    bundle.same("wrong-assets", name, field=field, found=row["bytes"], expected=blob["bytes"],
                say="The file is not in the bundle in this size.")  # fmt: skip
    views = (row["rendering"] or {}).get("views", {})
    for view, sha256 in views.items():
        if sha256 not in bundle.blobs:
            bundle.wrong(
                "wrong-assets", name, field=f"{field} {view}", found=sha256, say="The view is not in the bundle."
            )


def _events(bundle: Bundle) -> None:
    """What the documents say is what the ledger told when it happened."""
    seen: dict[tuple[str, ...], dict[str, Any]] = {}
    for event in bundle.events:
        if event["body"].get("round") == bundle.round:
            body, kind = event["body"], event["kind"]
            subject = kind.split(".")[0]
            names = [body.get(k, "") for k in ("match", "defender", "challenger", "entry", "audit", "origin", "prompt")]
            seen[(subject, *map(str, names))] = event
    for match in bundle.documents["matches.json"]:
        _match_events(bundle, match, seen)
    for audit in bundle.documents["audits.json"]:
        event = seen.get(("audit", "", "", "", audit["entry"], audit["kind"], "", ""))
        said = event["kind"].removeprefix("audit.") if event else None
        bundle.same("ledger-differs", "audits.json", field=f"{audit['entry']} {audit['kind']}", found=audit["verdict"],
                    expected=said, say="The ledger tells another verdict.")  # fmt: skip
    for row in bundle.documents["assets.json"]:
        event = seen.get(("asset", "", "", "", row["entry"], "", row["origin"], row["prompt"]))
        said = event["body"].get("sha256", "") if event else None
        bundle.same("ledger-differs", "assets.json", field=f"{row['entry']} {row['prompt']}", found=row["sha256"],
                    expected=said, say="The ledger tells of other bytes.")  # fmt: skip


def _match_events(bundle: Bundle, match: dict[str, Any], seen: dict[tuple[str, ...], dict[str, Any]]) -> None:
    named = (match["kind"], match["defender"], match["challenger"])
    event = seen.get(("match", *named, "", "", "", ""))
    said = event["body"].get("margin_micro") if event else None
    bundle.same("ledger-differs", "matches.json", field=" ".join(named), found=match["margin_micro"], expected=said,
                say="The ledger tells another margin.")  # fmt: skip
    for duel in match["duels"]:
        event = seen.get(("duel", *named, "", "", "", duel["prompt"]))
        if duel["state"] in ("judged", "forfeited"):
            said = (event["body"].get("outcome"), event["body"].get("score_micro")) if event else None
            found = (duel["outcome"], duel["score_micro"])
            bundle.same("ledger-differs", "matches.json", field=f"{' '.join(named)} {duel['prompt']}",
                        found=str(found), expected=str(said), say="The ledger tells another outcome.")  # fmt: skip
