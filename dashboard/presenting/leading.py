"""Who led, for how long, and how did the weight fall?"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction

from django.urls import reverse

from competition.models import Competition, Reign
from dashboard.presenting.people import Who, who
from dashboard.presenting.wording import Label, count, labels


@dataclass(frozen=True, kw_only=True)
class Step:
    """One entry of the register of reigns, and where it stands in the chart (per cent of its width)."""

    miner: Who
    weight: Fraction
    effective_block: int
    won_in: int | None
    defence: bool
    round_url: str
    _start: float
    _width: float
    _term: int

    @property
    def start(self) -> float:
        return self._start

    @property
    def width(self) -> float:
        return self._width

    @property
    def height(self) -> float:
        """Of a chart 100 units high."""
        return round(float(self.weight) * 100, 2)

    @property
    def top(self) -> float:
        return 100 - self.height

    @property
    def tone(self) -> str:
        return "even" if self._term % 2 == 0 else "odd"

    @property
    def words(self) -> str:
        how = f"round {self.won_in}" if self.won_in is not None else "the start"
        return f"{self.miner.name}, weight {float(self.weight):.2f} after {how}"


@dataclass(frozen=True, kw_only=True)
class Term:
    """A leader's time without a break.  `until_block` is null for who leads now."""

    miner: Who
    repo: str
    commit: str
    won_in: int | None
    round_url: str
    from_block: int
    until_block: int | None
    defences: int
    last_weight: Fraction


@dataclass(frozen=True, kw_only=True)
class LeadersPage:
    """`terms` newest first, `steps` oldest first."""

    competition: str
    competition_name: str
    sentence: str
    terms: tuple[Term, ...]
    steps: tuple[Step, ...]
    labels: tuple[Label, ...]
    url: str


def page(competition: Competition, reigns: Sequence[Reign]) -> LeadersPage:
    """`reigns` newest first, as far as they are kept."""
    oldest_first = list(reversed(reigns))
    groups = terms_of(oldest_first)
    terms = tuple(_term(competition, group, groups[n + 1 :]) for n, group in enumerate(groups))
    return LeadersPage(
        competition=competition.slug,
        competition_name=competition.name,
        sentence=_sentence(terms),
        terms=tuple(reversed(terms)),
        steps=_steps(competition, groups, total=len(oldest_first)),
        labels=labels(competition),
        url=reverse("leaders", args=[competition.slug]),
    )


def terms_of(reigns: Sequence[Reign]) -> list[list[Reign]]:
    """The register cut where another one took the lead."""
    groups: list[list[Reign]] = []
    for reign in reigns:
        if groups and reign.defence and groups[-1][0].miner_id == reign.miner_id:
            groups[-1].append(reign)
        else:
            groups.append([reign])
    return groups


def _sentence(terms: Sequence[Term]) -> str:
    if not terms:
        return "Nobody has led yet."
    longest = max(terms, key=lambda term: term.defences)
    told = f"{count(len({term.miner.hotkey for term in terms}), 'leader')} so far"
    if not longest.defences:
        return f"{told}; none has defended the lead yet."
    return f"{told}; {longest.miner.name} defended most often, {count(longest.defences, 'time')}."


def steps(competition: Competition, reigns: Sequence[Reign]) -> tuple[Step, ...]:
    """The columns of the chart, oldest first; `reigns` newest first."""
    return _steps(competition, terms_of(list(reversed(reigns))), total=len(reigns))


def _term(competition: Competition, group: Sequence[Reign], later: Sequence[Sequence[Reign]]) -> Term:
    begun, last = group[0], group[-1]
    return Term(
        miner=who(begun.miner),
        repo=begun.repo,
        commit=begun.commit,
        won_in=begun.won_in.number if begun.won_in else None,
        round_url=_round_url(competition, begun),
        from_block=begun.effective_block,
        until_block=later[0][0].effective_block if later else None,
        defences=len(group) - 1,
        last_weight=Fraction(last.weight),
    )


def _steps(competition: Competition, groups: Sequence[Sequence[Reign]], *, total: int) -> tuple[Step, ...]:
    """One column a decided round: blocks would squeeze years of quiet beside an hour of demo."""
    width = 100 / total if total else 0
    numbered: list[tuple[int, Reign]] = [(n, reign) for n, group in enumerate(groups) for reign in group]
    return tuple(
        Step(
            miner=who(reign.miner),
            weight=Fraction(reign.weight),
            effective_block=reign.effective_block,
            won_in=reign.won_in.number if reign.won_in else None,
            defence=reign.defence,
            round_url=_round_url(competition, reign),
            _start=round(place * width, 3),
            _width=round(width, 3),
            _term=term,
        )
        for place, (term, reign) in enumerate(numbered)
    )


def _round_url(competition: Competition, reign: Reign) -> str:
    return reverse("round", args=[competition.slug, reign.won_in.number]) if reign.won_in else ""
