"""What do the files of a round say in the layout of public state repositories?

From the documents of the round's bundle, so that both say the same.  It is the layout of era 1, with `rules.json`
beside it (the rules the round was played under) and an audit as one regeneration against what was submitted.  A file
stands under the extension of its format.  Rounds of Three.js modules are written in a layout of their own:
`june_2026.py`.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from fractions import Fraction
from typing import Any

from competition.decisions.attempts import OUTPUTS, plain, regeneration_in
from competition.rulesets.base import SCREEN
from verify.rounds import LEADER, SUBMITTED

MatrixRow = tuple[str, str, float]
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
    """Where a file lies, by hash and extension, a prompt's picture, by stem (its last part must be the stem), and the
    folder of what was drawn of a file, by its hash.

    `extension`: of what miners make.
    """

    file: Callable[[str, str], str]
    prompt: Callable[[str], str]
    views: Callable[[str], str]
    extension: str


def encoded(value: Any) -> bytes:
    return json.dumps(value, indent=2, ensure_ascii=False).encode()


def table(rows: Iterable[MatrixRow]) -> bytes:
    return "\n".join(["left,right,margin", *(f"{left},{right},{margin}" for left, right, margin in rows)]).encode()


Document = Mapping[str, Any]
Outputs = Mapping[tuple[str, str, str], Document]
"""(entry, origin, stem) -> what a row says of the file it had for a prompt."""


@dataclass(frozen=True, kw_only=True)
class RecordLayout:
    """How the files name what was made and played.  This is the platform's own; others differ in their methods."""

    addresses: Addresses

    def output(self, asset: Document) -> dict[str, Any]:
        """Address and size of a file, and its picture."""
        stored = asset["state"] == "stored"
        views = (asset["rendering"] or {}).get("views") or {}
        view = views.get(PICTURE) or next((views[name] for name in sorted(views)), None)
        return {
            self.addresses.extension: self.addresses.file(asset["sha256"], self.addresses.extension)
            if stored
            else None,
            "png": self.addresses.file(view, "png") if stored and view else None,
            "size": asset["bytes"] if stored else 0,
        }

    def pictures(self, output: Document) -> dict[str, Any]:
        """What a duel shows of a side."""
        return {kind: output.get(kind) for kind in (self.addresses.extension, "png")}

    def outputs_file(self, entry: str, origin: str) -> str:
        """`<hotkey>/submitted.json`, `<hotkey>/generated_0.json` of who was audited, `leader/generated.json`."""
        return f"{entry}/{origin}{'_0' if origin == OUTPUTS and entry != LEADER else ''}.json"

    def side(self, match: Document) -> str:
        """The left side's name in the matrices, with the repeat where the right side is what the platform generated."""
        if plain(match["challenger_origin"]) != OUTPUTS:
            return str(match["defender"])
        of_itself = match["defender"] == match["challenger"]
        return f"{SUBMITTED if of_itself else match['defender']}_{regeneration_in(match['kind'])}"

    def match_file(self, match: Document) -> tuple[str, str]:
        """Its name in the challenger's folder, and what it says of its left side."""
        left, apart = self.side(match), ""
        repeat = REPEATED.fullmatch(left)
        if repeat and (repeat[2] != "0" or repeat[1] not in (SUBMITTED, LEADER)):  # a winner's further regenerations
            apart = f"-{repeat[2]}"
        return f"duels_{left[:10]}{apart}.json", left

    def duel_words(self, duel: Document) -> dict[str, Any]:
        """How a duel came out: one that is void, or that nobody needed, is skipped and does not count."""
        decided = (duel.get("detail") or {}).get("decided_by", "")
        issues = ISSUES.get(duel["state"], f"Decided by {decided}" if decided else "Judged")
        detail = {"detail": duel["detail"]} if duel.get("detail") else {}
        return {"state": duel["state"], "issues": issues, **detail}

    def audits(self, documents: Document, outputs: Outputs, margins: Sequence[MatrixRow]) -> dict[str, bytes]:
        """`outputs`: what every entry had; `margins`: the rows of the audit matrix."""
        rows = [a for a in documents["audits.json"] if a["verdict"] in AUDITED]
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


def round_files(documents: Document, *, reign: Mapping[str, str], name: str, layout: RecordLayout) -> dict[str, bytes]:
    """Path below the round's folder -> bytes.  `documents`: those of the bundle, by name; `reign`: what followed."""
    round_, addresses = documents["round.json"], layout.addresses
    # who made a submission; what was wrong with other reveals stands in the bundle only
    entries = [s for s in documents["submissions.json"] if s["role"] != LEADER and not s["objection"]]
    outputs = {(a["entry"], a["origin"], a["prompt"]): layout.output(a) for a in documents["assets.json"]}
    # screens in the order of the reveals, then the ladder's matches
    place = {entry["miner"]: number_ for number_, entry in enumerate(entries)}
    in_turn = sorted(
        documents["matches.json"], key=lambda m: (m["kind"] != SCREEN, place.get(m["challenger"], 0), m["defender"])
    )
    rows: dict[bool, list[MatrixRow]] = {False: [], True: []}
    matches = {}
    for match in in_turn:
        file, left = layout.match_file(match)
        matches[f"{match['challenger']}/{file}"] = shown = _match(match, outputs, left=left, layout=layout)
        side = layout.side(match)
        rows[bool(REPEATED.fullmatch(side))].append((side, match["challenger"], shown["margin"]))
    files = {
        "schedule.json": encoded(schedule(round_["schedule"])),
        "seed.json": encoded({"seed": int(round_["seed"] or "0", 16)}),
        "prompts.txt": "\n".join(addresses.prompt(prompt["stem"]) for prompt in round_["prompts"]).encode(),
        "submissions.json": encoded({e["miner"]: _submission(e, name, round_["number"]) for e in entries}),
        "builds.json": encoded({e["miner"]: _build(e, name, round_["number"]) for e in entries}),
        "matches_matrix.csv": table(rows[False]),
        "audit_matrix.csv": table(rows[True]),
        "winner.json": encoded({"winner_hotkey": documents["decision.json"]["winner"], **reign}),
    }
    if "title.json" in documents:
        fresh = [addresses.prompt(prompt["stem"]) for prompt in documents["title.json"]["fresh"]]
        files["fresh_prompts.txt"] = "\n".join(fresh).encode()
    files |= {file: encoded(match) for file, match in matches.items()}
    return files | _made(outputs, layout=layout) | layout.audits(documents, outputs, rows[True])


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


def _made(outputs: Outputs, *, layout: RecordLayout) -> dict[str, bytes]:
    """The files that list what an entry submitted, or what its code gave."""
    folders: dict[str, dict[str, Document]] = {}
    for (entry, origin, stem), output in outputs.items():
        folders.setdefault(layout.outputs_file(entry, origin), {})[stem] = output
    return {file: encoded(dict(sorted(made.items()))) for file, made in folders.items()}


def _match(match: Document, outputs: Outputs, *, left: str, layout: RecordLayout) -> dict[str, Any]:
    sides = (match["defender"], match["defender_origin"]), (match["challenger"], match["challenger_origin"])
    duels = [
        _duel(duel, [outputs.get((*side, duel["prompt"]), {}) for side in sides], layout) for duel in match["duels"]
    ]
    won, lost = (sum(duel["winner"] == side for duel in duels) for side in (RIGHT, LEFT))
    counted = sum(duel["winner"] != SKIPPED for duel in duels)
    return {
        "left": left,
        "right": match["challenger"],
        "score": won - lost,
        "margin": (won - lost) / counted if counted else 0.0,
        "duels": duels,
    }


def _duel(duel: Document, sides: list[Document], layout: RecordLayout) -> dict[str, Any]:
    shown = {
        f"{name}_{kind}": address
        for name, side in zip((LEFT, RIGHT), sides, strict=True)
        for kind, address in layout.pictures(side).items()
    }
    return {
        "name": duel["prompt"],
        "prompt": layout.addresses.prompt(duel["prompt"]),
        **shown,
        "winner": WINNERS.get(duel.get("outcome", ""), SKIPPED),
        **layout.duel_words(duel),
    }
