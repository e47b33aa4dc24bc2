"""How are duels judged again beside what was said first, without a word of it being lost?

Each match that has such duels is made once more, in another attempt: these duels point to it, so that the judge is
asked once more; what is not affected is taken over as it stands; what was never needed waits to be needed.  Until the
attempt is put in force it counts for nothing.
"""

from __future__ import annotations

from collections.abc import Collection
from datetime import datetime
from functools import partial

from competition.models import Attempt, Round
from core.machine import engine
from core.machine.outcomes import Move
from judging import matches
from judging.decisions.affected import Heard, Place
from judging.match_decision import bearable
from judging.models import Duel, Match

COPIED = (
    "prompt",
    "position",
    "left_sha256",
    "right_sha256",
    "outcome",
    "score_micro",
    "detail",
    "attempt",
    "failure_class",
    "failure_code",
    "failure_reason",
)


def heard(round_: Round) -> list[Heard]:
    """What the judge was asked, of all duels of whose outcome the round tells."""
    rows = Duel.objects.filter(match__in=matches.counting(round_).filter(state="decided"), state__in=("judged", "void"))
    named = rows.select_related("prompt", "match__round", "match__defender__miner", "match__challenger__miner")
    told = [duel for duel in named.order_by("pk") if not matches.beyond(duel.match, duel)]
    return [
        Heard(
            place=place_of(duel),
            at=duel.since,
            files=(duel.prompt.sha256, duel.left_sha256, duel.right_sha256),
        )
        for duel in told
    ]


def place_of(duel: Duel) -> Place:
    match = duel.match
    return Place(match.kind, match.defender.key, match.challenger.key, duel.prompt.stem)


def first_duels(round_: Round) -> list[Duel]:
    """One of each match that counts and is decided, for whoever chooses a match."""
    rows = Duel.objects.filter(match__in=matches.counting(round_).filter(state="decided"), position=0)
    named = rows.select_related("prompt", "match__defender__miner", "match__challenger__miner")
    return sorted(named, key=lambda duel: place_of(duel).match)


def stems(round_: Round) -> list[str]:
    """The prompts that the judge was asked about."""
    rows = Duel.objects.filter(match__in=matches.counting(round_), state__in=("judged", "void"))
    return sorted(set(rows.values_list("prompt__stem", flat=True)))


def begin(round_: Round, *, attempt: Attempt, affected: Collection[Place], now: datetime) -> list[Match]:
    """Make the matches of the attempt, for the judge's workers.  Call it in the transaction that tells of it."""
    files = {row.files for row in heard(round_) if row.place in set(affected)}
    touched = {place.match for place in affected}
    named = matches.counting(round_).select_related("round", "defender__miner", "challenger__miner")
    old = [match for match in named.order_by("pk") if (match.kind, match.defender.key, match.challenger.key) in touched]
    made = [_once_more(match, attempt=attempt, affected=set(affected), files=files, now=now) for match in old]
    engine.announce(Match, now=now)
    engine.announce(Duel, now=now)
    return made


def _once_more(
    old: Match, *, attempt: Attempt, affected: Collection[Place], files: Collection[tuple[str, ...]], now: datetime
) -> Match:
    sides = ("round", "kind", "defender", "defender_origin", "challenger", "challenger_origin", "judge", "judge_name")
    match = Match.objects.create(
        **{name: getattr(old, name) for name in sides}, attempt=attempt, counts=False, **Match.born(now=now)
    )
    sides_of = ("match__defender__miner", "match__challenger__miner")
    told = old.duels.select_related("prompt", "attempt", "match__round", *sides_of).order_by("position")
    if matches.kind_of(old.round, old.kind).fresh:
        told = told[: old.stopped_after]  # what was made ready beyond is made ready anew, if it is needed
    Duel.objects.bulk_create(
        _fresh(duel, match, attempt=attempt if _files(duel) in files else None, now=now)
        if place_of(duel) in affected or matches.beyond(old, duel)
        else _as_it_was(duel, match)
        for duel in told
    )
    return match


def _files(duel: Duel) -> tuple[str, ...]:
    return (duel.prompt.sha256, duel.left_sha256, duel.right_sha256)


def _fresh(duel: Duel, match: Match, *, attempt: Attempt | None, now: datetime) -> Duel:
    return Duel(match=match, prompt=duel.prompt, position=duel.position, attempt=attempt, **Duel.born(now=now))


def _as_it_was(duel: Duel, match: Match) -> Duel:
    return Duel(match=match, state=duel.state, since=duel.since, **{name: getattr(duel, name) for name in COPIED})


def open_matches(round_: Round, *, attempt: Attempt) -> int:
    return Match.objects.filter(round=round_, attempt=attempt, state__in=Match.graph.active()).count()


def silence(round_: Round, *, attempt: Attempt) -> str:
    """Why the judge cannot be asked, or does not answer however often it is asked; "" while nothing is wrong."""
    unasked = Match.objects.filter(round=round_, attempt=attempt, state="waiting").exclude(failure_class="").first()
    if unasked is not None:
        return str(unasked.failure_reason)
    for match in Match.objects.filter(round=round_, attempt=attempt, state="judging"):
        duels = list(match.duels.select_related("prompt").order_by("position"))
        mute = next((duel for duel in duels if duel.exhausted), None)
        if mute is not None and not bearable(duels):
            return f"The judge gives no answer about {mute.prompt.stem}: {mute.failure_reason}"
    return ""


def put_in_force(round_: Round, *, attempt: Attempt) -> None:
    """Let its matches count in the place of what it was made from.  Call it in the transaction that tells of it."""
    for match in Match.objects.filter(round=round_, attempt=attempt, counts=False):
        pair = {name: getattr(match, name) for name in ("kind", "defender", "challenger")}
        Match.objects.filter(round=round_, counts=True, **pair).update(counts=False)
        Match.objects.filter(pk=match.pk).update(counts=True)


def drop(round_: Round, *, attempt: Attempt, now: datetime) -> None:
    """Nobody wants it any more: what is open of it is not judged."""
    for match in Match.objects.filter(round=round_, attempt=attempt, state__in=Match.graph.active()):
        also = partial(_drop_duels, match, now=now)
        if not engine.move(match, Move("dropped", because="the correction is discarded", also=also), now=now):
            raise RuntimeError(f"{match} moved meanwhile")  # undone as a whole, and tried again


def _drop_duels(match: Match, *, now: datetime) -> None:
    for duel in match.duels.filter(state="judging"):
        engine.move(duel, Move("unneeded", because="the correction is discarded"), now=now)


def before_and_after(round_: Round, *, attempt: Attempt) -> list[tuple[Match, Match]]:
    """(what counts, what would count in its place)."""
    made = Match.objects.filter(round=round_, attempt=attempt).select_related("defender__miner", "challenger__miner")
    counting = {(m.kind, m.defender_id, m.challenger_id): m for m in matches.counting(round_)}
    pairs = [(counting.get((m.kind, m.defender_id, m.challenger_id)), m) for m in made.order_by("pk")]
    return [(old, new) for old, new in pairs if old is not None]


def ranks(round_: Round, *, attempt: Attempt | None) -> dict[str, int]:
    """By the margins of the screens; who has the same has the same place."""
    screens = matches.counting(round_, attempt=attempt).filter(kind=Match.Kind.SCREEN, state="decided")
    margins = {m.challenger.key: m.margin_micro or 0 for m in screens.select_related("challenger__miner")}
    return {key: 1 + sum(other > margin for other in margins.values()) for key, margin in margins.items()}


def summed(match: Match) -> dict[str, object]:
    """What a match came to, in a few numbers."""
    tally = matches.tally_of(match)
    told = {"won": tally.wins, "drawn": tally.drawn, "lost": tally.losses, "void": tally.void}
    return {**told, "margin": str(tally.margin), "margin_micro": tally.margin_micro()}


def turned(old: Match, new: Match) -> int:
    """On how many prompts the two say something else."""
    first = {duel.prompt_id: matches.result_of(duel) for duel in old.duels.all() if not matches.beyond(old, duel)}
    then = {duel.prompt_id: matches.result_of(duel) for duel in new.duels.all() if not matches.beyond(new, duel)}
    return sum(first.get(prompt) != then.get(prompt) for prompt in {*first, *then})
