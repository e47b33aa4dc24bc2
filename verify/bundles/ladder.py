"""Does the winner follow from the matches and audits?  Qualified challengers in reveal order meet the defender."""

from __future__ import annotations

from collections.abc import Mapping
from fractions import Fraction

from verify.bundles.audits import matches_of
from verify.bundles.files import ExaminedBundle, Row
from verify.bundles.matches import NAME as MATCHES
from verify.bundles.matches import clears, counted_of, margin_of
from verify.bundles.reveals import challengers, order_of

NAME = "decision.json"
LEADER = "leader"
KINDS = {"": "wrong-ladder", "reason": "wrong-reason", "headline": "wrong-reason", "winner": "wrong-winner"}
ENDINGS = {
    "advanced": " Its audits passed: it is the defender now.",
    "held": " The defender stays.",
    "rejected": " Its audit was rejected: it does not advance, and the defender stays.",
}

Pairs = Mapping[tuple[str, str, str], Row]


class Gap(Exception):
    """A match that the ladder needs is not there."""


def check(bundle: ExaminedBundle) -> None:
    """The ladder; and beyond the screens one match for each rung between challengers, and those that each generation
    audit takes."""
    if bundle.titled:
        return  # nobody climbs: `title` looks at who plays for the title
    met = pairs_of(bundle.document(MATCHES))
    try:
        as_if_all_pass = climb(order_of(bundle), met, rejected=set(), rules=bundle.rules)
        rejected = rejected_in(bundle.document("audits.json"))
        rungs = climb(order_of(bundle), met, rejected=rejected, rules=bundle.rules)
    except Gap as gap:
        bundle.note("missing-match", MATCHES, field=str(gap))
        return
    between = [rung for rung in (*as_if_all_pass, *rungs) if rung["defender"] != LEADER]
    wanted = {("ladder", rung["defender"], rung["challenger"]) for rung in between}
    for audit in (audit for audit in bundle.document("audits.json") if audit["kind"] == "generation"):
        wanted |= {*matches_of(bundle, audit)}
    played = [key for key in map(pair_of, bundle.document(MATCHES)) if key[0] != "screen"]
    bundle.compare_sets("missing-match", "extra-match", MATCHES, map(" ".join, played), map(" ".join, wanted))
    winner, doc = defender_after(rungs), bundle.document(NAME)
    ladder = [rung | {"reason": reason_of(rung, met, rules=bundle.rules)} for rung in rungs]
    expected = {"ladder": ladder, "winner": winner, "headline": headline(bundle, winner)}
    bundle.compare(KINDS, NAME, {name: doc[name] for name in expected}, expected)


def pairs_of(matches: list[Row]) -> Pairs:
    return {(match["kind"], match["defender"], match["challenger"]): match for match in matches}


def climb(order: list[str], met: Pairs, *, rejected: set[str], rules: Row) -> list[Row]:
    """The rungs; whoever wins one is the next defender, unless an audit rejected it.  Raises Gap."""
    defender, rungs = LEADER, []
    for entry in order:
        screen = _of(met, "screen", LEADER, entry)
        if clears(screen["tally"], rules):
            match = screen if defender == LEADER else _of(met, "ladder", defender, entry)
            won = clears(match["tally"], rules)
            verdict = "held" if not won else "rejected" if entry in rejected else "advanced"
            rungs.append({"challenger": entry, "defender": defender, "verdict": verdict})
            defender = entry if verdict == "advanced" else defender
    return rungs


def _of(met: Pairs, *key: str) -> Row:
    kind, defender, challenger = key
    if (kind, defender, challenger) not in met:
        raise Gap(" ".join(key))
    return met[kind, defender, challenger]


def defender_after(rungs: list[Row]) -> str:
    return next((str(rung["challenger"]) for rung in reversed(rungs) if rung["verdict"] == "advanced"), LEADER)


def rejected_in(audits: list[Row]) -> set[str]:
    return {audit["entry"] for audit in audits if audit["verdict"] == "rejected"}


def pair_of(match: Row) -> tuple[str, str, str]:
    return (match["kind"], match["defender"], match["challenger"])


def reason_of(rung: Row, met: Pairs, *, rules: Row) -> str:
    """The sentence of a rung, from the numbers of its match."""
    kind = "screen" if rung["defender"] == LEADER else "ladder"
    tally = met[kind, rung["defender"], rung["challenger"]]["tally"]
    by_forfeit = tally["forfeits_challenger"] + tally["forfeits_defender"]
    asides = [f"{tally['void']} void"] * bool(tally["void"]) + [f"{by_forfeit} by forfeit"] * bool(by_forfeit)
    won, lost = tally["won"] + tally["forfeits_defender"], tally["lost"] + tally["forfeits_challenger"]
    counts = f"Won {won}, drew {tally['drawn']}, lost {lost} of {counted_of(tally)} against {rung['defender']}"
    aside = f" ({', '.join(asides)})" if asides else ""
    side = "reaches" if clears(tally, rules) else "is short of"
    margin, bar = percent(margin_of(tally)), percent(Fraction(rules["win_margin"]))
    return f"{counts}{aside}: a margin of {margin} {side} the bar of {bar}.{ENDINGS[rung['verdict']]}"


def percent(share: Fraction) -> str:
    return f"{float(share) * 100:.4g} %"


def headline(bundle: ExaminedBundle, winner: str) -> str:
    """The decision in one sentence, and the reason of the winner's rung."""
    entered, doc, defended = len(challengers(bundle)), bundle.document(NAME), bundle.defended()
    if winner == LEADER:
        many = "1 challenger" if entered == 1 else f"{entered} challengers"
        return f"The leader defends against {many}." if entered else "Nobody challenged: the leader defends."
    before = doc["reigns"][defended - 1]["hotkey"] if 0 < defended < len(doc["reigns"]) else ""
    reasons = [
        rung["reason"] for rung in doc["ladder"] if (rung["challenger"], rung["verdict"]) == (winner, "advanced")
    ]
    return f"{winner} takes the lead from {before}. {reasons[-1] if reasons else ''}"
