"""Which submissions of a title-1 round are one entry, and who represents each?"""

from __future__ import annotations

from typing import Any

from verify.bundles.assets import challengers
from verify.bundles.files import Bundle
from verify.bundles.reveals import in_reveal_order

Row = dict[str, Any]
Mark = tuple[str, object]


def titled(bundle: Bundle) -> bool:
    return "title" in bundle.told("round.json")["rules"]


def groups(bundle: Bundle) -> tuple[list[list[Row]], list[Row]]:
    """(entries: the submissions of each in reveal order; canaries: submissions of the leader's own commit)."""
    leader = next((s["commit"] for s in bundle.told("submissions.json") if s["role"] == "leader"), None)
    order = in_reveal_order(challengers(bundle))
    files: dict[str, dict[str, str]] = {row["entry"]: {} for row in order}
    for asset in bundle.told("assets.json"):
        if asset["origin"] == "submitted" and asset["state"] == "stored":
            files[asset["entry"]][asset["prompt"]] = asset["sha256"]
    challenging = [row for row in order if row["commit"] != leader]
    joined: dict[Mark, Mark] = {}
    for row in challenging:
        first, *more = _marks(row, files)
        for mark in (first, *more):
            joined[_root(joined, mark)] = _root(joined, first)
    found: dict[Mark, list[Row]] = {}
    for row in challenging:
        found.setdefault(_root(joined, _marks(row, files)[0]), []).append(row)
    return list(found.values()), [row for row in order if row["commit"] == leader]


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


def representatives(entries: list[list[Row]], rejected: set[str]) -> list[str]:
    """Of each entry the first whose commit no audit rejected."""
    found = []
    for group in entries:
        fallen = {row["commit"] for row in group if row["entry"] in rejected}
        found += [row["entry"] for row in group if row["commit"] not in fallen][:1]
    return found


def ever_representing(bundle: Bundle) -> list[str]:
    """All who spoke for their entry at some time of the round: each rejection brings the next, who is screened."""
    entries, canaries = groups(bundle)
    rejected = {audit["entry"] for audit in bundle.told("audits.json") if audit["verdict"] == "rejected"}
    found = [row["entry"] for row in canaries]
    for group in entries:
        fallen: set[str] = set()
        for row in group:
            if row["commit"] not in fallen:
                found.append(row["entry"])
                if row["entry"] not in rejected:
                    break
                fallen.add(row["commit"])
    return found


def fresh_of(bundle: Bundle) -> list[Row]:
    """The fresh prompts in seed order; none where the ruleset has no title match."""
    rows = bundle.documents.get("title.json", {"fresh": []})["fresh"]
    return sorted(rows, key=lambda row: int(row["position"]))
