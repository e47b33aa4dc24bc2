"""Was every winner of the ladder audited, and does each verdict follow from what was found?

One audit after the other: the generation audit comes only after a passed source audit.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from fractions import Fraction
from typing import Any

from verify.bundles import bankroll, speed
from verify.bundles.assets import numbered
from verify.bundles.events import audits_ever, bodies, verdicts, version_name
from verify.bundles.files import ExaminedBundle, Row
from verify.bundles.matches import NAME as MATCHES
from verify.bundles.matches import counted_of, margin_of, result_of
from verify.bundles.reveals import commit_of

NAME = "audits.json"
SEVERITIES = ("blocking", "person", "notice", "unchecked")
Key = tuple[str, str, str]
FETCH = "fetch"
OUTCOMES = ("done", "exhausted", "broken", "unconfigured")
HEX = set("0123456789abcdef")
CHECK_KINDS = {"": "wrong-check", "announced": "ledger-differs"}
NOTHING: dict[str, Any] = {"archive": "", "checks": [], "outcomes": [], "tools": [], "unexplained": {}, "announced": {}}
"""What an audit by no tools has."""


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
        bundle.note("wrong-audit", NAME, field=label(audit), found=audit["code"])


def write_source(bundle: ExaminedBundle, audit: Row) -> Row:
    """One blocking finding rejects; nothing unchecked; nothing for a person.  Code that cannot be had rejects."""
    severities = Counter(finding["severity"] for finding in audit["findings"])
    unreadable = audit["verdict"] == "rejected" and not audit["findings"] and not audit["numbers"]
    if unreadable and audit["code"] not in ("nothing_blocking", ""):
        return {}
    unsettled = severities["unchecked"] or (severities["person"] and not severities["blocking"])
    if unsettled or set(severities) - set(SEVERITIES):
        bundle.note("wrong-audit", NAME, field=label(audit), found=sorted(severities))
    numbers = {name: severities[name] for name in SEVERITIES}
    return {"verdict": "rejected" if severities["blocking"] else "passed", "numbers": numbers}


def write_generation(bundle: ExaminedBundle, audit: Row, event: Row) -> Row:
    """Not worse than what was submitted by more than the bar, and made in time, by code that ran; with margin-2 each
    repeat, and a win against the defender again."""
    rules, limit = bundle.rules, audit["limits"].get("generation_s", 0)
    if repeated(rules):
        played = play_repeats(bundle, audit["entry"], limit=limit)
        if not played.code or played.submitted is None:
            return {}  # the ladder names it as a match that is missing
        code, good, measured = played.code, "won_again", _measured(bundle, audit, played.submitted)
        measured["numbers"]["repeats"], measured["limits"]["repeats"] = played.repeats, rules["audit_repeats"]
        measured["limits"]["least_defender_margin"] = str(Fraction(rules["win_margin"]))
        if played.defender is not None:
            measured["numbers"]["defender_margin"] = str(margin_of(played.defender))
        purposes = [numbered("audit", repeat) for repeat in range(played.repeats)]
    else:
        names = ("audit", audit["entry"], audit["entry"])
        matches = [m for m in bundle.document("matches.json") if (m["kind"], m["defender"], m["challenger"]) == names]
        if not matches:
            return {}  # the ladder names it as a match that is missing
        good, tally, purpose = "not_worse", matches[0]["tally"], matches[0]["challenger_origin"]
        purposes = [purpose.replace("generated", "audit")]
        run = (bundle, audit["entry"], purposes[0])
        seconds = event.get("numbers", {}).get("generation_s", 0)
        code = failure_of(*run) or speed.limit_code(*run, seconds=seconds, limit=limit)
        code = code or generation_code(tally, seconds=0, limit=limit, rules=rules)
        if "title" in rules and code in ("not_worse", "worse_than_submitted"):
            code = by_bankroll([result_of(duel) for duel in matches[0]["duels"]], rules=rules)
        if code == good:
            code = speed.tie_code(*run, margin=ahead(bundle, audit["entry"])) or code
        measured = _measured(bundle, audit, tally)
    for purpose in purposes:
        speed.check_beside(bundle, audit["entry"], purpose, margin=ahead(bundle, audit["entry"]))
    return measured | {"verdict": "passed" if code == good else "rejected", "code": code[:60]}


def _measured(bundle: ExaminedBundle, audit: Row, tally: Row) -> dict[str, Row]:
    """The numbers of its match and the limits of the rules."""
    counted, rules = counted_of(tally), bundle.rules
    if not counted:
        bundle.note("wrong-audit", NAME, field=label(audit), found=counted)
    numbers, limits = speed.measured(rules, margin=ahead(bundle, audit["entry"]))
    pods = bundle.document("competition.json")["config"].get("pods", {})
    whole = {} if speed.rule_of(rules)["mode"] == "report" else {"generation_s": pods.get("generation_s", 7200)}
    return {
        "numbers": {**tally, "counted": counted, "margin": str(margin_of(tally)), **numbers},
        "limits": {
            "least_margin": str(-Fraction(rules["win_margin"])),
            "least_counted": rules["least_counted"],
            **whole,
            **limits,
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


@dataclass(frozen=True)
class PlayedRepeats:
    """`code`: what the audit must say, "" where a match is missing; `keys`: the matches it takes, up to that one."""

    code: str
    keys: tuple[Key, ...]
    repeats: int
    submitted: Row | None
    defender: Row | None


def repeated(rules: Row) -> bool:
    return "title" not in rules and rules["audit_repeats"] > 1


def play_repeats(bundle: ExaminedBundle, entry: str, *, limit: int) -> PlayedRepeats:
    """The repeats of one winner, one after the other.  `limit`: seconds that a generation may take."""
    rules, rungs = bundle.rules, bundle.document("decision.json")["ladder"]
    beaten = (rung["defender"] for rung in rungs if rung["challenger"] == entry and rung["verdict"] != "held")
    defender = str(next(beaten, ""))  # on the final ladder
    tallies = {(m["kind"], m["defender"], m["challenger"]): m["tally"] for m in bundle.document(MATCHES)}
    keys: list[Key] = []
    for repeat in range(rules["audit_repeats"]):
        first, second = (numbered("audit", repeat), entry, entry), (numbered("again", repeat), defender, entry)
        keys.append(first)
        submitted, met = tallies.get(first), tallies.get(second)
        code = "" if submitted is None else run_code(bundle, entry, purpose=first[0], limit=limit)
        if submitted is not None and not code and margin_of(submitted) < -Fraction(rules["win_margin"]):
            code = "worse_than_submitted"
        if submitted is not None and not code:
            code = speed.tie_code(bundle, entry, first[0], margin=ahead(bundle, entry))
        if submitted is None or code:
            return PlayedRepeats(code, tuple(keys), repeat + 1, submitted, None)
        keys.append(second)
        if met is None or margin_of(met) < Fraction(rules["win_margin"]):
            return PlayedRepeats("no_win_again" if met else "", tuple(keys), repeat + 1, submitted, met)
    return PlayedRepeats("won_again", tuple(keys), rules["audit_repeats"], submitted, met)


def matches_of(bundle: ExaminedBundle, audit: Row) -> tuple[Key, ...]:
    """Those that a generation audit takes."""
    if not repeated(bundle.rules):
        return (("audit", audit["entry"], audit["entry"]),)
    return play_repeats(bundle, audit["entry"], limit=audit["limits"].get("generation_s", 0)).keys


def run_code(bundle: ExaminedBundle, entry: str, *, purpose: str, limit: int) -> str:
    """What a run by itself says: the miner's failure, or that it took too long; "" where it ended in time."""
    seconds = max((row.get("generated_s", 0) for row in _runs(bundle, "podrun.done", entry, purpose)), default=0)
    return failure_of(bundle, entry, purpose) or speed.limit_code(bundle, entry, purpose, seconds=seconds, limit=limit)


def ahead(bundle: ExaminedBundle, entry: str) -> Fraction | None:
    """An entry's margin against the leader of the round."""
    rows = [row for row in bundle.document(MATCHES) if (row["kind"], row["challenger"]) == ("screen", entry)]
    return margin_of(rows[0]["tally"]) if rows else None


def failure_of(bundle: ExaminedBundle, entry: str, purpose: str) -> str:
    """The code of the failure that is the miner's; "" where it did not fail."""
    failures = [row["failure"] for row in _runs(bundle, "podrun.failed", entry, purpose)]
    return next((str(failure["code"]) for failure in failures if failure["class"] == "miner"), "")


def _runs(bundle: ExaminedBundle, kind: str, entry: str, purpose: str) -> list[Row]:
    rows = bodies(bundle, kind, of_round=bundle.round)
    return [row for row in rows if (row.get("entry"), row.get("purpose")) == (entry, purpose)]


def check_tools(bundle: ExaminedBundle) -> None:
    ever = audits_ever(bundle)
    archives: dict[str, str] = {}
    every = sorted({row["check"] for _, audit in ever for row in audit["checks"]})
    for file, audit in ever:
        source = audit["kind"] == "source"
        commit = commit_of(bundle, audit["entry"]) or audit["entry"]
        archive = archives.setdefault(commit, audit["archive"]) if source else ""
        expected = write_tools(bundle, audit, every=every, archive=archive) if source else NOTHING
        bundle.compare(CHECK_KINDS, file, stated_tools(audit, source=source), expected, field=label(audit))


def stated_tools(audit: Row, *, source: bool) -> Row:
    checks, reported = audit["checks"], {finding["check"] for finding in audit["findings"]}
    unended = {row["check"]: row["outcome"] for row in checks if row["outcome"] in ("exhausted", "broken")}
    return {
        "archive": audit["archive"],
        "checks": [row["check"] for row in checks],
        "outcomes": [row["outcome"] for row in checks],
        "tools": [[finding["tool"], finding["tool_version"]] for finding in audit["findings"]] if source else [],
        "unexplained": {name: outcome for name, outcome in unended.items() if name not in reported},
        "announced": {"archive": audit["archive"], "checks": checks} if source else {},
    }


def write_tools(bundle: ExaminedBundle, audit: Row, *, every: list[str], archive: str) -> Row:
    """Each check once, in order, and no fewer than another's; the archive of the commit's first audit; each finding by
    the tool of its check; a finding for each check that did not end; all as the ledger told when the tools were done
    (of a verdict that an appeal turned, of the one before)."""
    checks, last = audit["checks"], Row()
    for body in bodies(bundle, "audit.passed", "audit.rejected", "audit.reviewing", of_round=bundle.round):
        mine = (body.get("entry"), body.get("audit")) == (audit["entry"], "source")
        if mine and "checks" in body and body.get("version", 1) <= audit["version"]:
            last = body
    tools = {row["check"]: [row["tool"], row["tool_version"]] for row in checks}
    read = any(row["outcome"] != "unconfigured" and row["check"] != FETCH for row in checks)
    known = len(archive) == 64 and set(archive) <= HEX
    return {
        "archive": archive if known or not (read or archive) else "a SHA-256 in hex",
        "checks": every or ["a check"],
        "outcomes": [row["outcome"] if row["outcome"] in OUTCOMES else "|".join(OUTCOMES) for row in checks],
        "tools": [tools.get(finding["check"]) for finding in audit["findings"]],
        "unexplained": {},
        "announced": {"archive": last.get("archive"), "checks": last.get("checks")},
    }
