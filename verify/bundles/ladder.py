"""Does the winner follow from the matches and audits?  Qualified challengers in reveal order meet the defender."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from verify.bundles import repeats as bundle_again
from verify.bundles.assets import challengers
from verify.bundles.entries import titled
from verify.bundles.files import Bundle
from verify.bundles.matches import NAME as MATCHES
from verify.bundles.matches import clears, counted_of, label
from verify.bundles.reveals import in_reveal_order

NAME = "decision.json"
LEADER = "leader"
TOLD = re.compile(r"Won (\d+), drew (\d+), lost (\d+) of (\d+) against (\S+?)( \([^)]*\))?: a margin of \S+ % (\S+)")

Row = dict[str, Any]
Pairs = Mapping[tuple[str, str, str], Row]


class Gap(Exception):
    """A match that the ladder needs is not there."""


def check(bundle: Bundle) -> None:
    if titled(bundle):
        return  # nobody climbs: `bundle_title` looks at who plays for the title
    met: Pairs = {(m["kind"], m["defender"], m["challenger"]): m for m in bundle.told(MATCHES)}
    rules, order = bundle.told("round.json")["rules"], [row["entry"] for row in in_reveal_order(challengers(bundle))]
    try:
        as_if_all_pass = climb(order, met, rejected=set(), rules=rules)
        rungs = climb(order, met, rejected=rejected_in(bundle.told("audits.json")), rules=rules)
    except Gap as gap:
        bundle.note("missing-match", MATCHES, field=str(gap), say="The ladder needs this match, and it is not there.")
        return
    told = [{k: rung[k] for k in ("challenger", "defender", "verdict")} for rung in bundle.told(NAME)["ladder"]]
    bundle.same("wrong-ladder", NAME, field="ladder", found=told, expected=rungs, say="The ladder climbs otherwise.")
    _matches(bundle, [*as_if_all_pass, *rungs])
    _reasons(bundle, met)
    winner = defender_after(rungs)
    bundle.same(
        "wrong-winner",
        NAME,
        field="winner",
        found=bundle.told(NAME)["winner"],
        expected=winner,
        say="The matches and audits give another winner.",
    )
    headline(bundle, winner)


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


def defender_after(rungs: list[Row]) -> str:
    return next((str(rung["challenger"]) for rung in reversed(rungs) if rung["verdict"] == "advanced"), LEADER)


def _of(met: Pairs, *key: str) -> Row:
    kind, defender, challenger = key
    if (kind, defender, challenger) not in met:
        raise Gap(" ".join(key))
    return met[kind, defender, challenger]


def rejected_in(audits: list[Row]) -> set[str]:
    return {audit["entry"] for audit in audits if audit["verdict"] == "rejected"}


def _matches(bundle: Bundle, rungs: list[Row]) -> None:
    """Beyond the screens: one match for each rung between challengers, one for each generation audit."""
    wanted = {("ladder", r["defender"], r["challenger"]) for r in rungs if r["defender"] != LEADER}
    wanted |= {key for a in bundle.told("audits.json") if a["kind"] == "generation" for key in _audits(bundle, a)}
    found = [(m["kind"], m["defender"], m["challenger"]) for m in bundle.told(MATCHES) if m["kind"] != "screen"]
    for key in sorted({key for key in found if key not in wanted or found.count(key) > 1}):
        bundle.note("extra-match", MATCHES, field=" ".join(key), say="No rung and no audit asks for this match.")
    for key in sorted(wanted - set(found)):
        bundle.note("missing-match", MATCHES, field=" ".join(key), say="The rules ask for this match.")


def _audits(bundle: Bundle, audit: Row) -> set[tuple[str, str, str]]:
    if not bundle_again.repeated(bundle.told("round.json")["rules"]):
        return {("audit", audit["entry"], audit["entry"])}
    return {*bundle_again.play(bundle, audit["entry"], limit=audit["limits"].get("generation_s", 0)).keys}


def _reasons(bundle: Bundle, met: Pairs) -> None:
    """The sentence of each rung tells the numbers of its match."""
    rules = bundle.told("round.json")["rules"]
    for rung in bundle.told(NAME)["ladder"]:
        kind = "screen" if rung["defender"] == LEADER else "ladder"
        match, told = met.get((kind, rung["defender"], rung["challenger"])), TOLD.match(rung["reason"])
        if match is None:
            continue
        t = match["tally"]
        wins, losses = t["won"] + t["forfeits_defender"], t["lost"] + t["forfeits_challenger"]
        side = "reaches" if clears(t, rules) else "is"
        expected = [str(n) for n in (wins, t["drawn"], losses, counted_of(t))] + [rung["defender"], side]
        found = [*told.group(1, 2, 3, 4, 5, 7)] if told else [rung["reason"]]
        bundle.same(
            "wrong-reason",
            NAME,
            field=label(match),
            found=found,
            expected=expected,
            say="The sentence tells other numbers or names.",
        )


def headline(bundle: Bundle, winner: str) -> None:
    entered, reigns = len(challengers(bundle)), bundle.told(NAME)["reigns"]
    many = "1 challenger" if entered == 1 else f"{entered} challengers"
    said = f"The leader defends against {many}." if entered else "Nobody challenged: the leader defends."
    if winner != LEADER:
        defended = bundle.defended()
        before = reigns[defended - 1]["hotkey"] if 0 < defended < len(reigns) else ""
        said = f"{winner} takes the lead from {before}."
    found = bundle.told(NAME)["headline"]
    if not found.startswith(said):
        bundle.note("wrong-reason", NAME, field="headline", found=found, expected=said, say="It tells something else.")
