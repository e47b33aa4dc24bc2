"""How is a decided round decided anew without an edit?  Beside the old results; then all of it counts, or nothing.

`stage` opens a correction and asks for the whole set of its scope; its step waits until the ladder, climbed with the
new verdicts, is complete, and says what would change; two people apply or discard it (`audits.ruling`).
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any

from django.db import transaction

from audits import in_force, steps, titles
from audits.decisions import corrections as decisions
from audits.decisions.corrections import Reigned
from audits.models import Audit, Correction
from competition import ledger, rounds
from competition.decisions.title import Title
from competition.machine import engine
from competition.machine.outcomes import Failure, Move, Outcome, Retry, Wait
from competition.machine.stateful import FailureClass
from competition.models import Competition, Reign, Round

SOON = timedelta(seconds=2)
By = list[dict[str, str]]


class NotNow(Exception):
    """It cannot be done now; says why and what must happen first.  `field`: of the form, where one is at fault."""

    def __init__(self, sentence: str, *, field: str = "") -> None:
        super().__init__(sentence)
        self.field = field


def stage(round_: Round, *, scope: str, code: str, sentence: str, opened_by: str, now: datetime) -> Correction:
    """Open a correction, with the whole set of its scope.  Raises NotNow."""
    if bad := decisions.unfit(scope=scope, code=code, sentence=sentence):
        raise NotNow(bad[1], field=bad[0])
    with transaction.atomic():
        ledger.hold(round_.competition_id)
        if why := _cannot_stage(round_):
            raise NotNow(why)
        anew = _affected(round_) if scope == Correction.Scope.SOURCE else []
        made = Correction.objects.create(
            round=round_, number=round_.corrections.count() + 1, scope=scope, code=code, sentence=sentence.strip(),
            opened_by=opened_by, before=_standing(round_), **Correction.born(now=now),
        )  # fmt: skip
        anew = [in_force.another(audit, correction=made, now=now, due=True) for audit in anew]
        body = {
            **made.describe(), "scope": scope, "code": code, "because": made.sentence, "opened_by": opened_by,
            "anew": [f"{audit.submission.key} {audit.kind} {audit.version}" for audit in anew],
        }  # fmt: skip
        ledger.append(round_.competition_id, kind="correction.staged", body=body, at=now)
        engine.announce(Correction, now=now)
    return made


def _cannot_stage(round_: Round) -> str | None:
    told = round_.competition.events.filter(kind="publication.published", body__round=round_.number)
    return decisions.cannot_stage(
        state=round_.state, imported=bool(round_.source), published=told.exists(),
        open_already=round_.corrections.filter(state__in=("staged", "ready")).exists(),
    )  # fmt: skip


def _affected(round_: Round) -> list[Audit]:
    """Every source audit that counts, in a fixed order: nobody chooses among them."""
    found = [a for (_, kind), a in in_force.verdicts(round_).items() if kind == Audit.Kind.SOURCE]
    return sorted(found, key=lambda audit: audit.submission.key)


def _standing(round_: Round) -> dict[str, Any]:
    return {**(round_.decision or {}), "headline": round_.headline}


@engine.step(Correction, "staged")
def gather(correction: Correction, now: datetime) -> Outcome:
    """Ask for what the new ladder needs, and wait for it; then say what would change."""
    waiting = _waiting(correction)
    if waiting is not None:
        return waiting
    round_ = correction.round
    climbed = steps.climb(round_, now=now, including=correction)
    steps.want_audits(round_, climbed, now=now, correction=correction)
    if not climbed.complete:
        return Wait(SOON, "matches or audits that the new ladder asks for are open")
    preview = preview_of(correction, climbed)
    what = "the decision would be another" if preview["changes"] else "the decision would be the same"
    facts = {name: preview[name] for name in ("winner", "leader", "weight", "changes")}
    return Move("ready", because=what, sets={"preview": preview}, facts=facts)


def _waiting(correction: Correction) -> Outcome | None:
    open_ = correction.audits.exclude(state__in=("passed", "rejected"))
    person = open_.filter(state="reviewing").first()
    if person is not None:
        return Wait(SOON, f"a reviewer must decide the {person.kind} audit of {person.submission.key}")
    stuck = open_.filter(attempts__gte=6).exclude(failure_class="").first()
    if stuck is not None:
        failure = Failure(FailureClass.INFRASTRUCTURE, "AUDIT", f"An audit cannot be finished: {stuck.failure_reason}")
        return Retry(engine.backoff(correction.attempts), failure)
    return Wait(SOON, f"{open_.count()} audits are open") if open_.exists() else None


def preview_of(correction: Correction, climbed: steps.Climbed) -> dict[str, Any]:
    """The decision as it would be published, and whether it differs from the one that stands."""
    round_ = correction.round
    winner = steps.winner_of(round_, climbed)
    new = {
        **rounds.successor(round_, winner=winner),
        "ladder": steps.tell(round_, climbed, winner, including=correction),
        "headline": steps.say(round_, winner, climbed),
    }
    names = ("winner", "ladder", "headline")
    changes = any(new[name] != correction.before.get(name) for name in names)
    return {**new, "changes": changes, "leader_changes": new["leader"] != _leads(round_)}


def _leads(round_: Round) -> str:
    """Whom the decision that stands made the leader."""
    reign = last_reign(round_)
    return reign.miner.hotkey if reign else ""


def last_reign(round_: Round) -> Reign | None:
    return round_.reigns_begun.select_related("miner").order_by("-sequence").first()


def apply(correction: Correction, *, because: str, code: str, by: By, now: datetime) -> None:
    """Let the new decision take the old one's place.  Raises NotNow; call it in the ruling's transaction."""
    round_ = Round.objects.select_for_update().get(pk=correction.round_id)
    climbed = steps.climb(round_, now=now, including=correction, ask=False)
    preview = preview_of(correction, climbed)
    if not climbed.complete or preview["winner"] != correction.preview.get("winner"):
        raise NotNow("What this was prepared on has changed: discard it and open another.")
    if why := _cannot_apply(round_, changes_leader=preview["leader_changes"]):
        raise NotNow(why)
    old = last_reign(round_)
    facts = {
        "code": code, "by": by, "winner": preview["winner"], "before": correction.before.get("winner", ""),
        "makes_edition": edition(round_) + 1, "supersedes": old.sequence if old and preview["leader_changes"] else None,
    }  # fmt: skip
    if not engine.move(correction, Move("applied", because=because, facts=facts), now=now):
        raise NotNow("Somebody else settled this correction meanwhile.")
    _decide(round_, climbed, preview=preview, now=now)


def _decide(round_: Round, climbed: steps.Climbed, *, preview: Mapping[str, Any], now: datetime) -> None:
    if preview["leader_changes"]:
        rounds.supersede(round_, winner=steps.winner_of(round_, climbed), now=now)
    if isinstance(climbed, Title):
        titles.keep(round_, climbed, now=now)
    kept = {k: v for k, v in preview.items() if k not in ("headline", "changes", "leader_changes")}
    decision = {**(round_.decision or {}), **kept}
    Round.objects.filter(pk=round_.pk).update(decision=decision, headline=preview["headline"])


def _cannot_apply(round_: Round, *, changes_leader: bool) -> str | None:
    competition: Competition = round_.competition
    old, current = last_reign(round_), competition.current_round()
    since = competition.reigns.filter(sequence__gt=old.sequence if old else 0).order_by("sequence")
    return decisions.cannot_apply(
        changes_leader=changes_leader, now_playing=current.state if current else "",
        since=[Reigned(sequence=reign.sequence, defence=reign.defence) for reign in since],
    )  # fmt: skip


def edition(round_: Round) -> int:
    """How often the round's decision was published: 1, and once more for each correction that was applied."""
    return 1 + round_.corrections.filter(state="applied").count()


def discard(correction: Correction, *, because: str, code: str, by: By, now: datetime) -> None:
    """Nothing of it counts; all of it stays to be seen."""
    if not engine.move(correction, Move("discarded", because=because, facts={"code": code, "by": by}), now=now):
        raise NotNow("Somebody else settled this correction meanwhile.")
