"""How is a state repository brought into the database, so that doing it again changes nothing?

One transaction a round, one import of a competition at a time, and a digest on each round of everything that decided
its rows: a round whose digest is unchanged is left alone.  Killed at any moment, the next import carries on.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime
from fractions import Fraction
from typing import Any
from zlib import crc32

from django.db import connection, transaction

from competition.models import Competition, Round
from competition.records import ladders
from competition.records.reading import ReadProblem, RoundFiles
from competition.records.reigns import ReadReign, Terms, in_effect, is_finished, read_reigns, read_state, read_terms
from competition.records.rounds import ReadRound, announced, read_round
from competition.records.sources import RecordSource, by_round
from competition.rulesets import RULESETS, BadRules
from competition.rulesets import read as read_rules
from dashboard.records import evidence, examining, older_copy, reigning, telling
from dashboard.records.evidence import Read
from dashboard.records.filling import Filling, clear, fill
from verify.rounds import LEADER

VERSION = 4  # of the rows that are made of a file: a higher one imports every round anew
LOCK_SPACE = 0x7265636F  # "reco": keeps our advisory locks apart from others in the database
SLUG = re.compile(r"[A-Za-z0-9_-]{1,50}")
LABELS = dict.fromkeys(("judge", "renderer", "chain", "pods"), "records")
BASE_RULES = "margin-1"
STAGES = ("open", "miner_generation", "downloading", "duels", "finalizing")
OLD_STAGES = {"collecting": "open", "generating": "miner_generation"}
Progress = Callable[[str, int, int], None]


class CannotImport(Exception):
    """Nothing of this repository can be imported; says why."""


class OlderCopy(CannotImport):
    """The repository is an earlier state of what is here."""

    def __init__(self, slug: str, origin: str, lacking: Sequence[str]) -> None:
        super().__init__(
            f"{origin}: this copy of {slug} is older than what is here, so nothing of it was imported: "
            f"{'; '.join(lacking)}. To go back to it all the same: --go-back"
        )


@dataclass(kw_only=True)
class ImportSummary:
    """What an import did."""

    slug: str = ""
    rounds: list[str] = field(default_factory=list)
    unchanged: int = 0
    files: int = 0
    duels: int = 0
    disagreeing: int = 0
    troubles: list[ReadProblem] = field(default_factory=list)
    unknown: list[str] = field(default_factory=list)
    findings: int = 0


@dataclass(kw_only=True)
class _Import:
    """What all rounds of one repository share."""

    competition: Competition
    source: RecordSource
    terms: Terms
    reigns: list[ReadReign]
    current: int | None
    stage: str
    now: datetime
    outcome: ImportSummary


def import_source(source: RecordSource, *, now: datetime, progress: Progress, go_back: bool = False) -> ImportSummary:
    """Bring everything in that is new.  Raises CannotImport.

    `go_back`: also take a copy that is older than what is here, which otherwise raises OlderCopy and changes nothing.
    """
    listed = source.listing()
    shelves = by_round(listed)
    beside = evidence.read(source, shelves.pop(None) or [], number=None)
    top = RoundFiles(beside.contents)
    terms = read_terms(top)
    if terms is None or not SLUG.fullmatch(terms.name):
        reasons = "; ".join(map(str, [*beside.troubles, *top.troubles])) or "its name makes no address"
        raise CannotImport(f"{source.origin}: config.json does not say what is played here: {reasons}")
    with one_at_a_time(terms.name):
        current, stage = read_state(top)
        if not go_back:
            evidence.recall(terms.name, beside)
            top = RoundFiles(beside.contents)
            current, stage = read_state(top)
            lacking = older_copy.lacking(terms.name, top, {file.path for file in listed})
            played = [] if current is None else shelves.get(current, [])
            lacking += older_copy.shrunk_files(terms.name, evidence.read(source, played, number=current))
            if lacking:
                raise OlderCopy(terms.name, source.origin, lacking)
        run = _Import(
            competition=_competition(terms, source, now=now),
            source=source,
            terms=terms,
            reigns=read_reigns(top),
            current=current,
            stage=stage,
            now=now,
            outcome=ImportSummary(slug=terms.name),
        )
        total = sum(map(len, shelves.values()))
        for number in sorted(n for n in shelves if n is not None):
            read = evidence.read(source, shelves[number], number=number)
            if not go_back:
                evidence.recall(terms.name, read)
            _round(run, read)
            progress(f"{terms.name} round {number}", run.outcome.files, total)
        _finish(run, beside, top)
    return run.outcome


@contextmanager
def one_at_a_time(name: str) -> Iterator[None]:
    """Wait until nobody else imports this competition.  The lock ends with the connection, however a process ends."""
    key = crc32(name.encode()) - 2**31
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_advisory_lock(%s, %s)", [LOCK_SPACE, key])
        try:
            yield
        finally:
            cursor.execute("SELECT pg_advisory_unlock(%s, %s)", [LOCK_SPACE, key])


def _competition(terms: Terms, source: RecordSource, *, now: datetime) -> Competition:
    """The row of the competition; inactive, so that no sweep of ours takes it for one to be played."""
    about: dict[str, Any] = {
        "name": str(terms.config.get("description") or terms.name)[:80],
        "description": "Played elsewhere and imported from its public state repository.",
        "ruleset": BASE_RULES,
        "config": {"rules": rules(terms, era=1), "records": terms.config, "source": {"commit": source.commit}},
    }
    row, new = Competition.objects.get_or_create(
        slug=terms.name, defaults={**about, **LABELS, "active": False, "created_at": now}
    )
    if "records" not in row.config:
        raise CannotImport(
            f"{source.origin}: a competition named {terms.name} is played here; its rows are not touched"
        )
    if not new:
        about["config"]["source"] = {**row.config["source"], "commit": source.commit}
        Competition.objects.filter(pk=row.pk).update(**about)
        row.refresh_from_db()
    return row


def rules(terms: Terms, *, era: int) -> dict[str, Any]:
    """What a round was played under, as far as our rules can say it."""
    name = f"margin-{era}" if f"margin-{era}" in RULESETS else BASE_RULES
    shares = {key: getattr(terms, key) for key in ("win_margin", "weight_decay", "weight_floor")}
    return {"name": name, **shares, "audits": ["generation"] if era else [], "stop_early": False}


def _round(run: _Import, read: Read) -> None:
    files = RoundFiles(read.contents)
    record = read_round(files, int(read.number or 0), config=run.terms.config)
    evidence.check_the_rest(files)
    troubles = [*read.troubles, *files.troubles]
    if record.window is None:
        troubles.append(
            ReadProblem(f"rounds/{record.number}", None, "without a readable schedule.json it has no window")
        )
    run.outcome.files += len(read.contents)
    run.outcome.troubles += troubles
    run.outcome.duels += sum(len(match.duels) for match in (*record.matches, *record.repeats))
    run.outcome.unknown += [path for path in read.contents if not announced(path)]
    digest = read.digest(VERSION, run.terms, _leader(run, record), _state(run, record))
    row = Round.objects.filter(competition=run.competition, number=record.number).first()
    if row is not None and row.source.get("digest") == digest:
        run.outcome.unchanged += 1
        return
    with transaction.atomic():
        evidence.keep(run.competition, read, troubles=troubles)
        if row is not None:
            clear(row)
        if record.window is not None:
            fields = _fields(run, record, digest=digest)
            leader = _leader(run, record)
            fill(Filling(competition=run.competition, read=record, leader=leader, fields=fields, now=run.now))
            run.outcome.rounds.append(telling.line(record, fields))


def _leader(run: _Import, record: ReadRound) -> ReadReign | None:
    place = in_effect(run.reigns, block=record.window[1]) if record.window else None
    return None if place is None else run.reigns[place]


def _state(run: _Import, record: ReadRound) -> str:
    """The stage at the source; a round before the current one is finished."""
    if is_finished(record.number, current=run.current, stage=run.stage):
        return "finished"
    stage = OLD_STAGES.get(run.stage, run.stage)
    return stage if stage in STAGES else "open"


def _fields(run: _Import, record: ReadRound, *, digest: str) -> dict[str, Any]:
    """The round's own columns.  One that is still played elsewhere is paused here: nothing of ours may move it."""
    if record.window is None:
        raise ValueError("a round without a window is not written")
    stage, under = _state(run, record), _rules(run, record)
    margin = read_rules(under).win_margin if under else Fraction(run.terms.win_margin)
    rungs = ladders.climb(record, win_margin=margin)
    marks = telling.marks(record)
    disagreeing = sum(not mark["agrees"] for mark in marks.values()) + telling.audits_agree(record).count(False)
    run.outcome.disagreeing += disagreeing
    source = {
        "era": record.era,
        "commit": run.source.commit,
        "digest": digest,
        "matches": marks,
        "winner": {"recorded": record.winner, "recomputed": ladders.winner(rungs)},
        "deadline": record.deadline,
    }
    moving = {"state": "finished"} if stage == "finished" else telling.elsewhere(record, stage)
    story = [rung.as_json() for rung in rungs]
    return moving | {
        "ruleset": str(under.get("name", "")) if record.era == 3 else f"margin-{record.era}",
        "rules": under,
        "earliest_reveal_block": record.window[0],
        "latest_reveal_block": record.window[1],
        "seed_block": record.window[1],
        "generation_deadline_block": record.deadline or record.window[1],
        "seed": "" if record.seed is None else telling.seed_text(record.seed),
        "source": source,
        "decision": {"winner": record.winner or LEADER, "ladder": story} if stage == "finished" else None,
        "headline": telling.headline(record, rungs, stage=stage),
    }


def _rules(run: _Import, record: ReadRound) -> dict[str, Any]:
    """Those the round brings, else those of its era; none where we cannot read them (reported)."""
    file = f"rounds/{record.number}/rules.json" if record.rules else "config.json"
    under = dict(record.rules) if record.rules else rules(run.terms, era=record.era)
    try:
        read_rules(under)
    except BadRules as error:
        run.outcome.troubles.append(ReadProblem(file, None, f"rules that cannot be applied: {error}"))
        return {}
    return under


def _finish(run: _Import, beside: Read, top: RoundFiles) -> None:
    """What hangs on all rounds: the reigns, the files beside the rounds, and what the verifier finds."""
    evidence.check_the_rest(top)
    troubles = [*beside.troubles, *top.troubles]
    run.outcome.files += len(beside.contents)
    run.outcome.troubles = troubles + run.outcome.troubles
    run.outcome.unknown = [path for path in beside.contents if not announced(path)] + run.outcome.unknown
    with transaction.atomic():
        evidence.keep(run.competition, beside, troubles=troubles)
        reigning.follow(run.competition, run.reigns)
        reigning.forget_unused(run.competition)
    run.outcome.findings = examining.examine(run.competition)
