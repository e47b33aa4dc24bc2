"""Do audit verdicts follow from their numbers, the numbers from the files, and the audits from the ladder?"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from math import ceil
from random import Random
from statistics import median

from verify.findings import Book
from verify.reading import Row
from verify.records.ladders import decided, ladders
from verify.records.winners import Decision, standing, verdict
from verify.rounds import CHALLENGER, LEADER, Asset, Match, Round

MISMATCH_DISTANCE = 0.1
"""A regenerated asset further than this from the submitted one is a mismatch (PROTOCOL of era 1)."""
HARD_LIMIT_SECONDS = 180.0
MEDIAN_LIMIT_SECONDS = 90.0
TOLERATED, TOLERATED_CRITICAL = 6, 1

INFRASTRUCTURE = re.compile(
    r"docker|build|\bpods?\b|\bgpu\b|internal|timed? ?out|unavailable|render|registry|network", re.I
)
REASON = re.compile(r"(Non-critical|Critical) mismatches \((\d{1,6})\) exceed tolerance \((\d{1,6})\)", re.I)
OUTCOMES = {1: frozenset({"pending", "passed", "rejected"}), 2: frozenset({"pending", "passed", "failed"})}
OUTCOMES[3] = OUTCOMES[2]


@dataclass(frozen=True)
class Numbers:
    """What an audit of era 1 counts."""

    checked: int
    failed: int
    critical: int
    seconds: float | None

    @property
    def within_limits(self) -> bool:
        """At most 6 non-critical and 1 critical failures, and a median generation time of at most 90 s."""
        in_time = self.seconds is not None and self.seconds <= MEDIAN_LIMIT_SECONDS
        return self.checked > 0 and self.failed <= TOLERATED and self.critical <= TOLERATED_CRITICAL and in_time

    @property
    def at_limit(self) -> bool:
        return self.failed == TOLERATED or self.critical == TOLERATED_CRITICAL


def check_audits(round: Round, decision: Decision, *, book: Book) -> None:
    """Which audits there must be, and what each says. Era 2's numbers are in `repeats`."""
    _keys(round, decision, book=book)
    _source(round, book=book)
    for hotkey, row in round.generation.items():
        _word(round, row, book=book)
        row.optional_text("reason")
        stated = row.values.get("hotkey", hotkey)
        if stated != hotkey:
            said = "The audit is filed under another hotkey than it names."
            place = row.field("hotkey")
            book.note("audit-key", file=row.file, field=place, found=stated, expected=hotkey, sentence=said)
        if round.era == 1:
            _distances(round, decision, hotkey, row, book=book)
    _critical(round, decision, book=book)


def _word(round: Round, row: Row, *, book: Book) -> None:
    key = "outcome" if round.era == 1 else "verdict"
    word, known = row.text(key), OUTCOMES[round.era]
    if word is not None and word not in known:
        wanted = ", ".join(sorted(known))
        said = "No such verdict."
        book.note("unknown-value", file=row.file, field=row.field(key), found=word, expected=wanted, sentence=said)
    if word == "pending":
        book.note("audit-pending", file=row.file, field=row.at, found=word, sentence="The audit has no result yet.")


def _keys(round: Round, decision: Decision, *, book: Book) -> None:
    """Audits required, audits held, and candidates of the ladder are the same hotkeys.

    Who failed the source audit needs no generation audit.
    """
    required, held = round.required, round.generation
    out = {hotkey for hotkey, row in round.source.items() if verdict(row) == "rejected"}
    file, list_file = round.file("generation_audits.json"), round.file("require_audit.json")
    if round.finished:
        for hotkey in [hotkey for hotkey in required if hotkey not in held and hotkey not in out]:
            said = "An audit was required and none is recorded."
            book.note("audit-missing", file=file, field=hotkey, sentence=said)
        for hotkey in [hotkey for hotkey in decision.candidates if hotkey not in required and hotkey not in out]:
            said = "Won a rung of the ladder, so an audit is due; require_audit.json does not ask for one."
            book.note("audit-missing", file=list_file, field=hotkey, sentence=said)
    for hotkey in [hotkey for hotkey in held if hotkey not in required]:
        said = "An audit is recorded that require_audit.json does not ask for."
        book.note("audit-not-required", file=file, field=hotkey, sentence=said)
    for hotkey in [hotkey for hotkey in required if hotkey not in decision.candidates]:
        _below(round, hotkey, required[hotkey], book=book)


def _below(round: Round, hotkey: str, row: Row, *, book: Book) -> None:
    margin, bar = round.margins().get((LEADER, hotkey)), round.config.win_margin
    said = "Audited although it won no rung of the ladder; the audit cannot change the winner."
    place, wanted = f"{row.at} {hotkey}", f">= {bar}"
    book.note("audit-below-threshold", file=row.file, field=place, found=margin, expected=wanted, sentence=said)


def _source(round: Round, *, book: Book) -> None:
    for row in round.source.values():
        row.only(frozenset({"hotkey", "verdict", "reason"}))
        word, reason = row.text("verdict"), row.optional_text("reason") or ""
        if word is not None and word not in ("passed", "failed", "pending"):
            said = "No such verdict."
            place, wanted = row.field("verdict"), "passed, failed"
            book.note("unknown-value", file=row.file, field=place, found=word, expected=wanted, sentence=said)
        if "skip" in reason.lower():
            said = f"In its own words: {reason}"
            book.note("audit-skipped", file=row.file, field=row.at, found=row.text("hotkey"), sentence=said)
    for hotkey in [hotkey for hotkey in round.generation if hotkey not in round.source]:
        word = verdict(round.generation[hotkey])
        said = f"The generation audit says {word}; no source audit of this hotkey is recorded."
        book.note("source-audit-missing", file=round.file("source_audit.json"), field=hotkey, sentence=said)


def _distances(round: Round, decision: Decision, hotkey: str, row: Row, *, book: Book) -> None:
    """Era 1: verdict from numbers, numbers from generated.json, and the numbers its reason quotes."""
    stated = _stated(row)
    if stated is None:
        return
    made = round.assets.get((hotkey, "generated"))
    if made:
        _numbers(row, stated, counted(round, hotkey, made), book=book)
    elif stated.checked:
        said = "The audit checked files that are not published, so its numbers cannot be recomputed."
        book.note("audit-unverifiable", file=row.file, field=row.at, found=stated.checked, sentence=said)
    _reason(row, stated, book=book)
    word = row.values.get("outcome")
    if word == "passed" and not stated.within_limits:
        said = f"Passed with {stated.failed} failed, {stated.critical} critical, median {stated.seconds} s."
        place = row.field("outcome")
        book.note("audit-verdict", file=row.file, field=place, found=word, expected="rejected", sentence=said)
    if word == "passed" and stated.within_limits and stated.at_limit:
        said = f"One failure more and it was rejected: {stated.failed} of {TOLERATED}, critical {stated.critical} of 1."
        book.note("audit-at-limit", file=row.file, field=row.at, found=stated.failed, expected=TOLERATED, sentence=said)
    if word == "rejected" and (stated.within_limits or stated.checked == 0):
        check_rejection(round, decision, hotkey, row, book=book)


def _stated(row: Row) -> Numbers | None:
    keys = "hotkey outcome checked_prompts failed_prompts failed_critical generation_time reason"
    row.only(frozenset(keys.split()))
    checked, failed = row.whole("checked_prompts"), row.whole("failed_prompts")
    critical, seconds = row.whole("failed_critical"), row.maybe_number("generation_time")
    if checked is None or failed is None or critical is None:
        return None
    return Numbers(checked, failed, critical, seconds)


def counted(round: Round, hotkey: str, made: Mapping[str, Asset]) -> Numbers:
    """The numbers as generated.json gives them.

    A prompt fails when its file is missing, further than 0.1 from the submitted one, or took more than 180 s.
    Failures on critical prompts are counted apart. The time is the median over the files that were made.
    """
    row = round.required.get(hotkey)
    critical = set(row.texts("critical_prompts")) if row and "critical_prompts" in row.values else set()
    failing = {stem for stem, asset in made.items() if _fails(asset)}
    times = [asset.seconds for asset in made.values() if asset.side.asset and asset.seconds is not None]
    return Numbers(len(made), len(failing - critical), len(failing & critical), median(times) if times else None)


def _fails(asset: Asset) -> bool:
    late = (asset.seconds or 0.0) > HARD_LIMIT_SECONDS
    return asset.side.asset is None or (asset.distance or 0.0) > MISMATCH_DISTANCE or late


def _numbers(row: Row, stated: Numbers, ours: Numbers, *, book: Book) -> None:
    """Exact, times too: both sides take the median of the same stored floats."""
    pairs = (
        ("checked_prompts", stated.checked, ours.checked),
        ("failed_prompts", stated.failed, ours.failed),
        ("failed_critical", stated.critical, ours.critical),
        ("generation_time", stated.seconds, ours.seconds),
    )
    for key, found, wanted in pairs:
        if found != wanted:
            said = "The audit's generated.json gives another number."
            place = row.field(key)
            book.note("audit-numbers", file=row.file, field=place, found=found, expected=wanted, sentence=said)
    book.count("audits recomputed")


def _reason(row: Row, stated: Numbers, *, book: Book) -> None:
    reason = row.optional_text("reason") or ""
    for kind, number, limit in REASON.findall(reason):
        found = stated.critical if kind.lower() == "critical" else stated.failed
        allowed = TOLERATED_CRITICAL if kind.lower() == "critical" else TOLERATED
        if (int(number), int(limit)) != (found, allowed):
            said = f"The reason reads: {reason}"
            place, wanted = row.field("reason"), f"{found} over {allowed}"
            told = f"{number} over {limit}"
            book.note("audit-reason", file=row.file, field=place, found=told, expected=wanted, sentence=said)


def check_rejection(round: Round, decision: Decision, hotkey: str, row: Row, *, book: Book) -> None:
    """A rejection that no number supports: told when the reason is the platform's, else wrong."""
    reason = row.optional_text("reason") or ""
    if INFRASTRUCTURE.search(reason):
        margin = round.margins().get((LEADER, hotkey))
        said = f"Rejected without a judgement of the work (margin {margin}); {_without(round, decision, hotkey)}."
        book.note("rejected-for-infrastructure", file=row.file, field=row.at, found=reason, sentence=said)
        return
    key = "outcome" if "outcome" in row.values else "verdict"
    said = f"Rejected although all numbers are within the limits: {reason or 'no reason given'}"
    found = row.values.get(key)
    book.note("audit-verdict", file=row.file, field=row.field(key), found=found, expected="passed", sentence=said)


def _without(round: Round, decision: Decision, hotkey: str) -> str:
    """What the ladder would be, had this audit passed."""
    rejected, passed = standing(round)
    spared, bar = rejected - {hotkey}, round.config.win_margin
    last = ladders(decision.queue, round.margins(), win_margin=bar, rejected=spared)[-1]
    winner = decided(last, passed=passed | {hotkey})
    return "had it passed, it would lead" if winner == hotkey else "had it passed, the winner would be the same"


def _critical(round: Round, decision: Decision, *, book: Book) -> None:
    """Critical prompts are a seeded sample of the duels the challenger won against the defender it dethroned."""
    for hotkey, row in round.required.items() if round.era == 1 else ():
        row.only(frozenset({"hotkey", "critical_prompts"}))
        listed, place = row.texts("critical_prompts"), row.field("critical_prompts")
        won = _won_against(round, decision, hotkey)
        if not listed and hotkey in decision.candidates:
            said = "Required without critical prompts, so no mismatch of it can be critical."
            book.note("critical-prompts-empty", file=row.file, field=place, found=hotkey, sentence=said)
        fits = [name for name, stems in won.items() if set(listed) <= set(stems)]
        if listed and not fits:
            said = "A critical prompt is one the challenger won against a defender; these are not."
            book.note("critical-prompt", file=row.file, field=place, found=listed, sentence=said)
        elif listed and not any(_draw(round, won[name]) == listed for name in fits):
            said = "Random(seed).sample of the prompts won gives others."
            wanted = _draw(round, won[fits[0]])
            book.note(
                "critical-prompts-drawn", file=row.file, field=place, found=listed, expected=wanted, sentence=said
            )


def _won_against(round: Round, decision: Decision, hotkey: str) -> dict[str, list[str]]:
    """Defender -> stems won against it, sorted: the defenders it dethroned in any ladder of the round."""
    rungs = [rung for ladder in decision.ladders for rung in ladder.rungs if rung.challenger == hotkey]
    met = [match for rung in rungs if (match := round.matches.get((rung.defender, hotkey)))]
    return {match.defender: stems_won(match) for match in met}


def stems_won(match: Match) -> list[str]:
    return sorted(duel.stem for duel in match.duels if duel.winner == CHALLENGER)


def _draw(round: Round, stems: list[str]) -> list[str]:
    """As many as the margin asks for: ceil(win_margin x prompts). Found in the records, where it holds exactly."""
    number = ceil(round.config.win_margin * len(round.prompts))
    if round.seed is None or number > len(stems):
        return []
    return Random(round.seed).sample(stems, number)
