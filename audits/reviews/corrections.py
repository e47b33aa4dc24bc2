"""How is a decided round decided again?  The new results stand beside the old ones until two people apply all of them.

`stage` opens a correction and requests the whole set of its scope.  Its step waits until the ladder, climbed with the
new verdicts, is complete, and shows what would change; two people apply or discard it (`audits.reviews.rulings`).
"""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

from django.db import transaction

from audits import bankrolls, steps
from audits.decisions import corrections as decisions
from audits.decisions.corrections import Reigned
from audits.models import Audit, Correction, PodRun
from audits.pods import runs
from audits.reviews import reruns
from competition import attempts, rounds
from competition.models import Attempt, Competition, Reign, Round
from competition.publication.bundle_folders import newest_edition
from competition.rulesets import RoundDecision
from core import ledger
from core.machine import engine
from core.machine.outcomes import Move, Outcome, Retry, StepFailure, Wait
from core.machine.stateful import FailureClass
from judging import rejudging
from judging.decisions import affected

SOON = timedelta(seconds=2)
By = list[dict[str, str]]


class NotNow(Exception):
    """The correction cannot be done now; the sentence says why and what must happen first.

    `field`: of the form, where one is at fault.
    """

    def __init__(self, sentence: str, *, field: str = "") -> None:
        super().__init__(sentence)
        self.field = field


def stage(
    round_: Round,
    *,
    scope: str,
    code: str,
    sentence: str,
    opened_by: str,
    now: datetime,
    choice: affected.Choice | None = None,
) -> Correction:
    """Open a correction, with the whole set of its scope.  Raises NotNow.  `choice`: which duels a fault touched."""
    chooses = scope == Correction.Scope.DUELS
    bad = decisions.unfit(scope=scope, code=code, sentence=sentence) or (
        affected.unfit(choice or {}) if chooses else None
    )
    if bad:
        raise NotNow(bad[1], field=bad[0])
    with transaction.atomic():
        ledger.hold(round_.competition_id)
        round_.refresh_from_db()  # another correction may have been applied since it was looked at
        publications = round_.competition.events.filter(kind="publication.published", body__round=round_.number)
        why = decisions.cannot_stage(
            state=round_.state,
            imported=bool(round_.source),
            published=publications.exists(),
            open_already=round_.corrections.filter(state__in=("staged", "ready")).exists(),
        )
        if why:
            raise NotNow(why)
        number = round_.corrections.count() + 1
        made = Correction.objects.create(
            round=round_,
            number=number,
            attempt=attempts.later(round_, number + 1, of="decision", cause=Attempt.Cause.CORRECTION),
            scope=scope,
            code=code,
            sentence=sentence.strip(),
            opened_by=opened_by,
            before={**(round_.decision or {}), "headline": round_.headline},
            choice=affected.named(choice or {}) if chooses else {},
            **Correction.born(now=now),
        )
        try:
            begun = reruns.begin(made, now=now)
        except reruns.NothingToRerun as error:
            raise NotNow(str(error), field=error.field) from error
        body = {
            **made.describe(),
            "scope": scope,
            "code": code,
            "because": made.sentence,
            "opened_by": opened_by,
            "choice": made.choice,
            "anew": begun,
        }
        ledger.append(round_.competition_id, kind="correction.staged", body=body, at=now)
        engine.announce(Correction, now=now)
    return made


def correctable() -> list[Round]:
    """Of each competition that is played here the last decided round."""
    rows = Round.objects.filter(state="finished", source={}).select_related("competition")
    newest = {row.competition_id: row for row in rows.order_by("number")}
    return sorted(newest.values(), key=lambda row: row.competition.slug)


def prepare(correction: Correction, now: datetime) -> Outcome:
    """Ask for what the new ladder needs, and wait for it; then say what would change."""
    round_ = correction.round
    open_ = correction.audits.exclude(state__in=("passed", "rejected"))
    person = open_.filter(state="reviewing").first()
    if person is not None:
        return Wait(SOON, f"a reviewer must decide the {person.kind} audit of {person.submission.key}")
    if failure := stuck(correction):
        return Retry(engine.backoff(correction.attempts), failure)
    if open_.exists():
        return Wait(SOON, f"{open_.count()} audits are open")
    if left := rejudging.open_matches(round_, attempt=correction.attempt):
        return Wait(SOON, f"{left} matches are judged again")
    decision = steps.decide(round_, including=correction)
    steps.want(round_, decision, now=now, correction=correction)
    if not decision.complete:
        return Wait(SOON, "matches or audits that the new ladder asks for are open")
    preview = preview_of(correction, decision)
    what = "the decision would be another" if preview["changes"] else "the decision would be the same"
    facts = {name: preview[name] for name in ("winner", "leader", "weight", "changes")}
    return Move("ready", because=what, sets={"preview": preview}, facts=facts)


def stuck(correction: Correction) -> StepFailure | None:
    """What keeps a correction from ever being ready, and who must act.  It can be discarded meanwhile."""
    audit = correction.audits.filter(Audit.out_of_tries()).first()
    if audit is not None:
        why = f"An audit cannot be finished: {audit.failure_reason}"
        return StepFailure(FailureClass.INFRASTRUCTURE, "AUDIT", f"{why} {OPERATOR}")
    ours = PodRun.objects.filter(submission__round=correction.round, since__gte=correction.since, state="failed")
    ours = ours.filter(beside=None)  # nothing waits for a leader's code that is only timed
    rows = ours.select_related("submission__miner", "submission__round").order_by("pk")
    newest = {(run.submission_id, run.purpose): run for run in rows}
    run = next((run for run in newest.values() if runs.lost(run) and not runs.may_try_again(run)), None)
    if run is not None:
        why = f"A pod of {run.submission.key} ({run.purpose}) was lost {runs.MOST_LOST} times: {run.failure_reason}"
        return StepFailure(FailureClass.INFRASTRUCTURE, "PODS", f"{why} {OPERATOR}")
    why = rejudging.silence(correction.round, attempt=correction.attempt)
    return StepFailure(FailureClass.JUDGE, "JUDGE", f"{why} {OPERATOR}") if why else None


OPERATOR = "An operator must mend the cause; or two people discard this correction, and open another when it is mended."


def preview_of(correction: Correction, decision: RoundDecision) -> dict[str, Any]:
    """The decision as it would be published, and whether it differs from the one that stands."""
    round_ = correction.round
    winner = steps.winner_of(round_, decision)
    new = {
        **rounds.successor(round_, winner=winner),
        "ladder": [step.to_dict() for step in decision.steps],
        "headline": steps.headline(round_, decision),
    }
    names = ("winner", "ladder", "headline")
    matches = [
        {
            "kind": after.kind,
            "defender": after.defender.key,
            "challenger": after.challenger.key,
            "turned": rejudging.turned(before, after),
            "before": rejudging.summed(before),
            "after": rejudging.summed(after),
        }
        for before, after in rejudging.before_and_after(round_, attempt=correction.attempt)
    ]
    changes = any(new[name] != correction.before.get(name) for name in names) or any(
        match["turned"] for match in matches
    )
    reign = last_reign(round_)
    leader_changes = new["leader"] != (reign.miner.hotkey if reign else "")
    places, after = (rejudging.ranks(round_, attempt=one) for one in (None, correction.attempt))
    ranks = [
        {"entry": key, "before": places[key], "after": place}
        for key, place in sorted(after.items(), key=lambda row: (row[1], row[0]))
        if places != after  # empty where nobody's place changes
    ]
    beside = {"leader_changes": leader_changes, "matches": matches, "ranks": ranks}
    return {**new, "changes": changes, **beside}


def last_reign(round_: Round) -> Reign | None:
    return round_.reigns_begun.select_related("miner").order_by("-sequence").first()


def apply(correction: Correction, *, because: str, code: str, by: By, now: datetime) -> None:
    """Let the new decision take the old one's place.  Raises NotNow; call it in the ruling's transaction."""
    round_ = Round.objects.select_for_update().get(pk=correction.round_id)
    decision = steps.decide(round_, including=correction)
    preview = preview_of(correction, decision)
    if not decision.complete or preview["winner"] != correction.preview.get("winner"):
        raise NotNow("What this was prepared on has changed: discard it and open another.")
    competition: Competition = round_.competition
    old, current = last_reign(round_), competition.current_round()
    since = competition.reigns.filter(sequence__gt=old.sequence if old else 0).order_by("sequence")
    pairs = bankrolls.changed_by(round_, decision.left)
    why = decisions.cannot_apply(
        changes_leader=preview["leader_changes"],
        now_playing=current.state if current else "",
        since=[Reigned(sequence=reign.sequence, defence=reign.defence) for reign in since],
        changes_bankroll=bool(pairs),
        bankroll_used=bankrolls.used_since(round_, commits=pairs),
    )
    if why:
        raise NotNow(why)
    facts = {
        "code": code,
        "by": by,
        "winner": preview["winner"],
        "before": correction.before.get("winner", ""),
        "makes_edition": edition(round_) + 1,
        "supersedes": old.sequence if old and preview["leader_changes"] else None,
        "headline": preview["headline"],
        "ladder": preview["ladder"],
    }
    if not engine.move(correction, Move("applied", because=because, facts=facts), now=now):
        raise NotNow("Somebody else settled this correction meanwhile.")
    reruns.put_in_force(correction)
    if preview["leader_changes"]:
        rounds.supersede(round_, winner=steps.winner_of(round_, decision), now=now)
    bankrolls.keep(round_, decision.left, now=now)
    changed = {k: v for k, v in preview.items() if k not in BESIDE}
    outcome = {**(round_.decision or {}), **changed}
    Round.objects.filter(pk=round_.pk).update(decision=outcome, headline=preview["headline"])


BESIDE = ("headline", "changes", "leader_changes", "matches", "ranks")
"""What a preview holds that is no part of the decision."""


def edition(round_: Round) -> int:
    """How often the round's decision was published: 1, and once more for each correction that was applied."""
    return newest_edition(round_)


def discard(correction: Correction, *, because: str, code: str, by: By, now: datetime) -> None:
    """Nothing of it counts; all of it stays to be seen."""
    reruns.drop(correction, now=now)
    if not engine.move(correction, Move("discarded", because=because, facts={"code": code, "by": by}), now=now):
        raise NotNow("Somebody else settled this correction meanwhile.")
