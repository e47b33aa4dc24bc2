"""Do the verdicts of a judge that is a model follow from its answers, and was it well?

What the judge consists of is told, and its hash is the version that the matches name.  Each duel is asked through
again: its questions from the hashes of prompt and pictures, their answers by key, the stages from the answers.
"""

from __future__ import annotations

from typing import Any

from verify.bundles import controls as bundle_controls
from verify.bundles.answering import NAME, follow, prompt_of, sound, unneeded
from verify.bundles.answers import Answers, Views, sha256
from verify.bundles.ballots import MODELS
from verify.bundles.files import Bundle

MATCHES = "matches.json"
RULES = "cascade-1"

Row = dict[str, Any]


def by_model(bundle: Bundle) -> bool:
    return str(bundle.told("competition.json")["judge"]).partition(":")[0] in MODELS


def check(bundle: Bundle) -> None:
    if by_model(bundle) != (NAME in bundle.documents):
        kind = "file-missing" if by_model(bundle) else "foreign-file"
        bundle.note(kind, NAME, say="A round that a model judged, and no other, has this document.")
    if not by_model(bundle) or NAME not in bundle.documents:
        return
    doc = bundle.told(NAME)
    if not _judge(bundle, doc):
        return
    answers = Answers(sound(bundle, doc["answers"], at="answers"), version=doc["version"], described=doc["described"])
    views = views_of(bundle)
    for match in (*bundle.told(MATCHES), *bundle.aside()):
        for duel in match["duels"]:
            if duel["state"] == "judged":
                answers.take = take_of(bundle, duel)
                _duel(bundle, duel, answers, views, field=f"{match['kind']} {match['challenger']} {duel['prompt']}")
    unneeded(bundle, answers, at="answers")
    bundle_controls.check(bundle, described=doc["described"], views=views)


def _judge(bundle: Bundle, doc: Row) -> bool:
    """Is this the judge that the matches name, and one whose rules are written here?"""
    bundle.same(
        "wrong-judge",
        NAME,
        field="name",
        found=doc["name"],
        expected=bundle.told("competition.json")["judge"],
        say="Not the competition's judge.",
    )
    versions = sorted({match["judge"] for match in bundle.told(MATCHES)})
    described = doc["described"]
    if not described:
        return bundle.same("wrong-judge", NAME, field="version", found=versions, expected=[], say="It is not told.")
    if described["rules"] != RULES:
        bundle.note(
            "wrong-judge",
            NAME,
            field="rules",
            found=described["rules"],
            expected=RULES,
            say="Its rules are not written here: a newer verifier is needed.",
        )
        return False
    bundle.same(
        "wrong-judge",
        NAME,
        field="version",
        found=[doc["version"]],
        expected=versions or [doc["version"]],
        say="Not the version that the matches name.",
    )
    return bundle.same(
        "wrong-judge",
        NAME,
        field="described",
        found=doc["version"],
        expected=sha256(described),
        say="The version is not the hash of what it is said to consist of.",
    )


def views_of(bundle: Bundle) -> dict[str, Views]:
    """A file -> its pictures by name."""
    rows = [row for row in bundle.told("assets.json") if (row["rendering"] or {}).get("state") == "rendered"]
    return {row["sha256"]: row["rendering"]["views"] for row in rows}


def take_of(bundle: Bundle, duel: Row) -> str:
    """Under which name its questions were asked anew; "" for the first time."""
    take = duel.get("take", 1)
    return f"{bundle.manifest['competition']} {bundle.round} {take}" if take > 1 else ""


def _duel(bundle: Bundle, duel: Row, answers: Answers, views: dict[str, Views], *, field: str) -> None:
    stages = duel["detail"].get("stages", [])
    reference = prompt_of(bundle, duel["prompt"])
    if duel["left"] == duel["right"]:
        bundle.same("wrong-ballots", MATCHES, field=field, found=stages, expected=[], say="The same file twice.")
        return
    if not stages:
        bundle.note("wrong-ballots", MATCHES, field=field, say="Judged, and nobody was asked.")
        return
    left, right = (views.get(duel[side], {}) for side in ("left", "right"))
    follow(bundle, MATCHES, stages, answers, field=field, reference=reference, left=left, right=right)
