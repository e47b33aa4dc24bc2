"""Do intervals, sign tests and flip distances follow from the matches, and the judge's repeatability from copies?"""

from __future__ import annotations

import math
from collections.abc import Iterator
from fractions import Fraction
from typing import Any

from verify.bundles import bankroll as bundle_bankroll
from verify.bundles.assets import challengers
from verify.bundles.entries import titled
from verify.bundles.files import Bundle
from verify.bundles.ladder import LEADER, Gap, Pairs, climb, defender_after, rejected_in
from verify.bundles.matches import NAME as MATCHES
from verify.bundles.matches import clears, counted_of, label, margin_of
from verify.bundles.reveals import in_reveal_order

NAME = "statistics.json"
Z95 = 1.959963984540054
BY_MATCHES = ("not_worse", "worse_than_submitted", "won_again", "no_win_again")

Row = dict[str, Any]
Key = tuple[str, str, str]


def check(bundle: Bundle) -> None:
    told = {row["match"]: row for row in bundle.told(NAME)["matches"]}
    bundle.same(
        "missing-match",
        NAME,
        field="matches",
        found=[row["match"] for row in bundle.told(NAME)["matches"]],
        expected=[label(m) for m in bundle.told(MATCHES)],
        say="Of every match, once, in order.",
    )
    for match in bundle.told(MATCHES):
        if label(match) in told:
            _match(bundle, match, told[label(match)])
    bundle.same(
        "wrong-flips",
        NAME,
        field="flip_distance",
        found=bundle.told(NAME)["flip_distance"],
        expected=_title(bundle) if titled(bundle) else _ladder(bundle),
        say="Other duels would have to end otherwise.",
    )
    bundle.same(
        "wrong-repeatability",
        NAME,
        field="repeatability",
        found=bundle.told(NAME)["repeatability"],
        expected=repeatability(bundle),
        say="The judge said something else about copies.",
    )


def _match(bundle: Bundle, match: Row, row: Row) -> None:
    low, high, p = intervals(match["tally"])
    found, expected = [*row["interval95_micro"], row["sign_p_micro"]], [low, high, p]
    if len(found) != 3 or any(abs(a - b) > 1 for a, b in zip(found, expected, strict=True)):
        bundle.note("wrong-margin", NAME, field=label(match), found=found, expected=expected, say="Other intervals.")
    bundle.same(
        "wrong-flips",
        NAME,
        field=label(match),
        found=row["flip_distance"],
        expected=_flips(bundle, match),
        say="So many duels would have to end otherwise.",
    )


def intervals(tally: dict[str, int]) -> tuple[int, int, int]:
    """Normal interval of the margin, exact two-sided sign test; in millionths."""
    n, margin = counted_of(tally), float(margin_of(tally))
    won = tally["won"] + tally["forfeits_defender"]
    lost = tally["lost"] + tally["forfeits_challenger"]
    half = Z95 * math.sqrt(max(0.0, ((won + lost) / n - margin * margin) / n)) if n else 1.0
    tail = sum(math.comb(won + lost, k) for k in range(max(won, lost), won + lost + 1))
    p = min(Fraction(1), Fraction(2 * tail, 2 ** (won + lost)))
    low, high = (max(-1.0, margin - half), min(1.0, margin + half)) if n else (-1.0, 1.0)
    return round(low * 1_000_000), round(high * 1_000_000), round(p * 1_000_000)


def _flips(bundle: Bundle, match: Row) -> int | None:
    rules, tally = bundle.told("round.json")["rules"], match["tally"]
    won, lost = tally["won"] + tally["forfeits_defender"], tally["lost"] + tally["forfeits_challenger"]
    if match["kind"] == "title":
        rows = bundle.documents.get("title.json", {"bankrolls": []})["bankrolls"]
        return next((row["flip_distance"] for row in rows if row["entry"] == match["challenger"]), None)
    if titled(bundle) and match["kind"] == "audit":
        return bundle_bankroll.flips({"won": lost, "drawn": tally["drawn"], "lost": won}, rules=rules)
    bar = Fraction(rules["win_margin"])
    return flips(tally, bar=-bar if match["kind"].startswith("audit") else bar, least=rules["least_counted"])


def flips(tally: dict[str, int], *, bar: Fraction, least: int) -> int | None:
    """So many changes are tried: to the other side's win (decisive duels first), and, to miss, to void."""
    won, lost = tally["won"] + tally["forfeits_defender"], tally["lost"] + tally["forfeits_challenger"]
    drawn, void, least = tally["drawn"], tally["void"], max(1, least)

    def reaches(w: int, d: int, l: int) -> bool:  # noqa: E741
        return w + d + l >= least and w - l >= bar * (w + d + l)

    had = reaches(won, drawn, lost)
    for changes in range(1, won + drawn + lost + void + 1):
        if had and won + drawn + lost - changes < least:
            return changes
        for voids in range(min(changes, void) + 1):
            full = min(changes - voids, won if had else lost)
            half = min(changes - voids - full, drawn)
            w = won - full if had else won + full + half + voids
            l = lost + full + half + voids if had else lost - full  # noqa: E741
            if reaches(w, drawn - half, l) != had:
                return changes
    return None


def _title(bundle: Bundle) -> int | None:
    """The fewest title duels of one finalist for another leader: of the new one, or of those who missed it."""
    winner, rows = bundle.told("decision.json")["winner"], bundle.documents.get("title.json", {"bankrolls": []})
    may = [row for row in rows["bankrolls"] if winner in (row["entry"], LEADER)]
    found = [row["flip_distance"] for row in may if (row["ending"] == "title") == (winner != LEADER)]
    return min((distance for distance in found if distance is not None), default=None)


def _ladder(bundle: Bundle) -> int | None:
    """Each match turned by itself: is the leader another, or does a match or an audit lack to tell?"""
    met: dict[Key, Row] = {(m["kind"], m["defender"], m["challenger"]): m for m in bundle.told(MATCHES)}
    rejected = rejected_in(bundle.told("audits.json"))
    order = [row["entry"] for row in in_reveal_order(challengers(bundle))]
    before = _leader(bundle, order, met, rejected)
    found = [
        distance
        for distance, met_, rejected_ in _turned(bundle, met, rejected)
        if distance and _leader(bundle, order, met_, rejected_) != before
    ]
    return min(found, default=None)


def _leader(bundle: Bundle, order: list[str], met: Pairs, rejected: set[str]) -> str:
    """Who leads; "" where nobody can tell."""
    rules = bundle.told("round.json")["rules"]
    audited = {audit["entry"] for audit in bundle.told("audits.json")}
    try:
        rungs = climb(order, met, rejected=rejected, rules=rules)
    except Gap:
        return ""
    won = {rung["challenger"] for rung in rungs if rung["verdict"] == "advanced"}
    return "" if rules["audits"] and won - audited else defender_after(rungs)


def _turned(bundle: Bundle, met: dict[Key, Row], rejected: set[str]) -> Iterator[tuple[int | None, Pairs, set[str]]]:
    rules = bundle.told("round.json")["rules"]
    nothing = dict.fromkeys(next(iter(met.values()))["tally"], 0) if met else {}
    for key, match in met.items():
        if key[0] in ("screen", "ladder"):
            other = nothing | {"lost" if clears(match["tally"], rules) else "won": max(1, rules["least_counted"])}
            yield _flips(bundle, match), {**met, key: {**match, "tally": other}}, rejected
    for audit in bundle.told("audits.json"):
        if audit["kind"] == "generation" and audit["code"] in BY_MATCHES:
            yield _turns(bundle, audit["entry"]), met, rejected ^ {audit["entry"]}


def _turns(bundle: Bundle, entry: str) -> int | None:
    """Of an audit that passed any of its matches could have failed it; of one that did not, the last failed it."""
    rules = bundle.told("round.json")["rules"]
    mine = [m for m in bundle.told(MATCHES) if m["challenger"] == entry and m["kind"].startswith(("audit", "again"))]
    mine.sort(key=lambda m: (m["challenger_origin"], m["kind"].startswith("again")))
    bars = [Fraction(rules["win_margin"]) * (-1 if m["kind"].startswith("audit") else 1) for m in mine]
    held = [
        counted_of(m["tally"]) >= max(1, rules["least_counted"]) and margin_of(m["tally"]) >= bar
        for m, bar in zip(mine, bars, strict=True)
    ]
    decisive = mine if all(held) else mine[-1:]
    return min((d for m in decisive if (d := _flips(bundle, m)) is not None), default=None)


def repeatability(bundle: Bundle) -> dict[str, int]:
    """Verdicts on the other files of a further copy of a commit, against those on the first's."""
    order = {row["entry"]: n for n, row in enumerate(in_reveal_order(challengers(bundle)))}
    commits = {row["entry"]: row["commit"] for row in bundle.told("submissions.json") if row["entry"] in order}
    mine = [m for m in bundle.told(MATCHES) if m["challenger"] in order]
    first: dict[tuple[str, ...], Row] = {}
    found = {"pairs": 0, "same": 0, "opposite": 0}
    for match in sorted(mine, key=lambda m: (order[m["challenger"]], m["kind"], m["defender"])):
        for duel in (duel for duel in match["duels"] if duel["state"] == "judged"):
            key = (match["kind"], match["defender"], commits[match["challenger"]], duel["prompt"])
            before = first.setdefault(key, duel)
            if (before["left"], before["right"]) != (duel["left"], duel["right"]):
                both = {before["outcome"], duel["outcome"]}
                found["pairs"] += 1
                found["same"] += len(both) == 1
                found["opposite"] += both == {"challenger", "defender"}
    return found
