"""Does the winner of a title-1 round follow from screens, audits and title matches?"""

from __future__ import annotations

from fractions import Fraction
from typing import Any

from verify.bundles import bankroll as bundle_bankroll
from verify.bundles.assets import challengers
from verify.bundles.entries import fresh_of, groups, representatives, titled
from verify.bundles.events import bodies
from verify.bundles.files import Bundle
from verify.bundles.ladder import headline
from verify.bundles.matches import NAME as MATCHES
from verify.bundles.matches import clears, margin_of, result_of
from verify.bundles.reveals import in_reveal_order
from verify.bundles.round import drawn_by

NAME, DECISION, LEADER = "title.json", "decision.json", "leader"
NOTHING = {"won": 0, "drawn": 0, "lost": 0, "out": False}
Z95 = 1.959963984540054

Row = dict[str, Any]


def check(bundle: Bundle) -> None:
    if titled(bundle) != (NAME in bundle.documents):
        said = "A round with title matches, and no other, has this document."
        kind = "file-missing" if titled(bundle) else "foreign-file"
        bundle.note(kind, NAME, field="title", found=NAME in bundle.documents, say=said)
    if not titled(bundle) or NAME not in bundle.documents:
        return
    _fresh(bundle)
    _entries(bundle)
    _decide(bundle)


def _fresh(bundle: Bundle) -> None:
    """The next prompts in the order of the draw that nobody was ever given, and they were drawn with the others."""
    doc, rules = bundle.told("round.json"), bundle.told("round.json")["rules"]
    used, fresh = len(doc["prompts"]), [row["sha256"] for row in fresh_of(bundle)]
    left = set(doc["pool"]) - {row["sha256"] for row in doc["prompts"]} - set(bundle.told(NAME)["seen"])
    expected = drawn_by(doc["seed"], sorted(left), most=rules["title"]["prompts"])
    bundle.same("wrong-prompts", NAME, field="fresh", found=fresh, expected=expected, say="Not what was drawn.")
    _seen(bundle)
    places = [row["position"] for row in bundle.told(NAME)["fresh"]]
    stems = {row["stem"] for row in (*bundle.told(NAME)["fresh"], *doc["prompts"])}
    bundle.same(
        "wrong-prompts",
        NAME,
        field="positions",
        found=[places, len(stems)],
        expected=[list(range(len(fresh))), len(fresh) + used],
        say="Out of order, or a name twice.",
    )
    drawn = [body for body in bodies(bundle, "round.miner_generation", of_round=bundle.round) if "fresh" in body]
    bundle.same(
        "ledger-differs",
        NAME,
        field="fresh",
        found=fresh,
        expected=drawn[0]["fresh"] if drawn else None,
        say="The ledger told of others.",
    )


def _seen(bundle: Bundle) -> None:
    """What earlier rounds showed: nothing before the first; `bundle_series` looks at the others' bundles."""
    doc, pool = bundle.told(NAME), bundle.told("round.json")["pool"]
    bundle.same(
        "wrong-prompts",
        NAME,
        field="seen",
        found=doc["seen"],
        expected=sorted(set(doc["seen"]) & set(pool)),
        say="Not each prompt once, in order, and of the pool.",
    )
    if bundle.round == 1:
        bundle.same("wrong-prompts", NAME, field="seen", found=doc["seen"], expected=[], say="No round was before.")
    elif doc["seen"]:
        bundle.note(
            "told-earlier", NAME, field="seen", found=f"{len(doc['seen'])} prompts", say="Shown by earlier rounds."
        )


def _entries(bundle: Bundle) -> None:
    entries, canaries = groups(bundle)
    told = [[row["entry"] for row in group] for group in entries]
    doc = bundle.told(NAME)
    bundle.same(
        "wrong-copy",
        NAME,
        field="entries",
        found=[[m["entry"] for m in group] for group in doc["entries"]],
        expected=told,
        say="The same commit, or the same bytes, are one entry.",
    )
    bundle.same(
        "wrong-copy",
        NAME,
        field="canaries",
        found=doc["canaries"],
        expected=[r["entry"] for r in canaries],
        say="The leader's own commit, and nothing else, is a canary.",
    )
    why = [
        ["" if row is group[0] else "commit" if row["commit"] == group[0]["commit"] else "outputs" for row in group]
        for group in entries
    ]
    bundle.same(
        "wrong-copy",
        NAME,
        field="same",
        found=[[m["same"] for m in group] for group in doc["entries"]],
        expected=why,
        say="Not for this reason.",
    )


def carried(bundle: Bundle, *, commit: str, leader: str) -> Row | None:
    """What the last earlier round of this pair left; None where this part of the ledger does not reach back."""
    told = [b for b in bodies(bundle, "bankroll") if (b["commit"], b["leader_commit"]) == (commit, leader)]
    before = [b for b in told if b["round"] < (bundle.round or 0)]
    if before:
        return {name: before[-1][name] for name in NOTHING}
    return dict(NOTHING) if bundle.events and bundle.events[0]["seq"] == 1 else None


def _decide(bundle: Bundle) -> None:
    rules, doc = bundle.told("round.json")["rules"], bundle.told(NAME)
    verdicts: dict[str, dict[str, str]] = {}
    for audit in bundle.told("audits.json"):
        verdicts.setdefault(audit["entry"], {})[audit["kind"]] = audit["verdict"]
    rejected = {entry for entry, found in verdicts.items() if "rejected" in found.values()}
    screens = {m["challenger"]: m["tally"] for m in bundle.told(MATCHES) if m["kind"] == "screen"}
    standings = _bankrolls(bundle)
    finalists = finalists_of(bundle, screens, rejected)
    bundle.same(
        "wrong-ladder",
        NAME,
        field="finalists",
        found=doc["finalists"],
        expected=finalists,
        say="The best entries of the screen that no audit rejected.",
    )
    bundle.same(
        "missing-match",
        MATCHES,
        field="title",
        found=sorted(standings),
        expected=sorted(finalists),
        say="Every finalist, once, and nobody else plays for the title.",
    )
    for entry in finalists:
        passed = {kind for kind, verdict in verdicts.get(entry, {}).items() if verdict == "passed"}
        bundle.same(
            "missing-audit",
            "audits.json",
            field=entry,
            found=sorted(passed),
            expected=sorted(rules["audits"]),
            say="A finalist plays only after its audits.",
        )
    _winner(bundle, winner_of(bundle, finalists, standings), finalists, sorted(rejected))


def finalists_of(bundle: Bundle, screens: dict[str, Row], rejected: set[str]) -> list[str]:
    """The best entries of the screen that no audit rejected and whose bankroll was not out before."""
    rules, doc = bundle.told("round.json")["rules"], bundle.told(NAME)
    out = {row["entry"] for row in doc["bankrolls"] if row["carried"]["out"]}
    place = _places(bundle)
    may = [e for e in representatives(groups(bundle)[0], rejected) if e in screens and clears(screens[e], rules)]
    may = [e for e in may if e not in out and not _was_out(bundle, e)]
    return sorted(may, key=lambda e: (-margin_of(screens[e]), place[e]))[: rules["title"]["finalists"]]


def winner_of(bundle: Bundle, finalists: list[str], standings: dict[str, tuple[Row, str, int]]) -> str:
    place = _places(bundle)
    won = [e for e in finalists if e in standings and standings[e][1] == "title"]
    lead = sorted(won, key=lambda e: (-_margin(standings[e][0]), place[e]))
    return lead[0] if lead else LEADER


def _places(bundle: Bundle) -> dict[str, int]:
    return {row["entry"]: number for number, row in enumerate(in_reveal_order(challengers(bundle)))}


def played(bundle: Bundle, match: Row) -> tuple[Row, str, int]:
    """A title match that need not count, from what its pair's earlier rounds left as the ledger tells."""
    doc, entry = bundle.told(NAME), match["challenger"]
    told = next((row["carried"] for row in doc["bankrolls"] if row["entry"] == entry), None)
    commit = next((s["commit"] for s in bundle.told("submissions.json") if s["entry"] == entry), "")
    start = told or carried(bundle, commit=commit, leader=doc["leader_commit"]) or NOTHING
    results, rules = [result_of(duel) for duel in match["duels"]], bundle.told("round.json")["rules"]
    return bundle_bankroll.play(results, start, rules=rules, total=len(doc["fresh"]))


def _was_out(bundle: Bundle, entry: str) -> bool:
    commit = next(s["commit"] for s in bundle.told("submissions.json") if s["entry"] == entry)
    found = carried(bundle, commit=commit, leader=bundle.told(NAME)["leader_commit"])
    return bool(found and found["out"])


def _margin(left: Row) -> Fraction:
    counted = left["won"] + left["drawn"] + left["lost"]
    return Fraction(left["won"] - left["lost"], counted) if counted else Fraction(0)


def _bankrolls(bundle: Bundle) -> dict[str, tuple[Row, str, int]]:
    """Every title match played again, duel by duel, from what its pair's earlier rounds left."""
    rules, doc = bundle.told("round.json")["rules"], bundle.told(NAME)
    leader = next((s["commit"] for s in bundle.told("submissions.json") if s["role"] == "leader"), "")
    bundle.same(
        "wrong-copy",
        NAME,
        field="leader_commit",
        found=doc["leader_commit"],
        expected=leader,
        say="The leader's code is another.",
    )
    told, played = {row["entry"]: row for row in doc["bankrolls"]}, {}
    for match in (m for m in bundle.told(MATCHES) if m["kind"] == "title"):
        entry, row = match["challenger"], told.get(match["challenger"])
        if row is None:
            bundle.note("wrong-tally", NAME, field=entry, say="A title match without its bankroll.")
            continue
        results = [result_of(duel) for duel in match["duels"]]
        played[entry] = bundle_bankroll.play(results, row["carried"], rules=rules, total=len(doc["fresh"]))
        _bankroll(bundle, row, played[entry], leader=leader, rules=rules)
    return played


def _bankroll(bundle: Bundle, row: Row, played: tuple[Row, str, int], *, leader: str, rules: Row) -> None:
    left, ending, duels = played
    commit = next((s["commit"] for s in bundle.told("submissions.json") if s["entry"] == row["entry"]), "")
    expected = {
        "left": left,
        "ending": ending,
        "duels": duels,
        "commit": commit,
        "credits": str(bundle_bankroll.held(left["won"], left["lost"], title=rules["title"])),
        "flip_distance": bundle_bankroll.flips(left, rules=rules),
    }
    bundle.same(
        "wrong-tally",
        NAME,
        field=row["entry"],
        found={name: row[name] for name in expected},
        expected=expected,
        say="The duels leave another bankroll.",
    )
    before = carried(bundle, commit=commit, leader=leader)
    if before is None:
        bundle.note("told-earlier", NAME, field=row["entry"], found=row["carried"], say="Carried over from before.")
    else:
        bundle.same(
            "ledger-differs",
            NAME,
            field=f"{row['entry']} carried",
            found=row["carried"],
            expected=before,
            say="The pair's last round left another bankroll.",
        )
    kept = [b for b in bodies(bundle, "bankroll", of_round=bundle.round) if b["commit"] == commit]
    kept = kept[-1:] if bundle.aside() else kept  # made anew, it may have been told once more
    bundle.same(
        "ledger-differs",
        NAME,
        field=f"{row['entry']} left",
        found=[row["left"]],
        expected=[{name: b[name] for name in NOTHING} for b in kept],
        say="The ledger keeps another.",
    )


def _winner(bundle: Bundle, winner: str, finalists: list[str], rejected: list[str]) -> None:
    decision = bundle.told(DECISION)
    verdicts = dict.fromkeys(rejected, "rejected")
    verdicts |= {entry: "advanced" if entry == winner else "held" for entry in finalists}
    found = {row["challenger"]: row["verdict"] for row in decision["ladder"]}
    bundle.same("wrong-ladder", DECISION, field="ladder", found=found, expected=verdicts, say="They ended otherwise.")
    bundle.same(
        "wrong-winner",
        DECISION,
        field="winner",
        found=decision["winner"],
        expected=winner,
        say="The title matches give another winner.",
    )
    headline(bundle, winner)
