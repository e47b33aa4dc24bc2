"""How is a miner named on a page?  By the hotkey; a look-alike prefix must not pass for another miner."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass

from competition.models import Miner, Submission
from dashboard.facts.addresses import address

HEAD, TAIL = 8, 6
SS58 = re.compile(r"\b[1-9A-HJ-NP-Za-km-z]{47,48}\b")


@dataclass(frozen=True, kw_only=True)
class Who:
    """`key` is `leader` for the round's leader, else the hotkey; `label` is a demo's name and proves nothing."""

    hotkey: str
    label: str = ""
    key: str = ""

    @property
    def short(self) -> str:
        return short(self.hotkey)

    @property
    def name(self) -> str:
        """For sentences."""
        return f"{self.label} ({self.short})" if self.label else self.short

    @property
    def url(self) -> str:
        return address("miner", self.hotkey)


@dataclass(frozen=True, kw_only=True)
class MinerFacts:
    """A miner, as anybody may know it: its page and the API make their rows of this.  In lists it is a `Who`."""

    hotkey: str
    label: str
    note: str

    @property
    def url(self) -> str:
        return address("miner", self.hotkey)


def miner_facts(miner: Miner) -> MinerFacts:
    return MinerFacts(hotkey=miner.hotkey, label=miner.label, note=miner.note)


def short(hotkey: str) -> str:
    """Head and tail: vanity addresses copy the first characters of another."""
    return hotkey if len(hotkey) <= HEAD + TAIL + 1 else f"{hotkey[:HEAD]}…{hotkey[-TAIL:]}"


def plain(text: str, *, names: Mapping[str, str] | None = None) -> str:
    """A sentence with its hotkeys cut to their ends, or given by name where one is known."""
    return SS58.sub(lambda match: (names or {}).get(match[0]) or short(match[0]), text)


def who(miner: Miner) -> Who:
    return Who(hotkey=miner.hotkey, label=miner.label, key=miner.hotkey)


def entrant(submission: Submission) -> Who:
    miner = submission.miner
    return Who(hotkey=miner.hotkey, label=miner.label, key=submission.key)
