"""How are duels judged again without losing their first verdicts?

Each match that has such duels is made again, in another attempt.  The affected duels point to it, so that the judge is
asked anew; the others are copied as they stand; a duel that was never needed waits until it is.  The attempt counts for
nothing until it is put in force.
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
    """The duels about which the judge was asked and whose outcome counts."""
    rows = Duel.objects.filter(match__in=matches.in_force(round_).filter(state="decided"), state__in=("judged", "void"))
    named = rows.select_related("prompt", "match__round", "match__defender__miner", "match__challenger__miner")
    counted = [duel for duel in named.order_by("pk") if not matches.beyond(duel.match, duel)]
    return [
        Heard(
            place=place_of(duel),
            at=duel.since,
            files=(duel.prompt.sha256, duel.left_sha256, duel.right_sha256),
        )
        for duel in counted
    ]


def place_of(duel: Duel) -> Place:
    match = duel.match
    return Place(match.kind, match.defender.key, match.challenger.key, duel.prompt.stem)


def first_duels(round_: Round) -> list[Duel]:
    """One duel of each match that counts and is decided, for a form in which a match is chosen."""
    rows = Duel.objects.filter(match__in=matches.in_force(round_).filter(state="decided"), position=0)
    named = rows.select_related("prompt", "match__defender__miner", "match__challenger__miner")
    return sorted(named, key=lambda duel: place_of(duel).match)


def stems(round_: Round) -> list[str]:
    """The prompts that the judge was asked about."""
    rows = Duel.objects.filter(match__in=matches.in_force(round_), state__in=("judged", "void"))
    return sorted(set(rows.values_list("prompt__stem", flat=True)))


def begin(round_: Round, *, attempt: Attempt, affected: Collection[Place], now: datetime) -> list[Match]:
    """Makes the matches of the attempt, for the judge's workers.  Call it in the transaction that records it."""
    files = {row.files for row in heard(round_) if row.place in set(affected)}
    touched = {place.match for place in affected}
    named = matches.in_force(round_).select_related("round", "defender__miner", "challenger__miner")
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
    copied = old.duels.select_related("prompt", "attempt", "match__round", *sides_of).order_by("position")
    if matches.kind_of(old.round, old.kind).fresh:
        copied = copied[: old.stopped_after]  # what was made ready beyond is made ready anew, if it is needed
    rows = []
    for duel in copied:
        if place_of(duel) in affected or matches.beyond(old, duel):
            rejudged = (duel.prompt.sha256, duel.left_sha256, duel.right_sha256) in files
            values = {"prompt": duel.prompt, "position": duel.position, **Duel.born(now=now)}
            rows.append(Duel(match=match, attempt=attempt if rejudged else None, **values))
        else:
            values = {name: getattr(duel, name) for name in COPIED}
            rows.append(Duel(match=match, state=duel.state, since=duel.since, **values))
    Duel.objects.bulk_create(rows)
    return match


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
    """Lets its matches count in the place of what it was made from.  Call it in the transaction that records it."""
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
    current = {(m.kind, m.defender_id, m.challenger_id): m for m in matches.in_force(round_)}
    pairs = [(current.get((m.kind, m.defender_id, m.challenger_id)), m) for m in made.order_by("pk")]
    return [(old, new) for old, new in pairs if old is not None]


def ranks(round_: Round, *, attempt: Attempt | None) -> dict[str, int]:
    """By the margins of the screens; who has the same has the same place."""
    screens = matches.in_force(round_, attempt=attempt).filter(kind=Match.Kind.SCREEN, state="decided")
    margins = {m.challenger.key: m.margin_micro or 0 for m in screens.select_related("challenger__miner")}
    return {key: 1 + sum(other > margin for other in margins.values()) for key, margin in margins.items()}


def summed(match: Match) -> dict[str, object]:
    """What a match came to, in a few numbers."""
    tally = matches.tally_of(match)
    counts = {"won": tally.wins, "drawn": tally.drawn, "lost": tally.losses, "void": tally.void}
    return {**counts, "margin": str(tally.margin), "margin_micro": tally.margin_micro()}


def turned(old: Match, new: Match) -> int:
    """On how many prompts the two verdicts differ."""
    first = {duel.prompt_id: matches.result_of(duel) for duel in old.duels.all() if not matches.beyond(old, duel)}
    then = {duel.prompt_id: matches.result_of(duel) for duel in new.duels.all() if not matches.beyond(new, duel)}
    return sum(first.get(prompt) != then.get(prompt) for prompt in {*first, *then})
