"""Was a corrected decision put in the place of the first one openly, and does the first one follow from what it had?"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from verify.bundles import title
from verify.bundles.events import bodies, entered
from verify.bundles.files import ExaminedBundle, Row
from verify.bundles.judging import answers_of, detail_of, judged_duels, members_of
from verify.bundles.ladder import Gap, climb, defender_after, pair_of, pairs_of, rejected_in
from verify.bundles.matches import NAME as MATCHES
from verify.bundles.matches import label
from verify.bundles.reveals import order_of
from verify.findings import keyed

NAME, DECISION = "correction.json", "decision.json"
Pair = tuple[str, str, str]
Place = tuple[str, str, str, str]
Files = tuple[str, str, str]


def check(bundle: ExaminedBundle) -> None:
    doc, applied = bundle.documents.get(NAME), bodies(bundle, "correction.applied", of_round=bundle.round)
    edition = doc["edition"] if doc else 1
    bundle.compare("wrong-correction", NAME, edition, 1 + len(applied), field="edition")
    if doc is None or not applied:
        return
    bundle.compare("wrong-correction", NAME, doc, doc | write(bundle, doc, applied))
    winner = bundle.document(DECISION)["winner"]
    bundle.compare("wrong-correction", DECISION, winner, applied[-1].get("winner"), field="winner")


def write(bundle: ExaminedBundle, doc: Row, applied: list[Row]) -> Row:
    """What the ledger told of it: opened for a reason with its whole set, applied, in the place of which bundle, which
    decision and which reign."""
    staged = bodies(bundle, "correction.staged", of_round=bundle.round)
    opened = [body for body in staged if body["correction"] == doc["correction"]]
    first, last = opened[0] if len(opened) == 1 else {}, applied[-1]
    kinds = ("publication.signing", "reissue.signing")
    signed = [b for b in bodies(bundle, *kinds, of_round=bundle.round) if b.get("edition", 1) == doc["edition"] - 1]
    winners = [b.get("winner") for b in (*entered(bundle, "round.finished", of_round=bundle.round), *applied)]
    before = winners[doc["edition"] - 2]
    bundle.compare("wrong-correction", NAME, last.get("before"), before, field="before")
    changed = doc["before"]["leader"] != bundle.document(DECISION)["leader"]
    if doc["scope"] in ("source", "generation") and first:
        remade = sorted(str(name).split(" ")[0] for name in first.get("anew", []))
        bundle.compare("wrong-correction", NAME, remade, whole_set(bundle, doc), field="anew")
    return {
        "scope": first.get("scope"),
        "code": first.get("code"),
        "reason": first.get("because"),
        "choice": first.get("choice", {}),
        "correction": last.get("correction"),
        "edition": last.get("makes_edition"),
        "corrects": signed[0].get("bundle") if len(signed) == 1 else None,
        "before": doc["before"] | {"winner": before},
        "supersedes": last.get("supersedes") if changed else None,
    }


def whole_set(bundle: ExaminedBundle, doc: Row) -> list[str]:
    """Every audit of the kind that there was when it was opened is made anew: nobody picks one."""
    entries: set[str] = set()
    for event in bundle.events:
        body = event["body"]
        if event["kind"] == "correction.staged" and body.get("correction") == doc["correction"]:
            break
        if event["kind"] in ("audit.passed", "audit.rejected") and body.get("round") == bundle.round:
            entries |= {body["entry"]} if body.get("audit") == doc["scope"] else set()
    return sorted(entries)


def set_aside(bundle: ExaminedBundle) -> None:
    """A verdict that counts no more is not among those that count; that it was told then, `events` looks at."""
    names = ("entry", "kind", "version")
    in_force, aside = keyed(bundle.document("audits.json"), *names), keyed(bundle.audits_aside(), *names)
    bundle.compare("wrong-correction", NAME, sorted(in_force.keys() & aside.keys()), [], field="set_aside")


def first_decision(bundle: ExaminedBundle) -> None:
    """The first decision, from the first verdicts: both results are kept, so both can be counted again."""
    doc = bundle.documents.get(NAME)
    if doc is None or doc["edition"] != 2:
        return
    audits = [audit for audit in (*bundle.document("audits.json"), *doc["set_aside"]) if audit["version"] == 1]
    met = pairs_of([match for match in bundle.matches if match.get("version", 1) == 1])
    ladder = doc["before"]["ladder"]
    rejected = rejected_in(audits) & {rung["challenger"] for rung in ladder}
    actual: Any = [{name: rung[name] for name in ("challenger", "defender", "verdict")} for rung in ladder]
    expected: Any
    if bundle.titled:
        _, finalists, winner = title.outcome(bundle, list(met.values()), rejected)
        actual = {rung["challenger"]: rung["verdict"] for rung in ladder}
        expected = title.verdicts_of(finalists, rejected, winner)
    else:
        try:
            expected = climb(order_of(bundle), met, rejected=rejected, rules=bundle.rules)
        except Gap as gap:
            bundle.note("missing-match", MATCHES, field=str(gap))
            return
        winner = defender_after(expected)
    bundle.compare("wrong-correction", NAME, actual, expected, field="before.ladder")
    bundle.compare("wrong-correction", NAME, doc["before"]["winner"], winner, field="before.winner")


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


def check_versions(bundle: ExaminedBundle) -> None:
    """Each version of a match beyond the first comes of a correction that was applied."""
    versions = {(pair_of(match), match.get("version", 1)): match for match in bundle.matches}
    if len(versions) != len(bundle.matches):
        bundle.note("wrong-correction", NAME, field="matches", sentence="One version of a match is there twice.")
    staged = staged_versions(bundle)
    for (pair, version), match in versions.items():
        opened, older = staged.get(version), [n for p, n in versions if p == pair and n < version]
        once = version == 1 or (bool(older) and opened is not None and opened.scope == "generation")
        if once and any("take" in duel for duel in match["duels"]):
            bundle.note("wrong-correction", MATCHES, field=label(match), sentence="Judged once, and has a take.")
        elif not once and (not older or opened is None or opened.scope != "duels"):
            sentence = "No correction that was applied made this version of the match."
            bundle.note("wrong-correction", MATCHES, field=label(match), found=version, sentence=sentence)
        elif not once and opened is not None:
            _made_again(bundle, match, versions[pair, max(older)], opened, version=version)


def staged_versions(bundle: ExaminedBundle) -> dict[int, Staged]:
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
    answers, cited = answers_of(bundle) if choice.get("what") == "answer" else None, set[Place]()
    if answers is None:
        return cited
    for match, duel in judged_duels(bundle):
        for member in members_of(answers):
            member.needed = set()
        detail_of(bundle, match, duel, answers)
        if choice["answer"] in answers.needed:
            cited.add((*pair_of(match), duel["prompt"]))
    return cited


def _made_again(bundle: ExaminedBundle, match: Row, before: Row, staged: Staged, *, version: int) -> None:
    """A version is judged again exactly where it had to be, untouched where it was told, else asked for the first
    time."""
    earlier = {duel["prompt"]: duel for duel in before["duels"] if duel["state"] != "unneeded"}
    for duel in (duel for duel in match["duels"] if duel["state"] != "unneeded"):
        place, prompt = (*pair_of(match), duel["prompt"]), duel["prompt"]
        if place not in staged.affected and prompt in earlier:
            expected = earlier[prompt]
        else:
            rejudged = place in staged.affected or (prompt, duel["left"], duel["right"]) in staged.files
            expected = {name: value for name, value in duel.items() if name != "take"}
            expected |= {"take": version} if rejudged else {}
        bundle.compare("wrong-correction", MATCHES, duel, expected, field=" ".join(place))
