"""When may a decided round be decided anew, on which whole set, and when may the new decision take the old one's place?

A correction is never about one result: its set follows from its scope, so that nobody picks the duel that would turn a
round.  It moves the reign only while nothing was played against the leader it replaces.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

REASONS: Mapping[str, Mapping[str, str]] = {
    "source": {
        "scanner_fault": "a check of ours was at fault",
        "policy_misread": "a policy was configured otherwise than it is published",
    },
    "generation": {
        "pod_fault": "a pod of ours was not what the miner's code was promised",
        "build_fault": "an image was not built from the code that was audited",
    },
    "duels": {
        "judge_disturbed": "the judge was disturbed while it answered",
        "wrong_judge": "another model or configuration answered than the one that is published",
    },
    "decision": {"appeal_upheld": "an appeal against one of its verdicts was upheld"},
}
"""scope -> code -> what it means.  Only what is ours to mend is a reason."""

LEAST, MOST = 10, 600


@dataclass(frozen=True, slots=True, kw_only=True)
class Reigned:
    """One reign since the corrected round: in its order, and whether it only went on with the one before."""

    sequence: int
    defence: bool


def unfit(*, scope: str, code: str, sentence: str) -> tuple[str, str] | None:
    """(field, why) where a correction is not of the form that each has."""
    if scope not in REASONS:
        return "scope", f"Give one of {', '.join(REASONS)}."
    if code not in REASONS[scope]:
        return "code", f"Give one of {', '.join(REASONS[scope])}."
    if not LEAST <= len(sentence.strip()) <= len(sentence) <= MOST:
        return "sentence", f"Say what was wrong in {LEAST} to {MOST} characters."
    return None


def cannot_stage(*, state: str, imported: bool, published: bool, open_already: bool) -> str | None:
    """Why this round cannot be corrected now; None where it can."""
    if imported:
        return "This round was played elsewhere, and is corrected there."
    if state != "finished":
        return "The round is not decided yet: its audits can be decided as they are."
    if not published:
        return "The round's bundle is not published yet; a correction replaces what everybody can see."
    return "Another correction of this round is open: apply or discard it first." if open_already else None


def cannot_apply(
    *,
    changes_leader: bool,
    now_playing: str,
    since: Sequence[Reigned],
    changes_bankroll: bool = False,
    bankroll_used: bool = False,
) -> str | None:
    """Why the new decision cannot take the old one's place now; None where it can.

    `now_playing`: the state of the competition's current round; `since`: the reigns after the one in question.
    `changes_bankroll`: would a pair of commits go on with another one; `bankroll_used`: has it gone on since?
    """
    if changes_bankroll and bankroll_used:
        return "The same two commits have met again since, with what the first result left: discard this as overtaken."
    if not (changes_leader or changes_bankroll):
        return None
    if now_playing != "open":
        return (
            "A round is being played against the leader that this would replace. It can be applied while the next "
            "round takes reveals."
        )
    if changes_leader and any(not reign.defence for reign in since):
        return "Somebody has taken the lead since, in a round of its own: discard this as overtaken."
    return None
