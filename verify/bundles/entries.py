"""Who takes part, in which order, which submissions of a title-1 round are one entry, and who represents each?"""

from __future__ import annotations

from typing import Any

from verify.bundles.files import ExaminedBundle
from verify.bundles.reveals import in_reveal_order

Row = dict[str, Any]
Mark = tuple[str, object]


def challengers(bundle: ExaminedBundle) -> list[Row]:
    """Who entered without an objection, in reveal order."""
    rows = bundle.document("submissions.json")
    return in_reveal_order([row for row in rows if row["role"] == "challenger" and not row["objection"]])


def order_of(bundle: ExaminedBundle) -> list[str]:
    return [row["entry"] for row in challengers(bundle)]


def groups(bundle: ExaminedBundle) -> tuple[list[list[Row]], list[Row]]:
    """(entries: the submissions of each in reveal order; canaries: submissions of the leader's own commit)."""
    leader = leader_commit(bundle)
    order = challengers(bundle)
    files: dict[str, dict[str, str]] = {row["entry"]: {} for row in order}
    for asset in bundle.document("assets.json"):
        if asset["origin"] == "submitted" and asset["state"] == "stored":
            files[asset["entry"]][asset["prompt"]] = asset["sha256"]
    challenging = [row for row in order if row["commit"] != leader]
    joined: dict[Mark, Mark] = {}
    for row in challenging:
        first, *more = _marks(row, files)
        for mark in (first, *more):
            joined[_root(joined, mark)] = _root(joined, first)
    entries: dict[Mark, list[Row]] = {}
    for row in challenging:
        entries.setdefault(_root(joined, _marks(row, files)[0]), []).append(row)
    return list(entries.values()), [row for row in order if row["commit"] == leader]


def leader_commit(bundle: ExaminedBundle) -> str:
    return next((str(s["commit"]) for s in bundle.document("submissions.json") if s["role"] == "leader"), "")


def commit_of(bundle: ExaminedBundle, entry: str) -> str:
    return next((str(s["commit"]) for s in bundle.document("submissions.json") if s["entry"] == entry), "")


def _marks(row: Row, files: dict[str, dict[str, str]]) -> list[Mark]:
    """What a submission shares with those that are the same entry: its commit, or all of its files."""
    delivered = files[row["entry"]]
    return [("commit", row["commit"]), *([("files", tuple(sorted(delivered.items())))] if delivered else [])]


def _root(joined: dict[Mark, Mark], mark: Mark) -> Mark:
    """The one mark that stands for all that are joined with it."""
    while (above := joined.setdefault(mark, mark)) != mark:
        joined[mark] = joined[above]
        mark = joined[mark]
    return mark


def represented(group: list[Row], rejected: set[str]) -> list[str]:
    """All who represented an entry, one after the other: each rejection of a commit brings the next commit's first."""
    turns: list[str] = []
    fallen: set[str] = set()
    for row in group:
        if row["commit"] not in fallen:
            turns.append(row["entry"])
            if row["entry"] not in rejected:
                break
            fallen.add(row["commit"])
    return turns


def representatives(entries: list[list[Row]], rejected: set[str]) -> list[str]:
    """Of each entry the first whose commit no audit rejected."""
    last = [represented(group, rejected)[-1:] for group in entries]
    return [entry for turn in last for entry in turn if entry not in rejected]


def ever_representing(bundle: ExaminedBundle) -> list[str]:
    """All who represented their entry at some time of the round, each of whom is screened, and the canaries."""
    entries, canaries = groups(bundle)
    rejected = {audit["entry"] for audit in bundle.document("audits.json") if audit["verdict"] == "rejected"}
    turns = [entry for group in entries for entry in represented(group, rejected)]
    return [row["entry"] for row in canaries] + turns
