"""How many duels of one match would have to end otherwise before the round's leader no longer follows?

A round is as sure as its narrowest match.  Each match in turn is supposed to say the opposite of what it said; where
the leader is then another, or cannot be known because a match or an audit would be missing, its own distance counts.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from fractions import Fraction
from typing import Any

from competition.decisions.attempts import plain
from competition.rulesets.ladder import Audited, Key, LadderEntry, climb, combined
from competition.rulesets.rules import Rules
from competition.rulesets.tally import Tally, clears, flip_distance, reaches

Pair = tuple[Key, Key]
BY_MATCHES = ("not_worse", "worse_than_submitted", "won_again", "no_win_again")
"""Codes of generation audits that follow from their matches, and from nothing else."""


@dataclass(frozen=True, slots=True, kw_only=True)
class AuditBar:
    """A match of a winner's audit: it holds from the margin `bar` on."""

    tally: Tally
    bar: Fraction

    def holds(self, *, least: int) -> bool:
        return reaches(self.tally, win_margin=self.bar, least_counted=least)

    def distance(self, *, least: int) -> int | None:
        return flip_distance(self.tally, win_margin=self.bar, least_counted=least)


def of_round(
    entries: Iterable[LadderEntry],
    *,
    screen: Mapping[Key, Tally | None],
    met: Mapping[Pair, Tally],
    audits: Mapping[Key, Audited],
    gates: Mapping[Key, Sequence[AuditBar]],
    rules: Rules,
) -> int | None:
    """The fewest; None where no single match could change it.  `met` are (defender, challenger); `gates` are of those
    whose audit was decided by its matches, and by nothing else."""
    queue = tuple(entries)
    before = climb(queue, screen=screen, met=met, audits=audits, rules=rules).leader
    distances: list[int] = []
    for distance, (screen_, met_, audits_) in _supposed(screen, met, audits, gates, rules=rules):
        after = climb(queue, screen=screen_, met=met_, audits=audits_, rules=rules)
        if after.leader != before or not after.complete:
            distances.append(distance)
    return min(distances, default=None)


World = tuple[Mapping[Key, Tally | None], Mapping[Pair, Tally], Mapping[Key, Audited]]


def _supposed(
    screen: Mapping[Key, Tally | None],
    met: Mapping[Pair, Tally],
    audits: Mapping[Key, Audited],
    gates: Mapping[Key, Sequence[AuditBar]],
    *,
    rules: Rules,
) -> Iterator[tuple[int, World]]:
    """(what it takes, what there would then be) for each match and each audit."""
    for key, tally in screen.items():
        distance = tally and _distance(tally, rules=rules)
        if tally and distance:
            yield distance, ({**screen, key: _opposite(tally, rules=rules)}, met, audits)
    for pair, tally in met.items():
        if distance := _distance(tally, rules=rules):
            yield distance, (screen, {**met, pair: _opposite(tally, rules=rules)}, audits)
    for key, of_audit in gates.items():
        if distance := turns(of_audit, least=rules.least_counted):
            opposite: Audited = "passed" if audits.get(key) == "rejected" else "rejected"
            yield distance, (screen, met, {**audits, key: opposite})


def turns(gates: Sequence[AuditBar], *, least: int) -> int | None:
    """The fewest duels of one match that turn an audit's verdict: any gate of one that passed, the last of one that
    did not."""
    if not gates:
        return None
    held = all(gate.holds(least=least) for gate in gates)
    distances = [gate.distance(least=least) for gate in (gates if held else gates[-1:])]
    return min((d for d in distances if d is not None), default=None)


def _distance(tally: Tally, *, rules: Rules) -> int | None:
    return flip_distance(tally, win_margin=rules.win_margin, least_counted=rules.least_counted)


def _opposite(tally: Tally, *, rules: Rules) -> Tally:
    least = max(1, rules.least_counted)
    return Tally(lost=least) if clears(tally, rules=rules) else Tally(won=least)


def of_documents(documents: Mapping[str, Any], *, rules: Rules) -> int | None:
    """The same, from the documents of the round's bundle."""
    tallies = {(m["kind"], m["defender"], m["challenger"]): Tally(**m["tally"]) for m in documents["matches.json"]}
    entries = [
        LadderEntry(
            key=s["entry"],
            hotkey=s["miner"],
            reveal_block=s["reveal_block"] or 0,
            extrinsic_index=s["extrinsic_index"] or 0,
        )
        for s in challengers(documents)
    ]
    screen: dict[Key, Tally | None] = {c: tally for (kind, _, c), tally in tallies.items() if kind == "screen"}
    met: dict[tuple[Key, Key], Tally] = {(d, c): tally for (kind, d, c), tally in tallies.items() if kind == "ladder"}
    gates = {
        audit["entry"]: list(_gates(documents, audit["entry"], rules=rules))
        for audit in documents["audits.json"]
        if audit["kind"] == "generation" and audit["code"] in BY_MATCHES
    }
    verdicts: dict[Key, dict[str, str]] = {}
    for audit in documents["audits.json"]:
        verdicts.setdefault(audit["entry"], {})[audit["kind"]] = audit["verdict"]
    audits = {entry: combined(of_entry, rules=rules) for entry, of_entry in verdicts.items()}
    return of_round(entries, screen=screen, met=met, audits=audits, gates=gates, rules=rules)


def challengers(documents: Mapping[str, Any]) -> list[Mapping[str, Any]]:
    """The rows of the entries that took part, in reveal order."""
    entered = [s for s in documents["submissions.json"] if s["role"] == "challenger" and not s["objection"]]
    return sorted(entered, key=lambda s: (s["reveal_block"] or 0, s["extrinsic_index"] or 0, s["miner"]))


def _gates(documents: Mapping[str, Any], entry: str, *, rules: Rules) -> Iterator[AuditBar]:
    """The matches of one audit, in the order they were played."""
    of_audit = [
        m for m in documents["matches.json"] if m["challenger"] == entry and plain(m["kind"]) in ("audit", "again")
    ]
    in_turn = sorted(of_audit, key=lambda m: (m["challenger_origin"], plain(m["kind"]) == "again"))
    for match in in_turn:
        bar = -rules.win_margin if plain(match["kind"]) == "audit" else rules.win_margin
        yield AuditBar(tally=Tally(**match["tally"]), bar=Fraction(bar))
