"""What did the ledger tell when it happened, and do the documents say the same?"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from verify.bundles.files import ExaminedBundle, Row
from verify.bundles.ledger import NAME
from verify.findings import keyed

Events = dict[tuple[str, ...], Row]
OF_DUELS = {
    "judged": ("to", "position", "outcome", "score_micro", "left", "right"),
    "forfeited": ("to", "position", "outcome", "left", "right"),
    "void": ("to", "position", "failure"),
    "unneeded": ("position",),
}
"""What is compared of a duel by its state; beyond the end of its match it may have been judged, or dropped."""
TIMES = ("generation_s", "output_s", "slower_by")
"""Numbers of a verdict that only the ledger has: another run would measure them otherwise."""


def bodies(bundle: ExaminedBundle, *kinds: str, of_round: int | None = None) -> list[Row]:
    """The bodies of all events of these kinds, in order; of one round, where it is given."""
    rows = [event["body"] for event in bundle.events if event["kind"] in kinds]
    return [body for body in rows if of_round is None or body.get("round") == of_round]


def entered(bundle: ExaminedBundle, kind: str, *, of_round: int | None) -> list[Row]:
    """The bodies of a round's events of this kind without those by which it came back from a pause to where it was."""
    return [body for body in bodies(bundle, kind, of_round=of_round) if body.get("from") != "paused"]


def only(bundle: ExaminedBundle, kind: str) -> Row | None:
    """The one event of this kind in the bundle's round; None with a finding where there is none, or more."""
    rows = entered(bundle, kind, of_round=bundle.round)
    bundle.compare("ledger-differs", NAME, len(rows), 1, field=kind, sentence="Told once, no more, no less.")
    return rows[0] if len(rows) == 1 else None


def by_name(rows: Iterable[Row], *names: str) -> Events:
    """The bodies by what identifies them; of several about the same the last."""
    return {tuple(str(body.get(name)) for name in names): body for body in rows}


def agree(
    bundle: ExaminedBundle,
    file: str,
    row: Mapping[str, Any],
    event: Mapping[str, Any] | None,
    names: Iterable[str],
    field: str,
) -> None:
    """The named values of a document's row are those of its event."""
    if event is None:
        bundle.note("ledger-differs", file, field=field, sentence="The ledger does not tell of it.")
        return
    pairs = [{name: values.get(name) for name in names} for values in (row, event)]
    bundle.compare("ledger-differs", file, *pairs, field=field)


def agree_rows(
    bundle: ExaminedBundle, file: str, rows: Mapping[str, Row], events: Mapping[str, Row], names: Iterable[str]
) -> None:
    """The named values of a document's rows are those of their events, and there is a row for each event."""
    tables = [{key: {name: row.get(name) for name in names} for key, row in t.items()} for t in (rows, events)]
    bundle.compare("ledger-differs", file, *tables)


def submissions(bundle: ExaminedBundle) -> None:
    names = ("repo", "commit", "cdn_url", "reveal_block", "objection", "copy_of")
    challengers = [row for row in bundle.document("submissions.json") if row["role"] == "challenger"]
    events = by_name(bodies(bundle, "submission", of_round=bundle.round), "miner")
    agree_rows(bundle, "submissions.json", keyed(challengers, "miner"), keyed(events.values(), "miner"), names)


def assets(bundle: ExaminedBundle) -> None:
    events = by_name(bodies(bundle, "asset.stored", "asset.failed", of_round=bundle.round), "entry", "origin", "prompt")
    for row in bundle.document("assets.json"):
        key = (row["entry"], row["origin"], row["prompt"])
        if row["state"] != "downloading":  # nobody challenged: nothing was brought
            names = ("to", "sha256", "bytes") if row["state"] == "stored" else ("to", "failure")
            agree(bundle, "assets.json", {**row, "to": row["state"]}, events.get(key), names, " ".join(key))


def renderings(bundle: ExaminedBundle) -> None:
    """Content is drawn once: the event of a file drawn for an earlier round lies in an earlier part of the ledger."""
    events = by_name(bodies(bundle, "rendering.rendered", "rendering.refused"), "asset", "rig", "renderer")
    earlier: set[str] = set()
    for row in (row for row in bundle.document("assets.json") if row["rendering"]):
        drawn = row["rendering"]
        event = events.get((row["sha256"], drawn["rig"], drawn["renderer"]))
        if event is None and bundle.round != 1:
            earlier.add(row["sha256"])
        else:
            names = ("to", "views") if drawn["state"] == "rendered" else ("to", "failure")
            shown, field = {**drawn, "to": drawn["state"]}, f"{row['sha256'][:16]} rendering"
            agree(bundle, "assets.json", shown, event, names, field)
    if earlier:
        bundle.note("told-earlier", "assets.json", field="rendering", found=f"{len(earlier)} files")


def matches(bundle: ExaminedBundle) -> None:
    names = ("match", "defender", "challenger", "version")
    decided = by_name(bodies(bundle, "match.decided", of_round=bundle.round), *names)
    kinds = ("duel.judged", "duel.forfeited", "duel.void", "duel.unneeded")
    duels = by_name(bodies(bundle, *kinds, of_round=bundle.round), *names, "prompt")
    screens = [row["challenger"] for row in bundle.document("matches.json") if row["kind"] == "screen"]
    expected = {key[2] for key in decided if key[0] == "screen"}
    bundle.compare("ledger-differs", "matches.json", sorted(screens), sorted(expected), field="screens")
    applied = bodies(bundle, "correction.applied", of_round=bundle.round)
    counted = sorted({1, *(body["correction"] + 1 for body in applied)}, reverse=True)  # what was dropped never did
    for row in bundle.matches:
        pair, version = (row["kind"], row["defender"], row["challenger"]), row.get("version", 1)
        field = " ".join(pair if version == 1 else (*pair, str(version)))
        shown = {**row, "counted": sum(row["tally"].values()) - row["tally"]["void"]}
        event = decided.get((*pair, version_name(version)))
        agree(bundle, "matches.json", shown, event, ("margin_micro", "counted"), field)
        for duel in row["duels"]:
            keys = ((*pair, version_name(n), duel["prompt"]) for n in counted if n <= version)
            event = next((duels[key] for key in keys if key in duels), None)
            event = event and {**event, "left": event.get("left_sha256"), "right": event.get("right_sha256")}
            shown, compared = {**duel, "to": duel["state"]}, OF_DUELS.get(duel["state"], ("to", "position"))
            agree(bundle, "matches.json", shown, event, compared, f"{field} {duel['prompt']}")


def version_name(version: int) -> str:
    """As `by_name` has it: the first goes without."""
    return "None" if version == 1 else str(version)


def verdicts(bundle: ExaminedBundle) -> Events:
    """(entry, audit, version as `version_name` has it) -> the event of the verdict."""
    rows = bodies(bundle, "audit.passed", "audit.rejected", of_round=bundle.round)
    return by_name(rows, "entry", "audit", "version")


def audits_ever(bundle: ExaminedBundle) -> list[tuple[str, Row]]:
    """(file, audit) of those that count, and of those that counted once."""
    rows = [("audits.json", row) for row in bundle.document("audits.json")]
    return rows + [("correction.json", row) for row in bundle.audits_aside()]


def audits(bundle: ExaminedBundle) -> None:
    events = verdicts(bundle)
    for file, row in audits_ever(bundle):
        event = events.get((row["entry"], row["kind"], version_name(row["version"])))
        shown = {**row, "to": row["verdict"], "because": row["reason"]}
        names = ["to", "because", "code", "people"] + ([] if row["people"] else ["limits", "numbers"])
        if event is not None:
            stated: Row = {"numbers": row["numbers"], **event}["numbers"]
            numbers = {name: number for name, number in stated.items() if name not in TIMES}
            event = {**event, "numbers": numbers, "people": [str(one.get("name")) for one in event.get("by", [])]}
        agree(bundle, file, shown, event, names, f"{row['entry']} {row['kind']}")


def decision(bundle: ExaminedBundle) -> None:
    """Who won, why, and in which words: as it was told when the round was finished, or last corrected."""
    finished = only(bundle, "round.finished")
    if finished is None:
        return
    doc, applied = bundle.document("decision.json"), bodies(bundle, "correction.applied", of_round=bundle.round)
    corrected = "correction.json" in bundle.documents and bool(applied)
    winner = applied[0].get("before") if corrected else doc["winner"]  # later ones: `correction`
    bundle.compare("ledger-differs", "decision.json", winner, finished.get("winner"), field="winner")
    event = applied[-1] if corrected else finished
    names = [name for name in ("headline", "ladder") if name in event]  # ledgers of before tell neither
    agree(bundle, "decision.json", doc, event, names, "decision")
