"""What does one match file say, whatever the era's names for it?"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import replace

from verify.reading import Repository, Row
from verify.rounds import CHALLENGER, DEFENDER, DRAW, SKIPPED, Duel, Match, Round, Side

WINNERS = {
    0: {"leader": DEFENDER, "miner": CHALLENGER, "draw": DRAW, "skipped": SKIPPED},
    1: {"left": DEFENDER, "right": CHALLENGER, "draw": DRAW, "skipped": SKIPPED},
}
SIDES = {0: ("leader", "miner"), 1: ("left", "right")}
NAMES = {0: ("leader", "hotkey"), 1: ("left", "right")}
ASSETS = {0: ("ply",), 1: ("glb",), 2: ("js",), 3: ("glb", "ply", "js")}  # of era 3 the one its format has
AUDIT_FILE = re.compile(r"audit_[A-Za-z0-9]{1,10}_(\d{1,4})\.json", re.A)
"""Era 2: `audit_<first ten of the left side>_<repeat>.json` lies with the audited miner."""
VIEWS = {0: ("png",), 1: ("png",), 2: ("views", "png"), 3: ("png",)}


def matches_of(files: Repository, round: Round, *, hotkey: str) -> Iterator[Match]:
    """The matches in which `hotkey` challenged, those of its audits under `<left side>_<repeat>`.

    The file's name must be that of its defender.
    """
    for name in files.files(round.file(hotkey)):
        audit = AUDIT_FILE.fullmatch(name) if round.era == 2 else None
        if audit is None and not name.startswith("duels_"):
            continue
        row = files.row(round.file(f"{hotkey}/{name}"))
        match = match_of(row, era=round.era) if row else None
        if match is None:
            continue
        left = match.defender[:10]
        due = f"audit_{left}_{audit[1]}.json" if audit else f"duels_{left}.json"
        named = name == due if audit else name.startswith(f"duels_{left}")
        if match.challenger != hotkey or not named:
            found, wanted = f"{match.challenger}/{due}", f"{hotkey}/{name}"
            said = "The match in the file is not the one its path names."
            files.book.note("match-misplaced", file=match.file, found=found, expected=wanted, sentence=said)
        yield replace(match, defender=f"{match.defender}_{int(audit[1])}") if audit else match


def match_of(row: Row, *, era: int) -> Match | None:
    """None when the file does not say who played."""
    shape = min(era, 1)
    row.only(frozenset({*NAMES[shape], "score", "margin", "duels"} | ({"outcome"} if era == 0 else set())))
    defender, challenger = (row.text(name) for name in NAMES[shape])
    score, margin = row.whole("score"), row.maybe_number("margin")
    outcome = row.text("outcome") if era == 0 else None
    if defender is None or challenger is None:
        return None
    duels = tuple(duel for item in row.rows("duels") if (duel := _duel(item, era=era)))
    return Match(row.file, defender, challenger, score, margin, outcome, duels)


def _duel(row: Row, *, era: int) -> Duel | None:
    """One duel; None when it has no readable prompt or verdict (noted)."""
    shape = min(era, 1)
    _only_known(row, era=era)
    stem, prompt, said = row.text("name"), row.text("prompt"), row.text("winner")
    issues = row.optional_text("issues") or ""
    winner = WINNERS[shape].get(said) if said is not None else None
    if said is not None and winner is None:
        place = row.field("winner")
        wanted = ", ".join(WINNERS[shape])
        told = "The duel was left out."
        row.book.note("unknown-value", file=row.file, field=place, found=said, expected=wanted, sentence=told)
    if stem is None or prompt is None or winner is None:
        return None
    left, right = SIDES[shape]
    sides = {DEFENDER: _side(row, left, era=era), CHALLENGER: _side(row, right, era=era)}
    return Duel(stem, prompt, winner, issues, sides, row.at, row.values.get("detail"))


def _only_known(row: Row, *, era: int) -> None:
    known = {"name", "prompt", "winner", "issues"} | ({"detail"} if era >= 2 else set())
    for side in SIDES[min(era, 1)]:
        known |= {f"{side}_{key}" for key in (asset_key(row, era=era, before=f"{side}_"), *VIEWS[era])}
    if not row.values.keys() <= known:
        row.only(frozenset(known))


def asset_key(row: Row, *, era: int, before: str = "") -> str:
    """Under which of its era's keys a row names a file: the first that is there."""
    return next((key for key in ASSETS[era] if before + key in row.values), ASSETS[era][0])


def _side(row: Row, side: str, *, era: int) -> Side:
    asset = row.maybe_text(f"{side}_{asset_key(row, era=era, before=f'{side}_')}")
    named = [key for key in VIEWS[era] if f"{side}_{key}" in row.values]
    view = row.maybe_text(f"{side}_{named[0]}") if named else (asset if era == 2 else row.maybe_text(f"{side}_png"))
    return Side(asset, view)
