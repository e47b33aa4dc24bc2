"""Do reveal windows follow each other, and did everything happen inside them?"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from itertools import pairwise

from verify.rounds import RecordedRound

BLOCKS_A_MINUTE = 5
"""One block takes about 12 seconds; deadlines are stated in blocks."""
SUCCESS = "success"
BUILD_STATES = ("pending", "in_progress", SUCCESS, "failure", "timed_out", "not_found")


def check_windows(rounds: Sequence[RecordedRound]) -> None:
    for round in rounds:
        _window(round)
        _submissions(round)
        _builds(round)
    for before, round in pairwise(rounds):
        if before.number != round.number - 1 or before.window is None or round.window is None:
            continue
        first, due = round.window.earliest, before.window.latest + 1
        if first < due or (round.era < 3 and first != due):
            sentence = "A window starts on the block after the one before ends (in era 3: not before)."
            about = {"field": "earliest_reveal_block", "found": first, "expected": due, "sentence": sentence}
            round.note("window-order", "schedule.json", **about)


def _window(round: RecordedRound) -> None:
    file, window, minutes = "schedule.json", round.window, round.config.generation_minutes
    if window is None:
        return
    if window.earliest > window.latest:
        about = {"found": window.latest, "expected": f">= {window.earliest}"}
        round.note("window-order", file, field="latest_reveal_block", **about)
    due = None if minutes is None else window.latest + minutes * BLOCKS_A_MINUTE
    if window.deadline is not None and due is not None and window.deadline != due:
        sentence = f"{minutes} minutes of 5 blocks after the window's end."
        about = {"found": window.deadline, "expected": due, "sentence": sentence}
        round.note("generation-deadline", file, field="generation_deadline_block", **about)


def _submissions(round: RecordedRound) -> None:
    window = round.window
    for hotkey, submission in round.submissions.items():
        if window and not window.earliest <= submission.block <= window.latest:
            about = {"found": submission.block, "expected": f"{window.earliest}..{window.latest}"}
            round.note("reveal-outside-window", "submissions.json", field=f"{hotkey}.revealed_at_block", **about)
        if hotkey not in round.builds and round.finished:
            round.note("build-missing", "builds.json", field=hotkey)


def _builds(round: RecordedRound) -> None:
    """Each is of what was submitted.  A round in which nobody's code could be built is decided, and not by the code
    (era 3 builds no images)."""
    for hotkey, build in round.builds.items():
        submission = round.submissions.get(hotkey)
        build.one_of("status", BUILD_STATES)
        if submission is not None:
            made_of = {"repo": submission.repo, "commit": submission.commit, "revealed_at_block": submission.block}
            build.compare("build-mismatch", made_of)
        elif round.submissions:
            build.note("build-mismatch", found=hotkey, sentence="A build of a hotkey that submitted nothing.")
    states = [str(build["status"]) for build in round.builds.values()]
    if round.finished and round.era < 3 and states and SUCCESS not in states:
        counts = ", ".join(f"{number} {state}" for state, number in sorted(Counter(states).items()))
        round.note("no-build-succeeded", "builds.json", field="status", found=counts)
