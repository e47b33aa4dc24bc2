"""Is a copy of a state repository older than what was imported already?

A state repository only grows: its state moves on, entries are appended to leader.json, files are added.  A copy that
lacks something that is here is an earlier state of it, and importing it would take a decision back.
"""

from __future__ import annotations

import json
from collections.abc import Collection

from competition.models import Competition
from competition.records.reading import RoundFiles
from competition.records.reigns import is_finished, read_reigns, read_state
from competition.records.rounds import announced
from dashboard.models import RecordFile
from dashboard.records import evidence
from dashboard.records.evidence import Read

LEADERS = "leader.json"
STAGES = ("open", "collecting", "miner_generation", "generating", "downloading", "duels", "finalizing", "finished")
"""In the order in which a round goes through them; a round may pause in any."""


def lacking(slug: str, top: RoundFiles, paths: Collection[str]) -> list[str]:
    """What is here and not in the copy, in words; empty where the copy goes on from what is here.

    `top`: the copy's files beside its rounds; `paths`: all of its files.
    """
    competition = Competition.objects.filter(slug=slug).first()
    if competition is None or "records" not in competition.config:
        return []
    here = RoundFiles(evidence.contents(competition))
    lacks = _earlier_state(read_state(top), read_state(here))
    blocks = {reign.effective_block for reign in read_reigns(top)}
    gone = [reign for reign in read_reigns(here) if reign.effective_block not in blocks]
    if gone:
        lacks.append(f"its leader.json lacks {gone[-1].hotkey} from block {gone[-1].effective_block} on")
    number, stage = read_state(top)
    finished = competition.rounds.filter(state="finished").order_by("number").values_list("number", flat=True)
    unfinished = [one for one in finished if not is_finished(one, current=number, stage=stage)]
    if unfinished:
        lacks.append(f"round {unfinished[-1]} is finished here and not in it")
    files = RecordFile.objects.filter(competition=competition)
    known = files.filter(current=True, known=True).order_by("path").values_list("path", flat=True)
    missing = [path for path in known if path not in paths and announced(path)]  # whatever else lay there may go
    if missing:
        lacks.append(f"it lacks {len(missing)} files that are here, {missing[0]} for one")
    earlier_leaders = set(files.filter(path=LEADERS, current=False).values_list("sha256", flat=True))
    if evidence.hashes(top.contents).get(LEADERS) in earlier_leaders:
        lacks.append("its leader.json is one that a later one has replaced here")
    return lacks


def _earlier_state(copy: tuple[int | None, str], here: tuple[int | None, str]) -> list[str]:
    """An unreadable state is not told here: it leaves rounds unfinished."""
    number, stage = copy
    current, reached = here
    if number is None or current is None:
        return []
    known = stage in STAGES and reached in STAGES
    earlier = number < current or (number == current and known and STAGES.index(stage) < STAGES.index(reached))
    return [f"it stands at round {number}, {stage}; here is round {current}, {reached}"] if earlier else []


def shrunk_files(slug: str, copy: Read) -> list[str]:
    """Of the round that is still played: files of the copy that hold a part of what is here, and nothing else."""
    competition = Competition.objects.filter(slug=slug).first()
    here = evidence.contents(competition, number=copy.number) if competition else {}
    shrunk = [path for path, content in copy.contents.items() if path in here and _is_part(content, here[path])]
    return [f"its {shrunk[0]} holds only a part of what is here"] if shrunk else []


def _is_part(copy: bytes, here: bytes) -> bool:
    if copy == here:
        return False
    try:
        return _is_contained(json.loads(copy), json.loads(here))
    except (ValueError, RecursionError):
        return set(copy.splitlines()) < set(here.splitlines())


def _is_contained(part: object, whole: object) -> bool:
    """Could `part` have grown to `whole` by having something added?"""
    if isinstance(part, dict) and isinstance(whole, dict):
        return all(key in whole and _is_contained(value, whole[key]) for key, value in part.items())
    if isinstance(part, list) and isinstance(whole, list):
        return len(part) <= len(whole) and all(map(_is_contained, part, whole))
    return part == whole
