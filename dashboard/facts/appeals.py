"""Who objects to which verdict, until when is that decided, and until when may somebody still object?

The one source for pages, twins, API and client.  A deadline that is over reads as past wherever it is shown.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from django.urls import reverse

from audits import queries as auditing
from audits.decisions import appeals as decisions
from audits.models import Appeal, Audit
from audits.reviews import appeals as lodging
from competition import chain, queries
from competition.decisions.attempts import number_of
from competition.models import Round
from dashboard.facts.people import Who, entrant, who
from dashboard.facts.weights import expected_at


@dataclass(frozen=True, kw_only=True)
class Objection:
    """One appeal.  `since`: when it was lodged or, once it is decided, when that was.  `overdue`: it is open, and its
    time to be decided is over."""

    entry: Who
    audit: str
    version: int
    verdict: str
    appellant: Who
    ground: str
    ground_words: str
    statement: str
    state: str
    block: int
    since: datetime
    decide_by: datetime
    overdue: bool
    reason: str
    url: str

    @property
    def open(self) -> bool:
        return self.state == "lodged"

    @property
    def words(self) -> str:
        """What stands after the appellant's name."""
        about = f"the {self.audit} audit of {self.entry.name}"
        if self.open and self.overdue:
            return f"objects to {about}: it was to be decided by {moment(self.decide_by)}, and is overdue."
        if self.open:
            return f"objects to {about}: two people decide it by {moment(self.decide_by)}."
        return f"objected to {about}: {self.state} on {moment(self.since)}. {self.reason}".strip()


@dataclass(frozen=True, kw_only=True)
class AppealWindow:
    """Until when a round's verdicts may be objected to.

    `last_block` is null while the round is not decided: there is no end yet.  `open` is null where the chain does not
    tell its block.  `ends_at`: about when the last block comes; null once it is over.
    """

    last_block: int | None
    block: int | None
    open: bool | None
    ends_at: datetime | None

    @property
    def words(self) -> str:
        if self.last_block is None:
            return "A verdict may be objected to as soon as it is given; the last block is set when the round ends."
        if self.open is None:
            return f"Appeals are taken up to block {self.last_block:,}; the chain does not tell its block now."
        if not self.open:
            return f"The time for appeals is over: it ended with block {self.last_block:,}."
        about = f", about {moment(self.ends_at)}" if self.ends_at else ""
        return f"Appeals are taken up to block {self.last_block:,}{about}."


Objections = Mapping[tuple[int, str], tuple[Objection, ...]]
"""(submission, kind of audit) -> the appeals against its verdicts, of whatever version."""


def against(appeals: Objections, audit: Audit) -> tuple[Objection, ...]:
    return appeals.get((audit.submission_id, audit.kind), ())


def moment(at: datetime) -> str:
    return f"{at:%Y-%m-%d %H:%M} UTC"


def objections_to(audits: Iterable[Audit], *, now: datetime) -> Objections:
    """The appeals against any version of these audits' verdicts, oldest first.  Of audits that know of none (as
    `auditing.shown` reads them) nothing is asked."""
    by_audit: dict[tuple[int, str], list[Objection]] = {}
    entries = {audit.submission_id for audit in audits if getattr(audit, "appealed", True)}
    for row in auditing.appeals_on(entries) if entries else ():
        by_audit.setdefault((row.audit.submission_id, row.audit.kind), []).append(objection(row, now=now))
    return {key: tuple(rows) for key, rows in by_audit.items()}


def objection(row: Appeal, *, now: datetime) -> Objection:
    """Of an appeal that was read with its audit, round, competition, miner and appellant."""
    audit, round_ = row.audit, row.audit.round
    case = f"{audit.submission.key}-{audit.kind}-{number_of(audit.attempt)}-{row.appellant.hotkey}"
    ground = str(row.document.get("ground", ""))
    return Objection(
        entry=entrant(audit.submission),
        audit=audit.kind,
        version=number_of(audit.attempt),
        verdict=audit.state,
        appellant=who(row.appellant),
        ground=ground,
        ground_words=decisions.GROUNDS.get(ground, ground),
        statement=str(row.document.get("statement", "")),
        state=row.state,
        block=row.block,
        since=row.since,
        decide_by=row.decide_by,
        overdue=row.state == "lodged" and now > row.decide_by,
        reason=row.reason,
        url=reverse("case", args=[round_.competition.slug, round_.number, "appeal", case]),
    )


def window(round_: Round, *, now: datetime) -> AppealWindow | None:
    """None for a round that was played elsewhere: its verdicts are objected to there."""
    return windows([round_], now=now).get(round_.pk)


def windows(rounds: Sequence[Round], *, now: datetime) -> dict[int, AppealWindow]:
    """Round -> its window.  Two queries for all of them, and two looks at a chain for each competition's open one."""
    ours = [round_ for round_ in rounds if not round_.source]
    over = [round_ for round_ in ours if round_.state == "finished"]
    following = queries.rounds_after(over)
    blocks: dict[int, int | None] = {}
    by_round = {}
    for round_ in ours:
        after = following.get(round_.pk)
        if after is not None and round_.competition_id not in blocks:
            blocks[round_.competition_id] = chain.block_now(round_.competition, now=now)
        by_round[round_.pk] = window_until(after, round_, block=blocks.get(round_.competition_id), now=now)
    return by_round


def window_until(after: Round | None, round_: Round, *, block: int | None, now: datetime) -> AppealWindow:
    """Of a round of our own.  `after`: the round after it, once there is one; `block`: the chain's current one."""
    if after is None or round_.state != "finished":
        return AppealWindow(last_block=None, block=None, open=True, ends_at=None)
    last = lodging.last_block_by(after)
    open_ = None if block is None else block <= last
    ends_at = expected_at(round_.competition, last, now=now) if open_ else None
    return AppealWindow(last_block=last, block=block, open=open_, ends_at=ends_at)


def moving(objections: Iterable[Objection], window: AppealWindow | None) -> bool:
    """May the clock change what is shown, without an event of the ledger?"""
    counts_down = window is not None and window.open is not False and window.last_block is not None
    return counts_down or any(row.open for row in objections)
