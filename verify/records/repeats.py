"""Era 2 and 3: does each audit's verdict follow from its repeats?

Each of `audit_repeats` regenerations must be no worse than the submitted files (margin at least -win_margin) and still
beat the defender (margin at least win_margin).
"""

from __future__ import annotations

from verify.findings import Book
from verify.reading import Row
from verify.records.audits import INFRASTRUCTURE, check_rejection
from verify.records.matches import SUBMITTED, repeat_of
from verify.records.winners import Decision
from verify.rounds import Round

REPEATS = 3
"""Of era 2, where config.json names no number."""


def check_again(round: Round, *, book: Book) -> None:
    """Era 3: what the platform generated again may not be worse than what was submitted by more than the bar."""
    for hotkey, audit in round.generation.items():
        audit.only(frozenset({"hotkey", "verdict", "reason"}))
        margin, least = round.repeats.get((f"{SUBMITTED}_0", hotkey)), -round.config.win_margin
        word = audit.values.get("verdict")
        if margin is None and word == "passed":
            said = "Passed without a margin of what was generated again against what was submitted."
            file = round.file("audit_matrix.csv")
            book.note("audit-repeat-missing", file=file, field=f"{SUBMITTED}_0,{hotkey}", sentence=said)
        elif margin is not None and word == "passed" and margin < least:
            said = f"Generated again it is worse than submitted: {margin}, at least {least} is needed."
            place = audit.field("verdict")
            book.note("audit-verdict", file=audit.file, field=place, found=word, expected="failed", sentence=said)
        elif word == "failed" and (margin is None or margin >= least):
            said = f"Rejected for a reason these files do not hold: {audit.optional_text('reason')}"
            book.note("audit-unverifiable", file=audit.file, field=audit.at, found=margin, sentence=said)
        if margin is not None:
            book.count("audits recomputed")


def check_repeats(round: Round, decision: Decision, *, book: Book) -> None:
    for hotkey, row in round.required.items():
        row.only(frozenset({"hotkey", "latest_defender"}))
        defender = row.text("latest_defender")
        _defender(round, decision, hotkey, row, book=book)
        audit = round.generation.get(hotkey)
        if defender is not None and audit is not None:
            _verdict(round, decision, hotkey, defender, audit, book=book)
    for pair in round.repeats:
        named = repeat_of(pair[0])
        if named is None or pair[1] not in round.required:
            said = "The left side is submitted_<r> or <defender>_<r>, the right side an audited hotkey."
            file = round.file("audit_matrix.csv")
            book.note("audit-key", file=file, field=",".join(pair), found=pair[0], sentence=said)
    for hotkey, report in round.reports.items():
        _report(round, hotkey, report, book=book)


def _defender(round: Round, decision: Decision, hotkey: str, row: Row, *, book: Book) -> None:
    """An audit is judged against whom the candidate dethroned in one of the round's ladders."""
    rungs = [rung for ladder in decision.ladders for rung in ladder.rungs if rung.challenger == hotkey and rung.takes]
    met = [rung.defender for rung in rungs]
    stated = row.values.get("latest_defender")
    if met and stated not in met:
        said = "The candidate dethroned another defender."
        place = row.field("latest_defender")
        book.note("audit-defender", file=row.file, field=place, found=stated, expected=met[-1], sentence=said)


def _verdict(round: Round, decision: Decision, hotkey: str, defender: str, audit: Row, *, book: Book) -> None:
    audit.only(frozenset({"hotkey", "verdict", "reason"}))
    word = audit.values.get("verdict")
    report = round.reports.get(hotkey)
    completed = report is not None and report.values.get("outcome") == "completed"
    shortfalls = failing(round, hotkey, defender)
    refused = report is not None and report.values.get("outcome") == "rejected"
    if word == "passed" and (shortfalls or not completed):
        said = shortfalls[0] if shortfalls else "The generation report is not completed."
        place = audit.field("verdict")
        book.note("audit-verdict", file=audit.file, field=place, found=word, expected="failed", sentence=said)
    reason = audit.values.get("reason")
    if word == "failed" and not shortfalls and not (refused and not INFRASTRUCTURE.search(str(reason or ""))):
        check_rejection(round, decision, hotkey, audit, book=book)
    if word in ("passed", "failed") and completed:
        _all_there(round, hotkey, defender, book=book)


def failing(round: Round, hotkey: str, defender: str) -> list[str]:
    """Which repeats miss which bar, in words."""
    bar, told = round.config.win_margin, []
    for (left, right), margin in round.repeats.items():
        named = repeat_of(left)
        if right != hotkey or named is None:
            continue
        if named[0] == SUBMITTED and margin < -bar:
            told.append(f"Repeat {named[1]} is worse than the submitted files: {margin}, at least {-bar} is needed.")
        elif named[0] == defender and margin < bar:
            told.append(f"Repeat {named[1]} does not beat the defender: {margin}, at least {bar} is needed.")
    return told


def _all_there(round: Round, hotkey: str, defender: str, *, book: Book) -> None:
    first, number = first_repeat(round), round.config.audit_repeats
    numbers = range(first, first + (REPEATS if number is None else number))
    wanted = [f"{side}_{r}" for r in numbers for side in (SUBMITTED, defender)]
    for left in wanted:
        if (left, hotkey) not in round.repeats:
            said = "The completed audit has no margin for this repeat."
            file = round.file("audit_matrix.csv")
            book.note("audit-repeat-missing", file=file, field=f"{left},{hotkey}", sentence=said)
    published = any(right == hotkey and repeat_of(left) for left, right in round.matches)
    if wanted and not published and first > 0:
        said = "The matches of the audit are not published, so its margins cannot be recomputed."
        file = round.file("audit_matrix.csv")
        book.note("audit-unverifiable", file=file, field=hotkey, found=len(wanted), sentence=said)
    elif wanted and all((left, hotkey) in round.repeats for left in wanted):
        book.count("audits recomputed")


def first_repeat(round: Round) -> int:
    """The public code counts from 1, as do its matches; rounds written before counted from 0, without match files."""
    numbers = {named[1] for left, _ in round.repeats if (named := repeat_of(left))}
    return 0 if 0 in numbers else 1


def _report(round: Round, hotkey: str, report: Row, *, book: Book) -> None:
    """The report's own numbers against generated_<r>.json. What `failed_prompts` counts is inferred, so notable."""
    report.only(frozenset({"hotkey", "outcome", "repeats", "reason"}))
    outcome = report.text("outcome")
    if outcome is not None and outcome not in ("pending", "completed", "rejected"):
        said = "No such outcome of a generation report."
        place = report.field("outcome")
        book.note("unknown-value", file=report.file, field=place, found=outcome, sentence=said)
    for repeat in report.rows("repeats"):
        keys = "repeat_index generated_prompts failed_prompts generation_time"
        repeat.only(frozenset(keys.split()))
        index = repeat.whole("repeat_index")
        made = round.assets.get((hotkey, f"generated_{index}"))
        stated = (repeat.whole("generated_prompts"), repeat.whole("failed_prompts"))
        if not made or None in stated:
            continue
        there = sum(asset.side.asset is not None for asset in made.values())
        ours = (there, len(made) - there)
        if stated != ours:
            said = f"generated_{index}.json has {ours[0]} files and lacks {ours[1]}."
            found, wanted = f"{stated[0]}, {stated[1]}", f"{ours[0]}, {ours[1]}"
            book.note("repeat-numbers", file=report.file, field=repeat.at, found=found, expected=wanted, sentence=said)
