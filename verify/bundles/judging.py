"""Do the verdicts of a judge that is a model follow from its answers, and was it well?

A judge that publishes `judging.json` is a model, and a round that tells of a model's questions or controls publishes
one.  The document says what the judge consists of; its hash is the version that the matches name.  Each duel is
followed again: its questions from the hashes of prompt and pictures, their answers by key, the stages from the answers.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from verify.bundles.answers import AnswersByKey, MissingAnswer, Views, sha256, stated, write
from verify.bundles.ballots import TWO_STAGES, silent
from verify.bundles.cascade import Unanswered
from verify.bundles.events import bodies
from verify.bundles.files import ExaminedBundle
from verify.comparing import keyed

NAME, MATCHES = "judging.json", "matches.json"
RULES = "cascade-1"
KINDS = {"name": "foreign-file", "": "wrong-judge"}

Row = dict[str, Any]


def by_model(bundle: ExaminedBundle) -> bool:
    return NAME in bundle.documents


def check(bundle: ExaminedBundle) -> None:
    """Is the document there where it must be, that of the competition's judge, and of one whose rules are written
    here?"""
    judge, doc = bundle.document("competition.json")["judge"], bundle.documents.get(NAME)
    if doc is None:
        questions = {stage["kind"] for _, duel in judged_duels(bundle) for stage in duel["detail"].get("stages", [])}
        if questions - TWO_STAGES or bodies(bundle, "control.judged", of_round=bundle.round):
            bundle.note("file-missing", NAME)
        return
    versions, described = sorted({match["judge"] for match in bundle.document(MATCHES)}), doc["described"]
    version, rules = (sha256(described), RULES) if described else (doc["version"], None)
    stated = {"name": doc["name"], "version": doc["version"], "rules": described.get("rules"), "judges": versions}
    expected = {
        "name": judge,
        "version": version,
        "rules": rules,
        "judges": [version] if described and versions else [],
    }
    bundle.compare(KINDS, NAME, stated, expected)


def described_here(bundle: ExaminedBundle) -> Row:
    """What the judge consists of; empty where no model judged, or `check` names why it cannot be followed."""
    doc = bundle.documents.get(NAME, {"described": {}})
    described: Row = doc["described"]
    return described if described and described["rules"] == RULES and doc["version"] == sha256(described) else {}


def answers_of(bundle: ExaminedBundle) -> AnswersByKey | None:
    """The answers of the round's duels; None where no model's answers can be followed here."""
    if not described_here(bundle):
        return None
    return sound_answers(bundle, bundle.document(NAME)["answers"], at="answers", views=views_of(bundle))


def stages_of(bundle: ExaminedBundle, match: Row, duel: Row, answers: AnswersByKey) -> list[Row]:
    """The stages of a judged duel as the answers give them."""
    stages: list[Row] = duel["detail"].get("stages", [])
    field = f"{match['kind']} {match['challenger']} {duel['prompt']}"
    if duel["left"] == duel["right"]:
        return []
    if not stages:
        bundle.note("wrong-ballots", MATCHES, field=field, sentence="Judged, and nobody was asked.")
    elif silent(stages):
        bundle.note("judge-silenced", MATCHES, field=field, found=f"{duel['outcome']} by silence")
    else:
        answers.take = take_of(bundle, duel)
        sides = {name: answers.views.get(duel[name], {}) for name in ("left", "right")}
        return follow(bundle, MATCHES, stages, answers, field=field, prompt=duel["prompt"], **sides)
    return stages


def judged_duels(bundle: ExaminedBundle) -> list[tuple[Row, Row]]:
    return [(match, duel) for match in bundle.matches for duel in match["duels"] if duel["state"] == "judged"]


def sound_answers(
    bundle: ExaminedBundle, rows: list[Row], *, at: str, views: Mapping[str, Views] | None = None
) -> AnswersByKey:
    """Each once, in the order of their keys, and each an answer of this judge; `views`: a file's pictures."""
    doc, keys = bundle.document(NAME), [row["key"] for row in rows]
    bundle.compare("wrong-answer", NAME, keys, sorted(set(keys)), field=f"{at} keys")
    found, expected = keyed(map(stated, rows), "key"), {row["key"]: write(row, doc["described"]) for row in rows}
    bundle.compare("wrong-answer", NAME, found, expected, field=at)
    return AnswersByKey(rows, version=doc["version"], described=doc["described"], views=views or {})


def follow(
    bundle: ExaminedBundle,
    file: str,
    stages: list[Row],
    answers: AnswersByKey,
    *,
    field: str,
    prompt: str,
    left: Views,
    right: Views,
) -> list[Row]:
    """The stages that the answers give; those that are stated where an answer is missing (noted)."""
    try:
        kinds = [stage["kind"] for stage in stages]
        return answers.stages(kinds, reference=prompt_of(bundle, prompt), left=left, right=right)
    except (MissingAnswer, Unanswered) as gap:
        bundle.note("missing-answer", file, field=field, found=str(gap))
        return stages


def unneeded(bundle: ExaminedBundle, answers: AnswersByKey, *, at: str) -> None:
    extra = sorted(set(answers.rows) - answers.needed)
    if extra:
        bundle.note("extra-answer", NAME, field=at, found=extra[0], expected=f"{len(extra)} fewer")


def prompt_of(bundle: ExaminedBundle, stem: str) -> str:
    prompts = (*bundle.document("round.json")["prompts"], *bundle.fresh)
    return next(str(prompt["sha256"]) for prompt in prompts if prompt["stem"] == stem)


def views_of(bundle: ExaminedBundle) -> dict[str, Views]:
    """A file -> its pictures by name."""
    rows = [row for row in bundle.document("assets.json") if (row["rendering"] or {}).get("state") == "rendered"]
    return {row["sha256"]: row["rendering"]["views"] for row in rows}


def take_of(bundle: ExaminedBundle, duel: Row) -> str:
    """Under which name its questions were asked again; "" for the first time."""
    take = duel.get("take", 1)
    return f"{bundle.manifest['competition']} {bundle.round} {take}" if take > 1 else ""
