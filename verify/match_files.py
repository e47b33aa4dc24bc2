"""What does one match file say, whatever the era's names for it?"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import replace
from functools import lru_cache
from typing import Any

from verify.reading import ANY, LIST, NUMBER, TEXT, WHOLE, Form, RecordRow, Repository, Type
from verify.records.layout import AUDIT_FILE, NAMES, OUTPUTS, SIDES
from verify.rounds import CHALLENGER, DEFENDER, DRAW, SKIPPED, RecordedDuel, RecordedMatch, RecordedRound, RecordedSide

NO_OUTPUTS = frozenset(("png", "generation_time", "distance", "size", "attempts", "failure_reason"))
"""What else a row of era 3 says of a side, beside its file."""
ENDING = re.compile("[a-z0-9]{1,12}")
NO_ENDING = "file"
VIEWS = {0: ("png",), 1: ("png",), 2: ("views", "png"), 3: ("png",)}
PATH = TEXT.or_null


def matches_of(files: Repository, round: RecordedRound, *, hotkey: str) -> Iterator[RecordedMatch]:
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
            found = f"{match.challenger}/{due}"
            files.log.note("match-misplaced", file=match.file, found=found, expected=f"{hotkey}/{name}")
        yield replace(match, defender=f"{match.defender}_{int(audit[1])}") if audit else match


def match_of(row: RecordRow, *, era: int) -> RecordedMatch | None:
    """None when the file does not say who played."""
    defends, challenges = NAMES[era]
    form = {defends: TEXT, challenges: TEXT, "score": WHOLE, "margin": NUMBER.or_null, "duels": LIST}
    row = row.read(form | ({"outcome": TEXT} if era == 0 else {}))
    defender, challenger = row[defends], row[challenges]
    if defender is None or challenger is None:
        return None
    duels = tuple(duel for item in row.rows("duels") if (duel := _duel(item, era=era)))
    return RecordedMatch(row.file, defender, challenger, row["score"], row["margin"], row["outcome"], duels)


@lru_cache(maxsize=64)
def form_of_duel(era: int, keys: frozenset[str], endings: tuple[str, ...]) -> tuple[Form, list[str], list[str]]:
    """What a duel with these keys must hold, and under which of them each side names its file and its picture."""
    form: dict[str, Type] = {"name": TEXT, "prompt": TEXT, "winner": TEXT, "issues": TEXT.or_null.optional}
    form |= {"detail": ANY.optional} if era >= 2 else {}
    form |= {"state": TEXT.optional} if era == 3 else {}
    assets, views = [], []
    for name, ending in zip(SIDES[era], endings, strict=True):
        assets.append(f"{name}_{ending}")
        shown = [f"{name}_{key}" for key in VIEWS[era] if f"{name}_{key}" in keys]
        views.append(shown[0] if shown else assets[-1] if era == 2 else f"{name}_png")
        form |= dict.fromkeys([*shown, assets[-1], views[-1]], PATH)
    return form, assets, views


def _duel(row: RecordRow, *, era: int) -> RecordedDuel | None:
    """One duel; None when it has no readable prompt or verdict (noted)."""
    names = SIDES[era]
    endings = tuple(ending_of(row.values, era=era, before=f"{name}_") for name in names)
    form, assets, views = form_of_duel(era, frozenset(row.values), endings)
    row = row.read(form)
    winners = {names[0]: DEFENDER, names[1]: CHALLENGER, DRAW: DRAW, SKIPPED: SKIPPED}
    row.one_of("winner", winners)
    if row["name"] is None or row["prompt"] is None or row["winner"] not in winners:
        return None
    pairs = zip((DEFENDER, CHALLENGER), assets, views, strict=True)
    sides = {side: RecordedSide(row[asset], row[view]) for side, asset, view in pairs}
    winner = winners[row["winner"]]
    issues = row["issues"] or ""
    return RecordedDuel(row["name"], row["prompt"], winner, issues, sides, row.at, row["detail"], row["state"])


def ending_of(values: Mapping[str, Any], *, era: int, before: str = "") -> str:
    """Under which key a row names a file: its era's; of era 3 the ending that the file's own address has.

    Where there is no file, the key that has none.
    """
    if era in OUTPUTS:
        return OUTPUTS[era]
    keys = {key.removeprefix(before): value for key, value in values.items() if key.startswith(before)}
    files = {key: value for key, value in keys.items() if key not in NO_OUTPUTS}
    own = [key for key, value in files.items() if isinstance(value, str) and value.endswith(f".{key}")]
    own += [key for key, value in files.items() if value is None]
    endings = [str(value).rpartition(".")[2] for value in files.values()]
    own += [ending for ending in endings if ENDING.fullmatch(ending) and ending not in NO_OUTPUTS]
    return next((key for key in own if ENDING.fullmatch(key)), NO_ENDING)
