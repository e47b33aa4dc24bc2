"""Which rows does a round of a state repository become?

They are made already settled: the round was played elsewhere, nothing here moved it, so there is no event of ours to
write and the engine is not asked.  Everything else about them is as with rounds of our own.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from audits.models import Audit, Finding
from competition.models import Competition, Miner, Prompt, Round, RoundPrompt, Submission
from competition.records.audited import ReadAudit
from competition.records.played import PlayedDuel, PlayedMatch
from competition.records.reigns import ReadReign
from competition.records.rounds import ReadRound, RecordedEntry
from competition.rulesets.tally import DuelResult
from core.postgres.bulk_copy import copy_rows
from dashboard.facts import prompt_counts
from judging.models import Duel, Match
from verify.rounds import CHALLENGER, DEFENDER, LEADER, SKIPPED

JUDGE = "records"
NOBODY = "unknownLeader"
STRANGER = "It has matches in this round, and submissions.json does not list it."
FORFEITS = (DuelResult.FORFEIT_CHALLENGER, DuelResult.FORFEIT_DEFENDER)


@dataclass(frozen=True, kw_only=True)
class Filling:
    """One round about to be written.  `fields` are the round's own columns."""

    competition: Competition
    read: ReadRound
    leader: ReadReign | None
    fields: Mapping[str, Any]
    now: datetime


def fill(filling: Filling) -> Round:
    """Write the round and all that hangs on it.  Call it in a transaction, after `clear`."""
    born = {"since": filling.now, "due_at": None}
    round_ = Round.objects.create(competition=filling.competition, number=filling.read.number, **filling.fields, **born)
    entries = _submissions(round_, filling)
    prompts = _prompts(round_, filling)
    _matches(round_, filling, entries=entries, prompts=prompts)
    _audits(round_, filling.read.audits, entries=entries, now=filling.now)
    prompt_counts.keep(round_)
    return round_


def clear(round_: Round) -> None:
    """Take an imported round out again, to be written as its files say now.  Reigns of it are left without it."""
    Duel.objects.filter(match__round=round_).delete()
    round_.competition.verifier_findings.all().delete()
    Finding.objects.filter(audit__round=round_).delete()
    round_.audits.all().delete()
    round_.matches.all().delete()
    round_.submissions.update(copy_of=None)
    round_.submissions.all().delete()
    round_.drawn.all().delete()
    round_.reigns_begun.update(won_in=None)
    round_.delete()


def _submissions(round_: Round, filling: Filling) -> dict[str, Submission]:
    """Key -> entry.  Whoever played without a submission gets one with an objection, so that nothing is lost."""
    read, leader = filling.read, filling.leader
    listed = {entry.hotkey for entry in read.entries}
    played = {key for match in read.matches for key in (match.defender, match.challenger)}
    unlisted = sorted((played | {audit.hotkey for audit in read.audits}) - listed - {LEADER})
    first = leader.hotkey if leader else NOBODY
    hotkeys = sorted({first, *listed, *unlisted})
    about = {NOBODY: {"label": "unknown leader", "note": "leader.json does not say who led."}}
    unknown = [Miner(hotkey=hotkey, **about.get(hotkey, {})) for hotkey in hotkeys]
    Miner.objects.bulk_create(unknown, ignore_conflicts=True)
    miners = {miner.hotkey: miner for miner in Miner.objects.filter(hotkey__in=hotkeys)}
    solution = {"repo": leader.repo, "commit": leader.commit} if leader else {}
    rows = [Submission(round=round_, miner=miners[first], role=Submission.Role.LEADER, **solution)]
    rows += [
        Submission(
            round=round_,
            miner=miners[entry.hotkey],
            role=Submission.Role.CHALLENGER,
            repo=entry.repo,
            commit=entry.commit,
            cdn_url=entry.cdn_url,
            reveal_block=entry.block,
            extrinsic_index=place,  # within one block the order of the file decides
        )
        for place, entry in enumerate(read.entries)
    ]
    rows += [
        Submission(round=round_, miner=miners[hotkey], role=Submission.Role.CHALLENGER, objection=STRANGER)
        for hotkey in unlisted
    ]
    written = {row.key: row for row in Submission.objects.bulk_create(rows)}
    _mark_copies(read.queue, written)
    return written


def _mark_copies(queue: list[RecordedEntry], written: Mapping[str, Submission]) -> None:
    """Of those that share a commit, the first revealed is the original."""
    firsts: dict[str, Submission] = {}
    copies = []
    for entry in queue:
        row = written[entry.hotkey]
        first = firsts.setdefault(entry.commit, row) if entry.commit else row
        if first is not row:
            row.copy_of = first
            copies.append(row)
    Submission.objects.bulk_update(copies, ["copy_of"])


def _prompts(round_: Round, filling: Filling) -> dict[str, Prompt]:
    """Stem -> prompt.  A duel may show one that the round's list does not have."""
    listed = dict(filling.read.prompts)
    shown = {duel.stem: duel.prompt for match in filling.read.matches for duel in match.duels}
    rows = [
        Prompt(competition=filling.competition, stem=stem, url=address or stem)
        for stem, address in {**shown, **listed}.items()
    ]
    Prompt.objects.bulk_create(rows, ignore_conflicts=True)
    by_stem = {
        p.stem: p for p in Prompt.objects.filter(competition=filling.competition, stem__in=[r.stem for r in rows])
    }
    RoundPrompt.objects.bulk_create(
        RoundPrompt(round=round_, prompt=by_stem[stem], position=place) for place, stem in enumerate(listed)
    )
    return by_stem


def _matches(
    round_: Round, filling: Filling, *, entries: Mapping[str, Submission], prompts: Mapping[str, Prompt]
) -> None:
    played = [match for match in filling.read.matches if match.defender != match.challenger]
    matches = []
    for match in played:
        leads, tally = match.defender == LEADER, match.tally
        matches.append(
            Match(
                round=round_,
                kind=Match.Kind.SCREEN if leads else Match.Kind.LADDER,
                state="decided",
                since=filling.now,
                due_at=None,
                defender=entries[match.defender],
                defender_origin="generated" if leads else "submitted",
                challenger=entries[match.challenger],
                challenger_origin="submitted",
                judge_name=JUDGE,
                won=tally.won,
                drawn=tally.drawn,
                lost=tally.lost,
                void=tally.void,
                forfeits_challenger=tally.forfeits_challenger,
                forfeits_defender=tally.forfeits_defender,
                margin_micro=tally.margin_micro(),
                duels_made=len(match.duels),
            )
        )
    rows = Match.objects.bulk_create(matches)
    copy_rows(Duel, _duels(zip(rows, played, strict=True), prompts=prompts, now=filling.now))


def _duels(
    matches: Iterable[tuple[Match, PlayedMatch]], *, prompts: Mapping[str, Prompt], now: datetime
) -> Iterator[dict[str, Any]]:
    for row, match in matches:
        for position, duel in enumerate(match.duels):
            common = {"match_id": row.pk, "prompt_id": prompts[duel.stem].pk, "position": position, "since": now}
            yield common | _verdict(duel) | {"detail": json.dumps(detail(duel), ensure_ascii=False)}


def _verdict(duel: PlayedDuel) -> dict[str, str]:
    if duel.unneeded:
        return {"state": "unneeded", "outcome": ""}
    if duel.winner == SKIPPED:
        why = {"failure_class": "judge", "failure_code": "SKIPPED", "failure_reason": "It was skipped at its source."}
        return {"state": "void", "outcome": "", **why}
    return {"state": "forfeited" if duel.forfeited else "judged", "outcome": duel.winner}


def detail(duel: PlayedDuel) -> dict[str, Any]:
    """What the page of a duel shows; `files` are addresses on other hosts."""
    fields: dict[str, Any] = {"issues": duel.issues} if duel.issues else {}
    fields |= {"files": {side: dict(duel.files[side]) for side in (DEFENDER, CHALLENGER)}}
    return fields | ({"more": dict(duel.rest)} if duel.rest else {})


def _audits(round_: Round, audits: list[ReadAudit], *, entries: Mapping[str, Submission], now: datetime) -> None:
    rows = Audit.objects.bulk_create(
        Audit(
            round=round_,
            submission=entries[audit.hotkey],
            kind=audit.kind,
            state=audit.state,
            since=now,
            due_at=None,
            reason=audit.reason,
            limits=audit.limits,
            numbers=audit.numbers,
        )
        for audit in audits
    )
    Finding.objects.bulk_create(
        Finding(
            audit=row,
            severity="critical" if seen.critical else "mismatch",
            rule=seen.rule,
            file=seen.stem,
            sentence=seen.sentence,
        )
        for row, audit in zip(rows, audits, strict=True)
        for seen in audit.observed
    )
