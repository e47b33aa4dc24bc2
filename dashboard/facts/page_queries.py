"""Which rows does each page need?  The number of queries never depends on how many miners or prompts there are."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import datetime

from django.http import Http404

from audits import queries as auditing
from audits.models import PodRun
from competition import queries
from competition.decisions.attempts import plain
from competition.models import Asset, Miner, Prompt, Reign, Round, Submission
from competition.publication.bundle_folders import folder_of
from core.queue import heartbeats
from dashboard.facts import (
    appeals,
    audit_pages,
    clock,
    decision_trail,
    duel_pages,
    duel_statistics,
    field,
    leading,
    match_pages,
    opinions,
    rounds,
    stages,
    weights,
)
from dashboard.facts.confidence import published
from dashboard.facts.entries import entry_facts
from dashboard.facts.field import FieldPage, FieldRow, Improvement
from dashboard.facts.figures import figures, rules_of
from dashboard.facts.integrity import rule_words
from dashboard.facts.integrity_summary import IntegritySummary, integrity_summary
from dashboard.facts.matches import DuelLine, duel_rows, first_view
from dashboard.facts.miner_pages import MinerRows
from dashboard.facts.queries import (
    beside,
    corrections_of,
    findings_on,
    light_copies_of,
    mirrored,
    publication_of,
    winner_copies_of,
)
from dashboard.facts.records import pictures_of
from dashboard.facts.stages import RoundWork, Tracker
from dashboard.operations import judge_health
from judging import queries as judging
from judging.matches import tally_of
from judging.models import Match, Rendering

COMMIT = re.compile(r"[0-9a-f]{6,40}")
CLEAREST = 3
NOT_MET = "These two have not met in this round."


def tracker(round_: Round, *, now: datetime, work: RoundWork = stages.NOTHING) -> Tracker:
    """Two looks at the chain: which block it is, and when the awaited one comes.  A finished round waits for none."""
    if round_.state == "finished":
        return stages.tracker(round_, clock=None, work=work)
    wanted = stages.awaited_block(round_)
    seen = clock.until(round_.competition, block=wanted or round_.latest_reveal_block, now=now)
    refined = stages.awaited_block(round_, block=seen.block if seen else None)
    if seen and refined and refined != wanted:
        seen = clock.until(round_.competition, block=refined, now=now)
    moves = round_.state != "paused" and not round_.source
    still = stages.still(heartbeats.last_reconciled(), now=now) if moves else ""
    return stages.tracker(round_, clock=seen, work=work, stands_still=still)


def round_page(round_: Round, *, now: datetime) -> rounds.RoundPage:
    entries = queries.entries_so_far(round_) if round_.takes_reveals else queries.submissions_of(round_)
    matches, audits = judging.matches_of(round_, entries=entries), auditing.audits_of(round_)
    counts = judging.duel_counts(round_) if round_.state != "finished" else {}  # a decided match knows its own
    reigns = queries.reigns_of(round_.competition, decided_in=False)
    register = weights.register(round_.competition, reigns, now=now)
    reign = next((reign for reign in reversed(register.reigns) if reign.won_in_id == round_.pk), None)
    if reign is None and len(register.reigns) >= 2 * queries.MOST_ROUNDS:  # of an old round it is not among the newest
        reign = queries.reign_after(round_)
    around, window = beside(round_), None
    if audits and not round_.source:
        block = register.block if weights.is_played(round_.competition) else None
        window = appeals.window_until(around.after, round_, block=block, now=now)
    rows = rounds.RoundRows(
        round=round_,
        submissions=entries,
        matches=matches,
        duel_counts=counts,
        audits=audits,
        odd_reveals=queries.odd_reveals(round_),
        beside=around,
        reign=reign,
        payment=weights.payment(round_.competition, register, reign, now=now) if reign else None,
        weight=weights.summary(round_.competition, register, now=now),
        appeals=appeals.objections_to(audits, now=now) if audits else {},
        appeal_window=window,
        findings=findings_on(round_),
        corrections=corrections_of(round_) if around.corrected else (),
        unwell=judge_health.unwell(round_),
        askers=opinions.askers_of(round_) if around.publication else None,
    )
    page = rounds.page(rows, tracker=tracker(round_, now=now, work=_work(rows)))
    if round_.state != "finished":
        return page
    edition = 1
    while folder_of(round_, edition=edition + 1).is_dir():
        edition += 1
    return replace(page, sure=published(folder_of(round_, edition=edition)))


def _work(rows: rounds.RoundRows) -> RoundWork:
    """What is done and left of a round that runs."""
    round_ = rows.round
    if round_.state == "finished":
        return stages.NOTHING
    return RoundWork(
        assets=queries.asset_counts(round_),
        renderings=judging.rendering_counts(round_),
        duels=rows.duel_counts,
        matches=Counter(match.state for match in rows.matches),
        audits=tuple(rows.audits),
    )


def decision_in_pictures(round_: Round | None, reigns: Sequence[Reign]) -> tuple[Match | None, tuple[DuelLine, ...]]:
    """The clearest duels of the match that decided the last decided round."""
    if round_ is None:
        return None, ()
    after = next((reign for reign in reigns if reign.won_in_id == round_.pk), None)
    match = decision_trail.decisive_match(judging.matches_of(round_), reign=after, round_=round_)
    duels = judging.clearest_duels(match, most=CLEAREST) if match else []
    if match is None or not duels:
        return None, ()
    shas = [sha for duel in duels for sha in (duel.left_sha256, duel.right_sha256)]
    renderings, view = judging.renderings_of(round_.competition, shas), first_view(round_.competition.config)
    return match, duel_rows(round_, match, duels, renderings=renderings, view=view)


def receipt_of(
    round_: Round | None, match: Match | None, register: weights.Register, *, now: datetime
) -> decision_trail.Receipt | None:
    """The sentence and the chain behind the last decision."""
    if round_ is None:
        return None
    audits = auditing.verdicts_on([match.challenger_id]) if match else []
    after = next((reign for reign in reversed(register.reigns) if reign.won_in_id == round_.pk), None)
    payment = weights.payment(round_.competition, register, after, now=now) if after else None
    return decision_trail.receipt(round_, match, audits=audits, payment=payment)


def field_page(round_: Round, *, urls: Mapping[str, str]) -> FieldPage:
    entries = queries.entries_so_far(round_) if round_.takes_reveals else queries.submissions_of(round_)
    matches = judging.matches_of(round_, entries=entries)
    return field.round_field(round_, entries, matches, reign=queries.reign_after(round_), urls=urls)


def leaders_field(reigns: Sequence[Reign]) -> tuple[FieldRow, ...]:
    """`reigns`: of one competition, oldest first."""
    began = leading.rounds_shown(reigns)
    entries = queries.leading_entries(
        (pk for _, pk in began if pk is not None), miners=(reign.miner_id for reign, _ in began)
    )
    return field.leader_rows(began, entries, judging.matches_against(entry.pk for entry in entries))


def improvement(register: weights.Register) -> Improvement | None:
    """What who leads now improved on the leader before it; None of who led from the start."""
    newest_first = tuple(reversed(register.reigns))
    theirs = (reign for reign in newest_first if reign.miner_id == newest_first[0].miner_id and not reign.defence)
    reign = next(theirs, None)
    if reign is None or reign.won_in_id is None:
        return None
    entries = queries.leading_entries([reign.won_in_id], miners=[reign.miner_id])
    return field.improvement(entries, judging.matches_against(entry.pk for entry in entries), reign=reign)


def match_page(round_: Round, *, defender: str, challenger: str) -> match_pages.MatchPage:
    match = judging.match_between(round_, defender=defender, challenger=challenger)
    if match is None:
        raise Http404(NOT_MET)
    return _match_page(round_, match)


def _match_page(round_: Round, match: Match) -> match_pages.MatchPage:
    duels = judging.duels_of(match)
    shas = [sha for duel in duels for sha in (duel.left_sha256, duel.right_sha256)]
    renderings = judging.renderings_of(round_.competition, shas)
    version, numbers = judging.measured_numbers(shas)
    files = {
        "defender": [duel.left_sha256 for duel in duels if duel.left_sha256],
        "challenger": [duel.right_sha256 for duel in duels if duel.right_sha256],
    }
    return match_pages.page(
        round_,
        match,
        duels,
        renderings=renderings,
        integrity=integrity_summary(files, version=version, numbers=numbers, decides=rule_words(round_.rules)),
        findings=findings_on(round_, match=match),
        publication=publication_of(round_),
    )


def duel_page(round_: Round, *, defender: str, challenger: str, stem: str) -> duel_pages.DuelPage:
    match = judging.match_between(round_, defender=defender, challenger=challenger)
    if match is None:
        raise Http404(NOT_MET)
    return _duel_page(round_, match, stem=stem)


def audit_duel_page(round_: Round, *, miner: Miner, stem: str) -> duel_pages.DuelPage:
    match = judging.audit_match(round_, challenger=miner.hotkey)
    if match is None:
        raise Http404("No output of this miner was generated again in this round.")
    return _duel_page(round_, match, stem=stem)


def title_page(round_: Round, *, miner: Miner) -> match_pages.MatchPage:
    match = judging.match_on_page(round_, "title", challenger=miner.hotkey)
    if match is None:
        raise Http404("This miner played no title match in this round.")
    return _match_page(round_, match)


def title_duel_page(round_: Round, *, miner: Miner, stem: str) -> duel_pages.DuelPage:
    match = judging.match_on_page(round_, "title", challenger=miner.hotkey)
    if match is None:
        raise Http404("This miner played no title match in this round.")
    return _duel_page(round_, match, stem=stem)


def _duel_page(round_: Round, match: Match, *, stem: str) -> duel_pages.DuelPage:
    duels = judging.duels_of(match)
    duel = next((d for d in duels if d.prompt.stem == stem), None)
    if duel is None:
        raise Http404("This prompt is not among the duels of the match.")
    assets = queries.assets_on(round_, duel.prompt, {match.defender_id, match.challenger_id})
    shas = {duel.left_sha256, duel.right_sha256, *(asset.sha256 for asset in assets)}
    renderings = judging.renderings_of(round_.competition, shas)
    copies = mirrored(pictures_of(duel.detail)) if round_.source else {}
    return duel_pages.page(
        round_,
        match,
        duel,
        duels=duels,
        assets=assets,
        renderings=renderings,
        mirrored=copies,
        light=light_copies_of(shas),
        copies=winner_copies_of(shas),
        measurements=judging.measurements_of(shas),
    )


def audit_page(round_: Round, *, miner: Miner, now: datetime) -> audit_pages.AuditPage:
    audits = [a for a in auditing.versions_of(round_) if a.submission.miner_id == miner.pk]
    if not audits:
        raise Http404("This miner was not audited in this round.")
    submission = audits[0].submission
    match = judging.audit_match(round_, challenger=miner.hotkey)
    runs, leaders_runs = auditing.runs_beside_leaders(submission)
    return audit_pages.page(
        round_,
        submission,
        audits=audits,
        in_force=auditing.newest_in_force(audits),
        pod_runs=[run for run in runs if plain(run.purpose) == PodRun.Purpose.AUDIT],
        leaders_runs=leaders_runs,
        match=_match_page(round_, match) if match else None,
        repeated=judging.repeated_matches(round_, challenger=miner.hotkey),
        appeals=appeals.objections_to(audits, now=now),
        appeal_window=appeals.window(round_, now=now),
    )


def miner_rows(miner: Miner, *, now: datetime) -> MinerRows:
    submissions = queries.submissions_by(miner)
    reigns = queries.reigns_by(miner)
    everybody = queries.reigns_in(reign.competition_id for reign in reigns)
    pks = [s.pk for s in submissions]
    matches, audits = judging.matches_against(pks), auditing.audits_on(pks)
    audited = {audit.round_id: audit.round for audit in audits}
    return MinerRows(
        miner=miner,
        submissions=submissions,
        reveals=queries.reveals_by(miner),
        matches=matches,
        costly=costly(matches),
        measured=measured_entry(submissions),
        audits=audits,
        appeals=appeals.objections_to(audits, now=now),
        appeal_windows=appeals.windows(list(audited.values()), now=now),
        lodged=tuple(appeals.objection(row, now=now) for row in auditing.appeals_by(miner.hotkey)),
        pod_runs=auditing.pod_runs_on(pks),
        failed=list(queries.failed_assets(pks)),
        refused=_refused(submissions),
        reigns=reigns,
        leaders={pk: rows[-1] for pk, rows in everybody.items()},
        weights={pk: weights.weight_in_force(rows[-1].competition, rows, now=now) for pk, rows in everybody.items()},
    )


def measured_entry(submissions: Sequence[Submission]) -> tuple[Submission, IntegritySummary] | None:
    """The newest entry of which files were measured, and how sound they are beside those of its round's leader."""
    entry = next((s for s in submissions if entry_facts(s, round_=s.round).measured_files), None)
    if entry is None:
        return None
    files = queries.files_beside_leader(entry)
    version, numbers = judging.measured_numbers(sha for hashes in files.values() for sha in hashes)
    decides = rule_words(entry.round.rules)
    summary = integrity_summary(files, version=version, numbers=numbers, decides=decides)
    return (entry, summary) if summary else None


def costly(matches: Sequence[Match]) -> tuple[Match, tuple[DuelLine, ...]] | None:
    """The newest match that fell short of the bar, and the duels in it that were lost by the most."""
    for match in matches:
        if match.state != "decided" or match.audits:
            continue
        if not figures(tally_of(match), rules=rules_of(match.round), kind=match.kind).reaches:
            break
    else:
        return None
    duels = judging.clearest_losses(match, most=CLEAREST)
    shas = [sha for duel in duels for sha in (duel.left_sha256, duel.right_sha256)]
    competition = match.round.competition
    renderings, view = judging.renderings_of(competition, shas), first_view(competition.config)
    return match, duel_rows(match.round, match, duels, renderings=renderings, view=view)


def _refused(submissions: list[Submission]) -> list[tuple[Asset, Rendering]]:
    """Files that arrived and could not be photographed."""
    pks = [s.pk for s in submissions]
    refused = {(r.competition_id, r.sha256): r for r in judging.refused_files_of(pks)}
    if not refused:
        return []
    stored = queries.stored_assets(pks, hashes=[sha256 for _, sha256 in refused])
    competitions = {s.pk: s.round.competition_id for s in submissions}
    pairs = [(a, refused.get((competitions[a.submission_id], a.sha256))) for a in stored]
    return [(asset, rendering) for asset, rendering in pairs if rendering is not None]


def search(query: str) -> tuple[list[Miner], list[Submission], list[Prompt]]:
    if len(query) < 2:
        return [], [], []
    miners = queries.miners_starting_with(query) or queries.miners_labelled(query)
    at_commit = queries.submissions_at_commit(query.lower()) if COMMIT.fullmatch(query.lower()) else []
    return miners, at_commit, duel_statistics.prompts_named_like(query)
