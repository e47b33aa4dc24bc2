"""Does the winner of a title-1 round follow from screens, audits and title matches?"""

from __future__ import annotations

from collections.abc import Container
from fractions import Fraction

from verify.bundles import bankroll
from verify.bundles.events import bodies
from verify.bundles.files import ExaminedBundle, Row
from verify.bundles.ladder import headline, rejected_in
from verify.bundles.matches import NAME as MATCHES
from verify.bundles.matches import clears, margin_of, result_of
from verify.bundles.reveals import commit_of, groups, leader_commit, order_of, representatives
from verify.bundles.round import drawn_by

NAME, DECISION, LEADER = "title.json", "decision.json", "leader"
NOTHING = {"won": 0, "drawn": 0, "lost": 0, "out": False}
KINDS = {
    "": "wrong-copy",
    "fresh": "wrong-prompts",
    "seen": "wrong-prompts",
    "finalists": "wrong-ladder",
    "bankrolls": "wrong-tally",
}

Standing = tuple[Row, str, int]
"""(what is left of the bankroll, how the match ended, after how many duels)."""


def check(bundle: ExaminedBundle) -> None:
    if bundle.titled != (NAME in bundle.documents):
        bundle.note("file-missing" if bundle.titled else "foreign-file", NAME)
    if not bundle.titled or NAME not in bundle.documents:
        return
    matches, rejected = bundle.document(MATCHES), rejected_in(bundle.document("audits.json"))
    titles = [match["challenger"] for match in matches if match["kind"] == "title"]
    known = {row["entry"] for row in bundle.document(NAME)["bankrolls"]}
    standings, finalists, winner = outcome(bundle, matches, rejected, known=known)
    bundle.compare(KINDS, NAME, bundle.document(NAME), write(bundle, standings) | {"finalists": finalists})
    bundle.compare_sets("missing-match", "extra-match", MATCHES, titles, finalists)
    doc = bundle.document(DECISION)
    stated = {"winner": doc["winner"], "headline": doc["headline"]}
    ladder = {row["challenger"]: row["verdict"] for row in doc["ladder"]}
    expected = {"winner": winner, "headline": headline(bundle, winner)}
    bundle.compare({"winner": "wrong-winner", "headline": "wrong-reason"}, DECISION, stated, expected)
    bundle.compare("wrong-ladder", DECISION, ladder, verdicts_of(finalists, rejected, winner), field="ladder")


def outcome(
    bundle: ExaminedBundle, matches: list[Row], rejected: set[str], *, known: Container[str] | None = None
) -> tuple[dict[str, Standing], list[str], str]:
    """(how each title match of those `known` stands, who had to play one, who leads)."""
    titles = {match["challenger"]: match for match in matches if match["kind"] == "title"}
    screens = {match["challenger"]: match["tally"] for match in matches if match["kind"] == "screen"}
    standings = {entry: played(bundle, m) for entry, m in titles.items() if known is None or entry in known}
    finalists = finalists_of(bundle, screens, rejected)
    return standings, finalists, winner_of(bundle, finalists, standings)


def write(bundle: ExaminedBundle, standings: dict[str, Standing]) -> Row:
    """The document without its finalists, from the pool, the submissions, the outputs and the title matches."""
    doc, round_ = bundle.document(NAME), bundle.document("round.json")
    pool, shown, names = set(round_["pool"]), {row["sha256"] for row in round_["prompts"]}, bundle.rules["title"]
    draw = drawn_by(round_["seed"], sorted(pool - shown - set(doc["seen"])), most=names["prompts"])
    stems = {row["sha256"]: row["stem"] for row in doc["fresh"]}
    entries, canaries = groups(bundle)

    def why(row: Row, first: Row) -> str:
        """A submission is one entry with the first of it."""
        return "" if row is first else "commit" if row["commit"] == first["commit"] else "outputs"

    return {
        "fresh": [{"position": n, "stem": stems.get(sha), "sha256": sha} for n, sha in enumerate(draw)],
        "seen": sorted(set(doc["seen"]) & pool) if bundle.round != 1 else [],
        "leader_commit": leader_commit(bundle),
        "entries": [[{"entry": row["entry"], "same": why(row, group[0])} for row in group] for group in entries],
        "canaries": [row["entry"] for row in canaries],
        "bankrolls": [
            row | (left_of(bundle, row["entry"], standings[row["entry"]]) if row["entry"] in standings else {})
            for row in doc["bankrolls"]
        ],
    }


def left_of(bundle: ExaminedBundle, entry: str, standing: Standing) -> Row:
    """A bankroll played again, duel by duel, from what its pair's earlier rounds left."""
    left, ending, duels = standing
    return {
        "left": left,
        "ending": ending,
        "duels": duels,
        "commit": commit_of(bundle, entry),
        "credits": str(bankroll.held(left["won"], left["lost"], title=bundle.rules["title"])),
        "flip_distance": bankroll.flips(left, rules=bundle.rules),
    }


def announced(bundle: ExaminedBundle) -> None:
    """The fresh prompts were drawn with the others, each has its own name, and earlier rounds showed the seen ones; a
    bankroll begins with what the pair's last round left, and leaves what the ledger keeps."""
    if not bundle.titled or NAME not in bundle.documents:
        return
    doc, prompts = bundle.document(NAME), bundle.document("round.json")["prompts"]
    stems = [row["stem"] for row in (*doc["fresh"], *prompts)]
    bundle.compare("wrong-prompts", NAME, len(set(stems)), len(stems), field="stems", sentence="A name twice.")
    events = [body for body in bodies(bundle, "round.miner_generation", of_round=bundle.round) if "fresh" in body]
    actual: Row = {"fresh": [row["sha256"] for row in bundle.fresh], "carried": {}, "left": {}}
    expected: Row = {"fresh": events[0]["fresh"] if events else None, "carried": {}, "left": {}}
    if doc["seen"] and bundle.round != 1:
        bundle.note("told-earlier", NAME, field="seen", found=f"{len(doc['seen'])} prompts")
    played_for = {match["challenger"] for match in bundle.document(MATCHES) if match["kind"] == "title"}
    for row in (row for row in doc["bankrolls"] if row["entry"] in played_for):
        before = carried(bundle, commit=row["commit"], leader=leader_commit(bundle))
        if before is None:
            bundle.note("told-earlier", NAME, field=row["entry"], found=row["carried"])
        bankrolls = [b for b in bodies(bundle, "bankroll", of_round=bundle.round) if b["commit"] == row["commit"]]
        bankrolls = bankrolls[-1:] if bundle.aside() else bankrolls  # made anew, it may have been told once more
        actual["carried"][row["entry"]] = row["carried"]
        expected["carried"][row["entry"]] = row["carried"] if before is None else before
        actual["left"][row["entry"]] = [row["left"]]
        expected["left"][row["entry"]] = [{name: body[name] for name in NOTHING} for body in bankrolls]
    bundle.compare("ledger-differs", NAME, actual, expected)


def carried(bundle: ExaminedBundle, *, commit: str, leader: str) -> Row | None:
    """What the last earlier round of this pair left; None where this part of the ledger does not reach back."""
    pair = [b for b in bodies(bundle, "bankroll") if (b["commit"], b["leader_commit"]) == (commit, leader)]
    before = [b for b in pair if b["round"] < (bundle.round or 0)]
    if before:
        return {name: before[-1][name] for name in NOTHING}
    return dict(NOTHING) if bundle.events and bundle.events[0]["seq"] == 1 else None


def finalists_of(bundle: ExaminedBundle, screens: dict[str, Row], rejected: set[str]) -> list[str]:
    """The best entries of the screen that no audit rejected and whose bankroll was not out before."""
    rules, doc, order = bundle.rules, bundle.document(NAME), order_of(bundle)
    out = {row["entry"] for row in doc["bankrolls"] if row["carried"]["out"]}
    for entry in order:
        left = carried(bundle, commit=commit_of(bundle, entry), leader=doc["leader_commit"])
        out |= {entry} if left and left["out"] else set()
    able = [entry for entry in representatives(groups(bundle)[0], rejected) if entry not in out]
    able = [entry for entry in able if entry in screens and clears(screens[entry], rules)]
    return sorted(able, key=lambda e: (-margin_of(screens[e]), order.index(e)))[: rules["title"]["finalists"]]


def winner_of(bundle: ExaminedBundle, finalists: list[str], standings: dict[str, Standing]) -> str:
    """Of those who earned the title the one with the larger margin, then the earlier reveal; else the leader."""
    order = order_of(bundle)
    won = [entry for entry in finalists if entry in standings and standings[entry][1] == "title"]
    margins = {}
    for entry in won:
        left = standings[entry][0]
        margins[entry] = Fraction(left["won"] - left["lost"], left["won"] + left["drawn"] + left["lost"] or 1)
    return min(won, key=lambda entry: (-margins[entry], order.index(entry)), default=LEADER)


def played(bundle: ExaminedBundle, match: Row) -> Standing:
    """A title match, from what its pair's earlier rounds left: as the document says, or as the ledger tells."""
    doc, entry = bundle.document(NAME), match["challenger"]
    stated = next((row["carried"] for row in doc["bankrolls"] if row["entry"] == entry), None)
    start = stated or carried(bundle, commit=commit_of(bundle, entry), leader=doc["leader_commit"]) or NOTHING
    results = [result_of(duel) for duel in match["duels"]]
    return bankroll.play(results, start, rules=bundle.rules, total=len(doc["fresh"]))


def verdicts_of(finalists: list[str], rejected: set[str], winner: str) -> dict[str, str]:
    """Who was rejected, and of the others who advanced and whom the leader held."""
    held = {entry: "advanced" if entry == winner else "held" for entry in finalists}
    return dict.fromkeys(sorted(rejected), "rejected") | held
