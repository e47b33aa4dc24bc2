"""What would the audits of a round come to with the verdicts of another judge?

Source audits and what people decided stand.  A generation audit that the rules decided is asked about again, with the
regenerated outputs as the second judge sees them; one whose matches are open then is open.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

from audits.models import Audit, PodRun
from audits.reviews import in_force, reruns
from audits.steps import STATES, LeadersPace, fold_regenerations, leaders_pace, regeneration_of_run
from competition.decisions.attempts import numbered
from competition.models import Submission
from competition.rounds import rules_of
from competition.rulesets.base import SCREEN
from competition.rulesets.ladder import LEADER, Audited, Key, combined
from competition.rulesets.regenerations import Regeneration
from competition.rulesets.tally import Tally
from judging.models import Match
from judging.shadow.round_view import RoundView


def shadow_audited(view: RoundView) -> Mapping[Key, Audited]:
    """entry -> what its audits come to, of those of which that is known."""
    by_entry: dict[str, dict[str, str]] = {}
    for (entry, kind), state in shadow_states(view).items():
        by_entry.setdefault(entry, {})[kind] = state
    rules = rules_of(view.round)
    results = {entry: combined(states, rules=rules) for entry, states in by_entry.items()}
    return {entry: result for entry, result in results.items() if result is not None}


def shadow_states(view: RoundView) -> dict[tuple[str, str], str]:
    """(entry, kind) -> the state of its audit that counts, with the second judge's verdicts."""
    return {
        place: state_of(audit, view) if follows_from_duels(audit, view) else audit.state
        for place, audit in in_force.verdicts(view.round).items()
    }


def follows_from_duels(audit: Audit, view: RoundView) -> bool:
    """Was it decided by the rules, from matches that are here?  Those of rounds played elsewhere are not."""
    decided = audit.state in ("passed", "rejected") and not audit.people
    judged = regenerated_match(view, Match.Kind.AUDIT, audit.submission, regeneration=0)
    return audit.kind == Audit.Kind.GENERATION and decided and judged is not None


def state_of(audit: Audit, view: RoundView) -> str:
    """What the ruleset says of the regenerations so far; `open` where a match or a run that it needs is missing."""
    pace = leaders_pace(audit)

    def outputs(regeneration: int) -> Regeneration | None:
        run = run_of(audit, regeneration=regeneration)
        return regeneration_seen(audit, run, pace, view, regeneration=regeneration) if run is not None else None

    def against_defender(regeneration: int) -> Tally | None:
        match = regenerated_match(view, Match.Kind.AGAINST_DEFENDER, audit.submission, regeneration=regeneration)
        end = view.end_of(match) if match is not None else None
        return end.tally if end is not None else None

    verdict = fold_regenerations(audit, view.ruleset, outputs=outputs, against_defender=against_defender)
    return STATES.get(verdict.outcome, "open") if verdict is not None else "open"


def run_of(audit: Audit, *, regeneration: int) -> PodRun | None:
    purpose = numbered(PodRun.Purpose.AUDIT, reruns.regeneration_for(audit) + regeneration)
    return PodRun.objects.filter(submission=audit.submission, purpose=purpose).order_by("pk").last()


def regeneration_seen(
    audit: Audit, run: PodRun, pace: LeadersPace, view: RoundView, *, regeneration: int
) -> Regeneration | None:
    """As the second judge sees it, also the margin against the leader where a ruleset asks for that; None where a
    match is open."""
    match = regenerated_match(view, Match.Kind.AUDIT, audit.submission, regeneration=regeneration)
    end = view.end_of(match) if match is not None else None
    if match is None or end is None:
        return None
    row = regeneration_of_run(run, pace, submitted=end.tally, results=view.results(match)[: end.after])
    if row.ahead is None:
        return row
    screen = view.by_pairing.get((SCREEN, LEADER, audit.submission.key))
    screened = view.end_of(screen) if screen is not None else None
    return replace(row, ahead=screened.tally.margin) if screened is not None else None


def regenerated_match(view: RoundView, kind: Match.Kind, entry: Submission, *, regeneration: int) -> Match | None:
    """The match of that regeneration which counts."""
    named = numbered(kind, regeneration)
    rows = (match for match in view.by_pairing.values() if match.pk and match.kind == named)
    return next((match for match in rows if match.challenger_id == entry.pk), None)
