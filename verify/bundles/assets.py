"""Is there one file for each entry and prompt, with its pictures, and nothing else?"""

from __future__ import annotations

import hashlib
from fractions import Fraction
from typing import Any

from verify.bundles.files import ExaminedBundle, Row, canonical
from verify.bundles.reveals import challengers
from verify.findings import keyed

NAME, BY = "assets.json", ("entry", "origin", "prompt")
DRAWN = ("view", "asset", "prompt")
"""As what a picture may lie in the bundle."""
RIG: dict[str, Any] = {
    "gray": [],
    "radius": 2,
    "fov": 49.1,
    "pixels": 1024,
    "grid_pixels": 518,
    "samples": 2,
    "background": "#ffffff",
    "gray_background": "#808080",
}
"""What a rig is where its competition says nothing; `views` have no usual value."""

KINDS = {"": "wrong-assets", "bytes": "asset-file", "rendering": "wrong-views"}


def check(bundle: ExaminedBundle) -> None:
    """A leader has no veto: what its own code does not deliver is its forfeit.  What we lost is not."""
    doc = bundle.document(NAME)
    bundle.compare(KINDS, NAME, keyed(doc, *BY), write(bundle))
    for row in (row for row in doc if row["entry"] == "leader"):
        refused = row["rendering"] if (row["rendering"] or {}).get("state") == "refused" else None
        failure = (refused or row)["failure"] or {}
        if refused is None and row["state"] != "failed":
            continue
        field = " ".join(row[name] for name in BY)
        if failure.get("class") == "miner":
            bundle.note("leader-forfeit", NAME, field=field, found=failure)
        else:
            bundle.note("leader-incomplete", NAME, field=field, found=failure, expected={"class": "miner"})


def write(bundle: ExaminedBundle) -> dict[str, Row]:
    """One file, or one failure, for each output that there must be, from the stored files and the rig."""
    doc, nobody, rig = bundle.document(NAME), not challengers(bundle), rig_of(bundle)
    rows, first, table = keyed(doc, *BY), dict[str, Any](), dict[str, Row]()
    for row in (row for row in doc if row["state"] == "stored"):
        first.setdefault(row["sha256"], row["rendering"])  # the same content looks the same
    for name in outputs(bundle):
        row = rows.get(name, {"state": "missing", "failure": None})
        if row["state"] == "stored":
            stored, drawn = bundle.blobs.get(row["sha256"], {}), first[row["sha256"]]
            table[name] = row | {"bytes": stored.get("bytes"), "rendering": rendering(bundle, drawn, rig=rig)}
        elif nobody and row["state"] == "downloading":
            table[name] = row
        else:
            failure = row["failure"] or "a failure"
            table[name] = row | {"state": "failed", "failure": failure, "sha256": "", "bytes": 0, "rendering": None}
    return table


def rendering(bundle: ExaminedBundle, drawn: Row | None, *, rig: tuple[str, set[str]]) -> Any:
    """The file was drawn from all of the rig's sides, or refused with a failure."""
    if drawn is None:
        return "drawn, or refused"
    if drawn["state"] == "refused" and drawn["failure"]:
        return drawn | {"rig": rig[0], "views": {}}
    there = [name for name in rig[1] if bundle.blobs.get(drawn["views"].get(name), {}).get("role") in DRAWN]
    views = dict.fromkeys(rig[1], "a picture in the bundle") | {name: drawn["views"][name] for name in there}
    return drawn | {"rig": rig[0], "state": "rendered", "views": views}


def outputs(bundle: ExaminedBundle) -> list[str]:
    """One row for each prompt of an entry, of the leader, of code that was run again, and of a title match."""
    stems = [prompt["stem"] for prompt in bundle.document("round.json")["prompts"]]
    made = [(row["entry"], "submitted") for row in challengers(bundle)] + [("leader", "generated")]
    for entry in sorted({audit["entry"] for audit in bundle.document("audits.json") if audit["kind"] == "generation"}):
        made += [(entry, origin) for origin in regenerated(bundle, entry)]
    names = [f"{entry} {origin} {stem}" for entry, origin in made for stem in stems]
    return names + [f"{entry} generated {stem}" for entry, stem in on_fresh(bundle)]


def regenerated(bundle: ExaminedBundle, entry: str) -> list[str]:
    """Under which names it was generated: once, once more after each win in a match of margin-2's repeats, and once
    more for each correction that did so."""
    bar, mine = Fraction(bundle.rules["win_margin"]), [m for m in bundle.matches if m["challenger"] == entry]
    rerun = {match["challenger_origin"] for match in mine if match["kind"] == "audit"}
    repeats = [m for m in bundle.document("matches.json") if m["challenger"] == entry and m["kind"].startswith("again")]
    won, names = {match["kind"] for match in repeats if Fraction(match["margin"]) >= bar}, ["generated"]
    while len(names) < bundle.rules["audit_repeats"] and numbered("again", len(names) - 1) in won:
        names.append(numbered("generated", len(names)))
    return names + sorted(rerun - set(names))


def numbered(name: str, repeat: int) -> str:
    return f"{name}_{repeat}" if repeat else name


def on_fresh(bundle: ExaminedBundle) -> list[tuple[str, str]]:
    """(entry, prompt) of the outputs that title matches were decided on."""
    reached = dict[str, int]()
    for match in (m for m in bundle.matches if m["kind"] == "title"):
        for side in (match["defender"], match["challenger"]):
            reached[side] = max(reached.get(side, 0), match["stopped_after"])
    stems = [row["stem"] for row in bundle.fresh]
    return [(side, stem) for side, number in reached.items() for stem in stems[:number]]


def rig_of(bundle: ExaminedBundle) -> tuple[str, set[str]]:
    """The rig's digest, what is not configured at its usual value, and the names of its pictures."""
    rig = RIG | bundle.document("competition.json")["config"]["rig"]
    if rig.get("light") == "matt":
        del rig["light"]  # the usual light is not named
    names = {view["name"] for view in rig["views"]} | {f"gray_{name}" for name in rig["gray"]}
    names |= {"grid"} if len(rig["gray"]) == 4 else set()
    return hashlib.sha256(canonical(rig) or b"").hexdigest(), names


def blobs(bundle: ExaminedBundle) -> None:
    """Every content-addressed file is a prompt, an asset or a view that a document names; every prompt is there."""
    prompts = {prompt["sha256"] for prompt in bundle.document("round.json")["prompts"]}
    used = {stem for _, stem in on_fresh(bundle)}
    prompts |= {row["sha256"] for row in bundle.fresh if row["stem"] in used}
    roles = dict.fromkeys(prompts, "prompt")
    roles |= {row["sha256"]: "asset" for row in bundle.document(NAME) if row["state"] == "stored"}
    shown = [row["rendering"]["views"] for row in bundle.document(NAME) if row["rendering"]]
    shown += [row["views"] for row in bundle.documents.get("judging.json", {"controls": []})["controls"]]
    for views in shown:
        roles |= dict.fromkeys(views.values(), "view")
    for sha256 in sorted(prompts - set(bundle.blobs)):
        bundle.note("asset-file", "round.json", field="prompts", found=sha256)
    for sha256, entry in bundle.blobs.items():
        bundle.compare("foreign-file", entry["path"], entry["role"], roles.get(sha256), field="role")
