"""How sure are the numbers of a round?  From its other documents alone, for every ruleset.

Of each match the margin's 95 % interval, the exact sign test and its flip distance; of the round the fewest duels of
one match after which its leader no longer follows; of the judge whether it said the same about copies.  In millionths.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import asdict
from fractions import Fraction
from typing import Any

from competition.decisions import bankroll, flips, rulesets
from competition.decisions.ladder import Audited, Entry, Key
from competition.decisions.repeatability import Judged, of_copies
from competition.decisions.repeats import plain
from competition.decisions.rulesets import Rules
from competition.decisions.tally import MICRO, Tally, flip_distance

BY_MATCHES = ("not_worse", "worse_than_submitted", "won_again", "no_win_again")
"""Codes of generation audits that follow from their matches, and from nothing else."""

Row = Mapping[str, Any]


def document(told: Mapping[str, Any]) -> dict[str, Any]:
    """`told`: the round's other documents."""
    rules = rulesets.read(told["round.json"]["rules"])
    bankrolls = {row["entry"]: row for row in told.get("title.json", {}).get("bankrolls", ())}
    return {
        "matches": [_match(match, bankrolls, rules=rules) for match in told["matches.json"]],
        "flip_distance": _title(told, bankrolls.values()) if rules.title else _ladder(told, rules=rules),
        "repeatability": asdict(of_copies(_judged(told))),
    }


def _match(match: Row, bankrolls: Mapping[str, Row], *, rules: Rules) -> dict[str, Any]:
    tally = Tally(**match["tally"])
    low, high = tally.interval95()
    return {
        "match": f"{match['kind']} {match['defender']} {match['challenger']}",
        "interval95_micro": [round(low * MICRO), round(high * MICRO)],
        "sign_p_micro": round(tally.sign_p() * MICRO),
        "flip_distance": _flips(match, tally, bankrolls, rules=rules),
    }


def _flips(match: Row, tally: Tally, bankrolls: Mapping[str, Row], *, rules: Rules) -> int | None:
    """To turn what follows from the match: its bar, the title, or an audit's finding that outputs are worse."""
    if match["kind"] == "title":
        return bankrolls[match["challenger"]]["flip_distance"]  # type: ignore[no-any-return]
    audits = plain(match["kind"]) == "audit"
    if audits and rules.title:
        swapped = tally.swapped()
        held = bankroll.Bankroll(won=swapped.wins, drawn=swapped.drawn, lost=swapped.losses)
        return bankroll.flip_distance(held, rules=rules)
    bar = -rules.win_margin if audits else rules.win_margin
    return flip_distance(tally, win_margin=bar, least_counted=rules.least_counted)


def _title(told: Mapping[str, Any], bankrolls: Any) -> int | None:
    """The fewest title duels of one finalist for another leader."""
    winner = told["decision.json"]["winner"]
    found = [
        row["flip_distance"]
        for row in bankrolls
        if (row["ending"] == "title") == (winner != "leader")
        and winner in (row["entry"], "leader")
        and row["flip_distance"] is not None
    ]
    return min(found, default=None)


def _ladder(told: Mapping[str, Any], *, rules: Rules) -> int | None:
    tallies = {(m["kind"], m["defender"], m["challenger"]): Tally(**m["tally"]) for m in told["matches.json"]}
    entries = [
        Entry(
            key=s["entry"],
            hotkey=s["miner"],
            reveal_block=s["reveal_block"] or 0,
            extrinsic_index=s["extrinsic_index"] or 0,
        )
        for s in _challengers(told)
    ]
    screen: dict[Key, Tally | None] = {c: tally for (kind, _, c), tally in tallies.items() if kind == "screen"}
    met: dict[tuple[Key, Key], Tally] = {(d, c): tally for (kind, d, c), tally in tallies.items() if kind == "ladder"}
    gates = {
        audit["entry"]: list(_gates(told, audit["entry"], rules=rules))
        for audit in told["audits.json"]
        if audit["kind"] == "generation" and audit["code"] in BY_MATCHES
    }
    return flips.of_round(entries, screen=screen, met=met, audits=_audited(told, rules=rules), gates=gates, rules=rules)


def _challengers(told: Mapping[str, Any]) -> list[Row]:
    entered = [s for s in told["submissions.json"] if s["role"] == "challenger" and not s["objection"]]
    return sorted(entered, key=lambda s: (s["reveal_block"] or 0, s["extrinsic_index"] or 0, s["miner"]))


def _gates(told: Mapping[str, Any], entry: str, *, rules: Rules) -> Iterator[flips.Gate]:
    """The matches of one audit, in the order they were played."""
    of_audit = [m for m in told["matches.json"] if m["challenger"] == entry and plain(m["kind"]) in ("audit", "again")]
    in_turn = sorted(of_audit, key=lambda m: (m["challenger_origin"], m["kind"].startswith("again")))
    for match in in_turn:
        bar = -rules.win_margin if plain(match["kind"]) == "audit" else rules.win_margin
        yield flips.Gate(tally=Tally(**match["tally"]), bar=Fraction(bar))


def _audited(told: Mapping[str, Any], *, rules: Rules) -> dict[Key, Audited]:
    found: dict[str, dict[str, str]] = {}
    for audit in told["audits.json"]:
        found.setdefault(audit["entry"], {})[audit["kind"]] = audit["verdict"]
    return {
        entry: "rejected" if "rejected" in verdicts.values() else "passed"
        for entry, verdicts in found.items()
        if "rejected" in verdicts.values() or {k for k, v in verdicts.items() if v == "passed"} >= set(rules.audits)
    }


def _judged(told: Mapping[str, Any]) -> Iterator[Judged]:
    entries = _challengers(told)
    commits, place = {s["entry"]: s["commit"] for s in entries}, {s["entry"]: n for n, s in enumerate(entries)}
    of_entries = [match for match in told["matches.json"] if match["challenger"] in place]
    for match in sorted(of_entries, key=lambda m: (place[m["challenger"]], m["kind"], m["defender"])):
        for duel in match["duels"]:
            if duel["state"] == "judged":
                yield Judged(
                    kind=match["kind"],
                    defender=match["defender"],
                    commit=commits[match["challenger"]],
                    prompt=duel["prompt"],
                    left=duel["left"],
                    right=duel["right"],
                    outcome=duel["outcome"],
                )
