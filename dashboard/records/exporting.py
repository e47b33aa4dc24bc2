"""How does a competition become a state repository?"""

from __future__ import annotations

from pathlib import Path

from competition.models import Competition
from competition.records.tree import write_tree
from dashboard.records import evidence


def write_out(competition: Competition, folder: Path) -> None:
    """The files an import has read, to the byte."""
    write_tree(folder, evidence.contents(competition))
    for number in competition.rounds.order_by("number").values_list("number", flat=True):
        write_tree(folder, evidence.contents(competition, number=number))
