"""Was a corrected decision put in the place of the first one openly, and does the first one follow from what it had?"""

from __future__ import annotations

from typing import Any

from verify.bundles import title
from verify.bundles.entries import order_of
from verify.bundles.events import bodies, entered
from verify.bundles.files import ExaminedBundle
from verify.bundles.ladder import Gap, climb, defender_after, pairs_of, rejected_in
from verify.bundles.matches import NAME as MATCHES
from verify.comparing import keyed

NAME, DECISION = "correction.json", "decision.json"
Row = dict[str, Any]


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
        again = sorted(str(name).split(" ")[0] for name in first.get("anew", []))
        bundle.compare("wrong-correction", NAME, again, whole_set(bundle, doc), field="anew")
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
    counting, aside = keyed(bundle.document("audits.json"), *names), keyed(bundle.audits_aside(), *names)
    bundle.compare("wrong-correction", NAME, sorted(counting.keys() & aside.keys()), [], field="set_aside")


def first_decision(bundle: ExaminedBundle) -> None:
    """The first decision, from the first verdicts: both results are kept, so both can be counted again."""
    doc = bundle.documents.get(NAME)
    if doc is None or doc["edition"] != 2:
        return
    audits = [audit for audit in (*bundle.document("audits.json"), *doc["set_aside"]) if audit["version"] == 1]
    met = pairs_of([match for match in bundle.matches if match.get("version", 1) == 1])
    ladder = doc["before"]["ladder"]
    rejected = rejected_in(audits) & {rung["challenger"] for rung in ladder}
    found: Any = [{name: rung[name] for name in ("challenger", "defender", "verdict")} for rung in ladder]
    expected: Any
    if bundle.titled:
        screens = {key[2]: match["tally"] for key, match in met.items() if key[0] == "screen"}
        standings = {key[2]: title.played(bundle, match) for key, match in met.items() if key[0] == "title"}
        finalists = title.finalists_of(bundle, screens, rejected)
        winner = title.winner_of(bundle, finalists, standings)
        found = {rung["challenger"]: rung["verdict"] for rung in ladder}
        expected = title.verdicts_of(finalists, rejected, winner)
    else:
        try:
            expected = climb(order_of(bundle), met, rejected=rejected, rules=bundle.rules)
        except Gap as gap:
            bundle.note("missing-match", MATCHES, field=str(gap))
            return
        winner = defender_after(expected)
    bundle.compare("wrong-correction", NAME, found, expected, field="before.ladder")
    bundle.compare("wrong-correction", NAME, doc["before"]["winner"], winner, field="before.winner")
