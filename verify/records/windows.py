"""Do reveal windows follow each other, and did everything happen inside them?"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

from verify.rounds import RecordedRound, Window

FIELDS = {
    "earliest": "earliest_reveal_block",
    "latest": "latest_reveal_block",
    "deadline": "generation_deadline_block",
}
BLOCKS_A_MINUTE = 5
"""One block takes about 12 seconds; deadlines are stated in blocks."""
SUCCESS = "success"
BUILD_STATES = ("pending", "in_progress", SUCCESS, "failure", "timed_out", "not_found")


def check_windows(rounds: Sequence[RecordedRound]) -> None:
    for before, round in zip([None, *rounds], rounds, strict=False):
        if round.window is not None:
            follows = before is not None and before.number == round.number - 1
            stated, expected = (
                vars(round.window),
                write(round, round.window, before.window if before and follows else None),
            )
            for name, field in FIELDS.items():
                kind = "generation-deadline" if name == "deadline" else "window-order"
                round.compare(kind, "schedule.json", stated[name], expected[name], field=field)
        _submissions(round)
        _builds(round)


def write(round: RecordedRound, window: Window, before: Window | None) -> dict[str, object]:
    """The schedule: a window starts on the block after the one before ends (in era 3: not before), does not end before
    it starts, and is followed by so many minutes, of 5 blocks each, for generating."""
    minutes, expected = round.config.generation_minutes, dict[str, object](vars(window))
    if before is not None:
        first = before.latest + 1
        expected["earliest"] = first if round.era < 3 else max(first, window.earliest)
    if window.earliest > window.latest:
        expected["latest"] = f">= {window.earliest}"
    if window.deadline is not None and minutes is not None:
        expected["deadline"] = window.latest + minutes * BLOCKS_A_MINUTE
    return expected


def _submissions(round: RecordedRound) -> None:
    window = round.window
    for hotkey, submission in round.submissions.items():
        if window and not window.earliest <= submission.block <= window.latest:
            inside, field = f"{window.earliest}..{window.latest}", f"{hotkey}.revealed_at_block"
            round.compare("reveal-outside-window", "submissions.json", submission.block, inside, field=field)
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
