"""Is there one file for each entry and prompt, with its pictures, and nothing else?"""

from __future__ import annotations

import hashlib
from fractions import Fraction
from typing import Any

from verify.bundles.entries import challengers
from verify.bundles.files import Bundle, canonical

NAME = "assets.json"
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

Row = dict[str, Any]


def check(bundle: Bundle) -> None:
    rows, nobody = bundle.document(NAME), not challengers(bundle)
    names = [f"{row['entry']} {row['origin']} {row['prompt']}" for row in rows]
    bundle.compare_sets("wrong-assets", "wrong-assets", NAME, names, _wanted(bundle))
    rig = _rig(bundle)
    drawn: dict[str, Any] = {}
    for field, row in zip(names, rows, strict=True):
        if row["state"] == "stored":
            blob = bundle.blobs.get(row["sha256"], {})
            stored = {name: blob.get(name) for name in ("role", "bytes")}
            bundle.compare("asset-file", NAME, stored, {"role": "asset", "bytes": row["bytes"]}, field=field)
            _rendering(bundle, row["rendering"], field, rig=rig)
            same = drawn.setdefault(row["sha256"], row["rendering"])
            bundle.compare("wrong-views", NAME, row["rendering"], same, field=field)
        elif not (nobody and row["state"] == "downloading"):
            state = "failed" if row["failure"] else "failed with a failure"
            expected = {"state": state, "sha256": "", "bytes": 0, "rendering": None}
            bundle.compare("wrong-assets", NAME, {name: row[name] for name in expected}, expected, field=field)
        refused = (row["rendering"] or {}).get("state") == "refused"
        if row["entry"] == "leader" and (refused or row["state"] == "failed"):
            _leader_forfeits(bundle, field, failure=(row["rendering"] if refused else row)["failure"] or {})
    _blobs(bundle)


def _wanted(bundle: Bundle) -> list[str]:
    """One row for each prompt of an entry, of the leader, of code that was run again, and of a title match."""
    stems = [prompt["stem"] for prompt in bundle.document("round.json")["prompts"]]
    outputs = [(row["entry"], "submitted") for row in challengers(bundle)] + [("leader", "generated")]
    for entry in sorted({audit["entry"] for audit in bundle.document("audits.json") if audit["kind"] == "generation"}):
        outputs += [(entry, origin) for origin in _regenerated(bundle, entry)]
    wanted = [f"{entry} {origin} {stem}" for entry, origin in outputs for stem in stems]
    return wanted + [f"{entry} generated {stem}" for entry, stem in on_fresh(bundle)]


def _regenerated(bundle: Bundle, entry: str) -> list[str]:
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


def on_fresh(bundle: Bundle) -> list[tuple[str, str]]:
    """(entry, prompt) of the outputs that title matches were decided on."""
    reached = dict[str, int]()
    for match in (m for m in bundle.matches if m["kind"] == "title"):
        for side in (match["defender"], match["challenger"]):
            reached[side] = max(reached.get(side, 0), match["stopped_after"])
    stems = [row["stem"] for row in bundle.fresh]
    return [(side, stem) for side, number in reached.items() for stem in stems[:number]]


def _rig(bundle: Bundle) -> tuple[str, set[str]]:
    """The rig's digest, what is not configured at its usual value, and the names of its pictures."""
    rig = RIG | bundle.document("competition.json")["config"]["rig"]
    if rig.get("light") == "matt":
        del rig["light"]  # the usual light is not named
    names = {view["name"] for view in rig["views"]} | {f"gray_{name}" for name in rig["gray"]}
    names |= {"grid"} if len(rig["gray"]) == 4 else set()
    return hashlib.sha256(canonical(rig) or b"").hexdigest(), names


def _rendering(bundle: Bundle, drawn: Row | None, field: str, *, rig: tuple[str, set[str]]) -> None:
    """The file was drawn from all of the rig's sides, or refused with a failure."""
    if drawn is None:
        bundle.note("wrong-views", NAME, field=field, sentence="The file was neither drawn nor refused.")
        return
    refused = drawn["state"] == "refused" and bool(drawn["failure"])
    expected = {
        "rig": rig[0],
        "state": "refused" if refused else "rendered",
        "views": [] if refused else sorted(rig[1]),
    }
    bundle.compare("wrong-views", NAME, {**drawn, "views": sorted(drawn["views"])}, drawn | expected, field=field)
    for view, sha256 in drawn["views"].items():
        if bundle.blobs.get(sha256, {}).get("role") not in ("view", "asset", "prompt"):
            bundle.note("wrong-views", NAME, field=f"{field} {view}", found=sha256, sentence="Not in the bundle.")


def _leader_forfeits(bundle: Bundle, field: str, *, failure: Row) -> None:
    """A leader has no veto: what its own code does not deliver is its forfeit.  What we lost is not."""
    if failure.get("class") == "miner":
        bundle.note("leader-forfeit", NAME, field=field, found=failure)
    else:
        bundle.note("leader-incomplete", NAME, field=field, found=failure, expected={"class": "miner"})


def _blobs(bundle: Bundle) -> None:
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
