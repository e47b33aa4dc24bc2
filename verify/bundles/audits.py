"""Was every winner of the ladder audited, and does each verdict follow from what was found?

One audit after the other: the generation audit comes only after a passed source audit.
"""

from __future__ import annotations

from collections import Counter
from fractions import Fraction
from typing import Any

from verify.bundles import bankroll, repeats
from verify.bundles.events import verdicts, version_name
from verify.bundles.files import ExaminedBundle
from verify.bundles.matches import counted_of, margin_of, result_of

NAME = "audits.json"
SEVERITIES = ("blocking", "person", "notice", "unchecked")

Row = dict[str, Any]


def check(bundle: ExaminedBundle) -> None:
    """Of each winner of a rung there are the audits of the rules, in order, up to the first that did not pass."""
    rows, events = bundle.document(NAME), verdicts(bundle)
    audited = ("advanced", "rejected", "held") if bundle.titled else ("advanced", "rejected")
    stated = {(audit["entry"], audit["kind"]): audit["verdict"] for audit in rows}
    wanted = []
    for entry in {r["challenger"] for r in bundle.document("decision.json")["ladder"] if r["verdict"] in audited}:
        for kind in bundle.rules["audits"]:
            wanted.append(f"{entry} {kind}")
            if stated.get((entry, kind)) != "passed":
                break
    bundle.compare_sets("missing-audit", "extra-audit", NAME, [label(audit) for audit in rows], wanted)
    for audit in rows:
        event = events.get((audit["entry"], audit["kind"], version_name(audit["version"])), {})
        if audit["people"] or event.get("from") == "reviewing":
            by_people(bundle, audit)
            continue
        expected = write_source(bundle, audit) if audit["kind"] == "source" else write_generation(bundle, audit, event)
        bundle.compare("wrong-audit", NAME, audit, audit | expected, field=label(audit))


def label(audit: Row) -> str:
    return f"{audit['entry']} {audit['kind']}"


def by_people(bundle: ExaminedBundle, audit: Row) -> None:
    """Only where the findings ask for people, or where an appeal does; that they are two, `rulings` looks at."""
    bundle.note("audit-by-person", NAME, field=label(audit), found=audit["reason"], sentence=audit["verdict"])
    severities = {finding["severity"] for finding in audit["findings"]}
    needed = audit["kind"] == "source" and "person" in severities and not severities & {"blocking", "unchecked"}
    if not needed and audit["code"] != "appeal_upheld":
        sentence = "No finding needed a person."
        bundle.note("wrong-audit", NAME, field=label(audit), found=audit["code"], sentence=sentence)


def write_source(bundle: ExaminedBundle, audit: Row) -> Row:
    """One blocking finding rejects; nothing unchecked; nothing for a person.  Code that cannot be had rejects."""
    severities = Counter(finding["severity"] for finding in audit["findings"])
    unreadable = audit["verdict"] == "rejected" and not audit["findings"] and not audit["numbers"]
    if unreadable and audit["code"] not in ("nothing_blocking", ""):
        return {}
    unsettled = severities["unchecked"] or (severities["person"] and not severities["blocking"])
    if unsettled or set(severities) - set(SEVERITIES):
        sentence = "It was not settled yet."
        bundle.note("wrong-audit", NAME, field=label(audit), found=sorted(severities), sentence=sentence)
    numbers = {name: severities[name] for name in SEVERITIES}
    return {"verdict": "rejected" if severities["blocking"] else "passed", "numbers": numbers}


def write_generation(bundle: ExaminedBundle, audit: Row, event: Row) -> Row:
    """Not worse than what was submitted by more than the bar, and made in time, by code that ran; with margin-2 each
    repeat, and a win against the defender again."""
    rules, limit = bundle.rules, audit["limits"].get("generation_s", 0)
    if repeats.repeated(rules):
        played = repeats.play(bundle, audit["entry"], limit=limit)
        if not played.code or played.submitted is None:
            return {}  # the ladder names it as a match that is missing
        code, good, measured = played.code, "won_again", _measured(bundle, audit, played.submitted)
        measured["numbers"]["repeats"], measured["limits"]["repeats"] = played.repeats, rules["audit_repeats"]
        measured["limits"]["least_defender_margin"] = str(Fraction(rules["win_margin"]))
        if played.defender is not None:
            measured["numbers"]["defender_margin"] = str(margin_of(played.defender))
    else:
        names = ("audit", audit["entry"], audit["entry"])
        matches = [m for m in bundle.document("matches.json") if (m["kind"], m["defender"], m["challenger"]) == names]
        if not matches:
            return {}  # the ladder names it as a match that is missing
        good, tally, purpose = "not_worse", matches[0]["tally"], matches[0]["challenger_origin"]
        code = repeats.failure_of(bundle, audit["entry"], purpose=purpose.replace("generated", "audit"))
        seconds = event.get("numbers", {}).get("generation_s", 0)
        code = code or generation_code(tally, seconds=seconds, limit=limit, rules=rules)
        if "title" in rules and code in ("not_worse", "worse_than_submitted"):
            code = by_bankroll([result_of(duel) for duel in matches[0]["duels"]], rules=rules)
        measured = _measured(bundle, audit, tally)
    return measured | {"verdict": "passed" if code == good else "rejected", "code": code[:60]}


def _measured(bundle: ExaminedBundle, audit: Row, tally: Row) -> dict[str, Row]:
    """The numbers of its match and the limits of the rules."""
    counted, rules = counted_of(tally), bundle.rules
    if not counted:
        sentence = "Without a counted duel nothing follows."
        bundle.note("wrong-audit", NAME, field=label(audit), found=counted, sentence=sentence)
    pods = bundle.document("competition.json")["config"].get("pods", {})
    return {
        "numbers": {**tally, "counted": counted, "margin": str(margin_of(tally))},
        "limits": {
            "least_margin": str(-Fraction(rules["win_margin"])),
            "least_counted": rules["least_counted"],
            "generation_s": pods.get("generation_s", 7200),
        },
    }


def generation_code(tally: dict[str, int], *, seconds: int, limit: int, rules: Row) -> str:
    """What an audit by code that ran to its end says: `not_worse` passes, anything else rejects."""
    if seconds > limit:
        return "generation_too_long"
    return "not_worse" if margin_of(tally) >= -Fraction(rules["win_margin"]) else "worse_than_submitted"


def by_bankroll(results: list[str], *, rules: Row) -> str:
    """title-1: worse where the submitted outputs earn the title against the regenerated ones."""
    turned = {"won": "lost", "lost": "won", "forfeits_challenger": "won", "forfeits_defender": "lost"}
    start = {"won": 0, "drawn": 0, "lost": 0, "out": False}
    swapped = [turned.get(result, result) for result in results]
    ending = bankroll.play(swapped, start, rules=rules, total=len(results))[1]
    return "worse_than_submitted" if ending == "title" else "not_worse"
