"""A competition of our own, one round finished and one running, as an export meets it."""

from __future__ import annotations

from competition.models import Competition
from tests.dashboard import made_round


def competition() -> Competition:
    return made_round.make(slug="own").competition
