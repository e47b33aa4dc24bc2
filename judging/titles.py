"""Which entries does a round of title-1 have, where do its title matches stand, and how does one go on?

Outputs on fresh prompts come batch by batch: a title match makes its duels as both sides' files are rendered, and asks
for the next batch once every duel it has is settled and the bankroll is still open.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta

from competition import prompts
from competition.decisions import bankroll, entries
from competition.decisions import title as titles
from competition.decisions.bankroll import Bankroll, TitleStanding
from competition.decisions.ladder import Audited, Entry, Key
from competition.decisions.tally import DuelResult, Tally
from competition.models import Asset, FreshPrompt, Round, Submission
from competition.models import Bankroll as BankrollRow
from competition.rounds import rules_of
from core.machine import engine
from judging import matches, sides
from judging.models import Duel, Match, Rendering
from judging.renderers import renderer as renderer_named

SOON = timedelta(seconds=1)


def entered(round_: Round) -> entries.Field:
    """The round's solutions and canaries, once its downloads are over."""
    outputs: dict[int, dict[str, str]] = {}
    stored = Asset.objects.filter(submission__round=round_, origin=Asset.Origin.SUBMITTED, state="stored")
    for submission, stem, sha256 in stored.values_list("submission_id", "prompt__stem", "sha256"):
        outputs.setdefault(submission, {})[stem] = sha256
    candidates = [
        entries.Candidate(
            entry=Entry(
                key=s.key,
                hotkey=s.miner.hotkey,
                reveal_block=s.reveal_block or 0,
                extrinsic_index=s.extrinsic_index or 0,
            ),
            commit=s.commit,
            outputs=outputs.get(s.pk, {}),
        )
        for s in matches.challengers(round_)
    ]
    return entries.field(candidates, leader_commit=leader_commit(round_))


def leader_commit(round_: Round) -> str:
    return round_.defending.commit if round_.defending else ""


def carried(round_: Round, commits: Mapping[Key, str]) -> dict[Key, Bankroll]:
    """key -> what the pair's earlier rounds left, for the commits that have met this leader's commit before."""
    rows = BankrollRow.objects.filter(
        round__competition=round_.competition_id,
        round__number__lt=round_.number,
        leader_commit=leader_commit(round_),
        commit__in=set(commits.values()),
    )
    newest = {row.commit: row for row in rows.order_by("round__number", "edition")}
    return {
        key: Bankroll(won=row.won, drawn=row.drawn, lost=row.lost, out=row.out)
        for key, commit in commits.items()
        if (row := newest.get(commit))
    }


def settled(round_: Round, *, audited: Mapping[Key, Audited], version: int | None = None) -> titles.Title:
    """The round as far as its decided screens, its audits and its title duels carry it."""
    field = entered(round_)
    commits: dict[Key, str] = {c.key: c.commit for solution in field.solutions for c in solution.candidates}
    screen: dict[Key, Tally | None] = {}
    duels: dict[Key, Sequence[DuelResult | None]] = {}
    for match in matches.counting(round_, version=version).select_related("challenger__miner", "defender"):
        if match.kind == Match.Kind.SCREEN and match.state == "decided":
            screen[match.challenger.key] = matches.tally_of(match)
        elif match.kind == Match.Kind.TITLE and match.state == "decided":
            duels[match.challenger.key] = results_of(match)
    return titles.settle(
        field,
        screen=screen,
        audits=audited,
        carried=carried(round_, commits),
        duels=duels,
        rules=rules_of(round_),
        prompts=round_.fresh.count(),
    )


def results_of(match: Match) -> list[DuelResult | None]:
    """In seed order, as far as the match went."""
    duels = match.duels.order_by("position")[: match.stopped_after]
    return [matches.result_of(duel) for duel in duels]


def want(round_: Round, wanted: titles.Title, *, now: datetime) -> None:
    """Make the screens and the title matches that are asked for."""
    by_key = {entry.key: entry for entry in round_.submissions.select_related("miner")}
    for kind, keys in ((Match.Kind.SCREEN, wanted.wanted_screens), (Match.Kind.TITLE, wanted.wanted_matches)):
        for key in keys:
            matches.ensure(round_, kind=kind, defender=by_key["leader"], challenger=by_key[str(key)], now=now)


def standing(match: Match, duels: Sequence[Duel]) -> TitleStanding:
    start, results = _so_far(match, duels)
    return bankroll.fold(results, total=match.round.fresh.count(), rules=rules_of(match.round), start=start)


def staked(match: Match, duels: Sequence[Duel]) -> tuple[Bankroll, list[DuelResult]]:
    """What earlier rounds left, and the results that moved it since, in seed order."""
    start, results = _so_far(match, duels)
    here = bankroll.fold(results, total=match.round.fresh.count(), rules=rules_of(match.round), start=start)
    return start, [result for result in results[: here.duels] if result and result.counts]


def _so_far(match: Match, duels: Sequence[Duel]) -> tuple[Bankroll, list[DuelResult | None]]:
    start = carried(match.round, {match.challenger.key: match.challenger.commit}).get(match.challenger.key)
    found = {duel.position: matches.result_of(duel) for duel in duels}
    results = [found.get(place) for place in range(max(found, default=-1) + 1)]  # a gap: its files come late
    return start or Bankroll(), results


def go_on(match: Match, duels: Sequence[Duel], *, now: datetime) -> str:
    """Make the duels whose files are there; ask for the next batch when all that was asked for is judged.

    Says what the match waits for.
    """
    title, most = bankroll.titled(rules_of(match.round)), match.round.fresh.count()
    ready, asked = _ready(match), _asked(match)
    have = {duel.prompt_id for duel in duels}
    new = [fresh for fresh in ready if fresh.prompt_id not in have]
    Duel.objects.bulk_create(
        (Duel(match=match, prompt_id=f.prompt_id, position=f.position, **Duel.born(now=now)) for f in new),
        ignore_conflicts=True,
    )
    if new:
        engine.announce(Duel, now=now)
    open_ = len(new) + sum(not duel.settled for duel in duels)
    if len(ready) == asked and not open_ and asked < most:
        asked = _ask(match, upto=min(most, asked + title.batch), now=now)
    return f"{len(ready)} of {asked} fresh prompts are generated and rendered, {open_} duels are open"


def _asked(match: Match) -> int:
    """How many fresh prompts both sides have been asked for."""
    return min(
        side.assets.filter(origin=Asset.Origin.GENERATED, prompt__fresh_draws__round=match.round_id).count()
        for side in (match.defender, match.challenger)
    )


def _ask(match: Match, *, upto: int, now: datetime) -> int:
    batch = [fresh.prompt for fresh in match.round.fresh.select_related("prompt")[:upto]]
    for side in (match.defender, match.challenger):
        prompts.expect_generated(side, batch, now=now)
    return upto


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
