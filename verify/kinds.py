"""Which kinds of findings are there, how severe is each, and what does it mean?"""

from __future__ import annotations

from dataclasses import dataclass

ERROR, NOTABLE = "error", "notable"


@dataclass(frozen=True)
class FindingKind:
    severity: str
    meaning: str


WRONG: dict[str, str] = {
    # reading
    "unreadable-file": "a file is a link, too large, or not UTF-8 text",
    "malformed-json": "a file is not JSON, or cut off",
    "duplicate-key": "one JSON object has the same key twice",
    "wrong-type": "a value has another type than its field",
    "wrong-columns": "a CSV file has other columns, or a row another length",
    "out-of-range": "a rule in config.json outside its range",
    "missing-field": "a field the checks need is not there",
    "missing-file": "a finished round lacks one of its files",
    "unknown-value": "a verdict, state or stage outside the known ones",
    # schedule and submissions
    "window-order": "a reveal window ends before it starts, or does not follow the one before",
    "generation-deadline": "the deadline is not the window's end plus the generation stage",
    "reveal-outside-window": "a submission was revealed outside its round's window",
    "wrong-round": "a submission names another round",
    "build-mismatch": "a build was made of another repo, commit or reveal than was submitted",
    "state-round": "state.json names a round without files",
    # prompts
    "prompt-count": "a round has another number of prompts than its competition states",
    "prompt-twice": "a prompt is listed twice in one round",
    "carried-over": "the carried-over prompts are not Random(seed).sample(previous, carryover)",
    # matches
    "score": "a score is not duels won less duels lost",
    "margin": "a margin is not the score over the counted duels",
    "outcome": "an era 0 outcome does not follow from its margin",
    "wrong-defender": "a challenger met someone who did not defend at that moment",
    "match-order": "judge_progress.json does not name the challengers in reveal order",
    "match-misplaced": "a match file lies under another pair's name",
    "match-missing": "a submission that was not rejected has no match",
    "match-of-stranger": "a match of a hotkey without a submission",
    "match-unqualified": "a title match of someone who did not clear the screen, or in the wrong order",
    "match-file-missing": "a matrix row without a match file",
    "matrix-row-missing": "a match file without a matrix row",
    "matrix-margin": "matrix and match file differ",
    "matrix-twice": "one pair has two matrix rows",
    "duel-twice": "a prompt is judged twice in one match",
    "duel-of-no-prompt": "a duel of a prompt the round does not have",
    "duel-missing": "a prompt of the round has no duel",
    "duel-prompt": "a duel shows another address than the prompt list",
    "duel-verdict": "a verdict against the missing-picture rule",
    "duel-time": "a verdict against the generation time limit of era 0",
    "judged-other-file": "duels used another file than the one listed for that side",
    # winner
    "ladder-match-missing": "a match that the ladder needs was not played",
    "winner": "the recorded winner is not the one the rules give",
    "winner-solution": "winner.json names another repo, commit or image than the winner's",
    "winner-unaudited": "a winner without passed audits",
    # audits
    "audit-key": "an audit is filed under another hotkey",
    "audit-twice": "a hotkey has two audits in one list",
    "audit-missing": "an audit was required and there is none",
    "audit-not-required": "there is an audit that nobody required",
    "audit-verdict": "an audit's verdict does not follow from its numbers",
    "audit-numbers": "an audit's numbers do not follow from its files",
    "audit-reason": "the numbers in an audit's reason are not its own",
    "audit-defender": "an audit was judged against another defender than the ladder's",
    "audit-repeat-missing": "a repeat of an audit is not in the audit matrix",
    "critical-prompt": "a critical prompt that the challenger did not win",
    # reigns
    "reign-order": "leader.json is not in the order of its blocks",
    "reign-missing": "a decided round left no entry in leader.json",
    "reign-hotkey": "leader.json names another leader than the round's winner",
    "reign-weight": "the weight is not 1 for a new leader, or the decayed one",
    "reign-solution": "leader.json names another repo, commit or image than the leader's",
    "reign-unexplained": "an entry of leader.json that follows from no round",
}

TELLING: dict[str, str] = {
    "unknown-file": "a file nobody announced; it was not examined",
    "unknown-key": "a key nobody announced; it was not examined",
    "outage-as-draw": "a judge that failed was stored as a draw",
    "duel-skipped": "duels were skipped",
    "defender-file-missing": "duels went to the challenger because the defender had no picture",
    "defender-too-slow": "duels went to the challenger because the defender's generation took too long",
    "qualified-by-missing-file": "without the duels given for a missing file the margin would not have sufficed",
    "rejected-for-infrastructure": "rejected for a reason that lies with the platform",
    "rejected-before-duels": "rejected by the source audit before any duel",
    "same-commit": "several hotkeys submitted the same commit",
    "same-bytes": "several hotkeys submitted files of equal size on every prompt",
    "leader-solution-challenges": "the leader's own hotkey or commit stood as a challenger",
    "order-by-tie": "two qualified challengers were revealed in one block; the file's order decided",
    "judged-out-of-order": "the matrix has the matches in another order than the reveals",
    "winner-by-one-duel": "one duel fewer and the winner would not have won",
    "one-duel-short": "one duel more and the challenger would have cleared the margin",
    "prompt-drawn-again": "a prompt of the round before that was not carried over came again",
    "build-missing": "a submission without a build",
    "no-build-succeeded": "every build of the round failed, so nobody could be audited or take the lead",
    "match-not-listed": "a match report of somebody whom judge_progress.json does not list",
    "audit-at-limit": "an audit passed with as many failures as are tolerated",
    "audit-below-threshold": "an audit of someone who had not won a rung",
    "audit-skipped": "a source audit passed for another reason than that nothing was found",
    "audit-pending": "an audit has no result yet",
    "audit-unverifiable": "an audit whose files are not published",
    "winner-not-recomputed": "a winner under a ruleset that these files do not hold all evidence for",
    "source-audit-missing": "a generation audit without a source audit",
    "critical-prompts-empty": "an audit was required without critical prompts",
    "critical-prompts-drawn": "the critical prompts are not the ones the seed gives",
    "repeat-numbers": "the numbers of a repeat are not those of its file",
}

KINDS: dict[str, FindingKind] = {kind: FindingKind(ERROR, meaning) for kind, meaning in WRONG.items()} | {
    kind: FindingKind(NOTABLE, meaning) for kind, meaning in TELLING.items()
}
