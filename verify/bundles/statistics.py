"""Do intervals, sign tests and flip distances follow from the matches, and the judge's repeatability from copies?"""

from __future__ import annotations

import math
from fractions import Fraction

from verify.bundles import bankroll
from verify.bundles.files import ExaminedBundle, Row
from verify.bundles.ladder import LEADER, Gap, Pairs, climb, defender_after, pairs_of, rejected_in
from verify.bundles.matches import NAME as MATCHES
from verify.bundles.matches import clears, counted_of, label, margin_of, results_of, tally_of
from verify.bundles.reveals import order_of

NAME = "statistics.json"
Z95 = 1.959963984540054
BY_MATCHES = ("not_worse", "worse_than_submitted", "won_again", "no_win_again")
KINDS = {
    "": "missing-match",
    "interval95_micro": "wrong-margin",
    "sign_p_micro": "wrong-margin",
    "flip_distance": "wrong-flips",
    "repeatability": "wrong-repeatability",
}


def check(bundle: ExaminedBundle) -> None:
    """A machine may round the last millionth of an interval otherwise: that is taken as it is stated."""
    doc, matches = bundle.document(NAME), []
    stated = {row["match"]: [*row["interval95_micro"], row["sign_p_micro"]] for row in doc["matches"]}
    for match in bundle.document(MATCHES):
        numbers, given = list(intervals(tally_of(results_of(match)))), stated.get(label(match), [])
        if len(given) == len(numbers) and all(abs(a - b) <= 1 for a, b in zip(given, numbers, strict=True)):
            numbers = given
        interval, p, distance = numbers[:2], numbers[2], flips_of(bundle, match)
        names = {"match": label(match), "interval95_micro": interval, "sign_p_micro": p}
        matches.append({**names, "flip_distance": distance})
    distance = of_titles(bundle) if bundle.titled else of_ladder(bundle)
    expected = {"matches": matches, "flip_distance": distance, "repeatability": repeatability(bundle)}
    bundle.compare(KINDS, NAME, doc, expected)


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


def flips_of(bundle: ExaminedBundle, match: Row) -> int | None:
    rules, tally = bundle.rules, tally_of(results_of(match))
    won, lost = tally["won"] + tally["forfeits_defender"], tally["lost"] + tally["forfeits_challenger"]
    if match["kind"] == "title":
        rows = bundle.documents.get("title.json", {"bankrolls": []})["bankrolls"]
        return next((row["flip_distance"] for row in rows if row["entry"] == match["challenger"]), None)
    if bundle.titled and match["kind"] == "audit":
        return bankroll.flips({"won": lost, "drawn": tally["drawn"], "lost": won}, rules=rules)
    bar = Fraction(rules["win_margin"])
    return flips(tally, bar=-bar if match["kind"].startswith("audit") else bar, least=rules["least_counted"])


def flips(tally: dict[str, int], *, bar: Fraction, least: int) -> int | None:
    """The fewest duels of a match that would have to end otherwise for the bar to be missed, or reached."""
    counts = {"won": tally["won"] + tally["forfeits_defender"], "lost": tally["lost"] + tally["forfeits_challenger"]}
    least = max(1, least)

    def reaches(won: int, drawn: int, lost: int) -> bool:
        counted = won + drawn + lost
        return counted >= least and won - lost >= bar * counted

    return bankroll.fewest_changes(tally | counts, reaches, least=least)


def of_titles(bundle: ExaminedBundle) -> int | None:
    """The fewest title duels of one finalist for another leader: of the new one, or of those who missed it."""
    winner, rows = bundle.document("decision.json")["winner"], bundle.documents.get("title.json", {"bankrolls": []})
    may = [row for row in rows["bankrolls"] if winner in (row["entry"], LEADER)]
    distances = [row["flip_distance"] for row in may if (row["ending"] == "title") == (winner != LEADER)]
    return min((distance for distance in distances if distance is not None), default=None)


def of_ladder(bundle: ExaminedBundle) -> int | None:
    """Each match and each audit turned by itself: is the leader another, or does a match or an audit lack to tell?"""
    met, rejected, rules = pairs_of(bundle.document(MATCHES)), rejected_in(bundle.document("audits.json")), bundle.rules
    before = _leader(bundle, met, rejected)
    distances = []
    for key, match in met.items():
        if key[0] in ("screen", "ladder"):
            side = "lost" if clears(match["tally"], rules) else "won"
            tally = dict.fromkeys(match["tally"], 0) | {side: max(1, rules["least_counted"])}
            if _leader(bundle, {**met, key: {**match, "tally": tally}}, rejected) != before:
                distances.append(flips_of(bundle, match))
    for audit in bundle.document("audits.json"):
        turned = audit["kind"] == "generation" and audit["code"] in BY_MATCHES
        if turned and _leader(bundle, met, rejected ^ {audit["entry"]}) != before:
            distances.append(turned_by(bundle, audit["entry"]))
    return min((distance for distance in distances if distance), default=None)


def _leader(bundle: ExaminedBundle, met: Pairs, rejected: set[str]) -> str:
    """Who leads; "" where nobody can tell."""
    audited = {audit["entry"] for audit in bundle.document("audits.json")}
    try:
        rungs = climb(order_of(bundle), met, rejected=rejected, rules=bundle.rules)
    except Gap:
        return ""
    won = {rung["challenger"] for rung in rungs if rung["verdict"] == "advanced"}
    return "" if bundle.rules["audits"] and won - audited else defender_after(rungs)


def turned_by(bundle: ExaminedBundle, entry: str) -> int | None:
    """Of an audit that passed any of its matches could have failed it; of one that did not, the last failed it."""
    rules = bundle.document("round.json")["rules"]
    mine = [
        m for m in bundle.document(MATCHES) if m["challenger"] == entry and m["kind"].startswith(("audit", "again"))
    ]
    mine.sort(key=lambda m: (m["challenger_origin"], m["kind"].startswith("again")))
    bars = [Fraction(rules["win_margin"]) * (-1 if m["kind"].startswith("audit") else 1) for m in mine]
    held = [
        counted_of(m["tally"]) >= max(1, rules["least_counted"]) and margin_of(m["tally"]) >= bar
        for m, bar in zip(mine, bars, strict=True)
    ]
    decisive = mine if all(held) else mine[-1:]
    return min((d for m in decisive if (d := flips_of(bundle, m)) is not None), default=None)


def repeatability(bundle: ExaminedBundle) -> dict[str, int]:
    """Verdicts on the other files of a further copy of a commit, against those on the first's."""
    order = {entry: n for n, entry in enumerate(order_of(bundle))}
    commits = {row["entry"]: row["commit"] for row in bundle.document("submissions.json") if row["entry"] in order}
    mine = [m for m in bundle.document(MATCHES) if m["challenger"] in order]
    first: dict[tuple[str, ...], Row] = {}
    counts = {"pairs": 0, "same": 0, "opposite": 0}
    for match in sorted(mine, key=lambda m: (order[m["challenger"]], m["kind"], m["defender"])):
        for duel in (duel for duel in match["duels"] if duel["state"] == "judged"):
            key = (match["kind"], match["defender"], commits[match["challenger"]], duel["prompt"])
            before = first.setdefault(key, duel)
            if (before["left"], before["right"]) != (duel["left"], duel["right"]):
                both = {before["outcome"], duel["outcome"]}
                counts["pairs"] += 1
                counts["same"] += len(both) == 1
                counts["opposite"] += both == {"challenger", "defender"}
    return counts
