"""Was every winner of the ladder audited, and does each verdict follow from what was found?

One audit after the other: the generation audit comes only after a passed source audit.
"""

from __future__ import annotations

import re
from collections import Counter
from fractions import Fraction
from typing import Any

from verify.bundles import bankroll as bundle_bankroll
from verify.bundles import repeats as bundle_again
from verify.bundles.entries import titled
from verify.bundles.events import bodies, by_name
from verify.bundles.files import Bundle
from verify.bundles.matches import counted_of, margin_of, result_of

NAME = "audits.json"
SEVERITIES = ("blocking", "person", "notice", "unchecked")
TOLD = re.compile(r"(\d+) won, (\d+) drawn, (\d+) lost")

Row = dict[str, Any]


def check(bundle: Bundle) -> None:
    _complete(bundle)
    events = bodies(bundle, "audit.passed", "audit.rejected", of_round=bundle.round)
    told = by_name(events, "entry", "audit", "version")
    for audit in bundle.told(NAME):
        event = told.get(
            (audit["entry"], audit["kind"], "None" if audit["version"] == 1 else str(audit["version"])), {}
        )
        if audit["people"] or event.get("from") == "reviewing":
            bundle.note("audit-by-person", NAME, field=_label(audit), found=audit["reason"], say=audit["verdict"])
            _reviewed(bundle, audit)
        elif audit["kind"] == "source":
            _source(bundle, audit)
        else:
            _generation(bundle, audit, event)


def _label(audit: Row) -> str:
    return f"{audit['entry']} {audit['kind']}"


def _complete(bundle: Bundle) -> None:
    """Of each winner of a rung the audits of the rules, in order, up to the first that did not pass."""
    audited = ("advanced", "rejected", "held") if titled(bundle) else ("advanced", "rejected")
    winners = {r["challenger"] for r in bundle.told("decision.json")["ladder"] if r["verdict"] in audited}
    expected = [
        f"{entry} {kind}"
        for entry in sorted(winners)
        for kind in wanted(bundle.told("round.json")["rules"]["audits"], of=entry, audits=bundle.told(NAME))
    ]
    found = [_label(audit) for audit in bundle.told(NAME)]
    for name in sorted((Counter(expected) - Counter(found)).elements()):
        bundle.note("missing-audit", NAME, field=name, say="A winner of the ladder lacks this audit.")
    for name in sorted((Counter(found) - Counter(expected)).elements()):
        bundle.note(
            "extra-audit", NAME, field=name, say="Nobody asked for this audit, or it was made after a rejection."
        )


def wanted(kinds: list[str], *, of: str, audits: list[Row]) -> list[str]:
    verdicts = {audit["kind"]: audit["verdict"] for audit in audits if audit["entry"] == of}
    first = next((n for n, kind in enumerate(kinds) if verdicts.get(kind) != "passed"), len(kinds))
    return kinds[: first + 1]


def _verdict(bundle: Bundle, audit: Row, *, expected: str, say: str) -> None:
    bundle.same("wrong-audit", NAME, field=_label(audit), found=audit["verdict"], expected=expected, say=say)


def _reviewed(bundle: Bundle, audit: Row) -> None:
    """People may only be asked where the findings ask for them, or where an appeal does (`bundle_rulings`)."""
    severities = {finding["severity"] for finding in audit["findings"]}
    asked = audit["kind"] == "source" and "person" in severities and not severities & {"blocking", "unchecked"}
    if not asked and audit["code"] != "appeal_upheld":
        bundle.note("wrong-audit", NAME, field=_label(audit), found=audit["code"], say="No finding needed a person.")
    if len(set(audit["people"])) != 2 or len(audit["people"]) != 2:
        bundle.note("wrong-ruling", NAME, field=_label(audit), found=audit["people"], say="Not two different people.")


def _source(bundle: Bundle, audit: Row) -> None:
    """One blocking finding rejects; nothing unchecked; nothing for a person.  Code that cannot be had rejects."""
    severities = Counter(finding["severity"] for finding in audit["findings"])
    unreadable = audit["verdict"] == "rejected" and not audit["findings"] and not audit["numbers"]
    if unreadable and audit["code"] not in ("nothing_blocking", ""):
        return
    _verdict(bundle, audit, expected="rejected" if severities["blocking"] else "passed", say="The findings say else.")
    if severities["unchecked"] or (severities["person"] and not severities["blocking"]):
        bundle.note("wrong-audit", NAME, field=_label(audit), found=sorted(severities), say="It was not settled yet.")
    if set(severities) - set(SEVERITIES):
        bundle.note("wrong-audit", NAME, field=_label(audit), found=sorted(severities), say="No such severity.")
    numbers = {name: severities[name] for name in SEVERITIES}
    bundle.same(
        "wrong-audit",
        NAME,
        field=f"{_label(audit)} numbers",
        found=audit["numbers"],
        expected=numbers,
        say="Not the number of its findings.",
    )


def _generation(bundle: Bundle, audit: Row, event: Row) -> None:
    """Not worse than what was submitted by more than the bar, and made in time, by code that ran."""
    if bundle_again.repeated(bundle.told("round.json")["rules"]):
        _repeated(bundle, audit)
        return
    name = ("audit", audit["entry"], audit["entry"])
    matches = [m for m in bundle.told("matches.json") if (m["kind"], m["defender"], m["challenger"]) == name]
    if not matches:
        return  # told by the ladder as a match that is missing
    tally, rules = matches[0]["tally"], bundle.told("round.json")["rules"]
    _numbers(bundle, audit, tally, rules)
    failed = bodies(bundle, "podrun.failed", of_round=bundle.round)
    purpose = matches[0]["challenger_origin"].replace("generated", "audit")
    lost = [
        f["failure"]["code"]
        for f in failed
        if f.get("entry") == audit["entry"] and f.get("purpose") == purpose and f["failure"]["class"] == "miner"
    ]
    seconds, limit = event.get("numbers", {}).get("generation_s", 0), audit["limits"].get("generation_s", 0)
    code = lost[0] if lost else generation_code(tally, seconds=seconds, limit=limit, rules=rules)
    if "title" in rules and code in ("not_worse", "worse_than_submitted"):
        code = by_bankroll([result_of(duel) for duel in matches[0]["duels"]], rules=rules)
    _verdict(
        bundle,
        audit,
        expected="passed" if code == "not_worse" else "rejected",
        say="Its match, or its time, says else.",
    )
    bundle.same(
        "wrong-audit",
        NAME,
        field=f"{_label(audit)} code",
        found=audit["code"],
        expected=code[:60],
        say="Not for this reason.",
    )


def _repeated(bundle: Bundle, audit: Row) -> None:
    """margin-2: each repeat no worse than what was submitted, and a win against the defender again."""
    played = bundle_again.play(bundle, audit["entry"], limit=audit["limits"].get("generation_s", 0))
    if not played.code or played.submitted is None:
        return  # told by the ladder as a match that is missing
    rules = bundle.told("round.json")["rules"]
    met = {} if played.defender is None else {"defender_margin": str(margin_of(played.defender))}
    limited = {"repeats": rules["audit_repeats"], "least_defender_margin": str(Fraction(rules["win_margin"]))}
    beside = {**met, "repeats": played.repeats}
    _numbers(bundle, audit, played.submitted, rules, beside=beside, limited=limited)
    _verdict(
        bundle,
        audit,
        expected="passed" if played.code == "won_again" else "rejected",
        say="Its repeats, or their time, say else.",
    )
    bundle.same(
        "wrong-audit",
        NAME,
        field=f"{_label(audit)} code",
        found=audit["code"],
        expected=played.code[:60],
        say="Not for this reason.",
    )


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
    ending = bundle_bankroll.play(swapped, start, rules=rules, total=len(results))[1]
    return "worse_than_submitted" if ending == "title" else "not_worse"


def _numbers(
    bundle: Bundle,
    audit: Row,
    tally: dict[str, int],
    rules: Row,
    *,
    beside: Row | None = None,
    limited: Row | None = None,
) -> None:
    counted = counted_of(tally)
    numbers = {**tally, "counted": counted, "margin": str(margin_of(tally)), **(beside or {})}
    bundle.same(
        "wrong-audit",
        NAME,
        field=f"{_label(audit)} numbers",
        found=audit["numbers"],
        expected=numbers,
        say="Not the numbers of its match.",
    )
    limits = {
        "least_margin": str(-Fraction(rules["win_margin"])),
        "least_counted": rules["least_counted"],
        "generation_s": bundle.told("competition.json")["config"].get("pods", {}).get("generation_s", 7200),
        **(limited or {}),
    }
    bundle.same(
        "wrong-audit",
        NAME,
        field=f"{_label(audit)} limits",
        found=audit["limits"],
        expected=limits,
        say="Not the limits of the rules.",
    )
    told = TOLD.search(audit["reason"])
    expected = [tally["won"] + tally["forfeits_defender"], tally["drawn"], tally["lost"] + tally["forfeits_challenger"]]
    if told and [int(number) for number in told.groups()] != expected:
        bundle.note("wrong-reason", NAME, field=_label(audit), found=told[0], expected=expected, say="Other numbers.")
    if not counted:
        bundle.note(
            "wrong-audit", NAME, field=_label(audit), found=counted, say="Without a counted duel nothing follows."
        )
