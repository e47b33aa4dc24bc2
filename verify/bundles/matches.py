"""Do the duels follow from the files and answers, and the margins from the duels?"""

from __future__ import annotations

from collections import Counter
from fractions import Fraction
from typing import Any

from verify.bundles import answers as bundle_answers
from verify.bundles import bankroll as bundle_bankroll
from verify.bundles.assets import challengers
from verify.bundles.ballots import Wrong, verdict
from verify.bundles.entries import ever_representing, fresh_of, titled
from verify.bundles.events import bodies
from verify.bundles.files import Bundle, text

NAME = "matches.json"
NET = {"won": 1, "forfeits_defender": 1, "lost": -1, "forfeits_challenger": -1, "drawn": 0, "void": 0}
MOST_VOIDS = Fraction(1, 20)

Row = dict[str, Any]
Files = dict[tuple[str, str, str], str]


def check(bundle: Bundle) -> None:
    """Every screen is there; every duel is about the files both sides delivered; every margin adds up."""
    files = {
        (row["entry"], row["origin"], row["prompt"]): row["sha256"]
        for row in bundle.told("assets.json")
        if row["state"] == "stored" and (row["rendering"] or {}).get("state") == "rendered"
    }
    screened = [m["challenger"] for m in bundle.told(NAME) if m["kind"] == "screen" and m["defender"] == "leader"]
    entered = ever_representing(bundle) if titled(bundle) else [row["entry"] for row in challengers(bundle)]
    kind = "missing-match" if set(entered) - set(screened) else "extra-match"
    bundle.same(
        kind,
        NAME,
        field="screens",
        found=sorted(screened),
        expected=sorted(entered),
        say="Not every entry, once, and nobody else, was screened.",
    )
    for match in (*bundle.told(NAME), *bundle.aside()):
        _match(bundle, match, files)
    _one_judge(bundle)


def label(match: Row) -> str:
    return f"{match['kind']} {match['defender']} {match['challenger']}"


def _match(bundle: Bundle, match: Row, files: Files) -> None:
    origins = [match["defender_origin"], match["challenger_origin"]]
    wanted = ["generated" if match["defender"] == "leader" else "submitted", origin_of(bundle, match)]
    bundle.same(
        "wrong-files",
        NAME,
        field=f"{label(match)} origins",
        found=origins,
        expected=wanted,
        say="Only the leader's files, and those of an audit, are made by the platform.",
    )
    _order(bundle, match, late={stem for stem in _stems(match) if not _both(files, match, stem)})
    for duel in match["duels"]:
        left = files.get((match["defender"], origins[0], duel["prompt"]), "")
        right = files.get((match["challenger"], origins[1], duel["prompt"]), "")
        if duel["state"] != "unneeded":
            name = f"{label(match)} {duel['prompt']}"
            _duel(bundle, duel, name, left=left, right=right, judge=match["judge_name"])
    _tally(bundle, match)


def numbered(name: str, repeat: int) -> str:
    return f"{name}_{repeat}" if repeat else name


def origin_of(bundle: Bundle, match: Row) -> str:
    """As for its kind; where an audit's code was generated again for a correction, of the newest up to this version."""
    applied = {body["correction"] for body in bodies(bundle, "correction.applied", of_round=bundle.round)}
    again = [
        body["correction"]
        for body in bodies(bundle, "correction.staged", of_round=bundle.round)
        if body.get("scope") == "generation"
        and body["correction"] in applied
        and body["correction"] < match.get("version", 1)
        and f"{match['challenger']} generation" in [str(name).rpartition(" ")[0] for name in body["anew"]]
    ]
    return numbered("generated", again[-1]) if match["kind"] == "audit" and again else challenger_origin(match["kind"])


def challenger_origin(kind: str) -> str:
    """Whose files challenge: those of the miner, those that the platform generated, or of a further regeneration."""
    plain, _, repeat = kind.partition("_")
    if plain in ("audit", "again"):
        return numbered("generated", int(repeat) if repeat.isdecimal() else 0)
    return "generated" if kind == "title" else "submitted"


def _stems(match: Row) -> list[str]:
    return [duel["prompt"] for duel in match["duels"]]


def _both(files: Files, match: Row, stem: str) -> bool:
    left = files.get((match["defender"], match["defender_origin"], stem))
    return bool(left and files.get((match["challenger"], match["challenger_origin"], stem)))


def _order(bundle: Bundle, match: Row, *, late: set[str]) -> None:
    """One duel for each prompt, in seed order; told up to where the match was certain, and no further.

    `late`: prompts without both files.  A screen of title-1 tells of these forfeits wherever they stand.
    """
    prompts = sorted(bundle.told("round.json")["prompts"], key=lambda p: int(p["position"]))
    prompts = fresh_of(bundle)[: match["stopped_after"]] if match["kind"] == "title" else prompts
    found = [[d["position"], d["prompt"]] for d in match["duels"]]
    bundle.same(
        "wrong-duels",
        NAME,
        field=label(match),
        found=found,
        expected=[[p["position"], p["stem"]] for p in prompts],
        say="Not one duel per prompt.",
    )
    stop = match["stopped_after"]
    told = ["unneeded" if d["state"] == "unneeded" and len(d) == 3 else "told" for d in match["duels"]]
    late = late if titled(bundle) and match["kind"] == "screen" else set()
    expected = ["told" if n < stop or stem in late else "unneeded" for n, stem in enumerate(_stems(match))]
    bundle.same(
        "wrong-duels",
        NAME,
        field=f"{label(match)} states",
        found=told,
        expected=expected,
        say="Told up to where the match was certain, and no further.",
    )


def _duel(bundle: Bundle, duel: Row, field: str, *, left: str, right: str, judge: str) -> None:
    void = duel["state"] == "void"
    if not (void and duel["left"] == duel["right"] == ""):
        bundle.same(
            "wrong-files",
            NAME,
            field=field,
            found=[duel["left"], duel["right"]],
            expected=[left, right],
            say="The duel was not about the files that these two delivered.",
        )
    forfeited = not (left and right)
    if forfeited != (duel["state"] == "forfeited") or duel["state"] not in ("judged", "forfeited", "void"):
        bundle.note(
            "wrong-forfeit",
            NAME,
            field=field,
            found=duel["state"],
            expected="forfeited" if forfeited else "judged or void",
            say="A duel is forfeited exactly where a side delivered nothing.",
        )
    elif duel["state"] == "judged":
        _judged(bundle, duel, field, judge=judge)
    else:
        outcome = "" if void else "challenger" if right else "defender" if left else "draw"
        found = [duel["outcome"], duel["score_micro"], duel["detail"], bool(duel["failure"])]
        bundle.same(
            "wrong-outcome",
            NAME,
            field=field,
            found=found,
            expected=[outcome, None, {}, void],
            say="Nobody judged it: only who delivered counts, and void counts for nobody.",
        )
    if void:
        bundle.note("void-duel", NAME, field=field, found=duel["failure"], say="Not judged, for a reason of ours.")


def _judged(bundle: Bundle, duel: Row, field: str, *, judge: str) -> None:
    try:
        outcome, score, decided_by = verdict(
            duel["detail"].get("stages", []), judge=judge, bars=bundle_answers.bars_told(bundle)
        )
    except Wrong as wrong:
        said = "The answers are not those that were needed, or do not add up."
        bundle.note("wrong-ballots", NAME, field=field, found=str(wrong), say=said)
        return
    found = {"outcome": duel["outcome"], "score": duel["score_micro"], "by": duel["detail"].get("decided_by")}
    bundle.same(
        "wrong-outcome",
        NAME,
        field=field,
        found=found,
        expected={"outcome": outcome, "score": score, "by": decided_by},
        say="The answers give another verdict.",
    )
    if duel["left"] == duel["right"] and outcome != "draw":
        bundle.note(
            "wrong-outcome", NAME, field=field, found=outcome, expected="draw", say="The same file cannot beat itself."
        )
    if duel["failure"]:
        bundle.note("wrong-outcome", NAME, field=field, found=duel["failure"], say="Judged, and yet it failed.")


def _one_judge(bundle: Bundle) -> None:
    """One judge for the whole round, and one verdict for the same files and prompt among those that count."""
    judges = sorted({f"{m['judge_name']} {m['judge']}" for m in (*bundle.told(NAME), *bundle.aside())})
    if len(judges) > 1:
        bundle.note("wrong-judge", NAME, field="judge", found=judges, say="Two judges in one round.")
    given: dict[tuple[str, str, str], str] = {}
    for match in bundle.told(NAME):
        for duel in match["duels"]:
            if duel["state"] == "judged":
                told = text([duel["outcome"], duel["score_micro"], duel["detail"]])
                before = given.setdefault((duel["prompt"], duel["left"], duel["right"]), told)
                if before != told:
                    bundle.note(
                        "judged-twice",
                        NAME,
                        field=f"{label(match)} {duel['prompt']}",
                        say="The same files had another verdict in another match.",
                    )


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


def _tally(bundle: Bundle, match: Row) -> None:
    results = [result_of(duel) for duel in match["duels"] if duel["state"] != "unneeded"]
    tally, name = tally_of(results), label(match)
    margin = margin_of(tally)
    bundle.same("wrong-tally", NAME, field=name, found=match["tally"], expected=tally, say="The duels add up else.")
    bundle.same("wrong-margin", NAME, field=name, found=match["margin"], expected=str(margin), say="Not W - L.")
    bundle.same(
        "wrong-margin",
        NAME,
        field=f"{name} micro",
        found=match["margin_micro"],
        expected=round(margin * 1_000_000),
        say="Not the margin in millionths.",
    )
    if tally["void"] > MOST_VOIDS * len(match["duels"]):
        bundle.note(
            "too-many-voids",
            NAME,
            field=name,
            found=tally["void"],
            expected=f"<= {MOST_VOIDS} of the duels",
            say="The round should have paused before this was official.",
        )
    _stop(bundle, match, results)


def _stop(bundle: Bundle, match: Row, results: list[str]) -> None:
    """A match ends with the first duel that makes it certain; a match of an audit is played to its end."""
    rules, total = bundle.told("round.json")["rules"], len(match["duels"])
    if match["kind"] == "title":
        return  # `bundle_title` plays it again
    if titled(bundle) and match["kind"] == "screen":
        known = [None if duel["state"] == "unneeded" else result_of(duel) for duel in match["duels"]]
        bundle.same(
            "wrong-stop",
            NAME,
            field=label(match),
            found=[match["stopped_after"], match["stopped"]],
            expected=list(bundle_bankroll.screened(known, rules=rules)),
            say="A screen ends when the bar is out of reach, or hopelessly far.",
        )
        return
    early = not match["kind"].startswith("audit") and rules["stop_early"]
    stop, said = stop_of(results, total, rules=rules, early=early)
    bundle.same(
        "wrong-stop",
        NAME,
        field=label(match),
        found=[match["stopped_after"], match["stopped"]],
        expected=[stop, said],
        say="A match ends with the first duel that makes it certain.",
    )


def stop_of(results: list[str], total: int, *, rules: Row, early: bool) -> tuple[int | None, str]:
    """(after how many duels the match ends, what was certain if that is before the last); None: still open."""
    if not early:
        return (total if len(results) == total else None), ""
    bar, least = Fraction(rules["win_margin"]), max(1, rules["least_counted"])
    for number in range(min(len(results), total) + 1):
        said = certain(results[:number], total - number, bar=bar, least=least)
        if said:
            return number, said if number < total else ""
    return None, ""


def certain(results: list[str], left: int, *, bar: Fraction, least: int) -> str | None:
    """What the match will say whatever the duels that are left give: each may be won, lost, drawn or void."""
    counted = sum(result != "void" for result in results)
    net = sum(NET[result] for result in results)
    worst, best = Fraction(net - left, max(1, counted + left)), Fraction(net + left, max(1, counted + left))
    if counted >= least and worst >= bar:
        return "qualified"
    return "below" if counted + left < least or best < bar else None
