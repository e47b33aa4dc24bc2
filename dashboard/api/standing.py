"""Where does a miner stand in a round, and why?  One function per question, each with a constant number of queries."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any

from django.db.models import Count, Q
from django.urls import reverse

from audits import queries as auditing
from audits.decisions import lifecycle
from audits.models import Audit, PodRun
from competition import queries
from competition.decisions.attempts import number_of, numbered, plain, regeneration_of
from competition.models import Miner, Round
from competition.rulesets.tally import Tally
from dashboard.api import causes
from dashboard.api.participation import RoundParticipation, participation
from dashboard.api.rows import game, judging, standing
from dashboard.facts import appeals, matches, miner_pages, page_queries
from dashboard.facts.figures import figures, rules_of
from dashboard.facts.matches import duel_url, meaning, result
from dashboard.facts.weights import expected_at, weight_in_force
from judging.matches import tally_of
from judging.models import Duel, Match


def of(round_: Round, miner: Miner, *, now: datetime) -> standing.Standing:
    own = participation(round_, miner)
    # Its match against the leader; a copy's is its own as well.
    mine = [m for m in own.matches if own.submission and m.challenger_id == own.submission.pk]
    screen = next((m for m in mine if m.kind == Match.Kind.SCREEN), None)
    decided = screen if screen and screen.state == "decided" else None
    numbers = figures(tally_of(decided), rules=rules_of(decided.round), kind=decided.kind) if decided else None
    places = [entry.miner_id for entry in own.entries]
    rank, ranked, shared = _rank(own, screen)
    rules = rules_of(round_)
    objections = appeals.objections_to(own.audits, now=now) if own.audits else {}
    window = appeals.window(round_, now=now) if own.audits else None
    rows = [row for row in auditing.appeals_by(miner.hotkey) if row.audit.round_id == round_.pk]
    lodged = [appeals.objection(row, now=now) for row in rows]
    reigns = queries.reigns_of(round_.competition)
    weight = weight_in_force(round_.competition, reigns, now=now)
    return standing.Standing(
        competition=round_.competition.slug,
        round=round_.number,
        stage=round_.state,
        miner=game.miner(miner),
        sentence=sentence(own),
        submission=game.submission(own.submission) if own.submission else None,
        place=places.index(miner.pk) + 1 if miner.pk in places else None,
        queue=len(places),
        rank=rank,
        ranked=ranked,
        rank_shared=shared,
        margin=numbers.margin if numbers else None,
        interval_95=numbers.interval_95 if numbers and numbers.interval_shown else None,
        win_margin=rules.win_margin if rules else None,
        gap=numbers.gap if numbers else None,
        clock=page_queries.tracker(round_, now=now).clock,
        estimate=_estimate(own, screen, now=now),
        matches=tuple(judging.match(match) for match in own.matches),
        prompts=_prompts(own),
        causes=causes.of(own),
        appeals=tuple(lodged),
        audits=tuple(
            _audit(own, one, objections=appeals.against(objections, one), window=window, now=now) for one in own.audits
        ),
        leads=bool(reigns) and reigns[0].miner_id == miner.pk,
        weight=weight.of(miner.hotkey),
        weight_later=weight.later_of(miner.hotkey),
        url=reverse("miner", args=[miner.hotkey]),
    )


def sentence(own: RoundParticipation) -> str:
    """As the miner's page says it."""
    if own.submission is None:
        return "This miner has not entered this round."
    met = [m for m in own.matches if m.challenger_id == own.submission.pk and not m.audits]
    most = miner_pages.telling(met)
    last = matches.row(own.round, most, counts={}) if most else None
    return miner_pages.standing(own.submission, last, own.audits)


def _rank(own: RoundParticipation, screen: Match | None) -> tuple[int | None, int, int]:
    """(rank, how many are ranked, how many share it), by margin among decided screens in which anything was delivered.

    Equal margins share the better rank.  Nobody is ranked where nothing tells several entries apart, or where all was
    forfeited.
    """
    rows = Match.in_force.filter(round=own.round, kind=Match.Kind.SCREEN, state="decided").values(*Tally.__slots__)
    tallies = [tally for row in rows if _delivered(tally := Tally(**row))]
    mine = tally_of(screen) if screen is not None and screen.state == "decided" else None
    margins = [tally.margin for tally in tallies]
    if mine is None or not _delivered(mine) or (len(margins) > 1 and len(set(margins)) == 1):
        return None, len(margins), 0
    return 1 + sum(margin > mine.margin for margin in margins), len(margins), margins.count(mine.margin)


def _delivered(tally: Tally) -> bool:
    return tally.counted > tally.forfeits_challenger


def _estimate(own: RoundParticipation, screen: Match | None, *, now: datetime) -> standing.Estimate | None:
    """From the pace of the round: duels are judged prompt by prompt, so every match ends with the round's last ones."""
    if own.round.state != "duels" or screen is None or screen.state == "decided":
        return None
    settled, left = Q(state__in=("judged", "forfeited", "void")), Q(state="judging")
    rows = Duel.objects.filter(match__round=own.round, match__counts=True)
    counts = rows.aggregate(settled=Count("pk", filter=settled), left=Count("pk", filter=left))
    elapsed = max(1.0, (now - own.round.since).total_seconds())
    if not counts["settled"] or not counts["left"]:
        return None
    pace = counts["settled"] / elapsed
    seconds = round(counts["left"] / pace)
    return standing.Estimate(
        seconds=seconds,
        at=now + timedelta(seconds=seconds),
        duels_ahead=counts["left"],
        duels_per_minute=round(60 * pace, 3),
    )


def _prompts(own: RoundParticipation) -> tuple[standing.PromptResult, ...]:
    by_pk = {match.pk: match for match in own.matches}
    urls = {match.pk: matches.match_url(match.round, match) for match in own.matches}
    duels = Duel.objects.filter(match__in=by_pk).select_related("prompt").order_by("match_id", "position")
    rows = []
    for duel in duels:
        match = by_pk[duel.match_id]
        outcome = result(match, duel)
        rows.append(
            standing.PromptResult(
                prompt=duel.prompt.stem,
                match=judging.match_id(match),
                result=outcome,
                meaning=meaning(match, outcome),
                score_micro=duel.score_micro,
                url=duel_url(urls[match.pk], duel.prompt.stem),
            )
        )
    return tuple(rows)


def _audit(
    own: RoundParticipation,
    audit: Audit,
    *,
    objections: tuple[appeals.Objection, ...],
    window: appeals.AppealWindow | None,
    now: datetime,
) -> standing.AuditState:
    run = _run_of(audit, own.runs)
    limit = used = None  # seconds that generating may take, and has taken
    if run and audit.kind == Audit.Kind.GENERATION:
        limits_json: Mapping[str, Any] = own.round.competition.config.get("pods", {})
        limit = lifecycle.BatchLimits.from_json(limits_json).generation_s
        progress = lifecycle.PodProgress.from_json(run.progress) if run.progress else lifecycle.PodProgress()
        used = round(progress.generation_s)
    running = audit.state == "gathering" and run is not None and not run.settled and limit is not None
    at = [own.round.competition.slug, own.round.number, own.miner.hotkey]
    verdict = window is not None and audit.state in ("passed", "rejected")
    last = window.last_block if window and verdict else None
    return standing.AuditState(
        kind=audit.kind,
        state=audit.state,
        reason=audit.reason,
        waiting_for=audit.waiting_for,
        failure=game.failure(audit),
        since=audit.since,
        limit_s=limit,
        used_s=used,
        deadline=now + timedelta(seconds=max(0, (limit or 0) - (used or 0))) if running else None,
        version=number_of(audit.attempt),
        appeal_last_block=last,
        appeal_until=expected_at(own.round.competition, last, now=now) if last is not None else None,
        appeal_open=window.open if window and verdict else None,
        appeals=objections,
        url=reverse("audit", args=at),
    )


def _run_of(audit: Audit, runs: Sequence[PodRun]) -> PodRun | None:
    """The pod run that an audit is about: that of its correction, else the one that still runs, or the last."""
    audited = [run for run in runs if plain(run.purpose) == PodRun.Purpose.AUDIT]
    if audit.correction is not None:
        wanted = numbered(PodRun.Purpose.AUDIT, regeneration_of(audit.correction.attempt))
        return next((run for run in audited if run.purpose == wanted), None)
    return next((run for run in audited if not run.settled), audited[-1] if audited else None)
