"""Do the verdicts of a judge that is a model follow from its answers, and was it well?

The document says what the judge consists of; its hash is the version that the matches name.  Each duel is followed
again: its questions from the hashes of prompt and pictures, their answers by key, the stages from the answers.
"""

from __future__ import annotations

from typing import Any

from verify.bundles import controls
from verify.bundles.answering import NAME, follow, prompt_of, sound, unneeded
from verify.bundles.answers import Answers, Views, sha256
from verify.bundles.ballots import MODELS, silent
from verify.bundles.files import Bundle

MATCHES = "matches.json"
RULES = "cascade-1"

Row = dict[str, Any]


def by_model(bundle: Bundle) -> bool:
    return str(bundle.document("competition.json")["judge"]).partition(":")[0] in MODELS


def check(bundle: Bundle) -> None:
    if by_model(bundle) != (NAME in bundle.documents):
        kind = "file-missing" if by_model(bundle) else "foreign-file"
        bundle.note(kind, NAME)
    if not by_model(bundle) or NAME not in bundle.documents:
        return
    doc = bundle.document(NAME)
    if not _judge(bundle, doc):
        return
    answers = Answers(sound(bundle, doc["answers"], at="answers"), version=doc["version"], described=doc["described"])
    views = views_of(bundle)
    for match in bundle.matches:
        for duel in match["duels"]:
            if duel["state"] == "judged":
                answers.take = take_of(bundle, duel)
                _duel(bundle, duel, answers, views, field=f"{match['kind']} {match['challenger']} {duel['prompt']}")
    unneeded(bundle, answers, at="answers")
    controls.check(bundle, described=doc["described"], views=views)


def _judge(bundle: Bundle, doc: Row) -> bool:
    """Is this the judge that the matches name, and one whose rules are written here?"""
    bundle.compare("wrong-judge", NAME, doc["name"], bundle.document("competition.json")["judge"], field="name")
    versions = sorted({match["judge"] for match in bundle.document(MATCHES)})
    described = doc["described"]
    if not described:
        return bundle.compare("wrong-judge", NAME, versions, [], field="version")
    if described["rules"] != RULES:
        sentence = "Its rules are not written here: a newer verifier is needed."
        return bundle.compare("wrong-judge", NAME, described["rules"], RULES, field="rules", sentence=sentence)
    bundle.compare("wrong-judge", NAME, [doc["version"]], versions or [doc["version"]], field="version")
    return bundle.compare("wrong-judge", NAME, doc["version"], sha256(described), field="described")


def views_of(bundle: Bundle) -> dict[str, Views]:
    """A file -> its pictures by name."""
    rows = [row for row in bundle.document("assets.json") if (row["rendering"] or {}).get("state") == "rendered"]
    return {row["sha256"]: row["rendering"]["views"] for row in rows}


def take_of(bundle: Bundle, duel: Row) -> str:
    """Under which name its questions were asked again; "" for the first time."""
    take = duel.get("take", 1)
    return f"{bundle.manifest['competition']} {bundle.round} {take}" if take > 1 else ""


def _duel(bundle: Bundle, duel: Row, answers: Answers, views: dict[str, Views], *, field: str) -> None:
    stages = duel["detail"].get("stages", [])
    reference = prompt_of(bundle, duel["prompt"])
    if duel["left"] == duel["right"]:
        bundle.compare("wrong-ballots", MATCHES, stages, [], field=field)
        return
    if not stages:
        bundle.note("wrong-ballots", MATCHES, field=field, sentence="Judged, and nobody was asked.")
        return
    if silent(stages):
        bundle.note("judge-silenced", MATCHES, field=field, found=f"{duel['outcome']} by silence")
        return
    left, right = (views.get(duel[side], {}) for side in ("left", "right"))
    follow(bundle, MATCHES, stages, answers, field=field, reference=reference, left=left, right=right)
