"""Do the duels follow from the files and answers, and the margins from the duels?"""

from __future__ import annotations

from collections import Counter
from fractions import Fraction
from typing import Any

from verify.bundles import bankroll, integrity, judging
from verify.bundles.assets import numbered
from verify.bundles.ballots import Wrong
from verify.bundles.events import bodies
from verify.bundles.files import ExaminedBundle, Row
from verify.bundles.reveals import ever_representing, order_of

NAME = "matches.json"
NET = {"won": 1, "forfeits_defender": 1, "lost": -1, "forfeits_challenger": -1, "drawn": 0, "void": 0}
MOST_VOIDS = Fraction(1, 20)
KINDS = {
    "": "wrong-duels",
    "defender_origin": "wrong-files",
    "challenger_origin": "wrong-files",
    "left": "wrong-files",
    "right": "wrong-files",
    "state": "wrong-forfeit",
    "outcome": "wrong-outcome",
    "score_micro": "wrong-outcome",
    "detail": "wrong-outcome",
    "stages": "wrong-ballots",
    "failure": "wrong-outcome",
    "tally": "wrong-tally",
    "margin": "wrong-margin",
    "margin_micro": "wrong-margin",
    "stopped": "wrong-stop",
    "stopped_after": "wrong-stop",
}

Files = dict[tuple[str, str, str], str]


def check(bundle: ExaminedBundle) -> None:
    """Every screen is there; every duel is about the files both sides delivered; every margin adds up."""
    screens = [m["challenger"] for m in bundle.document(NAME) if m["kind"] == "screen" and m["defender"] == "leader"]
    entered = ever_representing(bundle) if bundle.titled else order_of(bundle)
    bundle.compare_sets("missing-match", "extra-match", NAME, screens, entered)
    files = {at: sha for at, sha in integrity.drawn(bundle).items() if not integrity.forfeited(bundle, sha)}
    answers = judging.answers_of(bundle)
    for match in bundle.matches:
        bundle.compare(KINDS, NAME, match, match | write(bundle, match, files, answers), field=label(match))
        void, most = tally_of(results_of(match))["void"], MOST_VOIDS * len(match["duels"])
        if void > most:
            bundle.note("too-many-voids", NAME, field=label(match), found=void, expected=f"<= {most}")
    if answers is not None:
        judging.unneeded(bundle, answers, at="answers")


def label(match: Row) -> str:
    return f"{match['kind']} {match['defender']} {match['challenger']}"


def results_of(match: Row) -> list[str]:
    return [result_of(duel) for duel in match["duels"] if duel["state"] != "unneeded"]


def write(bundle: ExaminedBundle, match: Row, files: Files, answers: judging.Answers | None) -> Row:
    """What the match must be, from the delivered files and from what the judge answered.

    One duel for each prompt, in seed order; told up to where the match was certain, and no further, but that a screen
    of title-1 tells of forfeits wherever they stand (where neither side delivered, it is nobody's).
    """
    tally, (stop, certainty) = tally_of(results_of(match)), end_of(bundle, match)
    prompts = bundle.document("round.json")["prompts"]
    prompts = bundle.fresh[: match["stopped_after"]] if match["kind"] == "title" else prompts
    rows = [{"position": prompt["position"], "prompt": prompt["stem"]} for prompt in prompts]
    late = bundle.titled and match["kind"] == "screen"
    for place, (row, duel) in enumerate(zip(rows, match["duels"], strict=False)):
        left = files.get((match["defender"], match["defender_origin"], duel["prompt"]), "")
        right = files.get((match["challenger"], match["challenger_origin"], duel["prompt"]), "")
        unneeded = place >= match["stopped_after"] and not (late and bool(left) != bool(right))
        if unneeded != (duel["state"] == "unneeded"):
            expected = "unneeded" if unneeded else "played"
            field = f"{label(match)} {duel['prompt']} state"
            bundle.note("wrong-duels", NAME, field=field, found=duel["state"], expected=expected)
        rewritten = {} if duel["state"] == "unneeded" else write_duel(bundle, match, duel, left, right, answers)
        row |= {**duel, **rewritten, **row}
    return {
        "defender_origin": "generated" if match["defender"] == "leader" else "submitted",
        "challenger_origin": origin_of(bundle, match),
        "tally": tally,
        "margin": str(margin_of(tally)),
        "margin_micro": round(margin_of(tally) * 1_000_000),
        "stopped_after": stop,
        "stopped": certainty,
        "duels": rows,
    }


def write_duel(
    bundle: ExaminedBundle, match: Row, duel: Row, left: str, right: str, answers: judging.Answers | None
) -> Row:
    """What becomes of a duel about these two files; "" is a file that was not delivered."""
    field, state = f"{label(match)} {duel['prompt']}", duel["state"]
    possible = ("judged", "void") if left and right else ("forfeited",)
    sides = {"left": left, "right": right}
    if state == "void":
        bundle.note("void-duel", NAME, field=field, found=duel["failure"])
        sides = sides if duel["left"] or duel["right"] else {"left": "", "right": ""}
    if state not in possible:
        return {**sides, "state": possible[0]}
    if state != "judged":
        outcome = "" if state == "void" else "challenger" if right else "defender" if left else "draw"
        failure = (duel["failure"] or {"class": "judge"}) if state == "void" else None
        return {**sides, "outcome": outcome, "score_micro": None, "detail": {}, "failure": failure}
    detail = dict(duel["detail"]) if answers is None else judging.detail_of(bundle, match, duel, answers)
    try:
        outcome, score, by = judging.verdict_of(bundle, duel["detail"])
    except Wrong as wrong:
        bundle.note("wrong-ballots", NAME, field=field, found=str(wrong))
        return {**sides, "detail": detail}
    if duel["left"] == duel["right"] and outcome != "draw":
        sentence = "The same file cannot beat itself."
        bundle.note("wrong-outcome", NAME, field=field, found=outcome, expected="draw", sentence=sentence)
    detail["decided_by"] = by
    detail.pop("tie_broken_by", None)
    if outcome == "draw" and (sounder := integrity.tie_broken(bundle, left, right)):
        outcome, detail["tie_broken_by"] = sounder, "integrity"
    return {**sides, "outcome": outcome, "score_micro": score, "detail": detail, "failure": None}


def origin_of(bundle: ExaminedBundle, match: Row) -> str:
    """As for its kind; where an audit's code was generated again for a correction, of the newest up to this version."""
    applied = {body["correction"] for body in bodies(bundle, "correction.applied", of_round=bundle.round)}
    newest = 0
    for body in bodies(bundle, "correction.staged", of_round=bundle.round) if match["kind"] == "audit" else ():
        names = [str(name).rpartition(" ")[0] for name in body["anew"]] if body.get("scope") == "generation" else []
        counts = body["correction"] in applied and body["correction"] < match.get("version", 1)
        newest = body["correction"] if counts and f"{match['challenger']} generation" in names else newest
    return numbered("generated", newest) if newest else challenger_origin(match["kind"])


def challenger_origin(kind: str) -> str:
    """Whose files challenge: those of the miner, those that the platform generated, or of a further regeneration."""
    plain, _, repeat = kind.partition("_")
    if plain in ("audit", "again"):
        return numbered("generated", int(repeat) if repeat.isdecimal() else 0)
    return "generated" if kind == "title" else "submitted"


def one_judge(bundle: ExaminedBundle) -> None:
    """One judge for the whole round, and one verdict for the same files and prompt among those that count."""
    judges = sorted({f"{match['judge_name']} {match['judge']}" for match in bundle.matches})
    bundle.compare("wrong-judge", NAME, judges, judges[:1], field="judge")
    given: dict[tuple[str, str, str], list[Any]] = {}
    for match in bundle.document(NAME):
        for duel in (duel for duel in match["duels"] if duel["state"] == "judged"):
            verdict = [duel["outcome"], duel["score_micro"], duel["detail"]]
            before = given.setdefault((duel["prompt"], duel["left"], duel["right"]), verdict)
            bundle.compare("judged-twice", NAME, verdict, before, field=f"{label(match)} {duel['prompt']}")


def result_of(duel: Row) -> str:
    """won, drawn, lost, void, or who forfeited, for the challenger."""
    if duel["state"] == "judged":
        return {"challenger": "won", "defender": "lost"}.get(duel["outcome"], "drawn")
    if duel["state"] == "forfeited":
        return {"challenger": "forfeits_defender", "defender": "forfeits_challenger"}.get(duel["outcome"], "drawn")
    return "void"


def tally_of(results: list[str]) -> dict[str, int]:
    counts = Counter(results)
    return {name: counts[name] for name in NET}


def counted_of(tally: dict[str, int]) -> int:
    return sum(tally.values()) - tally["void"]


def margin_of(tally: dict[str, int]) -> Fraction:
    counted = counted_of(tally)
    return Fraction(sum(NET[name] * number for name, number in tally.items()), counted) if counted else Fraction(0)


def clears(tally: dict[str, int], rules: Row) -> bool:
    return counted_of(tally) >= max(1, rules["least_counted"]) and margin_of(tally) >= Fraction(rules["win_margin"])


def end_of(bundle: ExaminedBundle, match: Row) -> tuple[int | None, str]:
    """A match ends with the first duel that makes it certain; a match of an audit is played to its end."""
    if match["kind"] == "title":
        return match["stopped_after"], match["stopped"]  # `title` plays it again
    if bundle.titled and match["kind"] == "screen":
        known = [None if duel["state"] == "unneeded" else result_of(duel) for duel in match["duels"]]
        return bankroll.screened(known, rules=bundle.rules)
    early = not match["kind"].startswith("audit") and bundle.rules["stop_early"]
    return stop_of(results_of(match), len(match["duels"]), rules=bundle.rules, early=early)


def stop_of(results: list[str], total: int, *, rules: Row, early: bool) -> tuple[int | None, str]:
    """(after how many duels the match ends, what was certain if that is before the last); None: still open."""
    if not early:
        return (total if len(results) == total else None), ""
    bar, least = Fraction(rules["win_margin"]), max(1, rules["least_counted"])
    for number in range(min(len(results), total) + 1):
        certainty = certain(results[:number], total - number, bar=bar, least=least)
        if certainty:
            return number, certainty if number < total else ""
    return None, ""


def certain(results: list[str], left: int, *, bar: Fraction, least: int) -> str | None:
    """What the match will say whatever the duels that are left give: each may be won, lost, drawn or void."""
    counted = sum(result != "void" for result in results)
    net = sum(NET[result] for result in results)
    worst, best = Fraction(net - left, max(1, counted + left)), Fraction(net + left, max(1, counted + left))
    if counted >= least and worst >= bar:
        return "qualified"
    return "below" if counted + left < least or best < bar else None
