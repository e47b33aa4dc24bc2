"""Is there one file for each entry and prompt, with its pictures, and nothing else?"""

from __future__ import annotations

import hashlib
from collections import Counter
from fractions import Fraction
from typing import Any

from verify.bundles.files import Bundle, canonical, text

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


def check(bundle: Bundle) -> None:
    _complete(bundle)
    rig = _rig(bundle)
    drawn: dict[str, str] = {}
    for row in bundle.told(NAME):
        field = f"{row['entry']} {row['origin']} {row['prompt']}"
        _file(bundle, row, field)
        _views(bundle, row, field, rig=rig)
        told = drawn.setdefault(row["sha256"], text(row["rendering"])) if row["state"] == "stored" else ""
        if told and told != text(row["rendering"]):
            bundle.note("wrong-views", NAME, field=field, say="Other pictures than of the same file elsewhere.")
    _named(bundle)


def challengers(bundle: Bundle) -> list[dict[str, Any]]:
    """Who entered: without an objection."""
    return [s for s in bundle.told("submissions.json") if s["role"] == "challenger" and not s["objection"]]


def regenerated(bundle: Bundle) -> set[str]:
    """Whose code was run again, for an audit."""
    return {audit["entry"] for audit in bundle.told("audits.json") if audit["kind"] == "generation"}


def again(bundle: Bundle, entry: str) -> list[str]:
    """Under which names it was generated: once, once more after each win in a match of margin-2's repeats, and once
    more for each correction that did so."""
    rules = bundle.told("round.json")["rules"]
    rerun = sorted(
        {
            m["challenger_origin"]
            for m in (*bundle.told("matches.json"), *bundle.aside())
            if (m["kind"], m["challenger"]) == ("audit", entry)
        }
        - {"generated"}
    )
    won = {
        m["kind"]
        for m in bundle.told("matches.json")
        if m["challenger"] == entry
        and m["kind"].startswith("again")
        and Fraction(m["margin"]) >= Fraction(rules["win_margin"])
    }
    found = ["generated"]
    while len(found) < rules["audit_repeats"] and f"again{'_' * (len(found) > 1)}{len(found) - 1 or ''}" in won:
        found.append(f"generated_{len(found)}")
    return found + [origin for origin in rerun if origin not in found]


def _complete(bundle: Bundle) -> None:
    stems = [prompt["stem"] for prompt in bundle.told("round.json")["prompts"]]
    entries = [(row["entry"], "submitted") for row in challengers(bundle)]
    entries += [("leader", "generated"), *((e, origin) for e in regenerated(bundle) for origin in again(bundle, e))]
    expected = Counter((*entry, stem) for entry in entries for stem in stems)
    expected += Counter((entry, "generated", stem) for entry, stem in on_fresh(bundle))
    found = Counter((row["entry"], row["origin"], row["prompt"]) for row in bundle.told(NAME))
    for key in sorted((expected - found) + (found - expected)):
        bundle.note(
            "wrong-assets",
            NAME,
            field=" ".join(key),
            found=found[key],
            expected=expected[key],
            say="One row for each prompt of an entry, and of code that was run again.",
        )


def on_fresh(bundle: Bundle) -> list[tuple[str, str]]:
    """(entry, prompt) of the outputs that title matches were decided on."""
    fresh, reached = bundle.documents.get("title.json", {"fresh": []})["fresh"], dict[str, int]()
    for match in (m for m in (*bundle.told("matches.json"), *bundle.aside()) if m["kind"] == "title"):
        for side in (match["defender"], match["challenger"]):
            reached[side] = max(reached.get(side, 0), match["stopped_after"])
    stems = [row["stem"] for row in sorted(fresh, key=lambda row: int(row["position"]))]
    return [(side, stem) for side, number in reached.items() for stem in stems[:number]]


def _rig(bundle: Bundle) -> tuple[str, set[str]]:
    """The rig's digest, what is not configured at its usual value, and the names of its pictures."""
    rig = RIG | bundle.told("competition.json")["config"]["rig"]
    rig = {
        key: value for key, value in rig.items() if (key, value) != ("light", "matt")
    }  # the usual light is not named
    names = {view["name"] for view in rig["views"]} | {f"gray_{name}" for name in rig["gray"]}
    names |= {"grid"} if len(rig["gray"]) == 4 else set()
    return hashlib.sha256(canonical(rig) or b"").hexdigest(), names


def _file(bundle: Bundle, row: dict[str, Any], field: str) -> None:
    blob = bundle.blobs.get(row["sha256"])
    if row["state"] == "stored":
        found = {"role": blob["role"], "bytes": blob["bytes"]} if blob else None
        bundle.same(
            "asset-file",
            NAME,
            field=field,
            found=found,
            expected={"role": "asset", "bytes": row["bytes"]},
            say="The file is not in the bundle in this size.",
        )
        return
    nobody = not challengers(bundle) and row["state"] == "downloading"
    if not nobody and (row["state"] != "failed" or not row["failure"]):
        bundle.note(
            "wrong-assets",
            NAME,
            field=field,
            found=row["state"],
            expected="stored, or failed with a failure",
            say="A file is there, or it is told why not.",
        )
    if not nobody and row["entry"] == "leader":
        _leader_forfeits(bundle, field, failure=row["failure"] or {})
    if row["sha256"] or row["bytes"] or row["rendering"]:
        bundle.note("wrong-assets", NAME, field=field, found=row["sha256"], expected="", say="No file, yet its hash.")


def _views(bundle: Bundle, row: dict[str, Any], field: str, *, rig: tuple[str, set[str]]) -> None:
    drawn, (digest, names) = row["rendering"], rig
    if drawn is None:
        if row["state"] == "stored":
            bundle.note("wrong-views", NAME, field=field, say="The file was neither drawn nor refused.")
        return
    bundle.same("wrong-views", NAME, field=f"{field} rig", found=drawn["rig"], expected=digest, say="Another rig.")
    refused = drawn["state"] == "refused" and bool(drawn["failure"])
    if drawn["state"] != "rendered" and not refused:
        bundle.note("wrong-views", NAME, field=field, found=drawn["state"], say="Neither rendered nor refused.")
    if refused and row["entry"] == "leader":
        _leader_forfeits(bundle, field, failure=drawn["failure"])
    expected = [] if refused else sorted(names)
    bundle.same(
        "wrong-views",
        NAME,
        field=field,
        found=sorted(drawn["views"]),
        expected=expected,
        say="Not the pictures that the rig takes.",
    )
    for view, sha256 in drawn["views"].items():
        if bundle.blobs.get(sha256, {}).get("role") not in ("view", "asset", "prompt"):
            bundle.note("wrong-views", NAME, field=f"{field} {view}", found=sha256, say="Not in the bundle.")


def _leader_forfeits(bundle: Bundle, field: str, *, failure: dict[str, Any]) -> None:
    """A leader has no veto: what its own code does not deliver is its forfeit.  What we lost is not."""
    if failure.get("class") == "miner":
        bundle.note("leader-forfeit", NAME, field=field, found=failure, say="The leader's code gave no usable file.")
    else:
        bundle.note(
            "leader-incomplete",
            NAME,
            field=field,
            found=failure,
            expected={"class": "miner"},
            say="The leader lacks a file, and not by its own doing.",
        )


def _named(bundle: Bundle) -> None:
    """Every content-addressed file is a prompt, an asset or a view that a document names; every prompt is there."""
    prompts = {prompt["sha256"] for prompt in bundle.told("round.json")["prompts"]}
    used, fresh = {stem for _, stem in on_fresh(bundle)}, bundle.documents.get("title.json", {"fresh": []})["fresh"]
    prompts |= {row["sha256"] for row in fresh if row["stem"] in used}
    assets = {row["sha256"] for row in bundle.told(NAME) if row["state"] == "stored"}
    views = {sha for row in bundle.told(NAME) for sha in (row["rendering"] or {"views": {}})["views"].values()}
    views |= {
        sha for c in bundle.documents.get("judging.json", {"controls": []})["controls"] for sha in c["views"].values()
    }
    expected = dict.fromkeys(prompts, "prompt") | dict.fromkeys(assets, "asset") | dict.fromkeys(views, "view")
    for sha256 in sorted(prompts - set(bundle.blobs)):
        bundle.note("asset-file", "round.json", field="prompts", found=sha256, say="The prompt is not in the bundle.")
    for sha256, entry in bundle.blobs.items():
        if expected.get(sha256) != entry["role"]:
            bundle.note(
                "foreign-file",
                entry["path"],
                field="role",
                found=entry["role"],
                expected=expected.get(sha256),
                say="No document names it, or in another role.",
            )
