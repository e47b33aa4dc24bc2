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

BUNDLE_WRONG: dict[str, str] = {
    # files
    "file-missing": "a file that must be there is not, or is a link",
    "file-too-large": "a document is larger than any round could make it; it was not read",
    "foreign-file": "a file or folder that the manifest does not list, or that no document names",
    "not-json": "a file is not JSON, or cut off",
    "not-canonical": "a file is not the canonical form (RFC 8785) of what it says",
    "bad-manifest": "the manifest does not have the form it names",
    "wrong-hash": "a file is not the one that the manifest lists",
    "wrong-size": "a file has another size than the manifest lists",
    "wrong-name": "a content-addressed file has another hash than its name",
    "malformed-document": "a document lacks a field, has one too many, or one of another type",
    # ledger and signature
    "ledger-broken": "an event of the ledger is not what was hashed, or does not follow from the one before",
    "ledger-gap": "the events of the ledger are not numbered one after the other",
    "not-announced": "the ledger announces another bundle for this round, or none, or several",
    "wrong-checkpoint": "the signed head is not the last event of the ledger",
    "bad-signature": "the signature is not by the key that it names",
    "foreign-signature": "somebody else than the pinned operator signed",
    "wrong-stage": "the ledger tells of a move that was not possible: something was left out, doubled or reordered",
    "ledger-differs": "what the documents say is not what the ledger told when it happened",
    # the round
    "another-round": "a document is of another round or competition",
    "wrong-rules": "the rules are not those of the ruleset and the competition's configuration",
    "unknown-ruleset": "the ruleset is none that is written here, so that the decision cannot be checked",
    "wrong-schedule": "a block of the schedule does not follow from the competition's cadence",
    "wrong-block-hash": "the hash of the seed block is not that of the chain",
    "wrong-seed": "the seed does not follow from competition, round and block hash",
    "wrong-beacon": "the public beacon's value is missing, of another round, or not signed by the beacon",
    "wrong-pool": "the pool is not the one that was committed to before the round",
    "wrong-prompts": "the prompts are not the ones that the seed draws from the pool",
    # entries
    "late-reveal": "a reveal counts that lies outside the window",
    "unsigned-reveal": "a reveal is not signed by its miner",
    "wrong-submission": "a submission is not what its miner's reveals add up to",
    "wrong-objection": "an objection where none is due, or none where one is",
    "wrong-copy": "a copy of an earlier commit is not marked, or an original is",
    # files of the entries
    "wrong-assets": "not exactly one file, or one failure, for each entry and prompt",
    "asset-file": "a stored file is not in the bundle, or in another size",
    "wrong-views": "the pictures of a file are not those of the rig, not in the bundle, or differ for the same content",
    "leader-incomplete": "an output of the leader is missing by no doing of its own: the round should have paused",
    "wrong-measurements": "what was measured of the drawn files is not there once for each, or lacks a number",
    # matches
    "missing-match": "a match that the rules ask for was not played",
    "extra-match": "a match that the rules do not ask for",
    "wrong-duels": "not exactly one duel for each prompt, in seed order, up to where the match was certain",
    "wrong-files": "a duel was not about the files that both sides delivered",
    "wrong-forfeit": "a duel is forfeited where both sides delivered, or judged where one did not",
    "wrong-outcome": "a duel's outcome does not follow from its score, its answers or its files",
    "wrong-ballots": "the answers are not those of the questions that had to be asked, or add up to something else",
    "wrong-answer": "what is told as a model's answer is none, or not what its log-probabilities say",
    "missing-answer": "a verdict rests on an answer that is not in the bundle",
    "extra-answer": "an answer on which no verdict rests",
    "wrong-control": "a control is not one that the round had to have, or its score does not follow from its answers",
    "unhealthy-judge": "the judge failed a gate of its controls: the round should have paused",
    "judged-twice": "one judge gave two verdicts about the same files",
    "wrong-judge": "matches of one round were judged by different judges, or by another than is described",
    "too-many-voids": "more than 5 % of a match could not be judged: the round should have paused",
    "wrong-tally": "wins, draws and losses are not those of the duels",
    "wrong-margin": "a margin is not (won - lost) / counted",
    "wrong-flips": "a flip distance is not the fewest duels that would have to end otherwise",
    "wrong-repeatability": "what the judge said about copies of one commit is counted otherwise",
    "wrong-stop": "a match did not end with the first duel after which it was certain",
    # the decision
    "wrong-ladder": "the ladder climbs otherwise",
    "wrong-reason": "a sentence tells other numbers or names than the documents",
    "missing-audit": "a winner of the ladder lacks an audit",
    "extra-audit": "an audit of somebody who won no rung, or of a kind that nobody asked for",
    "wrong-audit": "an audit's verdict does not follow from its findings, its match or its time",
    "wrong-check": "a verdict about code does not say on which archive or by which tools, or a finding is by none",
    "wrong-ruling": "a decision of people was not signed by two different people, or is not what they signed",
    "wrong-appeal": "an appeal is not the miner's own, came too late, or was not carried out as decided",
    "wrong-correction": "a corrected decision does not follow, hides what it replaces, or was made for picked results",
    "wrong-winner": "the matches and audits give another winner",
    "wrong-reign": "the reign, its weight or its block does not follow from the winner and the reign before",
    "wrong-weights": "the shares paid are not those of the reign in effect",
    # the chain, where it is asked with --chain or --anchors
    "anchor-differs": "the chain has another hash for an event, or has not the anchor that the file tells of",
    "not-anchored": "the operator's hotkey has put no head of this ledger on the chain",
    "chain-unread": "the node or the file of anchors could not be read; nothing was compared",
    # several bundles
    "series-broken": "the ledgers of two bundles tell different histories, or leave a gap",
    "series-differs": "a round does not begin as the one before says",
    "two-heads": "two signed heads of one place of the ledger: whoever signed both told two histories",
    # a checkpoint that was kept, where it is given with --checkpoint
    "checkpoint-differs": "the ledger has another hash for an event than the signed head that was kept",
    "checkpoint-unread": "no signed head of this ledger could be read from the file; nothing was compared",
    # a site's own ledger
    "ledger-unread": "the ledger that the site serves could not be read; nothing was compared",
}

BUNDLE_TELLING: dict[str, str] = {
    "operator-not-pinned": "signed by this key; whose key that is, only you can know: pin it with --operator",
    "signature-unchecked": "signatures were not checked, because the package bittensor-core is missing",
    "leader-forfeit": "the leader's own code gave no usable file for a prompt: it forfeits the duels on it",
    "gated-file": "a file is beyond a bound of the rules, or broke its measurement: it forfeits the duels on it",
    "judge-silenced": "a side's pictures keep the judge from answering, which answers about control pictures: it loses",
    "void-duel": "a duel could not be judged, for a reason that is the platform's; it counts for nobody",
    "audit-by-person": "an audit was decided by a person, for the reason given",
    "told-earlier": "an event lies in an earlier bundle's part of the ledger; verify the folder of all bundles",
    "not-read-back": "the chain did not have the weights that were set",
    "anchor-elsewhere": "an anchored event is not in this bundle's part of the ledger; verify all bundles",
    "series-not-joined": "nothing could be compared between two rounds: a bundle between them is not here",
    "checkpoint-elsewhere": "the event of the signed head that was kept is not in the part of the ledger that is here",
    "paused": "the round was paused, for the reason given",
}


def _kinds(wrong: dict[str, str], telling: dict[str, str]) -> dict[str, FindingKind]:
    return {kind: FindingKind(ERROR, meaning) for kind, meaning in wrong.items()} | {
        kind: FindingKind(NOTABLE, meaning) for kind, meaning in telling.items()
    }


KINDS, BUNDLE_KINDS = _kinds(WRONG, TELLING), _kinds(BUNDLE_WRONG, BUNDLE_TELLING)
EVERY = KINDS | BUNDLE_KINDS
