"""Do audit verdicts follow from their numbers, the numbers from the files, and the audits from the ladder?"""

from __future__ import annotations

from collections.abc import Mapping
from math import ceil
from random import Random
from statistics import median

from verify.bundles.shapes import form
from verify.reading import RecordRow
from verify.records.matches import repeat_of
from verify.records.winners import Decision, decided, ladders, repeated, standing, verdict
from verify.rounds import CHALLENGER, LEADER, SUBMITTED, RecordedAsset, RecordedRound

MISMATCH_DISTANCE = 0.1
"""A regenerated asset further than this from the submitted one is a mismatch (PROTOCOL of era 1)."""
HARD_LIMIT_SECONDS = 180.0
MEDIAN_LIMIT_SECONDS = 90.0
TOLERATED, TOLERATED_CRITICAL = 6, 1
MISMATCHES = "{kind} mismatches ({number}) exceed tolerance ({tolerated})"
NOTHING_WRONG = ("", "No issues found")
"""The values that eras 1 and 2 have as the reason of a source audit that was made and passed."""
NUMBERS = ("checked_prompts", "failed_prompts", "failed_critical", "generation_time")
OUTCOMES = {
    1: ("pending", "passed", "rejected"),
    2: ("pending", "passed", "failed"),
    3: ("pending", "passed", "failed"),
}
SAME = "had it passed, the winner would be the same"
REPEATS = 3
"""Of era 2, where config.json names no number."""
MATRIX = "audit_matrix.csv"
REPEAT = form(whole="repeat_index generated_prompts failed_prompts", optional_anything="generation_time")


def keys(round: RecordedRound, decision: Decision) -> None:
    """Audits required, audits held, and candidates of the ladder are the same hotkeys.

    Who failed the source audit needs no generation audit.
    """
    required, held = round.required, round.generation
    out = {hotkey for hotkey, row in round.source.items() if verdict(row) == "rejected"}
    missing = [hotkey for hotkey in required if hotkey not in held and hotkey not in out]
    for hotkey in missing if round.finished else ():
        round.note("audit-missing", "generation_audits.json", field=hotkey)
    due = [hotkey for hotkey in decision.candidates if hotkey not in required and hotkey not in out]
    for hotkey in due if round.finished else ():
        round.note("audit-missing", "require_audit.json", field=hotkey)
    for hotkey in sorted(held.keys() - required.keys()):
        round.note("audit-not-required", "generation_audits.json", field=hotkey)
    for hotkey in sorted(required.keys() - set(decision.candidates)):
        margin, bar, field = round.margins().get((LEADER, hotkey)), round.config.win_margin, required[hotkey].at
        about = {"found": margin, "expected": f">= {bar}"}
        round.note("audit-below-threshold", "require_audit.json", field=f"{field} {hotkey}", **about)


def source(round: RecordedRound, _: object) -> None:
    for row in round.source.values():
        row.one_of("verdict", ("passed", "failed", "pending"))
        reason = row["reason"] or ""
        if round.era < 3 and row["verdict"] == "passed" and reason not in NOTHING_WRONG:
            row.note("audit-skipped", found=row["hotkey"], sentence=f"In its own words: {reason}")
    for hotkey in sorted(round.generation.keys() - round.source.keys()):
        round.note("source-audit-missing", "source_audit.json", field=hotkey)


def generation(round: RecordedRound, decision: Decision) -> None:
    """What each says, and in era 1 its numbers.  Era 2's numbers are in `repeats`."""
    for hotkey, row in round.generation.items():
        key = "outcome" if round.era == 1 else "verdict"
        row.one_of(key, OUTCOMES[round.era])
        if row[key] == "pending":
            row.note("audit-pending", found=row[key])
        if row["hotkey"] is not None:
            row.compare("audit-key", {"hotkey": hotkey})
        if round.era == 1:
            _distances(round, decision, hotkey, row)


def _distances(round: RecordedRound, decision: Decision, hotkey: str, row: RecordRow) -> None:
    """Era 1: numbers from generated.json, the reason and the verdict from the numbers.

    At most 6 non-critical and 1 critical failures are tolerated, and a median generation time of 90 s.
    """
    checked, failed, critical, seconds = (row[key] for key in NUMBERS)
    if checked is None or failed is None or critical is None:
        return
    made = round.assets.get((hotkey, "generated"))
    if made:
        row.compare("audit-numbers", counted(round, hotkey, made))
        round.log.count("audits recomputed")
    elif checked:
        row.note("audit-unverifiable", found=checked)
    in_time = seconds is not None and seconds <= MEDIAN_LIMIT_SECONDS
    passed = row["outcome"] == "passed"
    due = [""] if passed else mismatches(failed, critical) if in_time and row["outcome"] == "rejected" else []
    if due and (row["reason"] or "") not in due:
        row.compare("audit-reason", {"reason": due[0]})
    within = checked > 0 and failed <= TOLERATED and critical <= TOLERATED_CRITICAL and in_time
    numbers = f"{failed} failed, {critical} critical, median {seconds} s"
    if passed and not within:
        row.note("audit-verdict", "outcome", found="passed", expected="rejected", sentence=f"Passed with {numbers}.")
    elif passed and (failed == TOLERATED or critical == TOLERATED_CRITICAL):
        sentence = f"One failure more and it was rejected: {numbers}."
        row.note("audit-at-limit", found=failed, expected=TOLERATED, sentence=sentence)
    elif row["outcome"] == "rejected" and (within or checked == 0):
        check_rejection(round, decision, hotkey, row, unseen=checked == 0)


def mismatches(failed: int, critical: int) -> list[str]:
    """The reasons that these numbers give for a rejection, written from them."""
    limits = {"Non-critical": (failed, TOLERATED), "Critical": (critical, TOLERATED_CRITICAL)}
    over = {kind: numbers for kind, numbers in limits.items() if numbers[0] > numbers[1]}
    return [MISMATCHES.format(kind=kind, number=number, tolerated=most) for kind, (number, most) in over.items()]


def counted(round: RecordedRound, hotkey: str, made: Mapping[str, RecordedAsset]) -> dict[str, object]:
    """The numbers as generated.json gives them.

    A prompt fails when its file is missing, further than 0.1 from the submitted one, or took more than 180 s.
    Failures on critical prompts are counted apart. The time is the median over the files that were made: exact, since
    both sides take it of the same stored floats.
    """
    row = round.required.get(hotkey)
    critical = set(row["critical_prompts"] or ()) if row else set()
    failing = {
        stem
        for stem, asset in made.items()
        if asset.side.asset is None
        or (asset.distance or 0.0) > MISMATCH_DISTANCE
        or (asset.seconds or 0.0) > HARD_LIMIT_SECONDS
    }
    times = [asset.seconds for asset in made.values() if asset.side.asset and asset.seconds is not None]
    seconds = median(times) if times else None
    return dict(zip(NUMBERS, (len(made), len(failing - critical), len(failing & critical), seconds), strict=True))


def check_rejection(round: RecordedRound, decision: Decision, hotkey: str, row: RecordRow, *, unseen: bool) -> None:
    """A rejection that no number supports: notable where nothing could be built or checked (`unseen`), else wrong."""
    build, reason = round.builds.get(hotkey), row["reason"]
    if not unseen and (build is None or build["status"] == "success"):
        key = "outcome" if round.era == 1 else "verdict"
        sentence = f"Rejected although all numbers are within the limits: {reason or 'no reason given'}"
        row.note("audit-verdict", key, found=row[key], expected="passed", sentence=sentence)
        return
    rejected, passed = standing(round)
    bar, margin = round.config.win_margin, round.margins().get((LEADER, hotkey))
    last = ladders(decision.queue, round.margins(), win_margin=bar, rejected=rejected - {hotkey})[-1]
    winner = decided(last, passed=passed | {hotkey})
    without = "had it passed, it would lead" if winner == hotkey else SAME
    sentence = f"Rejected without a judgement of the work (margin {margin}); {without}."
    row.note("rejected-for-infrastructure", found=reason, sentence=sentence)


def critical_prompts(round: RecordedRound, decision: Decision) -> None:
    """Critical prompts are a seeded sample of the duels the challenger won against a defender it dethroned."""
    key = "critical_prompts"
    for hotkey, row in round.required.items() if round.era == 1 else ():
        listed = row[key]
        met = [round.matches.get((defender, hotkey)) for defender in decision.dethroned_by(hotkey)]
        won = [sorted(duel.stem for duel in match.duels if duel.winner == CHALLENGER) for match in met if match]
        draws = [draw(round, stems) for stems in won if set(listed or ()) <= set(stems)]
        if not listed and hotkey in decision.candidates:
            row.note("critical-prompts-empty", key, found=hotkey)
        elif listed and not draws:
            row.note("critical-prompt", key, found=listed)
        elif listed and listed not in draws:
            row.note("critical-prompts-drawn", key, found=listed, expected=draws[0])


def draw(round: RecordedRound, stems: list[str]) -> list[str]:
    """As many as the margin asks for: ceil(win_margin x prompts). Found in the records, where it holds exactly."""
    number = ceil(round.config.win_margin * len(round.prompts))
    if round.seed is None or number > len(stems):
        return []
    return Random(round.seed).sample(stems, number)


def regenerated_once(round: RecordedRound, _: object) -> None:
    """Era 3: what the platform generated again may not be worse than what was submitted by more than the bar."""
    once = round.era == 3 and not repeated(round)
    for hotkey, audit in round.generation.items() if once else ():
        margins = {left: margin for (left, right), margin in round.repeats.items() if right == hotkey}
        margin, least = margins.get(f"{SUBMITTED}_{1 if round.june else 0}"), -round.config.win_margin
        passed = audit["verdict"] == "passed"
        if passed and margin is None:
            round.note("audit-repeat-missing", MATRIX, field=f"{SUBMITTED}_{1 if round.june else 0},{hotkey}")
        elif passed and margin is not None and margin < least:
            sentence = f"Regenerated against submitted: {margin}, at least {least} is needed."
            audit.note("audit-verdict", "verdict", found="passed", expected="failed", sentence=sentence)
        elif audit["verdict"] == "failed" and (margin is None or margin >= least):
            audit.note("audit-unverifiable", found=margin, sentence=f"In its own words: {audit['reason']}")
        if margin is not None:
            round.log.count("audits recomputed")


def repeats(round: RecordedRound, decision: Decision) -> None:
    """Era 2: an audit is judged against whom the candidate dethroned in one of the round's ladders."""
    if not repeated(round):
        return
    for hotkey, row in round.required.items():
        met, audit = decision.dethroned_by(hotkey), round.generation.get(hotkey)
        if met and row["latest_defender"] not in met:
            row.note("audit-defender", "latest_defender", found=row["latest_defender"], expected=met[-1])
        if row["latest_defender"] is not None and audit is not None:
            _verdict(round, decision, hotkey, row["latest_defender"], audit)
    for left, right in round.repeats:
        if repeat_of(left) is None or right not in round.required:
            round.note("audit-key", MATRIX, field=f"{left},{right}", found=left)
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
    """Which repeats miss their bar: no worse than the submitted files, and better than the defender."""
    least = {defender: round.config.win_margin, SUBMITTED: -round.config.win_margin}
    margins = [(left, margin) for (left, right), margin in round.repeats.items() if right == hotkey]
    bars = [least.get((repeat_of(left) or ("",))[0]) for left, _ in margins]
    rows = zip(margins, bars, strict=True)
    return [f"{left}: {margin}, at least {bar}." for (left, margin), bar in rows if bar is not None and margin < bar]


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
