"""Which files make up a round, and what do they say?"""

from __future__ import annotations

from dataclasses import replace
from fractions import Fraction

from verify.match_files import PATH, ending_of, match_of, matches_of
from verify.reading import ANY, LIST, NUMBER, TEXT, TEXTS, WHOLE, Form, RecordRow, Repository, finite
from verify.records.layout import MATRIX, era_of
from verify.rounds import LEADER, RecordedAsset, RecordedConfig, RecordedRound, RecordedSide, RecordedSubmission, Window

MOST = 10_000
"""More prompts, repeats or minutes than any round has: a count beyond is a mistake."""
RANGES = {
    "win_margin": 1,
    "weight_decay": 1,
    "weight_floor": 1,
    "prompts_per_round": MOST,
    "carryover_prompts": MOST,
    "generation_stage_minutes": MOST,
    "audit_repeats": MOST,
}
"""Numbers of config.json: from 0 up to what."""
SHARES = ("win_margin", "weight_decay", "weight_floor")
MAYBE = TEXT.or_null.optional
ASSET: Form = {
    **dict.fromkeys(("generation_time", "distance"), NUMBER.or_null.optional),
    "size": WHOLE,
    "attempts": WHOLE.optional,
    "failure_reason": MAYBE,
}
CONFIG: Form = {
    "name": TEXT,
    **dict.fromkeys(SHARES, NUMBER),
    **dict.fromkeys(("prompts_per_round", "carryover_prompts"), WHOLE),
    **dict.fromkeys(("generation_stage_minutes", "audit_repeats"), WHOLE.optional),
    **dict.fromkeys(("description", "first_evaluation_date", "last_competition_date"), TEXT.optional),
    **dict.fromkeys(("round_start_time", "ruleset", "judge", "renderer", "chain", "pods"), TEXT.optional),
    **dict.fromkeys(("finalization_buffer_hours", "round_duration_days"), ANY.optional),
}
SCHEDULE: Form = {
    **dict.fromkeys(("earliest_reveal_block", "latest_reveal_block"), WHOLE),
    "generation_deadline_block": WHOLE.optional,
}
SUBMISSION: Form = {"repo": TEXT, "commit": TEXT, "cdn_url": TEXT, "revealed_at_block": WHOLE, "round": TEXT}
BUILD: Form = {
    **dict.fromkeys(("repo", "commit", "revealed_at_block"), ANY.optional),
    **dict.fromkeys(("tag", "docker_image"), MAYBE),
    "status": TEXT,
}
WINNER: Form = {"winner_hotkey": TEXT, "repo": MAYBE, "commit": MAYBE, "docker_image": MAYBE}
PROGRESS: Form = {"leader": TEXT, "completed_hotkeys": TEXTS}
SOURCE: Form = {"hotkey": TEXT, "verdict": TEXT, "reason": MAYBE}
REQUIRED: dict[int, Form] = {
    1: {"hotkey": TEXT, "critical_prompts": TEXTS},
    2: {"hotkey": TEXT, "latest_defender": TEXT},
    3: {"hotkey": TEXT, "critical_prompts": TEXTS.optional, "latest_defender": TEXT.optional},
}
VERDICT: Form = {"hotkey": ANY.optional, "verdict": TEXT, "reason": MAYBE}
GENERATION: dict[int, Form] = {
    1: {
        "hotkey": ANY.optional,
        "outcome": TEXT,
        **dict.fromkeys(("checked_prompts", "failed_prompts", "failed_critical"), WHOLE),
        "generation_time": NUMBER.or_null,
        "reason": MAYBE,
    },
    2: VERDICT,
    3: VERDICT,
}
REPORT: Form = {"hotkey": ANY.optional, "outcome": TEXT, "repeats": LIST, "reason": ANY.optional}
NEEDED = ("schedule.json", "seed.json", "prompts.txt", "submissions.json", "builds.json")


def load_config(files: Repository) -> RecordedConfig | None:
    """The rules; None when a number the checks depend on is missing or makes no sense."""
    row = files.row("config.json", CONFIG)
    if row is None:
        return None
    for key, most in RANGES.items():
        if row[key] is not None and not 0 <= row[key] <= most:
            row.note("out-of-range", key, found=row[key], expected=f"0..{most}")
            del row.values[key]
    if any(row[key] is None for key, kind in CONFIG.items() if kind.required):
        return None
    return RecordedConfig(row["name"], *(row[key] for key in RANGES))


def round_numbers(files: Repository) -> list[int]:
    """The rounds on disk; a folder that is not a number is told by the check for unknown files."""
    names = files.folders("rounds")
    return sorted(int(name) for name in names if name.isascii() and name.isdigit() and str(int(name)) == name)


def load_round(files: Repository, number: int, *, config: RecordedConfig, current: int | None) -> RecordedRound:
    finished = current is not None and number < current
    era = era_of(
        lambda name: files.has(f"rounds/{number}/{name}"),
        audit_repeats=config.audit_repeats,
        generation_minutes=config.generation_minutes,
    )
    round = RecordedRound(number, era, config, finished, files.log)
    if round.era == 3:
        _load_rules(files, round)
    _load_table(files, round)
    if round.era == 0:
        _load_era_0(files, round)
    else:
        _load_matches(files, round)
        _load_audits(files, round)
    needed = ("judge_progress.json",) if round.era == 0 else ("matches_matrix.csv", "winner.json")
    for name in NEEDED + needed if finished else ():
        if not files.has(round.file(name)):
            round.note("missing-file", name)
    return round


def _load_rules(files: Repository, round: RecordedRound) -> None:
    """The rules a round brings: its bar, decay and floor go before those of the competition."""
    row = files.row(round.file("rules.json"), {"ruleset": TEXT, "rules": ANY})
    if row is None:
        return
    round.ruleset, rules = row["ruleset"] or "", row["rules"]
    stated = rules if isinstance(rules, dict) else {}
    margin, decay, floor = (_share(stated.get(key)) for key in SHARES)
    if margin is None or decay is None or floor is None:
        sentence = "A bar, a decay and a floor as fractions are needed; the competition's were taken."
        row.note("wrong-type", "rules", found=rules, expected=", ".join(SHARES), sentence=sentence)
    else:
        round.config = replace(round.config, win_margin=margin, decay=decay, floor=floor)


def _share(value: object) -> float | None:
    """`1/20` and `0.05` are the same."""
    if not isinstance(value, str) or len(value) > 40:
        return None
    try:
        number = Fraction(value)
    except (ValueError, ZeroDivisionError):
        return None
    return float(number) if 0 <= number <= 1 else None


def _load_table(files: Repository, round: RecordedRound) -> None:
    """What all eras have: schedule, seed, prompts, submissions, builds."""
    row = files.row(round.file("schedule.json"), SCHEDULE)
    if row and row["earliest_reveal_block"] is not None and row["latest_reveal_block"] is not None:
        round.window = Window(*(row[key] for key in SCHEDULE))
    row = files.row(round.file("seed.json"), {"seed": WHOLE})
    round.seed = row["seed"] if row else None
    round.prompts = _lines(files.content(round.file("prompts.txt")))
    round.fresh = _lines(files.content(round.file("fresh_prompts.txt"))) if round.era == 3 else []
    form = {**SUBMISSION, **({} if round.era else {"cdn_url": ANY.optional})}
    for hotkey, row in files.rows(round.file("submissions.json"), form).items():
        if row["round"] is not None:
            row.compare("wrong-round", {"round": f"{round.config.name}-{round.number}"})
        submission = RecordedSubmission(hotkey, row["repo"], row["commit"], row["revealed_at_block"])
        if None not in vars(submission).values():
            round.submissions[hotkey] = submission
    round.builds = files.rows(round.file("builds.json"), BUILD)


def _lines(text: str | None) -> list[str]:
    return [line.strip() for line in text.splitlines() if line.strip()] if text else []


def _load_era_0(files: Repository, round: RecordedRound) -> None:
    round.progress = files.row(round.file("judge_progress.json"), PROGRESS)
    for hotkey in files.folders(round.folder):
        row = files.row(round.file(f"{hotkey}/duels.json"))
        match = match_of(row, era=0) if row else None
        if match:
            round.matches[match.defender, match.challenger] = match
        made = _assets(files, round.file(f"{hotkey}/generations.json"), era=0)
        if made:
            round.assets[hotkey, "generated" if hotkey == LEADER else "submitted"] = made


def _load_matches(files: Repository, round: RecordedRound) -> None:
    for hotkey in files.folders(round.folder):
        for match in matches_of(files, round, hotkey=hotkey):
            round.matches[match.defender, match.challenger] = match
        for name in files.files(round.file(hotkey)):
            what = name.removesuffix(".json")
            if name.endswith(".json") and (what == "submitted" or what.startswith("generated")):
                round.assets[hotkey, what] = _assets(files, round.file(f"{hotkey}/{name}"), era=round.era)
    round.matrix = _matrix(files, round.file("matches_matrix.csv"))
    round.repeats = _matrix(files, round.file("audit_matrix.csv")) if round.era >= 2 else {}


def _load_audits(files: Repository, round: RecordedRound) -> None:
    round.winner = files.row(round.file("winner.json"), WINNER)
    round.generation = files.rows(round.file("generation_audits.json"), GENERATION[round.era])
    round.reports = files.rows(round.file("generation_reports.json"), REPORT) if round.era == 2 else {}
    round.required = _by_hotkey(files.items(round.file("require_audit.json"), REQUIRED[round.era]))
    round.source = _by_hotkey(files.items(round.file("source_audit.json"), SOURCE))


def _by_hotkey(rows: list[RecordRow]) -> dict[str, RecordRow]:
    """The last of each."""
    table: dict[str, RecordRow] = {}
    for row in rows:
        hotkey = row["hotkey"]
        if hotkey in table:
            row.note("audit-twice", found=hotkey)
        if hotkey is not None:
            table[hotkey] = row
    return table


def _assets(files: Repository, file: str, *, era: int) -> dict[str, RecordedAsset]:
    """Stem -> asset."""
    view = "views" if era == 2 else "png"
    made = {}
    for stem, row in files.rows(file).items():
        asset = ending_of(row.values, era=era)
        row = row.read({asset: PATH, view: PATH, **ASSET})
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
