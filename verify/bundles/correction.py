"""Was a corrected decision put in the place of the first one openly, and does the first one follow from what it had?"""

from __future__ import annotations

from typing import Any

from verify.bundles import title as bundle_title
from verify.bundles.assets import challengers
from verify.bundles.entries import titled
from verify.bundles.events import bodies, entered
from verify.bundles.files import Bundle
from verify.bundles.ladder import Gap, Pairs, climb, defender_after, rejected_in
from verify.bundles.matches import NAME as MATCHES
from verify.bundles.reveals import in_reveal_order

NAME, DECISION = "correction.json", "decision.json"
Row = dict[str, Any]


def document(bundle: Bundle) -> Row | None:
    """What the bundle says of its correction; None in a first edition."""
    return bundle.documents.get(NAME)


def applied(bundle: Bundle) -> list[Row]:
    return bodies(bundle, "correction.applied", of_round=bundle.round)


def check(bundle: Bundle) -> None:
    doc, told = document(bundle), applied(bundle)
    edition = doc["edition"] if doc else 1
    bundle.same(
        "wrong-correction",
        NAME,
        field="edition",
        found=edition,
        expected=1 + len(told),
        say="The ledger tells of another number of corrections.",
    )
    if doc is None or not told:
        return
    _announced(bundle, doc, told[-1])
    _replaced(bundle, doc, told[-1])
    _set_aside(bundle, doc)
    _before(bundle, doc)


def _announced(bundle: Bundle, doc: Row, told: Row) -> None:
    """Opened for a reason that is the platform's to mend, with its whole set, before it was applied."""
    opened = [
        b for b in bodies(bundle, "correction.staged", of_round=bundle.round) if b["correction"] == doc["correction"]
    ]
    found = {"scope": doc["scope"], "code": doc["code"], "because": doc["reason"]}
    expected = {name: opened[0].get(name) for name in found} if len(opened) == 1 else None
    bundle.same(
        "wrong-correction",
        NAME,
        field="reason",
        found=found,
        expected=expected,
        say="The ledger tells of another reason.",
    )
    bundle.same(
        "wrong-correction",
        NAME,
        field="correction",
        found=[doc["correction"], doc["edition"]],
        expected=[told.get("correction"), told.get("makes_edition")],
        say="Another correction.",
    )
    bundle.same(
        "wrong-correction",
        NAME,
        field="choice",
        found=doc["choice"],
        expected=opened[0].get("choice", {}) if opened else {},
        say="Something else was chosen.",
    )
    if doc["scope"] in ("source", "generation") and opened:
        _whole_set(bundle, opened[0], kind=doc["scope"])


def _whole_set(bundle: Bundle, opened: Row, *, kind: str) -> None:
    """Every audit of the kind that there was when it was opened was made anew: nobody picked one."""
    entries: set[str] = set()
    for event in bundle.events:
        body = event["body"]
        if event["kind"] == "correction.staged" and body.get("correction") == opened["correction"]:
            break
        if event["kind"] in ("audit.passed", "audit.rejected") and body.get("round") == bundle.round:
            entries |= {body["entry"]} if body.get("audit") == kind else set()
    found = sorted(str(name).split(" ")[0] for name in opened.get("anew", []))
    bundle.same(
        "wrong-correction",
        NAME,
        field="anew",
        found=found,
        expected=sorted(entries),
        say="Not the whole set: some were picked.",
    )


def _replaced(bundle: Bundle, doc: Row, told: Row) -> None:
    """Which bundle, which decision and which reign it takes the place of."""
    kinds = ("publication.signing", "reissue.signing")
    earlier = [b for b in bodies(bundle, *kinds, of_round=bundle.round) if b.get("edition", 1) == doc["edition"] - 1]
    bundle.same(
        "wrong-correction",
        NAME,
        field="corrects",
        found=[doc["corrects"]],
        expected=[b.get("bundle") for b in earlier],
        say="It replaces another bundle.",
    )
    winners = [b.get("winner") for b in entered(bundle, "round.finished", of_round=bundle.round)]
    winners += [b.get("winner") for b in applied(bundle)]
    bundle.same(
        "wrong-correction",
        NAME,
        field="before",
        found=[doc["before"]["winner"], told.get("before")],
        expected=[winners[doc["edition"] - 2]] * 2,
        say="The decision before was another.",
    )
    decision = bundle.told(DECISION)
    bundle.same(
        "wrong-correction",
        DECISION,
        field="winner",
        found=decision["winner"],
        expected=told.get("winner"),
        say="Two people applied another decision.",
    )
    changed = doc["before"]["leader"] != decision["leader"]
    if changed != (doc["supersedes"] is not None) or (changed and told.get("supersedes") != doc["supersedes"]):
        said = "A reign is superseded exactly where another one leads."
        bundle.note(
            "wrong-correction",
            NAME,
            field="supersedes",
            found=doc["supersedes"],
            expected=told.get("supersedes"),
            say=said,
        )


def _set_aside(bundle: Bundle, doc: Row) -> None:
    """Each verdict that counts no more was told when it counted, and is not among those that count."""
    told = {
        (b["entry"], b["audit"], b.get("version", 1)): b
        for b in bodies(bundle, "audit.passed", "audit.rejected", of_round=bundle.round)
    }
    counting = {(a["entry"], a["kind"], a["version"]) for a in bundle.told("audits.json")}
    for audit in doc["set_aside"]:
        key = (audit["entry"], audit["kind"], audit["version"])
        event = told.get(key, {})
        bundle.same(
            "ledger-differs",
            NAME,
            field=" ".join(map(str, key)),
            found=[audit["verdict"], audit["reason"], audit["code"]],
            expected=[event.get("to"), event.get("because"), event.get("code")],
            say="The ledger told another verdict.",
        )
        if key in counting:
            bundle.note("wrong-correction", NAME, field=" ".join(map(str, key)), say="It counts and does not count.")


def _before(bundle: Bundle, doc: Row) -> None:
    """The first decision, from the first verdicts: both results are kept, so both can be counted again."""
    if doc["edition"] != 2:
        return
    first = {(a["entry"], a["kind"]): a for a in (*bundle.told("audits.json"), *doc["set_aside"]) if a["version"] == 1}
    rows = [m for m in (*bundle.told(MATCHES), *bundle.aside()) if m.get("version", 1) == 1]
    met = {(m["kind"], m["defender"], m["challenger"]): m for m in rows}
    if titled(bundle):
        _title_before(bundle, doc, list(first.values()), met)
        return
    order = [row["entry"] for row in in_reveal_order(challengers(bundle))]
    rules = bundle.told("round.json")["rules"]
    ladder = doc["before"]["ladder"]
    rejected = rejected_in(list(first.values())) & {rung["challenger"] for rung in ladder}
    try:
        rungs = climb(order, met, rejected=rejected, rules=rules)
    except Gap as gap:
        bundle.note("missing-match", MATCHES, field=str(gap), say="The first ladder needs this match.")
        return
    told = [{k: rung[k] for k in ("challenger", "defender", "verdict")} for rung in ladder]
    bundle.same(
        "wrong-correction",
        NAME,
        field="before.ladder",
        found=told,
        expected=rungs,
        say="The first decision does not follow from the first verdicts.",
    )
    bundle.same(
        "wrong-correction",
        NAME,
        field="before.winner",
        found=doc["before"]["winner"],
        expected=defender_after(rungs),
        say="The first verdicts give another winner.",
    )


def _title_before(bundle: Bundle, doc: Row, audits: list[Row], met: Pairs) -> None:
    """The same of a round of title-1: who played for the title at first, and what it came to."""
    screens = {key[2]: match["tally"] for key, match in met.items() if key[0] == "screen"}
    titles = {key[2]: match for key, match in met.items() if key[0] == "title"}
    told = {rung["challenger"]: rung["verdict"] for rung in doc["before"]["ladder"]}
    rejected = rejected_in(audits) & set(told)
    standings = {entry: bundle_title.played(bundle, match) for entry, match in titles.items()}
    finalists = bundle_title.finalists_of(bundle, screens, rejected)
    winner = bundle_title.winner_of(bundle, finalists, standings)
    expected = dict.fromkeys(rejected, "rejected")
    expected |= {entry: "advanced" if entry == winner else "held" for entry in finalists}
    bundle.same(
        "wrong-correction",
        NAME,
        field="before.ladder",
        found=told,
        expected=expected,
        say="The first decision does not follow from the first verdicts.",
    )
    bundle.same(
        "wrong-correction",
        NAME,
        field="before.winner",
        found=doc["before"]["winner"],
        expected=winner,
        say="The first verdicts give another winner.",
    )
