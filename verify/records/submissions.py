"""Do windows, submissions, builds and prompts follow from each other, and who submitted what someone else did?"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Sequence
from itertools import zip_longest
from random import Random

from verify.reading import RecordRow
from verify.rounds import CHALLENGER, LEADER, SUBMITTED, RecordedRound

ENDS = ("earliest_reveal_block", "latest_reveal_block")
KINDS = {"": "window-order", "generation_deadline_block": "generation-deadline"}
BLOCKS_A_MINUTE = 5
"""One block takes about 12 seconds; deadlines are stated in blocks."""
SUCCESS = "success"
BUILD_STATES = ("pending", "in_progress", SUCCESS, "failure", "timed_out", "not_found")
LEAST_FILES = 8
"""Fewer files of equal size than this may be chance."""


def check_windows(rounds: Sequence[RecordedRound]) -> None:
    for before, round in zip([None, *rounds], rounds, strict=False):
        if round.window is not None:
            follows = before is not None and before.number == round.number - 1
            round.window.compare(KINDS, write(round, round.window, before.window if before and follows else None))
        _submissions(round)
        _builds(round)


def write(round: RecordedRound, window: RecordRow, before: RecordRow | None) -> dict[str, object]:
    """The schedule: a window starts on the block after the one before ends (in era 3: not before), does not end before
    it starts, and is followed by so many minutes, of 5 blocks each, for generating (in era 3 by more after a pause)."""
    minutes, expected = round.config.generation_minutes, dict(window.values)
    earliest, latest = (window[key] for key in ENDS)
    if before is not None:
        first = before["latest_reveal_block"] + 1
        expected["earliest_reveal_block"] = first if round.era < 3 else max(first, earliest)
    if earliest > latest:
        expected["latest_reveal_block"] = f">= {earliest}"
    if window["generation_deadline_block"] is not None and minutes is not None and round.era < 3:
        expected["generation_deadline_block"] = latest + minutes * BLOCKS_A_MINUTE
    return expected


def _submissions(round: RecordedRound) -> None:
    window = [round.window[key] for key in ENDS] if round.window else []
    for hotkey, submission in round.submissions.items():
        if window and not window[0] <= submission["revealed_at_block"] <= window[1]:
            submission.compare("reveal-outside-window", {"revealed_at_block": f"{window[0]}..{window[1]}"})
        if hotkey not in round.builds and round.finished:
            round.note("build-missing", "builds.json", field=hotkey)


def _builds(round: RecordedRound) -> None:
    """Each is of what was submitted.  A round in which nobody's code could be built is decided, and not by the code
    (era 3 builds no images)."""
    for hotkey, build in round.builds.items():
        submission = round.submissions.get(hotkey)
        build.one_of("status", BUILD_STATES)
        if submission is not None:
            build.compare("build-mismatch", {key: submission[key] for key in ("repo", "commit", "revealed_at_block")})
        elif round.submissions:
            build.note("build-mismatch", found=hotkey)
    states = [str(build["status"]) for build in round.builds.values()]
    if round.finished and round.era < 3 and states and SUCCESS not in states:
        counts = ", ".join(f"{number} {state}" for state, number in sorted(Counter(states).items()))
        round.note("no-build-succeeded", "builds.json", field="status", found=counts)


def check_prompts(round: RecordedRound, previous: RecordedRound | None) -> None:
    """The first `carryover` prompts are a sample of the previous list, drawn with the round's seed, in drawn order."""
    file, wanted = "prompts.txt", round.config.prompts
    if not round.prompts:
        return
    if len(round.prompts) != wanted:
        round.note("prompt-count", file, found=len(round.prompts), expected=wanted)
    for prompt, times in Counter(round.prompts).items():
        if times > 1:
            round.note("prompt-twice", file, found=prompt)
    if previous is None or not previous.prompts or round.seed is None:
        return
    number = min(round.config.carried_over, len(previous.prompts))
    drawn = Random(round.seed).sample(previous.prompts, number)
    for line, (there, prompt) in enumerate(zip_longest(round.prompts[:number], drawn), start=1):
        if there != prompt:
            round.note("carried-over", file, field=f"line {line}", found=there, expected=prompt)
            return
    round.log.count("carried-over prompts redrawn", by=number)
    old = set(previous.prompts) if round.era < 3 else set()  # there each round draws from the whole pool
    for line, prompt in enumerate(round.prompts[number:], start=number + 1):
        if prompt in old:
            round.note("prompt-drawn-again", file, field=f"line {line}", found=prompt)


def check_copies(round: RecordedRound, *, leader: str | None, leader_commit: str | None) -> None:
    """The records have no hashes; equal sizes on every prompt is the nearest there is."""
    commits: dict[str, list[str]] = defaultdict(list)
    sizes: dict[tuple[tuple[str, int], ...], list[str]] = defaultdict(list)
    for hotkey in round.queue:
        made = round.assets.get((hotkey, SUBMITTED), {})
        files = tuple(sorted((stem, asset.bytes) for stem, asset in made.items() if asset.side.asset and asset.bytes))
        commits[round.submissions[hotkey]["commit"]].append(hotkey)
        sizes[files].append(hotkey)
    groups = [("same-commit", commit, hotkeys) for commit, hotkeys in commits.items()]
    groups += [("same-bytes", f"{len(fs)} files", hotkeys) for fs, hotkeys in sizes.items() if len(fs) >= LEAST_FILES]
    for kind, what, hotkeys in groups:
        if len(hotkeys) > 1:
            round.note(kind, "submissions.json", field=what, found=", ".join(hotkeys))
    for hotkey, submission in round.submissions.items():
        if leader_commit is not None and submission["commit"] == leader_commit:
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
