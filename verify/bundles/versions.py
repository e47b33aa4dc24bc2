"""Were duels judged again for a fault that touched all of them, and was nothing else changed with them?

The ledger is read from its beginning: what the judge was asked, of which files, and when.  At the moment a correction
was opened, what its choice touched, and whatever asked the same, is exactly what it announced.  A version of a match
has these duels with a take of their own, and every other as it stood before.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from verify.bundles.answers import AnswersByKey, MissingAnswer
from verify.bundles.ballots import silent
from verify.bundles.correction import NAME
from verify.bundles.events import bodies
from verify.bundles.files import ExaminedBundle
from verify.bundles.judging import by_model, judged_duels, prompt_of, take_of, views_of
from verify.bundles.ladder import pair_of
from verify.bundles.matches import NAME as MATCHES
from verify.bundles.matches import label

Row = dict[str, Any]
Pair = tuple[str, str, str]
Place = tuple[str, str, str, str]
Files = tuple[str, str, str]


@dataclass(frozen=True)
class JudgedQuestion:
    """One duel that the judge was asked about: prompt and files."""

    position: int
    at: str
    files: Files


@dataclass(frozen=True)
class Staged:
    """What opened a correction: its scope, the duels that had to be judged again, and their files."""

    scope: str
    affected: frozenset[Place] = frozenset()
    files: frozenset[Files] = frozenset()


@dataclass
class History:
    """What the ledger has told so far.  `duels`: of each version of a pair; `stops`: where each was decided; `counts`:
    which version of a pair counts."""

    duels: dict[Pair, dict[int, dict[str, JudgedQuestion]]] = field(default_factory=dict)
    stops: dict[tuple[Pair, int], int] = field(default_factory=dict)
    counts: dict[Pair, int] = field(default_factory=dict)

    def questions(self) -> dict[Place, JudgedQuestion]:
        """Of every decided match that counts, the duels up to its end about which somebody was asked."""
        table: dict[Place, JudgedQuestion] = {}
        for pair, versions in self.duels.items():
            version = self.counts.get(pair, 1)
            stop = self.stops.get((pair, version), 0)
            for prompt, question in versions.get(version, {}).items():
                if question.position < stop:
                    table[(*pair, prompt)] = question
        return table

    def read(self, kind: str, body: Row) -> None:
        if kind == "correction.applied":
            version = body["correction"] + 1
            self.counts |= {pair: version for pair, versions in self.duels.items() if version in versions}
        if kind not in ("duel.judged", "duel.void", "match.decided"):
            return
        pair, version = (body["match"], body["defender"], body["challenger"]), body.get("version", 1)
        versions = self.duels.setdefault(pair, {})
        if version not in versions:  # begun as it stood
            versions[version] = dict(versions.get(self.counts.get(pair, 1), {})) if version > 1 else {}
        if kind != "match.decided":
            files = (body["prompt"], body.get("left_sha256", ""), body.get("right_sha256", ""))
            versions[version][body["prompt"]] = JudgedQuestion(position=body["position"], at=body["at"], files=files)
        elif "stopped_after" in body:  # ledgers from before duels were judged again do not tell it
            self.stops[pair, version] = body["stopped_after"]


def check(bundle: ExaminedBundle) -> None:
    versions = {(pair_of(match), match.get("version", 1)): match for match in bundle.matches}
    if len(versions) != len(bundle.matches):
        bundle.note("wrong-correction", NAME, field="matches", sentence="One version of a match is there twice.")
    staged = _staged(bundle)
    for (pair, version), match in versions.items():
        if version == 1:
            _judged_once(bundle, match)
            continue
        older = [n for p, n in versions if p == pair and n < version]
        _made_again(bundle, match, versions[pair, max(older)] if older else None, staged.get(version), version=version)


def _judged_once(bundle: ExaminedBundle, match: Row) -> None:
    if any("take" in duel for duel in match["duels"]):
        sentence = "What is judged for the first time has no take."
        bundle.note("wrong-correction", MATCHES, field=label(match), sentence=sentence)


def _staged(bundle: ExaminedBundle) -> dict[int, Staged]:
    """version -> what opened it, of the corrections that were applied.  The whole set follows from the choice."""
    history, staged = History(), dict[int, Staged]()
    applied = {body["correction"] for body in bodies(bundle, "correction.applied", of_round=bundle.round)}
    for event in bundle.events:
        body = event["body"]
        if body.get("round") != bundle.round:
            continue
        if event["kind"] == "correction.staged" and body["correction"] in applied:
            opened = Staged(body["scope"])
            if body["scope"] == "duels":
                questions = history.questions()
                affected = whole(questions, choice=body["choice"], cited=cited_by(bundle, body["choice"]))
                expected = sorted(" ".join(place) for place in affected)
                bundle.compare("wrong-correction", NAME, sorted(body["anew"]), expected, field="anew")
                files = frozenset(questions[place].files for place in affected)
                opened = Staged(body["scope"], frozenset(affected), files)
            staged[body["correction"] + 1] = opened
        history.read(event["kind"], body)
    return staged


def whole(questions: Mapping[Place, JudgedQuestion], *, choice: Mapping[str, str], cited: set[Place]) -> set[Place]:
    """What the fault touched, and whatever asked the same question of the same files."""
    touched = {question.files for place, question in questions.items() if touched_by(place, question, choice, cited)}
    return {place for place, question in questions.items() if question.files in touched}


def touched_by(place: Place, question: JudgedQuestion, choice: Mapping[str, str], cited: set[Place]) -> bool:
    what = choice.get("what")
    if what == "match":
        return " ".join(place[:3]) == choice["match"]
    if what == "prompt":
        return place[3] == choice["prompt"]
    if what == "time":
        since, until = (datetime.fromisoformat(choice[name]) for name in ("since", "until"))
        return since <= datetime.fromisoformat(question.at) <= until
    return what == "round" or (what == "answer" and place in cited)


def cited_by(bundle: ExaminedBundle, choice: Mapping[str, str]) -> set[Place]:
    """The duels that cite one answer of a model."""
    if choice.get("what") != "answer" or not by_model(bundle):
        return set()
    doc, views, cited = bundle.document("judging.json"), views_of(bundle), set()
    for match, duel in judged_duels(bundle):
        stages = duel["detail"].get("stages", [])
        if silent(stages):
            continue  # no answer stands behind it
        answers = AnswersByKey(doc["answers"], version=doc["version"], described=doc["described"])
        answers.take = take_of(bundle, duel)
        sides = {name: views.get(duel[name], {}) for name in ("left", "right")}
        kinds = [stage["kind"] for stage in stages]
        try:
            answers.stages(kinds, reference=prompt_of(bundle, duel["prompt"]), **sides)
        except MissingAnswer:
            continue  # `judging` names it
        if choice["answer"] in answers.needed:
            cited.add((*pair_of(match), duel["prompt"]))
    return cited


def _made_again(bundle: ExaminedBundle, match: Row, before: Row | None, staged: Staged | None, *, version: int) -> None:
    """A version comes of a correction that was applied, and holds what it had to hold: judged again exactly where it
    had to be, untouched where it was told, else asked for the first time."""
    if staged is None or before is None or staged.scope not in ("duels", "generation"):
        sentence = "No correction that was applied made this version of the match."
        bundle.note("wrong-correction", MATCHES, field=label(match), found=version, sentence=sentence)
        return
    if staged.scope == "generation":
        _judged_once(bundle, match)
        return
    earlier = {duel["prompt"]: duel for duel in before["duels"] if duel["state"] != "unneeded"}
    for duel in (duel for duel in match["duels"] if duel["state"] != "unneeded"):
        place, prompt = (*pair_of(match), duel["prompt"]), duel["prompt"]
        if place not in staged.affected and prompt in earlier:
            expected = earlier[prompt]
        else:
            again = place in staged.affected or (prompt, duel["left"], duel["right"]) in staged.files
            expected = {name: value for name, value in duel.items() if name != "take"}
            expected |= {"take": version} if again else {}
        bundle.compare("wrong-correction", MATCHES, duel, expected, field=" ".join(place))
