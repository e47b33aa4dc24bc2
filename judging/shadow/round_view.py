"""What does a round come to with the verdicts of another judge, and about which duels must that judge still be asked?

Observed: the official matches with their duels, and the verdicts of one run.  Derived: where each match ends, which
further ladder matches the round's own ruleset wants then, and who leads.  The ruleset is asked as for an official
decision; where a verdict is missing, its match is open.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property

from competition.models import Competition, Prompt, Submission
from competition.rounds import ruleset_of
from competition.rulesets import RoundDecision
from competition.rulesets.base import MatchEnd, Pairing
from competition.rulesets.ladder import Audited, Key
from competition.rulesets.tally import DuelResult, Tally
from core import store
from judging import matches
from judging.backends.base import Side
from judging.match_decision import bearable
from judging.matches import RoundObservation
from judging.models import Duel, Match, Rendering
from judging.shadow.models import ShadowDuel, ShadowRun

AT_ONCE = 8  # duels of a match that goes on, before it is asked whether it has ended
OFFICIAL = ("judged", "void", "forfeited")


class NoViews(Exception):
    """A file that was judged has no pictures here any more; the sentence says who must act."""


@dataclass(frozen=True)
class ShadowPlace:
    """Two assets on one prompt.  `duel`: the official one, where there is one."""

    match: Match
    prompt: Prompt
    position: int
    duel: Duel | None = None

    @property
    def key(self) -> tuple[str, int, int, int]:
        return (self.match.kind, self.match.defender_id, self.match.challenger_id, self.prompt.pk)

    @property
    def counts(self) -> bool:
        """Is there an official result that counts?"""
        return self.duel is not None and self.duel.state in OFFICIAL and not matches.beyond(self.match, self.duel)

    @property
    def official(self) -> str:
        """The outcome that the official judge gave; "" where it gave none that counts."""
        return self.duel.outcome if self.duel is not None and self.counts and self.duel.state == "judged" else ""

    def sides(self) -> tuple[Side | None, Side | None]:
        """None for a side that delivered nothing usable.  Raises NoViews."""
        match, judged = self.match, self.duel is not None and self.duel.state in ("judged", "void")
        competition = match.round.competition
        named = (self.duel.left_sha256, self.duel.right_sha256) if self.duel is not None and judged else ("", "")
        left = side_of(match.defender, match.defender_origin, self.prompt, known=named[0], competition=competition)
        right = side_of(match.challenger, match.challenger_origin, self.prompt, known=named[1], competition=competition)
        if judged and (left is None or right is None):
            raise NoViews(f"A file of the duel on {self.prompt.stem} is not here any more. {MEND}")
        return left, right


MEND = "The operator must render it again, or leave this round."


def side_of(entry: Submission, origin: str, prompt: Prompt, *, known: str, competition: Competition) -> Side | None:
    """With the newest pictures of its file, whichever renderer drew them.  `known`: the hash that was judged."""
    asset = None if known else entry.assets.filter(origin=origin, prompt=prompt, state="stored").first()
    sha256 = known or (asset.sha256 if asset else "")
    if not sha256:
        return None
    drawn = Rendering.objects.filter(competition=competition, sha256=sha256, state__in=("rendered", "refused"))
    rendering = drawn.order_by("state", "pk").last()  # a refused one only where none was rendered
    if rendering is None:
        raise NoViews(f"The file {sha256[:12]} on {prompt.stem} has no pictures here. {MEND}")
    if rendering.state == "refused":
        return None
    return Side(sha256, {name: store.default().path(digest) for name, digest in rendering.views.items()})


class ShadowObservation(RoundObservation):
    """The `Observation` of a round of which each match came to what the second judge says."""

    def __init__(self, view: RoundView, *, audits: Mapping[Key, Audited]) -> None:
        super().__init__(view.round, audits=audits)
        self._view = view

    @cached_property
    def tallies(self) -> dict[Pairing, Tally]:
        ends = ((pairing, self._view.end_of(match)) for pairing, match in self._view.by_pairing.items())
        return {pairing: end.tally for pairing, end in ends if end is not None}

    def results(self, pairing: Pairing) -> Sequence[DuelResult | None]:
        match = self._view.by_pairing.get(pairing)
        end = self._view.end_of(match) if match is not None else None
        return self._view.results(match)[: end.after] if match is not None and end is not None else ()


class RoundView:
    """One round as one run sees it.  Read once; `add` keeps it up to date while the run goes on."""

    def __init__(self, run: ShadowRun) -> None:
        self.run, self.round = run, run.round
        self.ruleset = ruleset_of(self.round)
        self.rows: dict[tuple[str, int, int], dict[int, ShadowDuel]] = {}
        for row in ShadowDuel.objects.filter(run=run):
            self.add(row)
        sides = ("defender__miner", "challenger__miner", "round__competition", "attempt")
        begun = matches.in_force(self.round).filter(state__in=("judging", "decided"))
        rows = begun.select_related(*sides).prefetch_related("duels__prompt").order_by("pk")
        self.by_pairing: dict[Pairing, Match] = {pairing_of(match): match for match in rows}
        self.entries = {entry.key: entry for entry in self.round.submissions.select_related("miner")}
        for kind, defender, challenger in list(self.rows):
            by_pk = {entry.pk: entry.key for entry in self.entries.values()}
            self.want((kind, by_pk[defender], by_pk[challenger]))

    def add(self, row: ShadowDuel) -> None:
        self.rows.setdefault((row.kind, row.defender_id, row.challenger_id), {})[row.prompt_id] = row

    def want(self, pairing: Pairing) -> None:
        """Take up a match that was never played, where it can be: its files are those of the round's prompts."""
        kind, defender, challenger = pairing
        if pairing in self.by_pairing or matches.kind_of(self.round, kind).fresh:
            return
        left, right = self.entries[str(defender)], self.entries[str(challenger)]
        origins = matches.origins(self.round, kind=kind, defender=left)
        self.by_pairing[pairing] = Match(round=self.round, kind=kind, defender=left, challenger=right, **origins)

    @cached_property
    def drawn(self) -> list[tuple[Prompt, int]]:
        return [(row.prompt, row.position) for row in self.round.drawn.select_related("prompt").order_by("position")]

    def places(self, match: Match) -> list[ShadowPlace]:
        """In seed order: of an official match its duels, of another the round's prompts."""
        if match.pk:
            rows = sorted(match.duels.all(), key=lambda duel: duel.position)
            return [ShadowPlace(match, duel.prompt, duel.position, duel) for duel in rows]
        return [ShadowPlace(match, prompt, position) for prompt, position in self.drawn]

    def row_at(self, place: ShadowPlace) -> ShadowDuel | None:
        kind, defender, challenger, prompt = place.key
        return self.rows.get((kind, defender, challenger), {}).get(prompt)

    def results(self, match: Match) -> list[DuelResult | None]:
        """In seed order; None without a verdict.  A few without an answer are void, as in an official match."""
        places = self.places(match)
        rows = [self.row_at(place) for place in places]
        void_counts = bearable([row for row in rows if row is not None])
        by_position = {
            place.position: None if row is None or (row.exhausted and not void_counts) else matches.result_of(row)
            for place, row in zip(places, rows, strict=True)
        }
        return [by_position.get(place) for place in range(max(by_position, default=-1) + 1)]

    def end_of(self, match: Match) -> MatchEnd | None:
        """Where the match ends with these verdicts; None while it is open."""
        results = self.results(match)
        if matches.kind_of(self.round, match.kind).fresh:
            carried = matches.carried_into(match)
            return self.ruleset.match_end(match.kind, results, total=self.round.fresh.count(), carried=carried)
        return self.ruleset.match_end(match.kind, results, total=len(results))

    def decision(self, *, audits: Mapping[Key, Audited]) -> RoundDecision:
        return self.ruleset.decide(ShadowObservation(self, audits=audits))

    def compared(self) -> Iterator[tuple[ShadowPlace, ShadowDuel]]:
        """The duels that both judges judged."""
        for match in self.by_pairing.values():
            for place in self.places(match):
                row = self.row_at(place)
                if place.official and row is not None and row.state == "judged":
                    yield place, row

    def counted_places(self) -> list[ShadowPlace]:
        """The duels whose official results count, prompt by prompt, so that a server reads each prompt once; of a
        sample those that it holds."""
        counted = [place for match in self.by_pairing.values() for place in self.places(match) if place.counts]
        if self.run.sample is not None:
            judged = [place for place in counted if place.official]
            counted = sorted(judged, key=self._lot)[: self.run.sample]
        return in_order(counted)

    def _lot(self, place: ShadowPlace) -> str:
        """A larger sample holds the smaller one."""
        match = place.match
        named = (self.round.seed, match.kind, match.defender.key, match.challenger.key, place.prompt.stem)
        return hashlib.sha256(" ".join(named).encode()).hexdigest()

    def further_places(self, match: Match) -> list[ShadowPlace]:
        """What a match still needs that goes on with these verdicts, a few at a time; nothing once it has ended."""
        if (match.pk and match.state != "decided") or self.end_of(match) is not None:
            return []
        missing = [place for place in self.places(match) if self.row_at(place) is None]
        if not match.pk and matches.kind_of(self.round, match.kind).forfeits_first:
            forfeits = [place for place in missing if delivered_nothing(place)]
            return forfeits or missing[:AT_ONCE]
        return missing[:AT_ONCE]

    def bound(self) -> list[ShadowPlace]:
        """Every duel that may be judged, however the verdicts fall: all of the official matches, and one more match of
        each challenger where challengers may meet one another."""
        if self.run.sample is not None:
            return self.counted_places()
        places = [place for match in self.by_pairing.values() for place in self.places(match)]
        if self.ruleset.step_kind == Match.Kind.LADDER:
            for challenger in matches.challengers(self.round):
                origins = matches.origins(self.round, kind=Match.Kind.LADDER, defender=challenger)
                sides = {"defender": challenger, "challenger": challenger, **origins}
                meets = Match(round=self.round, kind=Match.Kind.LADDER, **sides)
                places += [ShadowPlace(meets, prompt, position) for prompt, position in self.drawn]
        return places


def pairing_of(match: Match) -> Pairing:
    return match.kind, match.defender.key, match.challenger.key


def in_order(places: Sequence[ShadowPlace]) -> list[ShadowPlace]:
    return sorted(places, key=lambda place: (place.position, place.match.defender_id, place.match.challenger_id))


def delivered_nothing(place: ShadowPlace) -> bool:
    try:
        return None in place.sides()
    except NoViews:
        return False
