"""What failed for an entry, grouped by cause, and what may only its miner see of that?"""

from __future__ import annotations

from typing import Any

from audits import queries as auditing
from audits.models import PodRun
from audits.pods import logs
from competition.models import Asset, Reveal
from dashboard.api.participation import RoundParticipation
from dashboard.api.rows import game, standing
from dashboard.facts.borders import shown_as
from dashboard.facts.pod_runs import pod_run_facts
from dashboard.facts.wording import WHO_MUST_ACT
from judging.models import Duel, Rendering

MOST_PROMPTS = 256


def of(own: RoundParticipation) -> tuple[standing.Cause, ...]:
    """Most frequent first."""
    duels = Duel.objects.filter(match__in=[match.pk for match in own.matches]).exclude(failure_class="")
    failed: list[tuple[str, str, Any]] = [
        ("file", each.prompt.stem, each) for each in assets(own) if each.failure_class
    ]
    failed += [("picture", asset.prompt.stem, rendering) for asset, rendering in refused(own)]
    failed += [("duel", duel.prompt.stem, duel) for duel in duels.select_related("prompt").order_by("pk")]
    failed += [("pod", "", run) for run in own.runs if run.failure_class]
    grouped: dict[tuple[str, str, str], list[tuple[str, str]]] = {}
    for what, prompt, row in failed:
        grouped.setdefault((what, row.failure_class, row.failure_code), []).append((prompt, row.failure_reason))
    causes = [
        standing.Cause(
            what=what,
            failure_class=whose,
            code=code,
            who_must_act=WHO_MUST_ACT.get(whose, ""),
            count=len(rows),
            reason=rows[0][1],
            prompts=tuple(sorted({prompt for prompt, _ in rows if prompt}))[:MOST_PROMPTS],
        )
        for (what, whose, code), rows in grouped.items()
    ]
    return tuple(sorted(causes, key=lambda cause: (-cause.count, cause.what, cause.code)))


def assets(own: RoundParticipation) -> list[Asset]:
    if own.submission is None or own.submission.pk is None:
        return []
    rows = own.submission.assets.exclude(state="stored") | own.submission.assets.exclude(failure_class="")
    return list(rows.select_related("prompt").order_by("prompt__stem", "origin"))


def refused(own: RoundParticipation) -> list[tuple[Asset, Rendering]]:
    """Files that arrived and could not be drawn."""
    if own.submission is None or own.submission.pk is None:
        return []
    stored = list(own.submission.assets.filter(state="stored").select_related("prompt").order_by("prompt__stem"))
    rows = Rendering.objects.filter(
        competition=own.round.competition_id, state="refused", sha256__in={asset.sha256 for asset in stored}
    )
    by_content = {row.sha256: row for row in rows}
    return [(asset, by_content[asset.sha256]) for asset in stored if asset.sha256 in by_content]


def diagnostics(own: RoundParticipation) -> standing.Diagnostics:
    window = own.round.reveal_window
    reveals = Reveal.objects.filter(
        competition=own.round.competition_id, miner__hotkey=own.miner.hotkey, block__range=window
    )
    return standing.Diagnostics(
        competition=own.round.competition.slug,
        round=own.round.number,
        miner=game.miner(own.miner),
        reveals=tuple(game.reveal(row) for row in reveals.select_related("competition", "miner")),
        submission=game.submission(own.submission) if own.submission else None,
        builds=tuple(
            standing.BuildLog(
                entry=row.submission.key,
                builder=row.builder,
                state=row.state,
                archive=row.archive,
                digest=row.digest,
                disturbed=row.disturbed,
                failure=game.failure(row),
                waiting_for=row.waiting_for,
                log=row.log,
                since=row.since,
            )
            for row in auditing.builds_of(own.round, hotkey=own.miner.hotkey)
        ),
        pods=tuple(_pod(run) for run in own.runs),
        missing_files=tuple(
            standing.MissingFile(
                prompt=asset.prompt.stem,
                origin=asset.origin,
                state=asset.state,
                attempts=asset.attempts,
                failure=game.failure(asset),
                waiting_for=asset.waiting_for,
            )
            for asset in assets(own)
        ),
        refused_pictures=tuple(
            standing.RefusedPicture(
                prompt=asset.prompt.stem,
                origin=asset.origin,
                asset_sha256=asset.sha256,
                failure=game.failure(rendering),
                triangles=rendering.triangles,
            )
            for asset, rendering in refused(own)
        ),
    )


def _pod(run: PodRun) -> standing.PodLog:
    withheld, facts = logs.withheld(run), pod_run_facts(run)
    return shown_as(
        standing.PodLog,
        facts,
        failure=game.failure(facts),
        log="" if withheld else run.log,
        log_withheld=withheld,
    )
