"""Which files lie in a repository that nobody announced?"""

from __future__ import annotations

from collections.abc import Iterator

from verify.reading import Repository
from verify.records.layout import OF_MINER, OF_ROUND, TOP
from verify.rounds import LEADER, RecordedRound


def check_unknown_files(files: Repository, rounds: list[RecordedRound]) -> None:
    for file in unknown(files, {str(round.number): round for round in rounds}):
        files.log.note("unknown-file", file=file)


def unknown(files: Repository, rounds: dict[str, RecordedRound]) -> Iterator[str]:
    yield from (name for name in files.files("") if name not in TOP and not name.startswith("."))
    yield from (f"rounds/{name}" for name in files.folders("rounds") if name not in rounds)
    for round in rounds.values():
        yield from (round.file(name) for name in files.files(round.folder) if name not in OF_ROUND)
        for hotkey in files.folders(round.folder):
            if hotkey == LEADER or hotkey in round.submissions:
                names = (name for name in files.files(round.file(hotkey)) if not OF_MINER.fullmatch(name))
                yield from (round.file(f"{hotkey}/{name}") for name in names)
            else:
                yield round.file(hotkey)
