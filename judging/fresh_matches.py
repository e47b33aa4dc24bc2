"""How does a match on fresh prompts go on?

Outputs on fresh prompts come batch by batch: the match makes its duels as both sides' files are rendered, and asks for
the next batch once every duel it has is settled and the match is still open.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import datetime

from competition import prompts
from competition.models import Asset, FreshPrompt, Round, Submission
from competition.rounds import ruleset_of
from competition.rulesets.bankroll import BankrollTally
from competition.rulesets.ladder import Key
from competition.rulesets.tally import DuelResult
from core.machine import engine
from judging import matches, sides
from judging.models import Duel, Match, Rendering
from judging.observed import carried_by
from judging.renderers import renderer as renderer_named


def carried(match: Match) -> BankrollTally:
    """What earlier rounds left of the pair."""
    commits: dict[Key, str] = {match.challenger.key: match.challenger.commit}
    return carried_by(match.round, commits).get(match.challenger.key, BankrollTally())


def results(duels: Iterable[Duel]) -> list[DuelResult | None]:
    """In seed order; None where the files of a prompt come late."""
    by_place = {duel.position: matches.result_of(duel) for duel in duels}
    return [by_place.get(place) for place in range(max(by_place, default=-1) + 1)]


def go_on(match: Match, duels: Sequence[Duel], *, now: datetime) -> str:
    """Makes the duels whose files are there, and requests the next batch once all that was requested is judged.

    Returns what the match waits for, in words.
    """
    batch, most = batch_of(match.round), match.round.fresh.count()
    both = (match.defender, match.challenger)
    generated = {"origin": Asset.Origin.GENERATED, "prompt__fresh_draws__round": match.round_id}
    requested = min(side.assets.filter(**generated).count() for side in both)
    ready = _ready(match)
    have = {duel.prompt_id for duel in duels}
    new = [fresh for fresh in ready if fresh.prompt_id not in have]
    Duel.objects.bulk_create(
        (Duel(match=match, prompt_id=f.prompt_id, position=f.position, **Duel.born(now=now)) for f in new),
        ignore_conflicts=True,
    )
    if new:
        engine.announce(Duel, now=now)
    open_ = len(new) + sum(not duel.settled for duel in duels)
    if len(ready) == requested and not open_ and requested < most:
        requested = min(most, requested + batch)
        wanted = [fresh.prompt for fresh in match.round.fresh.select_related("prompt")[:requested]]
        for side in both:
            prompts.expect_generated(side, wanted, now=now)
    return f"{len(ready)} of {requested} fresh prompts are generated and rendered, {open_} duels are open"


def batch_of(round_: Round) -> int:
    """How many fresh prompts are generated at a time."""
    fresh = ruleset_of(round_).fresh_prompts
    if fresh is None:
        raise ValueError(f"{round_} draws no fresh prompts")
    return fresh.batch


def _ready(match: Match) -> list[FreshPrompt]:
    """The fresh prompts on which both sides' files are rendered, refused, or known to be missing."""
    competition = match.round.competition
    rig, version = sides.rig_of(competition).digest(), renderer_named(competition.renderer).version
    rendered = Rendering.objects.filter(
        competition=competition, rig=rig, renderer=version, state__in=Rendering.graph.settled()
    )
    shas = set(rendered.values_list("sha256", flat=True))
    done: dict[int, set[int]] = {}
    both: tuple[Submission, ...] = (match.defender, match.challenger)
    for side in both:
        assets = side.assets.filter(origin=Asset.Origin.GENERATED, state__in=("stored", "failed"))
        for asset in assets:
            if asset.state == "failed" or asset.sha256 in shas:
                done.setdefault(asset.prompt_id, set()).add(side.pk)
    return [f for f in match.round.fresh.all() if len(done.get(f.prompt_id, ())) == len(both)]
