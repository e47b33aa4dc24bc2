"""What do the files of one round say, whatever its era calls things?"""

from __future__ import annotations

import contextlib
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from competition.records.audited import ReadAudit, read_audits
from competition.records.played import REPEAT, PlayedMatch, read_match
from competition.records.reading import HOTKEY, STEM, Item, RoundFiles, Unfit, each
from verify.reading import finite
from verify.records.layout import AUDIT_FILE, MATRIX, OF_MINER, OF_ROUND, TOP, era_of, stem_of
from verify.rounds import LEADER

MATCH_FILE = re.compile(r"duels(_.+)?\.json")


@dataclass(frozen=True, kw_only=True)
class RecordedEntry:
    hotkey: str
    repo: str
    commit: str
    cdn_url: str
    block: int
    image: str = ""


@dataclass(kw_only=True)
class ReadRound:
    """One round as far as its files could be read.  `winner`: a hotkey, `leader`, or None where none is recorded;
    `rules`: those that a round of era 3 brings."""

    number: int
    era: int
    window: tuple[int, int] | None = None
    deadline: int | None = None
    seed: int | None = None
    prompts: list[tuple[str, str]] = field(default_factory=list)
    entries: list[RecordedEntry] = field(default_factory=list)
    matches: list[PlayedMatch] = field(default_factory=list)
    repeats: list[PlayedMatch] = field(default_factory=list)
    matrix: Mapping[tuple[str, str], float] = field(default_factory=dict)
    audit_matrix: Mapping[tuple[str, str], float] = field(default_factory=dict)
    audits: list[ReadAudit] = field(default_factory=list)
    winner: str | None = None
    rules: Mapping[str, Any] | None = None

    @property
    def queue(self) -> list[RecordedEntry]:
        """In reveal order; within one block the order of the file."""
        return sorted(self.entries, key=lambda entry: entry.block)


def announced(path: str) -> bool:
    """Is this a file that a state repository is known to have?"""
    parts = path.split("/")
    if len(parts) == 1:
        return path in TOP
    if parts[0] != "rounds":
        return False
    miner = (
        len(parts) == 4
        and (parts[2] == LEADER or bool(HOTKEY.fullmatch(parts[2])))
        and bool(OF_MINER.fullmatch(parts[3]))
    )
    return miner or (len(parts) == 3 and parts[2] in OF_ROUND)


def read_round(files: RoundFiles, number: int, *, config: Mapping[str, Any]) -> ReadRound:
    at = f"rounds/{number}"
    era = era_of(
        lambda name: files.has(f"{at}/{name}"),
        audit_repeats=config.get("audit_repeats"),
        generation_minutes=config.get("generation_stage_minutes"),
    )
    round_ = ReadRound(number=number, era=era)
    _schedule(files, round_, file=f"{at}/schedule.json")
    round_.seed = _whole(files, f"{at}/seed.json", "seed")
    round_.prompts = list(_prompts(files, f"{at}/prompts.txt"))
    round_.entries = list(_entries(files, at=at))
    for match in _matches(files, at=at, era=round_.era):
        (round_.repeats if REPEAT.fullmatch(match.defender) else round_.matches).append(match)
    round_.matrix = _matrix(files, f"{at}/matches_matrix.csv")
    if round_.era >= 2:
        round_.audit_matrix = _matrix(files, f"{at}/audit_matrix.csv")
    round_.audits = read_audits(files, at=at, era=round_.era)
    file, key = (f"{at}/judge_progress.json", "leader") if round_.era == 0 else (f"{at}/winner.json", "winner_hotkey")
    item = files.item(file)
    with contextlib.suppress(Unfit):
        round_.winner = None if item is None else LEADER if item.values.get(key) == LEADER else item.hotkey(key)
    if round_.era == 3:  # a round of a platform brings its own rules
        file = f"{at}/rules.json"
        round_.rules = (files.json(file, kind=dict) or {}).get("rules")
        if not isinstance(round_.rules, dict):
            files.report(file, "rules: an object is needed", line=files.line(file, "rules"))
            round_.rules = None
    return round_


def _schedule(files: RoundFiles, round_: ReadRound, *, file: str) -> None:
    item = files.item(file)
    if item is None:
        return
    try:
        round_.window = (item.whole("earliest_reveal_block"), item.whole("latest_reveal_block"))
        if "generation_deadline_block" in item.values:
            round_.deadline = item.whole("generation_deadline_block")
    except Unfit:
        return


def _whole(files: RoundFiles, file: str, key: str) -> int | None:
    """Any whole number: a seed of ours has 256 bits."""
    item = files.item(file)
    if item is None:
        return None
    value = item.values.get(key)
    if isinstance(value, int) and not isinstance(value, bool) and 0 <= value < 2**256:
        return value
    files.report(file, f"{key}: a whole number is needed", line=files.line(file, key))
    return None


def _prompts(files: RoundFiles, file: str) -> Iterator[tuple[str, str]]:
    """(stem, address) in the order of the file, each stem once."""
    seen: set[str] = set()
    for number, line in enumerate((files.text(file) or "").splitlines(), 1):
        address = line.strip()
        stem = stem_of(address)
        if not address:
            continue
        if not STEM.fullmatch(stem) or stem in seen or len(address) > 2000:
            files.report(
                file, "a second prompt of this name" if stem in seen else "no address of a prompt", line=number
            )
            continue
        seen.add(stem)
        yield stem, address


def _entries(files: RoundFiles, *, at: str) -> Iterator[RecordedEntry]:
    images = {hotkey: item.values.get("docker_image") for hotkey, item in files.items(f"{at}/builds.json")}

    def entry(pair: tuple[str, Item]) -> RecordedEntry:
        hotkey, item = pair
        if not HOTKEY.fullmatch(hotkey):
            item.wrong("repo", "the entry is not filed under a hotkey")
        image = images.get(hotkey)
        return RecordedEntry(
            hotkey=hotkey,
            repo=item.text("repo", most=200),
            commit=item.text("commit", most=40),
            cdn_url=item.maybe_text("cdn_url") or "",
            block=item.whole("revealed_at_block"),
            image=image if isinstance(image, str) else "",
        )

    return each(files.items(f"{at}/submissions.json"), entry)  # type: ignore[arg-type]


def _matches(files: RoundFiles, *, at: str, era: int) -> Iterator[PlayedMatch]:
    """Every match file; of two about one pair the second is left out."""
    seen: dict[tuple[str, str], str] = {}
    for file in files.contents:
        folder, _, name = file.removeprefix(f"{at}/").rpartition("/")
        if not file.startswith(f"{at}/") or not folder or "/" in folder:
            continue
        audit = AUDIT_FILE.fullmatch(name) if era >= 2 else None
        match = read_match(files, file, era=era) if audit or MATCH_FILE.fullmatch(name) else None
        if match is None:
            continue
        if audit:  # its file, and not its left side, names the repeat
            match = replace(match, defender=f"{match.defender}_{int(audit[1])}")
        pair = (match.defender, match.challenger)
        if pair in seen:
            files.report(file, f"tells of the same pair as {seen[pair]}; it is left out")
            continue
        seen[pair] = file
        yield match


def _matrix(files: RoundFiles, file: str) -> dict[tuple[str, str], float]:
    matrix = {}
    for line, row in files.table(file, columns=MATRIX):
        margin = finite(row["margin"])
        if margin is None:
            files.report(file, f"the margin {row['margin'][:40]!r} is not a number", line=line)
        else:
            matrix[row["left"], row["right"]] = margin
    return matrix
