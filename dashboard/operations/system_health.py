"""Is the machine well?  What waits, what is overdue, what fails, and where the ledgers stand."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields
from datetime import datetime, timedelta
from typing import Any

from django.conf import settings
from django.db import connection
from django.db.models import Count, Max, Min, OuterRef, Q, Subquery, TextField, Value
from django.urls import reverse

from competition.models import Checkpoint, Competition, LedgerEvent
from competition.queries import TROUBLED
from competition.stored_files import damage
from core import clock
from core.machine import engine
from core.machine.engine import stateful_models
from core.machine.stateful import Stateful
from core.queue import heartbeats
from dashboard.facts.costs import CompetitionCosts
from dashboard.facts.wording import WHO_MUST_ACT, count, duration
from dashboard.models import Publication, VerifierFinding
from dashboard.operations import round_costs
from dashboard.operations.chains import ChainState
from dashboard.operations.chains import chains as states_of_chains

PATIENCE = 3  # times the pause after which a message is sent again: what waits longer is overdue
SLACK = PATIENCE * clock.TOLERANCE  # of clocks, before a row counts as put off by a wrong one
MOST_TROUBLES = 20

OPERATOR = WHO_MUST_ACT["infrastructure"]
START = f"{OPERATOR} Start the worker or the reconciler, or see why it stands still."
MOVING = ("open", "miner_generation", "downloading", "duels", "finalizing")


@dataclass(frozen=True, kw_only=True)
class WorkCount:
    """Rows of one kind.  `overdue` were due for long, and no worker holds them."""

    kind: str
    open: int
    due: int
    held: int
    overdue: int
    oldest_due: datetime | None
    last_message: datetime | None


@dataclass(frozen=True, kw_only=True)
class StuckRow:
    kind: str
    what: str
    state: str
    attempts: int
    failure_class: str
    failure_code: str
    failure_reason: str
    who_must_act: str


@dataclass(frozen=True, kw_only=True)
class Overdue:
    """What should have happened and did not: `what`, `since` when, and who must act."""

    what: str
    since: datetime | None
    sentence: str
    who_must_act: str


@dataclass(frozen=True, kw_only=True)
class DamagedFile:
    """A stored file or a published bundle that is not what its hash says."""

    what: str
    sha256: str
    problem: str
    found_at: datetime
    tries: int
    rounds: tuple[str, ...]
    code: str
    who_must_act: str


@dataclass(frozen=True, kw_only=True)
class LastScrub:
    """What the last walk over the whole store found (`manage.py scrub`)."""

    ended_at: datetime
    files: int
    bytes: int
    bundles: int
    rotten: int
    missing: int
    unknown: int
    mended: int


@dataclass(frozen=True, kw_only=True)
class CompetitionHealth:
    """A competition: its round, its ledger's head, what is published, and what checking found."""

    competition: str
    name: str
    url: str
    round: int | None
    stage: str
    waiting_for: str
    events: int
    head: str
    last_event: datetime | None
    signed_to: int | None
    published: int
    unpublished: int
    errors: int
    findings: int


@dataclass(frozen=True, kw_only=True)
class Process:
    """A long-lived process of the platform, and when it was last heard.  `clock_wrong`: it does not act."""

    role: str
    host: str
    pid: int
    since: datetime
    seen_at: datetime
    silent: bool
    clock_wrong: bool
    clock_ahead_s: float


@dataclass(frozen=True, kw_only=True)
class StatusPage:
    """`queued`: messages that no worker has taken; null where the queue is not in this database."""

    sentence: str
    well: bool
    at: datetime
    queued: int | None
    last_look: datetime | None
    work: tuple[WorkCount, ...]
    troubles: tuple[StuckRow, ...]
    books: tuple[CompetitionHealth, ...]
    chains: tuple[ChainState, ...]
    processes: tuple[Process, ...]
    overdue: tuple[Overdue, ...]
    damaged: tuple[DamagedFile, ...]
    scrub: LastScrub | None
    costs: tuple[CompetitionCosts, ...]
    url: str


def page(*, now: datetime) -> StatusPage:
    counted, troubles, books, chains = _counted(now=now), _troubles(), _books(), states_of_chains()
    work = _work(counted)
    names = ("role", "host", "pid", "since", "seen_at", "clock_wrong")
    processes = tuple(
        Process(
            **{name: getattr(row, name) for name in names},
            silent=row.silent(now=now),
            clock_ahead_s=row.ahead_ms / 1000,
        )
        for row in heartbeats.alive()
    )
    still = _stands_still(books, processes, now=now)
    damaged = _damaged()
    overdue = (*_wrong_clocks(processes, now=now), *_overdue(counted, now=now))
    scrub = damage.Scrub.objects.first()
    paused = [each for each in books if each.stage == "paused"]
    ill = [chain for chain in chains if chain.code]
    sentence = _sentence(work, overdue=overdue, troubles=troubles, paused=paused, damaged=damaged, still=still)
    return StatusPage(
        sentence=f"{ill[0].name}: {ill[0].sentence}" if ill and not paused else sentence,
        well=not (overdue or troubles or paused or ill or still or damaged),
        at=now,
        queued=_queued(),
        last_look=max((each.last_message for each in work if each.last_message), default=None),
        work=work,
        troubles=troubles,
        books=books,
        chains=chains,
        processes=processes,
        overdue=overdue,
        damaged=damaged,
        scrub=LastScrub(**{field.name: getattr(scrub, field.name) for field in fields(LastScrub)}) if scrub else None,
        costs=round_costs.of_competitions(),
        url=reverse("status"),
    )


def _sentence(
    work: tuple[WorkCount, ...],
    *,
    overdue: tuple[Overdue, ...],
    troubles: tuple[StuckRow, ...],
    paused: list[CompetitionHealth],
    damaged: tuple[DamagedFile, ...],
    still: str,
) -> str:
    if paused:
        return f"{paused[0].name} is paused in round {paused[0].round}: the operator must act."
    if overdue:
        more = f" ({len(overdue) - 1} more)" if len(overdue) > 1 else ""
        return f"Overdue: {overdue[0].what}. {overdue[0].sentence}{more} {overdue[0].who_must_act}"
    if still:
        return still
    if damaged:
        return f"{count(len(damaged), 'stored file')} damaged or missing. {damaged[0].who_must_act}"
    if troubles:
        return f"{count(len(troubles), 'row')} failed {TROUBLED} times or more, and will be tried again."
    return f"All is well: {count(sum(each.due for each in work), 'row')} due, none overdue."


def _wrong_clocks(processes: tuple[Process, ...], *, now: datetime) -> tuple[Overdue, ...]:
    """Processes that do not act, because their machine's clock differs from the database's; and this one."""
    overdue = [
        Overdue(
            what=f"{each.role} on {each.host}, process {each.pid}",
            since=each.seen_at,
            sentence=f"Its clock is {abs(each.clock_ahead_s):.0f} s {'ahead' if each.clock_ahead_s > 0 else 'behind'}: "
            "it does not act until that machine's clock is set.",
            who_must_act=OPERATOR,
        )
        for each in processes
        if each.clock_wrong and not each.silent
    ]
    if clock.CLOCK.wrong:
        overdue.append(Overdue(what="this web server", since=now, sentence=clock.CLOCK.sentence, who_must_act=OPERATOR))
    return tuple(overdue)


def _overdue(counted: Sequence[StateCount], *, now: datetime) -> tuple[Overdue, ...]:
    """Rows that were due for long and that nobody works on, or that were put off farther than any step puts them."""
    overdue = []
    for row in counted:
        named, where = str(row["model"]._meta.verbose_name), row["state"].replace("_", " ")
        if row["overdue"]:
            waited = duration((now - row["oldest_due"]).total_seconds())
            queue = row["model"].graph.states[row["state"]].queue
            sentence = f"Due for {waited}, and no worker of the queue {queue} has it."
            overdue.append(_overdue_row(row["overdue"], named, where, since=row["oldest_due"], sentence=sentence))
        if row["off"]:
            off = row["model"].objects.filter(engine.put_off(row["model"], now=now, slack=SLACK), state=row["state"])
            since = off.aggregate(since=Min("since"))["since"]
            sentence = "Put off by a clock that was wrong; the reconciler makes it due again."
            overdue.append(_overdue_row(row["off"], named, where, since=since, sentence=sentence))
    return tuple(overdue)


def _overdue_row(rows: int, named: str, where: str, *, since: datetime, sentence: str) -> Overdue:
    return Overdue(what=f"{count(rows, named)} in {where}", since=since, sentence=sentence, who_must_act=START)


def _damaged() -> tuple[DamagedFile, ...]:
    rows = damage.damaged().prefetch_related("rounds__competition").order_by("found_at")[:MOST_TROUBLES]
    return tuple(
        DamagedFile(
            what=row.what,
            sha256=row.sha256,
            problem=row.problem,
            found_at=row.found_at,
            tries=row.attempts,
            rounds=tuple(f"{round_.competition.slug}/{round_.number}" for round_ in row.rounds.all()),
            code=f"{damage.PAUSED_BY}_{row.problem.upper()}",
            who_must_act=f"{OPERATOR} Put it back from a backup, or run: manage.py scrub --repair",
        )
        for row in rows
    )


def _worked_on() -> list[type[Stateful]]:
    """The models in some state of which a worker acts; what only people move is on their own list."""
    return [model for model in stateful_models() if model.graph.active()]


def _stands_still(books: tuple[CompetitionHealth, ...], processes: tuple[Process, ...], *, now: datetime) -> str:
    """Is anything left to move, and nobody who moves it?"""
    if not any(each.stage in MOVING for each in books):
        return ""
    if not any(each.role == heartbeats.RECONCILER and not each.silent for each in processes):
        return "No reconciler is heard: nothing new is begun until the operator starts one."
    if all(each.silent for each in processes if each.role != heartbeats.RECONCILER):
        return "No worker is heard: nothing is done until the operator starts one."
    return ""


StateCount = Mapping[str, Any]
"""Of the rows of one `model` in one `state`: `open` of them, and how many of those are due, held, overdue, put off."""


def _counted(*, now: datetime) -> list[StateCount]:
    """In one query over all models."""
    late = now - timedelta(seconds=PATIENCE * settings.REKICK_SECONDS)
    free = Q(lease=None) | Q(leased_until__lte=now)
    models = {model._meta.label: model for model in _worked_on()}
    parts = []
    for label, model in models.items():
        rows = model._default_manager.filter(state__in=model.graph.active()).order_by()
        parts.append(
            rows.values("state", label=Value(label, output_field=TextField())).annotate(
                open=Count("pk"),
                due=Count("pk", filter=free & Q(due_at__lte=now)),
                held=Count("pk", filter=Q(lease__isnull=False, leased_until__gt=now)),
                overdue=Count("pk", filter=free & Q(due_at__lte=late)),
                oldest_due=Min("due_at", filter=free & Q(due_at__lte=now)),
                last_message=Max("kicked_at"),
                off=Count("pk", filter=engine.put_off(model, now=now, slack=SLACK)),
            )
        )
    return [{**row, "model": models[row["label"]]} for row in parts[0].union(*parts[1:], all=True)]


def _work(counted: Sequence[StateCount]) -> tuple[WorkCount, ...]:
    work = []
    for model in _worked_on():
        rows = [row for row in counted if row["model"] is model]
        work.append(
            WorkCount(
                kind=str(model._meta.verbose_name),
                **{name: sum(row[name] for row in rows) for name in ("open", "due", "held", "overdue")},
                oldest_due=min((row["oldest_due"] for row in rows if row["oldest_due"]), default=None),
                last_message=max((row["last_message"] for row in rows if row["last_message"]), default=None),
            )
        )
    return tuple(work)


def _troubles() -> tuple[StuckRow, ...]:
    """In one query over all models."""
    names = ("state", "attempts", "failure_class", "failure_code", "failure_reason")
    parts = []
    for model in _worked_on():
        rows = model._default_manager.filter(state__in=model.graph.active(), attempts__gte=TROUBLED)
        nobody_s = ("",) if model.in_ledger else ("", "miner")  # a receiver that fails is its owner's to mend, not ours
        label = Value(str(model._meta.verbose_name), output_field=TextField())
        worst = rows.exclude(failure_class__in=nobody_s).order_by("-attempts", "pk")[:MOST_TROUBLES]
        parts.append(worst.values(*names, "pk", label=label))
    troubles = parts[0].union(*parts[1:], all=True).order_by("-attempts", "label", "pk")[:MOST_TROUBLES]
    return tuple(
        StuckRow(
            what=f"{row['label']} {row['pk']}",
            who_must_act=WHO_MUST_ACT.get(row["failure_class"], ""),
            kind=row["label"],
            **{name: row[name] for name in names},
        )
        for row in troubles
    )


NO_ROUND: Mapping[str, Any] = {"round": None, "stage": "", "waiting_for": ""}


def _books() -> tuple[CompetitionHealth, ...]:
    rows = Competition.objects.order_by("-active", "-created_at", "-pk")
    head = LedgerEvent.objects.filter(competition=OuterRef("pk")).order_by("-seq")
    signed = Checkpoint.objects.filter(competition=OuterRef("pk")).order_by("-seq")
    rows = rows.annotate(
        head_seq=Subquery(head.values("seq")[:1]),
        head_hash=Subquery(head.values("hash")[:1]),
        head_at=Subquery(head.values("created_at")[:1]),
        signed_to=Subquery(signed.values("seq")[:1]),
    )
    done = Q(state="published")
    bundles = Publication.objects.order_by().values("round__competition")
    counted = bundles.annotate(done=Count("pk", filter=done), open=Count("pk", filter=~done))
    published: dict[int, Mapping[str, Any]] = {row["round__competition"]: row for row in counted}
    findings = VerifierFinding.objects.order_by().values("competition")
    of_verifier = findings.annotate(findings=Count("pk"), errors=Count("pk", filter=Q(severity="error")))
    finding_counts: dict[int, Mapping[str, Any]] = {row["competition"]: row for row in of_verifier}
    last = Competition.objects.filter(rounds__isnull=False).order_by("pk", "-rounds__number").distinct("pk")
    columns = [f"rounds__{name}" for name in ("number", "state", "failure_reason", "waiting_for", "source")]
    rounds: dict[int, Mapping[str, Any]] = {
        pk: {"round": number, "stage": "played elsewhere" if source else state, "waiting_for": why or wait}
        for pk, number, state, why, wait, source in last.values_list("pk", *columns)
    }
    return tuple(
        CompetitionHealth(
            competition=row.slug,
            name=row.name,
            url=reverse("competition", args=[row.slug]),
            **rounds.get(row.pk, NO_ROUND),
            events=row.head_seq or 0,
            head=row.head_hash or "",
            last_event=row.head_at,
            signed_to=row.signed_to,
            published=published.get(row.pk, {}).get("done", 0),
            unpublished=published.get(row.pk, {}).get("open", 0),
            errors=finding_counts.get(row.pk, {}).get("errors", 0),
            findings=finding_counts.get(row.pk, {}).get("findings", 0),
        )
        for row in rows
    )


def _queued() -> int | None:
    """Messages in the queue that lies in PostgreSQL; None for another broker."""
    if settings.BROKER_URL:
        return None
    with connection.cursor() as cursor:
        cursor.execute("SELECT count(*) FROM dramatiq.queue WHERE state = 'queued'")
        return int(cursor.fetchone()[0])
