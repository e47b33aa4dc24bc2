"""Who submitted the same solution as someone else, or as the leader?"""

from __future__ import annotations

from collections import defaultdict

from verify.rounds import CHALLENGER, LEADER, SUBMITTED, RecordedRound

LEAST_FILES = 8
"""Fewer files of equal size than this may be chance."""


def check_copies(round: RecordedRound, *, leader: str | None, leader_commit: str | None) -> None:
    """The records have no hashes; equal sizes on every prompt is the nearest there is."""
    commits: dict[str, list[str]] = defaultdict(list)
    sizes: dict[tuple[tuple[str, int], ...], list[str]] = defaultdict(list)
    for hotkey in round.queue:
        made = round.assets.get((hotkey, SUBMITTED), {})
        files = tuple(sorted((stem, asset.bytes) for stem, asset in made.items() if asset.side.asset and asset.bytes))
        commits[round.submissions[hotkey].commit].append(hotkey)
        sizes[files].append(hotkey)
    groups = [("same-commit", commit, hotkeys) for commit, hotkeys in commits.items()]
    groups += [("same-bytes", f"{len(fs)} files", hotkeys) for fs, hotkeys in sizes.items() if len(fs) >= LEAST_FILES]
    for kind, what, hotkeys in groups:
        if len(hotkeys) > 1:
            round.note(kind, "submissions.json", field=what, found=", ".join(hotkeys))
    for hotkey, submission in round.submissions.items():
        if leader_commit is not None and submission.commit == leader_commit:
            _of_leader(round, hotkey, "commit")
        elif leader is not None and hotkey == leader:
            _of_leader(round, hotkey, "hotkey")


def _of_leader(round: RecordedRound, hotkey: str, what: str) -> None:
    """The leader's own commit as a challenger is a free measure of the judge: its margin should be 0."""
    match = round.matches.get((LEADER, hotkey))
    lacking = sum(not duel.sides[CHALLENGER].view for duel in match.duels) if match else 0
    without = f", {lacking} of its duels without a picture" if lacking else ""
    about = {
        "found": round.margins().get((LEADER, hotkey)),
        "expected": 0 if what == "commit" and not lacking else None,
    }
    sentence = f"The leader's own {what} stood against the leader{without}."
    round.note("leader-solution-challenges", "submissions.json", field=hotkey, sentence=sentence, **about)
