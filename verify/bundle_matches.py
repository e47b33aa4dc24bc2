"""Do the duels follow from the files, and the margins from the duels?"""

from __future__ import annotations

from collections import Counter
from fractions import Fraction
from typing import Any

from verify.bundle_files import Bundle

NAME = "matches.json"
NET = {"won": 1, "forfeits_defender": 1, "lost": -1, "forfeits_challenger": -1, "drawn": 0, "void": 0}


def check(bundle: Bundle) -> None:
    """Every screen is there; every duel is about the files both sides delivered; every margin adds up."""
    files = {
        (a["entry"], a["origin"], a["prompt"]): a["sha256"]
        for a in bundle.documents["assets.json"]
        if a["state"] == "stored" and (a["rendering"] or {}).get("state") == "rendered"
    }
    matches = bundle.documents[NAME]
    entered = {
        s["entry"] for s in bundle.documents["submissions.json"] if s["role"] == "challenger" and not s["objection"]
    }
    screened = {m["challenger"] for m in matches if m["kind"] == "screen" and m["defender"] == "leader"}
    bundle.same("missing-match", NAME, field="screens", found=sorted(screened), expected=sorted(entered),
                say="Not every entry, and nobody else, was screened.")  # fmt: skip
    for match in matches:
        _duels(bundle, match, files)
        _tally(bundle, match)


def label(match: dict[str, Any]) -> str:
    return f"{match['kind']} {match['defender']} {match['challenger']}"


def _duels(bundle: Bundle, match: dict[str, Any], files: dict[tuple[str, str, str], str]) -> None:
    prompts = sorted(bundle.documents["round.json"]["prompts"], key=lambda p: p["position"])
    order = [(p["position"], p["stem"]) for p in prompts]
    found = [(d["position"], d["prompt"]) for d in match["duels"]]
    bundle.same("wrong-duels", NAME, field=label(match), found=found, expected=order, say="Not one duel per prompt.")
    for duel in match["duels"]:
        if duel["state"] not in ("unneeded",):
            left = files.get((match["defender"], match["defender_origin"], duel["prompt"]), "")
            right = files.get((match["challenger"], match["challenger_origin"], duel["prompt"]), "")
            _duel(bundle, duel, f"{label(match)} {duel['prompt']}", left=left, right=right)


def _duel(bundle: Bundle, duel: dict[str, Any], field: str, *, left: str, right: str) -> None:
    bundle.same("wrong-files", NAME, field=field, found=[duel["left"], duel["right"]], expected=[left, right],
                say="The duel was not about the files these two delivered.")  # fmt: skip
    forfeited = not (left and right)
    if forfeited != (duel["state"] == "forfeited"):
        bundle.wrong("wrong-forfeit", NAME, field=field, found=duel["state"],
                     expected="forfeited" if forfeited else "judged or void",
                     say="A duel is forfeited exactly where a side delivered nothing.")  # fmt: skip
    elif forfeited:
        expected = "challenger" if right else "defender" if left else "draw"
        bundle.same("wrong-outcome", NAME, field=field, found=duel["outcome"], expected=expected, say="Wrong side.")
    elif duel["state"] == "judged":
        _score(bundle, duel, field)
    elif duel["state"] == "void":
        bundle.notable("void-duel", NAME, field=field, found=duel["failure"], say="Not judged, for a reason of ours.")


def _score(bundle: Bundle, duel: dict[str, Any], field: str) -> None:
    score, outcome = duel["score_micro"], duel["outcome"]
    agrees = {"challenger": score > 0, "defender": score < 0, "draw": True}.get(outcome, False)
    if not agrees or not -1_000_000 <= score <= 1_000_000:
        bundle.wrong("wrong-outcome", NAME, field=field, found=outcome, expected=f"what a score of {score} says",
                     say="The outcome contradicts the score.")  # fmt: skip
    if duel["left"] == duel["right"] and (score, outcome) != (0, "draw"):
        bundle.wrong(
            "wrong-outcome", NAME, field=field, found=score, expected=0, say="The same file cannot beat itself."
        )


def result_of(duel: dict[str, Any]) -> str:
    """won, drawn, lost, void, or who forfeited, for the challenger."""
    if duel["state"] == "judged":
        return {"challenger": "won", "defender": "lost", "draw": "drawn"}[duel["outcome"]]
    if duel["state"] == "forfeited":
        return {"challenger": "forfeits_defender", "defender": "forfeits_challenger", "draw": "drawn"}[duel["outcome"]]
    return "void"


def margin_of(tally: dict[str, int]) -> Fraction:
    counted = sum(tally.values()) - tally["void"]
    return Fraction(sum(NET[name] * number for name, number in tally.items()), counted) if counted else Fraction(0)


def _tally(bundle: Bundle, match: dict[str, Any]) -> None:
    rules = bundle.documents["round.json"]["rules"]
    bar, least = Fraction(rules["win_margin"]), max(1, rules["least_counted"])
    total, stop = len(match["duels"]), match["stopped_after"]
    results = [result_of(duel) for duel in match["duels"][:stop]]
    tally = {name: Counter(results)[name] for name in NET}
    bundle.same("wrong-tally", NAME, field=label(match), found=match["tally"], expected=tally, say="Duels add up else.")
    margin = margin_of(tally)
    bundle.same("wrong-margin", NAME, field=label(match), found=match["margin"], expected=str(margin), say="Not W - L.")
    bundle.same("wrong-margin", NAME, field=f"{label(match)} micro", found=match["margin_micro"],
                expected=round(margin * 1_000_000), say="Not the margin in millionths.")  # fmt: skip
    early = match["kind"] != "audit" and rules["stop_early"]
    first = next((n for n in range(total + 1) if _certain(results[:n], total - n, bar, least)), None)
    expected = first if early else total
    bundle.same("wrong-stop", NAME, field=label(match), found=stop, expected=expected,
                say="A match ends with the first duel that makes its outcome certain.")  # fmt: skip
    said = _certain(results, total - len(results), bar, least) if len(results) < total else ""
    bundle.same("wrong-stop", NAME, field=f"{label(match)} stopped", found=match["stopped"], expected=said or "",
                say="Not what was certain by then.")  # fmt: skip


def _certain(results: list[str], left: int, bar: Fraction, least: int) -> str | None:
    """What the match will say whatever the duels that are left give: each may still be won, lost, drawn or void."""
    counted = sum(r != "void" for r in results)
    surplus = sum(NET[r] for r in results) - bar * counted
    if counted >= least and surplus >= left * (1 + bar):
        return "qualified"
    if counted + left < least or surplus + left * (1 - bar) < 0:
        return "below"
    return None
