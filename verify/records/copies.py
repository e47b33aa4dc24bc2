"""Who submitted the same solution as someone else, or as the leader?"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping

from verify.findings import Book
from verify.rounds import CHALLENGER, LEADER, Asset, Round

LEAST_FILES = 8
"""Fewer files of equal size than this may be chance."""


def check_copies(round: Round, *, leader: str | None, leader_commit: str | None, book: Book) -> None:
    commits: dict[str, list[str]] = defaultdict(list)
    sizes: dict[tuple[tuple[str, int], ...], list[str]] = defaultdict(list)
    for hotkey in round.queue:
        commits[round.submissions[hotkey].commit].append(hotkey)
        sizes[_sizes(round.assets.get((hotkey, "submitted"), {}))].append(hotkey)
    for commit, hotkeys in commits.items():
        if len(hotkeys) > 1:
            _group("same-commit", round, commit, hotkeys, said="One commit", book=book)
    for files, hotkeys in sizes.items():
        if len(hotkeys) > 1 and len(files) >= LEAST_FILES:
            said = f"The sizes of all {len(files)} files are equal"
            _group("same-bytes", round, f"{len(files)} files", hotkeys, said=said, book=book)
    _of_leader(round, leader=leader, commit=leader_commit, book=book)


def _sizes(made: Mapping[str, Asset]) -> tuple[tuple[str, int], ...]:
    """The records have no hashes; equal sizes on every prompt is the nearest there is."""
    return tuple(sorted((stem, asset.bytes) for stem, asset in made.items() if asset.side.asset and asset.bytes))


def _group(kind: str, round: Round, what: str, hotkeys: Iterable[str], *, said: str, book: Book) -> None:
    named = ", ".join(hotkeys)
    file = round.file("submissions.json")
    book.note(kind, file=file, field=what, found=named, sentence=f"{said} under {named.count(',') + 1} hotkeys.")


def _of_leader(round: Round, *, leader: str | None, commit: str | None, book: Book) -> None:
    """The leader's own commit as a challenger is a free measure of the judge: its margin should be 0."""
    margins = round.margins()
    for hotkey, submission in round.submissions.items():
        if commit is not None and submission.commit == commit:
            what = "commit"
        elif leader is not None and hotkey == leader:
            what = "hotkey"
        else:
            continue
        margin = margins.get((LEADER, hotkey))
        match = round.matches.get((LEADER, hotkey))
        lacking = sum(not duel.sides[CHALLENGER].view for duel in match.duels) if match else 0
        without = f", {lacking} of its duels without a picture" if lacking else ""
        said = f"The leader's own {what} stood against the leader{without}."
        file, wanted = round.file("submissions.json"), 0 if what == "commit" and not lacking else None
        kind = "leader-solution-challenges"
        book.note(kind, file=file, field=hotkey, found=margin, expected=wanted, sentence=said)
