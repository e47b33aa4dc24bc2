"""Do reveal windows follow each other, and did everything happen inside them?"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

from verify.findings import Book
from verify.loading import BUILD_STATES
from verify.reading import Row
from verify.rounds import Round, Submission, Window

BLOCKS_A_MINUTE = 5
"""One block takes about 12 seconds; deadlines are stated in blocks."""
BUILT = "success"


def check_windows(rounds: Sequence[Round], *, book: Book) -> None:
    before: Round | None = None
    for round in rounds:
        if round.window is not None:
            _window(round, round.window, before=before, book=book)
        _submissions(round, book=book)
        _builds(round, book=book)
        before = round


def _window(round: Round, window: Window, *, before: Round | None, book: Book) -> None:
    file = round.file("schedule.json")
    if window.earliest > window.latest:
        said = "The window ends before it starts."
        found, wanted = window.latest, f">= {window.earliest}"
        book.note("window-order", file=file, field="latest_reveal_block", found=found, expected=wanted, sentence=said)
    if before is not None and before.number == round.number - 1 and before.window is not None:
        wanted_start = before.window.latest + 1
        if window.earliest < wanted_start if round.era == 3 else window.earliest != wanted_start:
            said = "A window starts on the block after the one before ends (in era 3: not before)."
            found = window.earliest
            place = "earliest_reveal_block"
            book.note("window-order", file=file, field=place, found=found, expected=wanted_start, sentence=said)
    minutes = round.config.generation_minutes
    if window.deadline is not None and minutes is not None:
        wanted_end = window.latest + minutes * BLOCKS_A_MINUTE
        if window.deadline != wanted_end:
            said = f"{minutes} minutes of 5 blocks after the window's end."
            place, found = "generation_deadline_block", window.deadline
            book.note("generation-deadline", file=file, field=place, found=found, expected=wanted_end, sentence=said)


def _builds(round: Round, *, book: Book) -> None:
    """A round in which nobody's code could be built is decided, and not by the code. (Era 3 builds no images.)"""
    states = [str(build.values.get("status")) for build in round.builds.values()]
    if round.finished and round.era < 3 and states and BUILT not in states:
        told = ", ".join(f"{number} {state}" for state, number in sorted(Counter(states).items()))
        said = "No build of the round succeeded, so nobody could be audited or take the lead."
        book.note("no-build-succeeded", file=round.file("builds.json"), field="status", found=told, sentence=said)


def _submissions(round: Round, *, book: Book) -> None:
    window, file = round.window, round.file("submissions.json")
    for hotkey, submission in round.submissions.items():
        if window and not window.earliest <= submission.block <= window.latest:
            wanted = f"{window.earliest}..{window.latest}"
            said = "The reveal lies outside the round's window."
            place = f"{hotkey}.revealed_at_block"
            found = submission.block
            book.note("reveal-outside-window", file=file, field=place, found=found, expected=wanted, sentence=said)
        build = round.builds.get(hotkey)
        if build is not None:
            _build(submission, build, book=book)
        elif round.finished:
            book.note("build-missing", file=round.file("builds.json"), field=hotkey, sentence="No build is recorded.")
    for hotkey, build in round.builds.items():
        if hotkey not in round.submissions and round.submissions:
            said = "A build of a hotkey that submitted nothing."
            book.note("build-mismatch", file=build.file, field=hotkey, found=hotkey, sentence=said)


def _build(submission: Submission, build: Row, *, book: Book) -> None:
    build.only(frozenset({"repo", "commit", "revealed_at_block", "tag", "status", "docker_image"}))
    wanted = {"repo": submission.repo, "commit": submission.commit, "revealed_at_block": submission.block}
    for key, value in wanted.items():
        found = build.values.get(key)
        if found != value:
            said = "The build is not of what was submitted."
            place = build.field(key)
            book.note("build-mismatch", file=build.file, field=place, found=found, expected=value, sentence=said)
    build.optional_text("tag")
    build.optional_text("docker_image")
    status = build.text("status")
    if status is not None and status not in BUILD_STATES:
        known = ", ".join(sorted(BUILD_STATES))
        said = "No such state of a build."
        place = build.field("status")
        book.note("unknown-value", file=build.file, field=place, found=status, expected=known, sentence=said)
