"""Which files make up a round, and what do they say?"""

from __future__ import annotations

from dataclasses import replace
from fractions import Fraction
from math import isfinite

from verify.match_files import asset_key, match_of, matches_of
from verify.reading import Repository, Row
from verify.rounds import LEADER, Asset, Config, Round, Side, Submission, Window

STAGES = frozenset(
    {"open", "miner_generation", "downloading", "duels", "finalizing", "finished", "paused", "collecting", "generating"}
)
BUILD_STATES = frozenset({"pending", "in_progress", "success", "failure", "timed_out", "not_found"})
CONFIG_TEXTS = frozenset(
    {
        *("description", "first_evaluation_date", "last_competition_date", "round_start_time"),
        *("ruleset", "judge", "renderer", "chain", "pods"),
    }
)
CONFIG_KEYS = CONFIG_TEXTS | frozenset(
    {
        "name",
        *("generation_stage_minutes", "finalization_buffer_hours", "round_duration_days"),
        *("win_margin", "weight_decay", "weight_floor", "prompts_per_round", "carryover_prompts", "audit_repeats"),
    }
)
SHARES = ("win_margin", "weight_decay", "weight_floor")
MOST = 10_000
"""More prompts, repeats or minutes than any round has: a count beyond is a mistake."""
ONLY_ERA_2 = ("audit_matrix.csv", "generation_reports.json", "leader/generated_1.json")
NEEDED = ("schedule.json", "seed.json", "prompts.txt", "submissions.json", "builds.json")


def load_config(files: Repository) -> Config | None:
    """The rules; None when a number the checks depend on is missing or makes no sense."""
    row = files.row("config.json")
    if row is None:
        return None
    row.only(CONFIG_KEYS)
    for key in CONFIG_TEXTS & row.values.keys():
        row.text(key)
    name = row.text("name")
    margin, decay, floor = (_within(row, key, most=1) for key in ("win_margin", "weight_decay", "weight_floor"))
    prompts, carried = (_within(row, key, most=MOST) for key in ("prompts_per_round", "carryover_prompts"))
    minutes = _within(row, "generation_stage_minutes", most=MOST) if "generation_stage_minutes" in row.values else None
    repeats = _within(row, "audit_repeats", most=MOST) if "audit_repeats" in row.values else None
    if name is None or margin is None or decay is None or floor is None or prompts is None or carried is None:
        return None
    return Config(name, margin, decay, floor, int(prompts), int(carried), _int(minutes), _int(repeats))


def _within(row: Row, key: str, *, most: int) -> float | None:
    """A rule's number between 0 and `most` (a share or a count). Whole where it is a count."""
    number = row.number(key) if most == 1 else row.whole(key)
    if number is None or 0 <= number <= most:
        return number
    said = "A rule outside its range; it was left out."
    wanted = f"0..{most}"
    row.book.note("out-of-range", file=row.file, field=key, found=number, expected=wanted, sentence=said)
    return None


def _int(number: float | None) -> int | None:
    return None if number is None else int(number)


def round_numbers(files: Repository) -> list[int]:
    """The rounds on disk; a folder that is not a number is told by the check for unknown files."""
    names = files.folders("rounds")
    return sorted(int(name) for name in names if name.isascii() and name.isdigit() and str(int(name)) == name)


def load_round(files: Repository, number: int, *, config: Config, current: int | None) -> Round:
    finished = current is not None and number < current
    round = Round(number, _era(files, number, config=config), config, finished)
    _load_table(files, round)
    if round.era == 0:
        _load_era_0(files, round)
    else:
        _load_matches(files, round)
        _load_audits(files, round)
        _load_assets(files, round)
    if round.era == 3:
        _load_rules(files, round)
    if round.finished:
        _miss(files, round)
    return round


def _era(files: Repository, number: int, *, config: Config) -> int:
    """0: one duels.json a miner, no audits; 1: matrix and distance audits; 2: audits judged in repeats; 3: the round
    brings its own rules."""
    folder = f"rounds/{number}"
    if files.has(f"{folder}/rules.json"):
        return 3
    if config.audit_repeats is not None or any(files.has(f"{folder}/{name}") for name in ONLY_ERA_2):
        return 2
    progress = files.has(f"{folder}/judge_progress.json")
    return 0 if progress or config.generation_minutes is None else 1


def _load_rules(files: Repository, round: Round) -> None:
    """The rules a round brings: its bar, decay and floor go before those of the competition."""
    row = files.row(round.file("rules.json"))
    if row is None:
        return
    row.only(frozenset({"ruleset", "rules"}))
    round.ruleset, rules = row.text("ruleset") or "", row.values.get("rules")
    stated: dict[str, object] = rules if isinstance(rules, dict) else {}
    margin, decay, floor = (_share(stated.get(key)) for key in SHARES)
    if margin is None or decay is None or floor is None:
        said = "A bar, a decay and a floor as fractions are needed; the competition's were taken."
        row.book.note(
            "wrong-type", file=row.file, field="rules", found=rules, expected=", ".join(SHARES), sentence=said
        )
        return
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


def _load_table(files: Repository, round: Round) -> None:
    """What all eras have: schedule, seed, prompts, submissions, builds."""
    round.window = _window(files.row(round.file("schedule.json")))
    seed = files.row(round.file("seed.json"))
    if seed is not None:
        seed.only(frozenset({"seed"}))
        round.seed = seed.whole("seed")
    text = files.content(round.file("prompts.txt"))
    round.prompts = [line.strip() for line in text.splitlines() if line.strip()] if text else []
    fresh = files.content(round.file("fresh_prompts.txt")) if round.era == 3 else None
    round.fresh = [line.strip() for line in fresh.splitlines() if line.strip()] if fresh else []
    rows = files.rows(round.file("submissions.json"))
    loaded = ((hotkey, _submission(hotkey, row, round=round)) for hotkey, row in rows.items())
    round.submissions = {hotkey: submission for hotkey, submission in loaded if submission}
    round.builds = files.rows(round.file("builds.json"))


def _window(row: Row | None) -> Window | None:
    if row is None:
        return None
    row.only(frozenset({"earliest_reveal_block", "latest_reveal_block", "generation_deadline_block"}))
    earliest, latest = row.whole("earliest_reveal_block"), row.whole("latest_reveal_block")
    deadline = row.whole("generation_deadline_block") if "generation_deadline_block" in row.values else None
    return None if earliest is None or latest is None else Window(earliest, latest, deadline)


def _submission(hotkey: str, row: Row, *, round: Round) -> Submission | None:
    row.only(frozenset({"repo", "commit", "cdn_url", "revealed_at_block", "round"}))
    repo, commit, block = row.text("repo"), row.text("commit"), row.whole("revealed_at_block")
    named, wanted = row.text("round"), f"{round.config.name}-{round.number}"
    if round.era > 0:
        row.text("cdn_url")
    if named is not None and named != wanted:
        said = "The submission names another round than the one it lies in."
        place = row.field("round")
        row.book.note("wrong-round", file=row.file, field=place, found=named, expected=wanted, sentence=said)
    return None if repo is None or commit is None or block is None else Submission(hotkey, repo, commit, block)


def _load_era_0(files: Repository, round: Round) -> None:
    round.progress = files.row(round.file("judge_progress.json"))
    for hotkey in files.folders(round.folder):
        file = round.file(f"{hotkey}/duels.json")
        row = files.row(file)
        match = match_of(row, era=0) if row else None
        if match:
            round.matches[match.defender, match.challenger] = match
        made = _assets(files, round.file(f"{hotkey}/generations.json"), era=round.era)
        if made:
            round.assets[hotkey, "generated" if hotkey == LEADER else "submitted"] = made


def _load_matches(files: Repository, round: Round) -> None:
    for hotkey in files.folders(round.folder):
        for match in matches_of(files, round, hotkey=hotkey):
            round.matches[match.defender, match.challenger] = match
    columns = ("left", "right", "margin")
    round.matrix = _matrix(files, files.table(round.file("matches_matrix.csv"), columns=columns), round)
    if round.era >= 2:
        rows = files.table(round.file("audit_matrix.csv"), columns=columns)
        round.repeats = _matrix(files, rows, round, name="audit_matrix.csv")


def _matrix(
    files: Repository, rows: list[dict[str, str]], round: Round, *, name: str = "matches_matrix.csv"
) -> dict[tuple[str, str], float]:
    """(defender, challenger) -> margin; a pair named twice or a margin that is no number is noted."""
    matrix: dict[tuple[str, str], float] = {}
    for row in rows:
        pair, place = (row["left"], row["right"]), f"{row['left'][:60]},{row['right'][:60]}"
        margin = _finite(row["margin"])
        if margin is None:
            said = "The margin is not a number."
            found = row["margin"]
            files.book.note("wrong-type", file=round.file(name), field=place, found=found, sentence=said)
            continue
        if pair in matrix:
            said = "The pair has two rows; the last one was taken."
            files.book.note("matrix-twice", file=round.file(name), field=place, found=margin, sentence=said)
        matrix[pair] = margin
    return matrix


def _finite(text: str) -> float | None:
    try:
        number = float(text)
    except ValueError:
        return None
    return number if isfinite(number) else None


def _load_audits(files: Repository, round: Round) -> None:
    round.winner = files.row(round.file("winner.json"))
    round.generation = files.rows(round.file("generation_audits.json"))
    round.reports = files.rows(round.file("generation_reports.json")) if round.era == 2 else {}
    round.required = _by_hotkey(files.items(round.file("require_audit.json")))
    round.source = _by_hotkey(files.items(round.file("source_audit.json")))


def _by_hotkey(rows: list[Row]) -> dict[str, Row]:
    found: dict[str, Row] = {}
    for row in rows:
        hotkey = row.text("hotkey")
        if hotkey in found:
            said = "The hotkey is listed twice; the last one was taken."
            row.book.note("audit-twice", file=row.file, field=row.at, found=hotkey, sentence=said)
        if hotkey is not None:
            found[hotkey] = row
    return found


def _load_assets(files: Repository, round: Round) -> None:
    for hotkey in files.folders(round.folder):
        for name in files.files(round.file(hotkey)):
            what = name.removesuffix(".json")
            if name.endswith(".json") and (what == "submitted" or what.startswith("generated")):
                round.assets[hotkey, what] = _assets(files, round.file(f"{hotkey}/{name}"), era=round.era)


def _assets(files: Repository, file: str, *, era: int) -> dict[str, Asset]:
    """Stem -> asset."""
    view = "views" if era == 2 else "png"
    known = frozenset({view, "generation_time", "size", "attempts", "distance", "failure_reason"})
    made = {}
    for stem, row in files.rows(file).items():
        asset = asset_key(row, era=era)
        row.only(known | {asset})
        row.optional_text("failure_reason")
        if "attempts" in row.values:
            row.whole("attempts")
        seconds = row.maybe_number("generation_time") if "generation_time" in row.values else None
        distance = row.maybe_number("distance") if "distance" in row.values else None
        side = Side(row.maybe_text(asset), row.maybe_text(view))
        made[stem] = Asset(side, seconds, row.whole("size") or 0, distance)
    return made


def _miss(files: Repository, round: Round) -> None:
    """A finished round must have its files."""
    of_era = ("judge_progress.json",) if round.era == 0 else ("matches_matrix.csv", "winner.json")
    for name in NEEDED + of_era:
        if not files.has(round.file(name)):
            said = "The round is over and this file of it is not there."
            files.book.note("missing-file", file=round.file(name), sentence=said)
