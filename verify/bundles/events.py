"""Is what the documents say what the ledger told when it happened?"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from verify.bundles.files import Bundle
from verify.bundles.ledger import NAME

Told = dict[tuple[str, ...], dict[str, Any]]


def check(bundle: Bundle) -> None:
    _submissions(bundle)
    _assets(bundle)
    _renderings(bundle)
    _matches(bundle)
    _audits(bundle)
    finished = only(bundle, "round.finished")
    if finished is not None:
        _decision(bundle, finished)


def _decision(bundle: Bundle, finished: dict[str, Any]) -> None:
    """Who won, why, and in which words: as it was told when the round was finished, or last corrected."""
    decision, corrected = bundle.told("decision.json"), bundle.documents.get("correction.json")
    applied = bodies(bundle, "correction.applied", of_round=bundle.round)
    winner = (
        applied[0].get("before") if corrected and applied else decision["winner"]
    )  # later ones: `bundle_correction`
    bundle.same(
        "ledger-differs",
        "decision.json",
        field="winner",
        found=winner,
        expected=finished.get("winner"),
        say="The ledger told another winner.",
    )
    told = applied[-1] if corrected and applied else finished
    names: list[str] = [name for name in ("headline", "ladder") if name in told]  # ledgers of before tell neither
    agree(bundle, "decision.json", field="decision", row=decision, told=told, names=names)


def bodies(bundle: Bundle, *kinds: str, of_round: int | None = None) -> list[dict[str, Any]]:
    """The bodies of all events of these kinds, in order; of one round, where asked."""
    found = [event["body"] for event in bundle.events if event["kind"] in kinds]
    return [body for body in found if of_round is None or body.get("round") == of_round]


def entered(bundle: Bundle, kind: str, *, of_round: int | None) -> list[dict[str, Any]]:
    """The bodies of a round's events of this kind without those by which it came back from a pause to where it was."""
    return [body for body in bodies(bundle, kind, of_round=of_round) if body.get("from") != "paused"]


def only(bundle: Bundle, kind: str) -> dict[str, Any] | None:
    """The one event of this kind in the bundle's round; None with a finding where there is none, or more."""
    found = entered(bundle, kind, of_round=bundle.round)
    if len(found) == 1:
        return found[0]
    bundle.note("ledger-differs", NAME, field=kind, found=len(found), expected=1, say="Told once, no more, no less.")
    return None


def by_name(told: Iterable[dict[str, Any]], *names: str) -> Told:
    """The bodies by what identifies them; of several about the same the last."""
    return {tuple(str(body.get(name)) for name in names): body for body in told}


def agree(
    bundle: Bundle, file: str, *, field: str, row: Mapping[str, Any], told: Mapping[str, Any] | None, names: list[str]
) -> None:
    """The named values of a document's row are those of its event."""
    if told is None:
        bundle.note("ledger-differs", file, field=field, say="The ledger does not tell of it.")
        return
    for name in names:
        bundle.same(
            "ledger-differs",
            file,
            field=f"{field} {name}",
            found=row.get(name),
            expected=told.get(name),
            say="The ledger told something else.",
        )


def same_set(bundle: Bundle, file: str, *, field: str, found: Iterable[str], expected: Iterable[str]) -> None:
    bundle.same(
        "ledger-differs",
        file,
        field=field,
        found=sorted(found),
        expected=sorted(expected),
        say="The ledger tells of others.",
    )


def _submissions(bundle: Bundle) -> None:
    file, rows = "submissions.json", bundle.told("submissions.json")
    told = by_name(bodies(bundle, "submission", of_round=bundle.round), "miner")
    rows = [row for row in rows if row["role"] == "challenger"]
    same_set(bundle, file, field="miners", found=[r["miner"] for r in rows], expected=[miner for (miner,) in told])
    names = ["repo", "commit", "cdn_url", "reveal_block", "objection", "copy_of"]
    for row in rows:
        agree(bundle, file, field=row["miner"], row=row, told=told.get((row["miner"],)), names=names)


def _assets(bundle: Bundle) -> None:
    told = by_name(bodies(bundle, "asset.stored", "asset.failed", of_round=bundle.round), "entry", "origin", "prompt")
    for row in bundle.told("assets.json"):
        key = (row["entry"], row["origin"], row["prompt"])
        if row["state"] == "downloading":
            continue  # nobody challenged: nothing was brought
        event = told.get(key)
        row = {**row, "to": row["state"]}
        names = ["to", "sha256", "bytes"] if row["state"] == "stored" else ["to", "failure"]
        agree(bundle, "assets.json", field=" ".join(key), row=row, told=event, names=names)


def _renderings(bundle: Bundle) -> None:
    """Content is drawn once: the event of a file drawn for an earlier round lies in an earlier part of the ledger."""
    told = by_name(bodies(bundle, "rendering.rendered", "rendering.refused"), "asset", "rig", "renderer")
    earlier: set[str] = set()
    for row in bundle.told("assets.json"):
        drawn = row["rendering"]
        if drawn is None:
            continue
        event = told.get((row["sha256"], drawn["rig"], drawn["renderer"]))
        if event is None and bundle.round != 1:
            earlier.add(row["sha256"])
            continue
        names = ["to", "views"] if drawn["state"] == "rendered" else ["to", "failure"]
        row_told = {**drawn, "to": drawn["state"]}
        agree(bundle, "assets.json", field=f"{row['sha256'][:16]} rendering", row=row_told, told=event, names=names)
    if earlier:
        said = "Drawn for an earlier round; the ledger told of it then."
        bundle.note("told-earlier", "assets.json", field="rendering", found=f"{len(earlier)} files", say=said)


def _matches(bundle: Bundle) -> None:
    names = ("match", "defender", "challenger", "version")
    decided = by_name(bodies(bundle, "match.decided", of_round=bundle.round), *names)
    kinds = ("duel.judged", "duel.forfeited", "duel.void", "duel.unneeded")
    duels = by_name(bodies(bundle, *kinds, of_round=bundle.round), *names, "prompt")
    rows = bundle.told("matches.json")
    screens = {" ".join(key[1:3]) for key in decided if key[0] == "screen"}
    found = [f"{row['defender']} {row['challenger']}" for row in rows if row["kind"] == "screen"]
    same_set(bundle, "matches.json", field="screens", found=found, expected=screens)
    applied = bodies(bundle, "correction.applied", of_round=bundle.round)
    ever = sorted({1, *(body["correction"] + 1 for body in applied)}, reverse=True)  # what was dropped never counted
    for row in (*rows, *bundle.aside()):
        pair, version = (row["kind"], row["defender"], row["challenger"]), row.get("version", 1)
        key = (*pair, version_name(version))
        counted = sum(row["tally"].values()) - row["tally"]["void"]
        match = {**row, "counted": counted}
        told = decided.get(key)
        named = " ".join(pair if version == 1 else key)
        agree(bundle, "matches.json", field=named, row=match, told=told, names=["margin_micro", "counted"])
        for duel in row["duels"]:
            said = (duels.get((*pair, version_name(n), duel["prompt"])) for n in ever if n <= version)
            _duel(bundle, duel, told=next(filter(None, said), None), field=f"{named} {duel['prompt']}")


def version_name(version: int) -> str:
    """As `by_name` has it: the first goes without."""
    return "None" if version == 1 else str(version)


def _duel(bundle: Bundle, duel: dict[str, Any], *, told: dict[str, Any] | None, field: str) -> None:
    """Beyond the end of its match a duel may have been judged by a quick worker, or dropped."""
    if duel["state"] == "unneeded":
        agree(bundle, "matches.json", field=field, row=duel, told=told, names=["position"])
        return
    shown = {**duel, "to": duel["state"], "left_sha256": duel["left"], "right_sha256": duel["right"]}
    names = {
        "judged": ["outcome", "score_micro", "left_sha256", "right_sha256"],
        "forfeited": ["outcome", "left_sha256", "right_sha256"],
        "void": ["failure"],
    }.get(duel["state"], [])
    agree(bundle, "matches.json", field=field, row=shown, told=told, names=["to", "position", *names])


def _audits(bundle: Bundle) -> None:
    told = by_name(bodies(bundle, "audit.passed", "audit.rejected", of_round=bundle.round), "entry", "audit", "version")
    for row in bundle.told("audits.json"):
        event = told.get((row["entry"], row["kind"], "None" if row["version"] == 1 else str(row["version"])))
        by = [str(one.get("name")) for one in (event or {}).get("by", [])]
        bundle.same(
            "ledger-differs",
            "audits.json",
            field=f"{row['entry']} {row['kind']} people",
            found=row["people"],
            expected=by,
            say="The ledger told of other people.",
        )
        shown = {**row, "to": row["verdict"], "because": row["reason"]}
        names = ["to", "because", "code"] + ([] if row["people"] else ["limits"])
        agree(bundle, "audits.json", field=f"{row['entry']} {row['kind']}", row=shown, told=event, names=names)
        numbers = {k: v for k, v in (event or {}).get("numbers", row["numbers"]).items() if k != "generation_s"}
        if not row["people"]:
            bundle.same(
                "ledger-differs",
                "audits.json",
                field=f"{row['entry']} {row['kind']} numbers",
                found=row["numbers"],
                expected=numbers,
                say="The ledger told other numbers.",
            )
