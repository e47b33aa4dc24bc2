"""Where is the round now, what comes next, and how far is the work?"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

from audits.models import Audit
from competition.models import Round
from core.queue.heartbeats import SILENT
from dashboard.facts.clock import BlockClock
from dashboard.facts.wording import STAGES, WHO_MUST_ACT, duration

ORDER = ("open", "miner_generation", "downloading", "duels", "finalizing", "finished")
ASSETS = (
    ("leader", "generated", "Leader's outputs generated"),
    ("challenger", "submitted", "Challengers' files downloaded"),
    ("challenger", "generated", "Outputs generated again for the audits"),
)
OVER = ("judged", "forfeited", "unneeded", "void")


@dataclass(frozen=True, kw_only=True)
class Step:
    stage: str
    name: str
    what: str
    place: str  # done, current or ahead
    ends_block: int | None = None


@dataclass(frozen=True, kw_only=True)
class StageProgress:
    """`failed` is part of `done`: both are settled."""

    what: str
    done: int
    total: int
    failed: int = 0


@dataclass(frozen=True, kw_only=True)
class Pause:
    reason: str
    code: str
    failure_class: str
    who_must_act: str
    since: datetime


@dataclass(frozen=True, kw_only=True)
class Tracker:
    """`live`: it may move while somebody looks.  `sentence` is what to tell a visitor, `waiting_for` what the machine
    itself says it waits for; `stands_still` that nobody moves the round, since when."""

    stage: str
    running: bool
    live: bool
    sentence: str
    waiting_for: str
    clock: BlockClock | None
    steps: tuple[Step, ...]
    progress: tuple[StageProgress, ...]
    pause: Pause | None
    stands_still: str = ""


@dataclass(frozen=True, kw_only=True)
class RoundWork:
    """Counts of a round's rows by state, from which its progress follows."""

    assets: Mapping[tuple[str, str, str], int]
    renderings: Mapping[str, int]
    duels: Mapping[int, Mapping[str, int]]
    matches: Mapping[str, int]
    audits: tuple[Audit, ...]


NOTHING = RoundWork(assets={}, renderings={}, duels={}, matches={}, audits=())


def awaited_block(round_: Round, *, block: int | None = None) -> int | None:
    """The block that ends what is going on now."""
    if round_.state == "miner_generation":
        return round_.generation_deadline_block
    if not round_.takes_reveals:
        return None
    schedule = round_.schedule_at(block or 0)
    if block is not None and block > schedule.latest_reveal_block:
        return schedule.seed_block
    if block is not None and block < schedule.earliest_reveal_block:
        return schedule.earliest_reveal_block
    return schedule.latest_reveal_block


def still(heard: datetime | None, *, now: datetime) -> str:
    """`heard`: the reconciler's last beat."""
    if heard is None:
        return "No reconciler is running: nothing moves until the operator starts one."
    if now - heard <= SILENT:
        return ""
    return f"Nothing has moved since {heard:%Y-%m-%d %H:%M:%S}: the reconciler is silent, and the operator must act."


def tracker(round_: Round, *, clock: BlockClock | None, work: RoundWork = NOTHING, stands_still: str = "") -> Tracker:
    pause = None
    if round_.state == "paused":
        pause = Pause(
            reason=round_.failure_reason,
            code=round_.failure_code,
            failure_class=round_.failure_class,
            who_must_act=WHO_MUST_ACT.get(round_.failure_class, "The operator must act."),
            since=round_.since,
        )
    return Tracker(
        stage=round_.state,
        running=round_.state not in ("finished", "paused"),
        live=round_.state != "finished" and not round_.source,
        sentence=_sentence(round_, clock, work),
        waiting_for=round_.waiting_for if round_.state in ("downloading", "duels", "finalizing") else "",
        clock=clock,
        steps=_steps(round_),
        progress=_progress(work) if round_.state != "finished" else (),
        pause=pause,
        stands_still=stands_still,
    )


def _steps(round_: Round) -> tuple[Step, ...]:
    stage = round_.paused_from if round_.state == "paused" else round_.state
    at = ORDER.index(stage) if stage in ORDER else 0
    waits = round_.state == "paused" and round_.takes_reveals  # how long is not known
    ends = {"open": round_.latest_reveal_block, "miner_generation": round_.generation_deadline_block}
    ends = {} if waits else ends
    last = len(ORDER) - 1
    return tuple(
        Step(
            stage=name,
            name=STAGES[name][0],
            what=STAGES[name][1],
            place="done" if place < at or at == last else "current" if place == at else "ahead",
            ends_block=ends.get(name),
        )
        for place, name in enumerate(ORDER)
    )


def _sentence(round_: Round, clock: BlockClock | None, work: RoundWork) -> str:
    name, what = STAGES.get(round_.state, (round_.state, ""))
    if round_.source and round_.state != "finished":
        return "It is not played here: it was read from public records before it was finished."
    if round_.state == "paused" and round_.takes_reveals:
        left = f", and for {clock.blocks_left:,} blocks after it goes on" if clock else ""
        return f"The round waits for its operator. The window stays open: reveals are taken meanwhile{left}."
    if round_.state == "open":
        return _window(round_, clock)
    if round_.state == "miner_generation" and clock:
        return f"The prompts are drawn. Outputs must be up by block {clock.ends_block:,}{_away(clock)}."
    if round_.state == "finished":
        return "The round is decided."
    counted = {"downloading": "Challengers' files downloaded", "duels": "Duels settled", "finalizing": "Audits decided"}
    line = next((line for line in _progress(work) if line.what == counted.get(round_.state)), None)
    return f"{name}: {what}." + (f" {line.what}: {line.done} of {line.total}." if line else "")


def _window(round_: Round, clock: BlockClock | None) -> str:
    if clock is None:
        return f"Reveals are taken up to block {round_.latest_reveal_block:,}. The chain does not tell the time now."
    if clock.block < round_.earliest_reveal_block:
        return f"The window opens at block {clock.ends_block:,}{_away(clock)}."
    if clock.block > round_.latest_reveal_block:
        return f"The window is closed. The hash of block {clock.ends_block:,} draws the prompts{_away(clock)}."
    return f"The window is open. Reveals are taken up to block {clock.ends_block:,}{_away(clock)}."


def _away(clock: BlockClock) -> str:
    if not clock.blocks_left:
        return ", which has come"
    blocks = "1 block" if clock.blocks_left == 1 else f"{clock.blocks_left:,} blocks"
    return f", in {blocks} (about {duration(clock.seconds_left)})"


def _progress(work: RoundWork) -> tuple[StageProgress, ...]:
    duels = {state: sum(counts.get(state, 0) for counts in work.duels.values()) for state in ("judging", *OVER)}
    lines = []
    for role, origin, what in ASSETS:
        files = {state: n for (r, o, state), n in work.assets.items() if (r, o) == (role, origin)}
        lines.append(_line(what, files, done=("stored", "failed"), failed=("failed",)))
    lines.insert(2, _line("Files photographed", work.renderings, done=("rendered", "refused"), failed=("refused",)))
    lines += [
        _line("Duels settled", duels, done=OVER, failed=("void",)),
        _line("Matches decided", work.matches, done=("decided",)),
        StageProgress(
            what="Audits decided",
            done=sum(audit.state != "gathering" for audit in work.audits),
            total=len(work.audits),
        ),
    ]
    return tuple(line for line in lines if line.total)


def _line(
    what: str, counts: Mapping[str, int], *, done: tuple[str, ...], failed: tuple[str, ...] = ()
) -> StageProgress:
    return StageProgress(
        what=what,
        done=sum(counts.get(state, 0) for state in done),
        total=sum(counts.values()),
        failed=sum(counts.get(state, 0) for state in failed),
    )
