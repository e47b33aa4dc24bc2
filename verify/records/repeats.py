"""Era 2 and 3: does each audit's verdict follow from its repeats?

Each of `audit_repeats` regenerations must be no worse than the submitted files (margin at least -win_margin) and still
beat the defender (margin at least win_margin).
"""

from __future__ import annotations

from verify.reading import ANY, WHOLE, Form, RecordRow
from verify.records.audits import check_rejection
from verify.records.matches import repeat_of
from verify.records.winners import Decision
from verify.rounds import SUBMITTED, RecordedRound

REPEATS = 3
"""Of era 2, where config.json names no number."""
MATRIX = "audit_matrix.csv"
REPEAT: Form = {
    **dict.fromkeys(("repeat_index", "generated_prompts", "failed_prompts"), WHOLE),
    "generation_time": ANY.optional,
}


def regenerated_once(round: RecordedRound, _: object) -> None:
    """Era 3: what the platform generated again may not be worse than what was submitted by more than the bar."""
    for hotkey, audit in round.generation.items() if round.era == 3 else ():
        margin, least = round.repeats.get((f"{SUBMITTED}_0", hotkey)), -round.config.win_margin
        passed = audit["verdict"] == "passed"
        if passed and margin is None:
            round.note("audit-repeat-missing", MATRIX, field=f"{SUBMITTED}_0,{hotkey}")
        elif passed and margin is not None and margin < least:
            sentence = f"Generated again it is worse than submitted: {margin}, at least {least} is needed."
            audit.note("audit-verdict", "verdict", found="passed", expected="failed", sentence=sentence)
        elif audit["verdict"] == "failed" and (margin is None or margin >= least):
            sentence = f"Rejected for a reason these files do not hold: {audit['reason']}"
            audit.note("audit-unverifiable", found=margin, sentence=sentence)
        if margin is not None:
            round.log.count("audits recomputed")


def repeats(round: RecordedRound, decision: Decision) -> None:
    """Era 2: an audit is judged against whom the candidate dethroned in one of the round's ladders."""
    if round.era != 2:
        return
    for hotkey, row in round.required.items():
        met, audit = decision.dethroned_by(hotkey), round.generation.get(hotkey)
        if met and row["latest_defender"] not in met:
            row.note("audit-defender", "latest_defender", found=row["latest_defender"], expected=met[-1])
        if row["latest_defender"] is not None and audit is not None:
            _verdict(round, decision, hotkey, row["latest_defender"], audit)
    for left, right in round.repeats:
        if repeat_of(left) is None or right not in round.required:
            sentence = "The left side is submitted_<r> or <defender>_<r>, the right side an audited hotkey."
            round.note("audit-key", MATRIX, field=f"{left},{right}", found=left, sentence=sentence)
    for hotkey, report in round.reports.items():
        report.one_of("outcome", ("pending", "completed", "rejected"))
        for repeat in report.rows("repeats"):
            # what a report's `failed_prompts` counts is inferred, so that a difference is only notable
            stated = repeat.read(REPEAT)
            made = round.assets.get((hotkey, f"generated_{stated['repeat_index']}"), {})
            there = sum(asset.side.asset is not None for asset in made.values())
            if made and stated["generated_prompts"] is not None and stated["failed_prompts"] is not None:
                stated.compare("repeat-numbers", {"generated_prompts": there, "failed_prompts": len(made) - there})


def _verdict(round: RecordedRound, decision: Decision, hotkey: str, defender: str, audit: RecordRow) -> None:
    report, word = round.reports.get(hotkey), audit["verdict"]
    outcome = report["outcome"] if report else None
    shortfalls = failing(round, hotkey, defender)
    if word == "passed" and (shortfalls or outcome != "completed"):
        sentence = shortfalls[0] if shortfalls else "The generation report is not completed."
        audit.note("audit-verdict", "verdict", found=word, expected="failed", sentence=sentence)
    if word == "failed" and not shortfalls and outcome != "rejected":
        check_rejection(round, decision, hotkey, audit, unseen=False)
    if word in ("passed", "failed") and outcome == "completed":
        all_there(round, hotkey, defender)


def failing(round: RecordedRound, hotkey: str, defender: str) -> list[str]:
    """Which repeats miss which bar, in words."""
    bar, short = round.config.win_margin, []
    for (left, right), margin in round.repeats.items():
        side, number = repeat_of(left) or ("", 0)
        if right == hotkey and side == SUBMITTED and margin < -bar:
            short.append(f"Repeat {number} is worse than the submitted files: {margin}, at least {-bar} is needed.")
        elif right == hotkey and side == defender and margin < bar:
            short.append(f"Repeat {number} does not beat the defender: {margin}, at least {bar} is needed.")
    return short


def all_there(round: RecordedRound, hotkey: str, defender: str) -> None:
    """The public code counts from 1, as do its matches; rounds written before counted from 0, without match files."""
    numbered = {repeat[1] for left, _ in round.repeats if (repeat := repeat_of(left))}
    first, number = 0 if 0 in numbered else 1, round.config.audit_repeats
    repeats = range(first, first + (REPEATS if number is None else number))
    wanted = [f"{side}_{repeat}" for repeat in repeats for side in (SUBMITTED, defender)]
    missing = [left for left in wanted if (left, hotkey) not in round.repeats]
    for left in missing:
        round.note("audit-repeat-missing", MATRIX, field=f"{left},{hotkey}")
    published = any(right == hotkey and repeat_of(left) for left, right in round.matches)
    if wanted and not published and first > 0:
        round.note("audit-unverifiable", MATRIX, field=hotkey, found=len(wanted))
    elif wanted and not missing:
        round.log.count("audits recomputed")
