"""Who led, for how long, and how did the weight fall?"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from fractions import Fraction
from functools import cached_property

from django.urls import reverse

from competition.models import Competition, Reign
from dashboard.facts.borders import row_of, shown_as
from dashboard.facts.field import FieldRow, leaders_plot
from dashboard.facts.people import Who
from dashboard.facts.plots import Plot
from dashboard.facts.reigns import ReignFacts, reign_facts
from dashboard.facts.weights import Register, Status, WeightInForce, shown, statuses
from dashboard.facts.wording import PartLabel, count, labels


@dataclass(frozen=True, kw_only=True)
@row_of(
    ReignFacts,
    but={
        "the term above it, and the page, say it": "id competition sequence repo commit",
    },
)
class ReignStep:
    """One entry of the register of reigns, and where it stands in the chart (per cent of its width)."""

    miner: Who
    weight: Fraction
    effective_block: int
    won_in: int | None
    defence: bool
    status: Status
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

    @cached_property
    def words(self) -> str:
        how = f"round {self.won_in}" if self.won_in is not None else "the start"
        later = f", from block {self.effective_block:,} on" if self.status == "later" else ""
        return f"{self.miner.name}, weight {shown(self.weight)} after {how}{later}"


@dataclass(frozen=True, kw_only=True)
class Term:
    """A leader's time without a break.  `until_block` is null for who leads now; `last_weight` is the last one that
    came into force, 0 before the first."""

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
    """`terms` and `field` newest first, `steps` oldest first; `weight` is the one in force, and what comes later;
    `field` has each leader as it took the lead."""

    competition: str
    competition_name: str
    sentence: str
    weight: WeightInForce
    terms: tuple[Term, ...]
    steps: tuple[ReignStep, ...]
    field: tuple[FieldRow, ...]
    labels: tuple[PartLabel, ...]
    url: str

    @property
    def plot(self) -> Plot:
        return leaders_plot(self.field, data_url=reverse("leaders-chart", args=[self.competition, "field"]))

    @property
    def steps_words(self) -> str:
        """The chart for whoever cannot see it."""
        return "; ".join(step.words for step in self.steps)


def page(
    competition: Competition, register: Register, *, weight: WeightInForce, field: tuple[FieldRow, ...]
) -> LeadersPage:
    """`register`: the reigns as far as they are kept."""
    groups, standing = terms_of(register.reigns), statuses(register)
    terms = tuple(_term(competition, group, groups[n + 1 :], standing=standing) for n, group in enumerate(groups))
    sentence = "Nobody has led yet."
    if terms:
        longest = max(terms, key=lambda term: term.defences)
        sentence = f"{count(len({term.miner.hotkey for term in terms}), 'leader')} so far; "
        most = f"{longest.miner.name} defended most often, {count(longest.defences, 'time')}."
        sentence += most if longest.defences else "none has defended the lead yet."
    return LeadersPage(
        competition=competition.slug,
        competition_name=competition.name,
        sentence=sentence,
        weight=weight,
        terms=tuple(reversed(terms)),
        steps=_steps(competition, groups, standing=standing),
        field=field,
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


def rounds_shown(reigns: Sequence[Reign]) -> list[tuple[Reign, int | None]]:
    """For each leader, oldest first: the reign that it began, and the round whose entry shows how it did: the one in
    which it took the lead; of who led from the start the first one that challenged it, null where none did."""
    terms = terms_of(reigns)
    ended = [term[0] for term in terms[1:]]
    shown = []
    for place, term in enumerate(terms):
        decided_in = [reign.won_in_id for reign in (*term, *ended[place : place + 1]) if reign.won_in_id]
        shown.append((term[0], decided_in[0] if decided_in else None))
    return shown


def steps(competition: Competition, register: Register, *, most: int) -> tuple[ReignStep, ...]:
    """The newest columns of the chart, oldest first."""
    return _steps(competition, terms_of(register.reigns[-most:]), standing=statuses(register))


def _term(
    competition: Competition,
    group: Sequence[Reign],
    later: Sequence[Sequence[Reign]],
    *,
    standing: Mapping[int, Status],
) -> Term:
    begun = reign_facts(group[0], competition=competition)
    paid = [reign for reign in group if standing[reign.sequence] in ("past", "in force")]
    return shown_as(
        Term,
        begun,
        from_block=begun.effective_block,
        until_block=later[0][0].effective_block if later else None,
        defences=len(group) - 1,
        last_weight=Fraction(paid[-1].weight) if paid else Fraction(0),
    )


def _steps(
    competition: Competition, groups: Sequence[Sequence[Reign]], *, standing: Mapping[int, Status]
) -> tuple[ReignStep, ...]:
    """One column a decided round: blocks would squeeze years of quiet beside an hour of demo."""
    total = sum(len(group) for group in groups)
    width = 100 / total if total else 0
    numbered: list[tuple[int, Reign]] = [(n, reign) for n, group in enumerate(groups) for reign in group]
    return tuple(
        shown_as(
            ReignStep,
            reign_facts(reign, competition=competition),
            status=standing[reign.sequence],
            _start=round(place * width, 3),
            _width=round(width, 3),
            _term=term,
        )
        for place, (term, reign) in enumerate(numbered)
    )
