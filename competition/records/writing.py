"""What do the files of a round say in the layout of public state repositories?

From the documents of the round's bundle, so that both say the same.  It is the layout of era 1, with `rules.json`
beside it (the rules the round was played under) and an audit as one regeneration against what was submitted.  A file
stands under the extension of its format.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from fractions import Fraction
from typing import Any

from competition.decisions.attempts import OUTPUTS, plain, regeneration_in
from competition.rulesets.base import SCREEN
from verify.rounds import LEADER

LEFT, RIGHT, SKIPPED = "left", "right", "skipped"
WINNERS = {"defender": LEFT, "challenger": RIGHT, "draw": "draw"}
AUDITED = {"passed": "passed", "rejected": "failed"}
ISSUES = {
    "unneeded": "Not needed: the match was certain before it",
    "void": "Void: it could not be judged",
    "forfeited": "No usable file was delivered",
}
REPEATED = re.compile(r"(.+)_([0-9]+)")
PICTURE = "front_left"
NOT_BUILT = "not_found"  # miners' code runs without an image of its own, so there is none to be found


@dataclass(frozen=True, kw_only=True)
class Addresses:
    """Where a file lies, by hash and extension, and a prompt's picture, by stem (its last part must be the stem).

    `extension`: of what miners make.
    """

    file: Callable[[str, str], str]
    prompt: Callable[[str], str]
    extension: str


def encoded(value: Any) -> bytes:
    return json.dumps(value, indent=2, ensure_ascii=False).encode()


def table(rows: Iterable[tuple[str, str, float]]) -> bytes:
    return "\n".join(["left,right,margin", *(f"{left},{right},{margin}" for left, right, margin in rows)]).encode()


def round_files(
    documents: Mapping[str, Any], *, reign: Mapping[str, str], name: str, addresses: Addresses
) -> dict[str, bytes]:
    """Path below the round's folder -> bytes.  `documents`: those of the bundle, by name; `reign`: what followed."""
    round_ = documents["round.json"]
    # who made a submission; what was wrong with other reveals stands in the bundle only
    entries = [s for s in documents["submissions.json"] if s["role"] != LEADER and not s["objection"]]
    # (entry, origin, stem) -> addresses and size of what it had for a prompt
    shown = {(a["entry"], a["origin"], a["prompt"]): _asset(a, addresses=addresses) for a in documents["assets.json"]}
    # screens in the order of the reveals, then the ladder's matches
    place = {entry["miner"]: number_ for number_, entry in enumerate(entries)}
    in_turn = sorted(
        documents["matches.json"], key=lambda m: (m["kind"] != SCREEN, place.get(m["challenger"], 0), m["defender"])
    )
    matches = [_match(match, shown, addresses=addresses) for match in in_turn]
    files = {
        "schedule.json": encoded(schedule(round_["schedule"])),
        "seed.json": encoded({"seed": int(round_["seed"] or "0", 16)}),
        "prompts.txt": "\n".join(addresses.prompt(prompt["stem"]) for prompt in round_["prompts"]).encode(),
        "submissions.json": encoded({e["miner"]: _submission(e, name, round_["number"]) for e in entries}),
        "builds.json": encoded({e["miner"]: _build(e, name, round_["number"]) for e in entries}),
        "matches_matrix.csv": table(_rows(matches, audits=False)),
        "audit_matrix.csv": table(_rows(matches, audits=True)),
        "winner.json": encoded({"winner_hotkey": documents["decision.json"]["winner"], **reign}),
    }
    if "title.json" in documents:
        fresh = [addresses.prompt(prompt["stem"]) for prompt in documents["title.json"]["fresh"]]
        files["fresh_prompts.txt"] = "\n".join(fresh).encode()
    for match in matches:
        repeat, apart = REPEATED.fullmatch(match["left"]), ""
        if repeat and (repeat[2] != "0" or repeat[1] not in ("submitted", LEADER)):  # a winner's further regenerations
            apart = f"-{repeat[2]}"
        files[f"{match['right']}/duels_{match['left'][:10]}{apart}.json"] = encoded(match)
    return files | _made(documents["assets.json"], shown) | _audits(documents["audits.json"])


def schedule(blocks: Mapping[str, int]) -> dict[str, int]:
    names = ("earliest_reveal_block", "latest_reveal_block", "generation_deadline_block")
    return {name: blocks[name] for name in names}


def rules(ruleset: Mapping[str, Any]) -> bytes:
    return encoded({"ruleset": ruleset["name"], "rules": dict(ruleset)})


def leaders(reigns: Iterable[Mapping[str, Any]]) -> bytes:
    """leader.json exactly as validators read it.  An imported weight keeps its digits."""
    rows = [
        {
            "hotkey": reign["hotkey"],
            "repo": reign["repo"],
            "commit": reign["commit"],
            "docker": reign["image"],
            "weight": number(reign["weight"]),
            "effective_block": reign["effective_block"],
        }
        for reign in reigns
    ]
    return encoded(rows)


def number(text: str) -> float:
    """ "4/5" and "0.8" are the same number."""
    return float(text) if "/" not in text else float(Fraction(text))


def _submission(entry: Mapping[str, Any], name: str, number_: int) -> dict[str, Any]:
    return {
        "repo": entry["repo"],
        "commit": entry["commit"],
        "cdn_url": entry["cdn_url"],
        "revealed_at_block": entry["reveal_block"],
        "round": f"{name}-{number_}",
    }


def _build(entry: Mapping[str, Any], name: str, number_: int) -> dict[str, Any]:
    return {
        "repo": entry["repo"],
        "commit": entry["commit"],
        "revealed_at_block": entry["reveal_block"],
        "tag": f"{entry['commit'][:7]}-{name}-{number_}",
        "status": NOT_BUILT,
        "docker_image": None,
    }


Shown = Mapping[tuple[str, str, str], Mapping[str, Any]]


def _asset(asset: Mapping[str, Any], *, addresses: Addresses) -> dict[str, Any]:
    stored = asset["state"] == "stored"
    views = (asset["rendering"] or {}).get("views") or {}
    view = views.get(PICTURE) or next((views[name] for name in sorted(views)), None)
    return {
        addresses.extension: addresses.file(asset["sha256"], addresses.extension) if stored else None,
        "png": addresses.file(view, "png") if stored and view else None,
        "size": asset["bytes"] if stored else 0,
    }


def _made(assets: Iterable[Mapping[str, Any]], shown: Shown) -> dict[str, bytes]:
    """`<hotkey>/submitted.json`, `<hotkey>/generated_0.json` of who was audited, `leader/generated.json`."""
    folders: dict[str, dict[str, Any]] = {}
    for asset in assets:
        regenerated = asset["origin"] == "generated" and asset["entry"] != LEADER
        file = f"{asset['entry']}/{asset['origin']}{'_0' if regenerated else ''}.json"
        of_asset = shown[asset["entry"], asset["origin"], asset["prompt"]]
        folders.setdefault(file, {})[asset["prompt"]] = of_asset
    return {file: encoded(dict(sorted(made.items()))) for file, made in folders.items()}


def _match(match: Mapping[str, Any], shown: Shown, *, addresses: Addresses) -> dict[str, Any]:
    sides = (match["defender"], match["defender_origin"]), (match["challenger"], match["challenger_origin"])
    duels = [
        _duel(duel, [shown.get((*side, duel["prompt"]), {}) for side in sides], addresses) for duel in match["duels"]
    ]
    won, lost = (sum(duel["winner"] == side for duel in duels) for side in (RIGHT, LEFT))
    counted = sum(duel["winner"] != SKIPPED for duel in duels)
    return {
        "left": _left(match),
        "right": match["challenger"],
        "score": won - lost,
        "margin": (won - lost) / counted if counted else 0.0,
        "duels": duels,
    }


def _left(match: Mapping[str, Any]) -> str:
    """Of outputs that the platform generated: against what was submitted, or the defender, with the repeat."""
    if plain(match["challenger_origin"]) != OUTPUTS:
        return str(match["defender"])
    of_itself = match["defender"] == match["challenger"]
    return f"{'submitted' if of_itself else match['defender']}_{regeneration_in(match['kind'])}"


def _duel(duel: Mapping[str, Any], sides: list[Mapping[str, Any]], addresses: Addresses) -> dict[str, Any]:
    """A duel that is void, or that nobody needed, is skipped: it does not count."""
    kinds = (addresses.extension, "png")
    shown = {
        f"{name}_{kind}": side.get(kind) for name, side in zip((LEFT, RIGHT), sides, strict=True) for kind in kinds
    }
    decided = (duel.get("detail") or {}).get("decided_by", "")
    row = {
        "name": duel["prompt"],
        "prompt": addresses.prompt(duel["prompt"]),
        **shown,
        "winner": WINNERS.get(duel.get("outcome", ""), SKIPPED),
        "state": duel["state"],
        "issues": ISSUES.get(duel["state"], f"Decided by {decided}" if decided else "Judged"),
    }
    return row | ({"detail": duel["detail"]} if duel.get("detail") else {})


def _rows(matches: Iterable[Mapping[str, Any]], *, audits: bool) -> list[tuple[str, str, float]]:
    of_audit = [match for match in matches if bool(REPEATED.fullmatch(match["left"])) == audits]
    return [(match["left"], match["right"], match["margin"]) for match in of_audit]


def _audits(audits: Iterable[Mapping[str, Any]]) -> dict[str, bytes]:
    rows = [a for a in audits if a["verdict"] in AUDITED]
    by_kind: dict[str, list[dict[str, str]]] = {"source": [], "generation": []}
    for a in rows:
        row = {"hotkey": a["entry"], "verdict": AUDITED[a["verdict"]], "reason": a["reason"]}
        by_kind.setdefault(a["kind"], []).append(row)
    required = list(dict.fromkeys(audit["entry"] for audit in rows))
    return {
        "source_audit.json": encoded(by_kind["source"]),
        "generation_audits.json": encoded({audit["hotkey"]: audit for audit in by_kind["generation"]}),
        "require_audit.json": encoded([{"hotkey": hotkey} for hotkey in required]),
    }
