"""Which files make up a round, and what do they say, whatever the era's names for it?"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import replace
from fractions import Fraction
from functools import lru_cache
from typing import Any

from verify.bundles.shapes import TEXT_OR_NULL, Optional, form
from verify.reading import Form, RecordRow, Repository, finite
from verify.records.layout import AUDIT_FILE, MATRIX, NAMES, OUTPUTS, REPORTS, SIDES, era_of, state_of_duel
from verify.rounds import (
    CHALLENGER,
    DEFENDER,
    DRAW,
    LEADER,
    SKIPPED,
    RecordedAsset,
    RecordedConfig,
    RecordedDuel,
    RecordedMatch,
    RecordedRound,
    RecordedSide,
)

MOST = 10_000
"""More prompts, repeats or minutes than any round has: a count beyond is a mistake."""
SHARES = ("win_margin", "weight_decay", "weight_floor")
COUNTS = ("prompts_per_round", "carryover_prompts", "generation_stage_minutes", "audit_repeats")
CONFIG = form(
    text="name",
    number="win_margin weight_decay weight_floor",
    whole="prompts_per_round carryover_prompts",
    optional_whole="generation_stage_minutes audit_repeats",
    optional_text="description first_evaluation_date last_competition_date round_start_time ruleset judge renderer"
    " chain pods",
    optional_anything="finalization_buffer_hours round_duration_days",
)
SCHEDULE = form(whole="earliest_reveal_block latest_reveal_block", optional_whole="generation_deadline_block")
SUBMISSION = form(text="repo commit cdn_url round", whole="revealed_at_block")
BUILD = form(text="status", optional_text_or_null="tag docker_image", optional_anything="repo commit revealed_at_block")
ASSET = form(
    whole="size",
    optional_whole="attempts",
    optional_number_or_null="generation_time distance",
    optional_text_or_null="failure_reason",
)
VERDICT = form(text="verdict", optional_anything="hotkey", optional_text_or_null="reason")
BY_DISTANCES = form(
    text="outcome",
    whole="checked_prompts failed_prompts failed_critical",
    number_or_null="generation_time",
    optional_anything="hotkey",
    optional_text_or_null="reason",
)
NEEDED = ("schedule.json", "seed.json", "prompts.txt", "submissions.json", "builds.json")
NO_OUTPUTS = frozenset(("png", "views", "generation_time", "distance", "size", "attempts", "failure_reason"))
"""What else a row of era 3 says of a side, beside its file."""
ENDING = re.compile("[a-z0-9]{1,12}")
NO_ENDING = "file"
VIEWS = {0: ("png",), 1: ("png",), 2: ("views", "png"), 3: ("png",)}


def load_config(files: Repository) -> RecordedConfig | None:
    """The rules; None when a number the checks depend on is missing or makes no sense."""
    row = files.row("config.json", CONFIG)
    if row is None:
        return None
    for key, most in (dict.fromkeys(SHARES, 1) | dict.fromkeys(COUNTS, MOST)).items():
        if row[key] is not None and not 0 <= row[key] <= most:
            row.note("out-of-range", key, found=row[key], expected=f"0..{most}")
            del row.values[key]
    if any(row[key] is None for key, kind in CONFIG.items() if not isinstance(kind, Optional)):
        return None
    return RecordedConfig(row["name"], *(row[key] for key in (*SHARES, *COUNTS)))


def round_numbers(files: Repository) -> list[int]:
    """The rounds on disk; a folder that is not a number is told by the check for unknown files."""
    names = files.folders("rounds")
    return sorted(int(name) for name in names if name.isascii() and name.isdigit() and str(int(name)) == name)


def by_hotkey(files: Repository, file: str, form: Form) -> dict[str, RecordRow]:
    """A file that is a list: the last object of each hotkey."""
    table: dict[str, RecordRow] = {}
    for row in files.rows(file, form, kind=list).values():
        hotkey = row["hotkey"]
        if hotkey in table:
            row.note("audit-twice", found=hotkey)
        if hotkey is not None:
            table[hotkey] = row
    return table


OF_AUDITS = (1, 2, 3)
DOCUMENTS: dict[str, tuple[str, Any, Mapping[int, Form]]] = {
    "builds": ("builds.json", Repository.rows, dict.fromkeys((0, *OF_AUDITS), BUILD)),
    "progress": ("judge_progress.json", Repository.row, {0: form(text="leader", texts="completed_hotkeys")}),
    "winner": (
        "winner.json",
        Repository.row,
        dict.fromkeys(OF_AUDITS, form(text="winner_hotkey", optional_text_or_null="repo commit docker_image")),
    ),
    "generation": ("generation_audits.json", Repository.rows, {1: BY_DISTANCES, 2: VERDICT, 3: VERDICT}),
    "reports": (
        "generation_reports.json",
        Repository.rows,
        dict.fromkeys((2, 3), form(text="outcome", rows="repeats", optional_anything="hotkey reason")),
    ),
    "required": (
        "require_audit.json",
        by_hotkey,
        {
            1: form(text="hotkey", texts="critical_prompts"),
            2: form(text="hotkey latest_defender"),
            3: form(text="hotkey", optional_texts="critical_prompts", optional_text="latest_defender"),
        },
    ),
    "source": (
        "source_audit.json",
        by_hotkey,
        dict.fromkeys(OF_AUDITS, form(text="hotkey verdict", optional_text_or_null="reason")),
    ),
}
"""What of a round is read as it stands: its file, how that is laid out, and the form of its objects by era."""


def load_round(files: Repository, number: int, *, config: RecordedConfig, current: int | None) -> RecordedRound:
    finished = current is not None and number < current
    era = era_of(
        lambda name: files.has(f"rounds/{number}/{name}"),
        audit_repeats=config.audit_repeats,
        generation_minutes=config.generation_minutes,
    )
    june = era == 2 or (era == 3 and files.has(f"rounds/{number}/{REPORTS}"))
    round = RecordedRound(number, era, config, finished, files.log, june=june)
    if era == 3:
        _load_rules(files, round)
    _load_submissions(files, round)
    for attribute, (name, read, forms) in DOCUMENTS.items():
        if era in forms:
            setattr(round, attribute, read(files, round.file(name), forms[era]))
    _load_matches(files, round)
    needed = ("judge_progress.json",) if era == 0 else ("matches_matrix.csv", "winner.json")
    for name in NEEDED + needed if finished else ():
        if not files.has(round.file(name)):
            round.note("missing-file", name)
    return round


def _load_rules(files: Repository, round: RecordedRound) -> None:
    """The rules a round brings: its bar, decay and floor go before those of the competition."""
    row = files.row(round.file("rules.json"), form(text="ruleset", anything="rules"))
    if row is None:
        return
    round.ruleset, rules = row["ruleset"] or "", row["rules"]
    stated = rules if isinstance(rules, dict) else {}
    margin, decay, floor = (_share(stated.get(key)) for key in SHARES)
    if margin is None or decay is None or floor is None:
        sentence = "A bar, a decay and a floor as fractions are needed; the competition's were taken."
        row.note("wrong-type", "rules", found=rules, expected=", ".join(SHARES), sentence=sentence)
    else:
        repeats = stated.get("audit_repeats")
        known = isinstance(repeats, int) and not isinstance(repeats, bool) and 0 <= repeats <= MOST
        repeats = repeats if known else round.config.audit_repeats
        round.config = replace(round.config, win_margin=margin, decay=decay, floor=floor, audit_repeats=repeats)


def _share(value: object) -> float | None:
    """`1/20` and `0.05` are the same."""
    if not isinstance(value, str) or len(value) > 40:
        return None
    try:
        number = Fraction(value)
    except (ValueError, ZeroDivisionError):
        return None
    return float(number) if 0 <= number <= 1 else None


def _load_submissions(files: Repository, round: RecordedRound) -> None:
    """Schedule, seed, prompts and submissions."""
    row = files.row(round.file("schedule.json"), SCHEDULE)
    if row and row["earliest_reveal_block"] is not None and row["latest_reveal_block"] is not None:
        round.window = row
    row = files.row(round.file("seed.json"), form(whole="seed"))
    round.seed = row["seed"] if row else None
    for name in ("prompts", "fresh_prompts") if round.era == 3 else ("prompts",):
        text = files.content(round.file(f"{name}.txt")) or ""
        setattr(round, name, [line.strip() for line in text.splitlines() if line.strip()])
    own = SUBMISSION | ({} if round.era else form(optional_anything="cdn_url"))
    for hotkey, row in files.rows(round.file("submissions.json"), own).items():
        if row["round"] is not None:
            row.compare("wrong-round", {"round": f"{round.config.name}-{round.number}"})
        if all(row[key] is not None for key in ("repo", "commit", "revealed_at_block")):
            round.submissions[hotkey] = row


def _load_matches(files: Repository, round: RecordedRound) -> None:
    """The match files, what both sides made, and the matrices."""
    for hotkey in files.folders(round.folder):
        for match in matches_of(files, round, hotkey=hotkey):
            round.matches[match.defender, match.challenger] = match
        for name in files.files(round.file(hotkey)):
            what = name.removesuffix(".json")
            if round.era == 0:
                listed = name == "generations.json"
                what = "generated" if hotkey == LEADER else "submitted"
            else:
                listed = name.endswith(".json") and (what == "submitted" or what.startswith("generated"))
            made = _assets(files, round.file(f"{hotkey}/{name}"), round) if listed else {}
            if listed and (made or round.era > 0):
                round.assets[hotkey, what] = made
    if round.era > 0:
        round.matrix = _matrix(files, round.file("matches_matrix.csv"))
        round.repeats = _matrix(files, round.file("audit_matrix.csv")) if round.era >= 2 else {}


def _assets(files: Repository, file: str, round: RecordedRound) -> dict[str, RecordedAsset]:
    """Stem -> asset."""
    view = "views" if round.june else "png"
    made = {}
    for stem, row in files.rows(file).items():
        asset = ending_of(row.values, era=round.era)
        row = row.read(dict.fromkeys((asset, view), TEXT_OR_NULL) | ASSET)
        side = RecordedSide(row[asset], row[view])
        made[stem] = RecordedAsset(side, row["generation_time"], row["size"] or 0, row["distance"])
    return made


def _matrix(files: Repository, file: str) -> dict[tuple[str, str], float]:
    """(defender, challenger) -> margin; a pair named twice or a margin that is no number is noted."""
    matrix: dict[tuple[str, str], float] = {}
    for row in files.table(file, columns=MATRIX):
        pair, place = (row["left"], row["right"]), f"{row['left'][:60]},{row['right'][:60]}"
        margin = finite(row["margin"])
        if margin is None:
            files.log.note("wrong-type", file=file, field=place, found=row["margin"], expected="a number")
            continue
        if pair in matrix:
            files.log.note("matrix-twice", file=file, field=place, found=margin)
        matrix[pair] = margin
    return matrix


def matches_of(files: Repository, round: RecordedRound, *, hotkey: str) -> Iterator[RecordedMatch]:
    """The matches in which `hotkey` challenged, those of its audits under `<left side>_<repeat>`.

    The file's name must be that of its defender.
    """
    for name in files.files(round.file(hotkey)):
        audit = AUDIT_FILE.fullmatch(name) if round.june else None
        of_match = name == "duels.json" if round.era == 0 else name.startswith("duels_")
        if audit is None and not of_match:
            continue
        row = files.row(round.file(f"{hotkey}/{name}"))
        match = match_of(row, era=round.era) if row else None
        if match is None or round.era == 0:
            yield from [match] if match else []
            continue
        left = match.defender[:10]
        due = f"audit_{left}_{audit[1]}.json" if audit else f"duels_{left}.json"
        named = name == due if audit else name.startswith(f"duels_{left}")
        if match.challenger != hotkey or not named:
            stated = f"{match.challenger}/{due}"
            files.log.note("match-misplaced", file=match.file, found=stated, expected=f"{hotkey}/{name}")
        yield replace(match, defender=f"{match.defender}_{int(audit[1])}") if audit else match


def match_of(row: RecordRow, *, era: int) -> RecordedMatch | None:
    """None when the file does not say who played."""
    defends, challenges = NAMES[era]
    names = f"{defends} {challenges}" if era else f"{defends} {challenges} outcome"
    row = row.read(form(text=names, whole="score", number_or_null="margin", rows="duels"))
    defender, challenger = row[defends], row[challenges]
    if defender is None or challenger is None:
        return None
    duels = tuple(duel for item in row.rows("duels") if (duel := _duel(item, era=era)))
    return RecordedMatch(row.file, defender, challenger, row["score"], row["margin"], row["outcome"], duels)


@lru_cache(maxsize=64)
def form_of_duel(era: int, keys: frozenset[str], endings: tuple[str, ...]) -> tuple[Form, list[str], list[str]]:
    """What a duel with these keys must hold, and under which of them each side names its file and its picture."""
    own = form(text="name prompt winner", optional_text_or_null="issues")
    own |= form(optional_anything="detail" if era >= 2 else "", optional_text="state" if era == 3 else "")
    assets, views = [], []
    for name, ending in zip(SIDES[era], endings, strict=True):
        assets.append(f"{name}_{ending}")
        shown = [f"{name}_{key}" for key in VIEWS[era] if f"{name}_{key}" in keys]
        views.append(shown[0] if shown else assets[-1] if era == 2 else f"{name}_png")
        own |= dict.fromkeys([*shown, assets[-1], views[-1]], TEXT_OR_NULL)
    return own, assets, views


def _duel(row: RecordRow, *, era: int) -> RecordedDuel | None:
    """One duel; None when it has no readable prompt or verdict (noted)."""
    names = SIDES[era]
    endings = tuple(ending_of(row.values, era=era, before=f"{name}_") for name in names)
    own, assets, views = form_of_duel(era, frozenset(row.values), endings)
    row = row.read(own)
    winners = {names[0]: DEFENDER, names[1]: CHALLENGER, DRAW: DRAW, SKIPPED: SKIPPED}
    row.one_of("winner", winners)
    if row["name"] is None or row["prompt"] is None or row["winner"] not in winners:
        return None
    pairs = zip((DEFENDER, CHALLENGER), assets, views, strict=True)
    sides = {side: RecordedSide(row[asset], row[view]) for side, asset, view in pairs}
    winner = winners[row["winner"]]
    issues = row["issues"] or ""
    state = state_of_duel(row["state"], row["detail"]) if era == 3 else None
    return RecordedDuel(row["name"], row["prompt"], winner, issues, sides, row.at, row["detail"], state)


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
