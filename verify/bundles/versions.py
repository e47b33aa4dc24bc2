"""Were duels judged again for a fault that touched all of them, and was nothing else changed with them?

The ledger is read from its beginning: what was asked, of which files, and when.  At the moment a correction was opened,
what its choice touched, and whatever asked the same, is exactly what it announced.  A version of a match has these
duels with a take of their own, and every other as it stood before.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from verify.bundles.answering import prompt_of
from verify.bundles.correction import NAME
from verify.bundles.events import bodies
from verify.bundles.files import Bundle, text
from verify.bundles.judging import by_model, take_of, views_of
from verify.bundles.matches import NAME as MATCHES
from verify.bundles.matches import label

Row = dict[str, Any]
Pair = tuple[str, str, str]
Place = tuple[str, str, str, str]


@dataclass(frozen=True)
class Heard:
    """One duel that the judge was asked about."""

    position: int
    at: str
    files: tuple[str, str, str]


@dataclass
class Told:
    """What the ledger has told so far.  `duels`: of each version of a pair; `stops`: where each was decided."""

    duels: dict[Pair, dict[int, dict[str, Heard]]] = field(default_factory=dict)
    stops: dict[tuple[Pair, int], int] = field(default_factory=dict)
    counts: dict[Pair, int] = field(default_factory=dict)

    def heard(self) -> dict[Place, Heard]:
        """Of every decided match that counts, the duels up to its end about which somebody was asked."""
        found: dict[Place, Heard] = {}
        for pair in self.duels:
            version = self.counts.get(pair, 1)
            stop = self.stops.get((pair, version))
            rows = self.duels[pair].get(version, {}).items() if stop is not None else ()
            found |= {(*pair, prompt): row for prompt, row in rows if stop is None or row.position < stop}
        return found


def check(bundle: Bundle) -> None:
    ever = [*bundle.told(MATCHES), *bundle.aside()]
    versions = {(pair_of(match), match.get("version", 1)): match for match in ever}
    if len(versions) != len(ever):
        bundle.note("wrong-correction", NAME, field="matches", say="One version of a match is told twice.")
    affected = _announced(bundle)
    for (pair, version), match in versions.items():
        if version > 1:
            older = [n for p, n in versions if p == pair and n < version]
            before = versions[pair, max(older)] if older else None
            _made_anew(bundle, match, before, affected.get(version), version=version)
        elif any("take" in duel for duel in match["duels"]):
            bundle.note("wrong-correction", MATCHES, field=label(match), say="A first version was judged once.")


def pair_of(match: Row) -> Pair:
    return (match["kind"], match["defender"], match["challenger"])


def _announced(bundle: Bundle) -> dict[int, tuple[Row, set[Place], set[tuple[str, str, str]]]]:
    """version -> (what opened it, the duels that had to be judged again, their files), of what was applied."""
    told, found = Told(), {}
    applied = {b["correction"] for b in bodies(bundle, "correction.applied", of_round=bundle.round)}
    for event in bundle.events:
        body = event["body"]
        if body.get("round") != bundle.round:
            continue
        if event["kind"] == "correction.staged" and body["correction"] in applied:
            found[body["correction"] + 1] = _staged(bundle, body, told.heard())
        _read(told, event["kind"], body)
    return found


def _read(told: Told, kind: str, body: Row) -> None:
    if kind == "correction.applied":
        version = body["correction"] + 1
        told.counts |= {pair: version for pair, versions in told.duels.items() if version in versions}
        return
    if kind not in ("duel.judged", "duel.void", "match.decided"):
        return
    pair, version = (body["match"], body["defender"], body["challenger"]), body.get("version", 1)
    versions = told.duels.setdefault(pair, {})
    if version not in versions:  # begun as it stood
        versions[version] = dict(versions.get(told.counts.get(pair, 1), {})) if version > 1 else {}
    if kind == "match.decided":
        if "stopped_after" in body:  # ledgers from before duels were judged again do not tell it
            told.stops[pair, version] = body["stopped_after"]
    else:
        files = (body["prompt"], body.get("left_sha256", ""), body.get("right_sha256", ""))
        versions[version][body["prompt"]] = Heard(position=body["position"], at=body["at"], files=files)


def _staged(bundle: Bundle, body: Row, heard: Mapping[Place, Heard]) -> tuple[Row, set[Place], set[Any]]:
    """The whole set follows from the choice."""
    if body["scope"] != "duels":
        return body, set(), set()
    expected = whole(heard, choice=body["choice"], resting=_resting(bundle, body["choice"]))
    found = sorted(body["anew"])
    bundle.same(
        "wrong-correction",
        NAME,
        field="anew",
        found=found,
        expected=sorted(" ".join(place) for place in expected),
        say="Not the whole set: some duels were picked.",
    )
    return body, expected, {heard[place].files for place in expected}


def whole(heard: Mapping[Place, Heard], *, choice: Mapping[str, str], resting: set[Place]) -> set[Place]:
    """What the fault touched, and whatever asked the same question of the same files."""
    touched = {row.files for place, row in heard.items() if _touched(place, row, choice, resting)}
    return {place for place, row in heard.items() if row.files in touched}


def _touched(place: Place, row: Heard, choice: Mapping[str, str], resting: set[Place]) -> bool:
    what = choice.get("what")
    if what == "match":
        return " ".join(place[:3]) == choice["match"]
    if what == "prompt":
        return place[3] == choice["prompt"]
    if what == "time":
        since, until = (datetime.fromisoformat(choice[name]) for name in ("since", "until"))
        return since <= datetime.fromisoformat(row.at) <= until
    return what == "round" or (what == "answer" and place in resting)


def _resting(bundle: Bundle, choice: Mapping[str, str]) -> set[Place]:
    """The duels that rest on one answer of a model, as the answers told say."""
    from verify.bundles.answers import Answers, Missing

    if choice.get("what") != "answer" or not by_model(bundle):
        return set()
    doc, views, found = bundle.told("judging.json"), views_of(bundle), set()
    for match in (*bundle.told(MATCHES), *bundle.aside()):
        for duel in (duel for duel in match["duels"] if duel["state"] == "judged"):
            answers = Answers(doc["answers"], version=doc["version"], described=doc["described"])
            answers.take = take_of(bundle, duel)
            sides = {name: views.get(duel[name], {}) for name in ("left", "right")}
            kinds = [stage["kind"] for stage in duel["detail"].get("stages", [])]
            try:
                answers.stages(kinds, reference=prompt_of(bundle, duel["prompt"]), **sides)
            except Missing:
                continue  # told where the answers are followed
            if choice["answer"] in answers.needed:
                found.add((*pair_of(match), duel["prompt"]))
    return found


def _made_anew(
    bundle: Bundle, match: Row, before: Row | None, announced: tuple[Row, set[Place], set[Any]] | None, *, version: int
) -> None:
    """A version comes of a correction that was applied, and holds what it had to hold."""
    scope = announced[0]["scope"] if announced else ""
    if announced is None or before is None or scope not in ("duels", "generation"):
        said = "No correction that was applied made this version of the match."
        bundle.note("wrong-correction", MATCHES, field=label(match), found=version, say=said)
        return
    if scope == "generation":
        if any("take" in duel for duel in match["duels"]):
            bundle.note("wrong-correction", MATCHES, field=label(match), say="New files are judged for the first time.")
        return
    was = {duel["prompt"]: duel for duel in before["duels"]}
    for duel in match["duels"]:
        place = (*pair_of(match), duel["prompt"])
        _duel(bundle, duel, was.get(duel["prompt"]), place, announced, version=version)


def _duel(
    bundle: Bundle,
    duel: Row,
    was: Row | None,
    place: Place,
    announced: tuple[Row, set[Place], set[Any]],
    *,
    version: int,
) -> None:
    """Judged again exactly where it had to be; untouched where it was told; else asked for the first time."""
    if duel["state"] == "unneeded":
        return
    _, affected, files = announced
    if place not in affected and was is not None and was["state"] != "unneeded":
        if text(duel) != text(was):
            bundle.note(
                "wrong-correction",
                MATCHES,
                field=" ".join(place),
                found=duel["outcome"],
                expected=was["outcome"],
                say="It was not to be judged again, and is another.",
            )
        return
    again = place in affected or (duel["prompt"], duel["left"], duel["right"]) in files
    bundle.same(
        "wrong-correction",
        MATCHES,
        field=f"{' '.join(place)} take",
        found=duel.get("take", 1),
        expected=version if again else 1,
        say="Not asked anew exactly where it must be.",
    )
