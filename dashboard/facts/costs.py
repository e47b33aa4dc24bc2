"""What did a round cost, and what may the next one cost?  One read model for pages, twins, API, metrics and command.

Amounts are what the platform measured.  Money is an amount by the operator's price; what has no price, or was not
measured, is unknown, which is never zero.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from statistics import median
from typing import Annotated, Any

from django.urls import reverse

from competition.models import Round
from dashboard.facts.wording import count, size, usd

KNOWN, UNKNOWN, ELSEWHERE = "known", "unknown", "in another line"
HOUR_S = 3600
MILLION = 1_000_000
GIGABYTE = 10**9

NAMES = {
    "judge": "Judge's cards",
    "tokens_read": "Tokens read",
    "tokens_written": "Tokens written",
    "pods": "Pods",
    "rendering": "Drawing",
    "measuring": "Measuring",
    "stored": "Stored",
    "served": "Served",
}
UNITS = {
    "judge": "GPU seconds",
    "tokens_read": "tokens",
    "tokens_written": "tokens",
    "pods": "pod hours",
    "rendering": "CPU hours",
    "measuring": "CPU hours",
    "stored": "bytes",
    "served": "bytes",
}


@dataclass(frozen=True, kw_only=True)
class Prices:
    """In USD, as the operator sets them; None: no price is known.  Pods bring their own."""

    gpu_hour: float | None = None
    tokens_read_million: float | None = None
    tokens_written_million: float | None = None
    cpu_hour: float | None = None
    gigabyte_month: float | None = None

    @property
    def by_tokens(self) -> bool:
        """Is the judge paid by what it reads and writes, and not by the hour?"""
        return self.tokens_read_million is not None or self.tokens_written_million is not None


@dataclass(frozen=True, kw_only=True)
class MeasuredAmount:
    """An amount in its item's unit.  `amount` None: it was not measured; `basis`: how it was, or why it was not;
    `usd`: where the amount has a price of its own."""

    amount: float | None
    basis: str
    usd: float | None = None


@dataclass(frozen=True, kw_only=True)
class CostLine:
    """One thing that costs."""

    item: Annotated[
        str,
        "`judge`, `tokens_read`, `tokens_written`, `pods`, `rendering`, `measuring`, `stored` or `served`.",
    ]
    name: str
    unit: Annotated[str, "`GPU seconds`, `tokens`, `pod hours`, `CPU hours` or `bytes`."]
    amount: Annotated[float | None, "In this unit; null where it was not measured."]
    usd: Annotated[float | None, "USD; null where it is unknown, or stands in another line."]
    state: Annotated[str, "Of the money: `known`, `unknown` or `in another line`."]
    basis: Annotated[str, "How the amount was measured and priced, or why it was not."]

    @property
    def amount_words(self) -> str:
        return in_words(self.amount, self.unit)

    @property
    def usd_words(self) -> str:
        return usd(self.usd) if self.usd is not None else self.state


@dataclass(frozen=True, kw_only=True)
class RoundCosts:
    """What one round cost, as far as it is known."""

    competition: str
    round: int
    final: Annotated[bool, "The round is finished: only reviews and appeals can still add to it."]
    lines: tuple[CostLine, ...]
    known_usd: Annotated[float | None, "USD of all lines whose money is known together; null where none is."]
    unknown: Annotated[tuple[str, ...], "Items whose money is unknown: they come on top, and are not 0."]
    sentence: str
    url: Annotated[str, "Its page."]


@dataclass(frozen=True, kw_only=True)
class EstimateLine:
    """One thing that the next round may cost: of the rounds of the basis in which it is known."""

    item: str
    name: str
    unit: str
    rounds: Annotated[int, "In how many rounds of the basis the amount is known."]
    amount: Annotated[float | None, "Their median; null where it is known of none."]
    least: float | None
    most: float | None
    usd: Annotated[float | None, "Median of the money, by today's prices; null where it is known of none."]

    @property
    def amount_words(self) -> str:
        return in_words(self.amount, self.unit)

    @property
    def range_words(self) -> str:
        return f"{in_words(self.least, self.unit)} to {in_words(self.most, self.unit)}"


@dataclass(frozen=True, kw_only=True)
class CostEstimate:
    """What the next round of a competition may cost, if it is as the last ones of the same configuration were."""

    competition: str
    basis: Annotated[tuple[int, ...], "The rounds that it is taken from, the newest first."]
    judge: str
    lines: tuple[EstimateLine, ...]
    usd: Annotated[float | None, "Median of what these rounds are known to have cost; null where it is known of none."]
    usd_least: float | None
    usd_most: float | None
    unknown: Annotated[tuple[str, ...], "Items whose money is unknown in a round of the basis: they come on top."]
    sentence: str

    @property
    def money_words(self) -> tuple[tuple[EstimateLine, str], ...]:
        """Each line with its money in words."""
        missing = {line.item: UNKNOWN if line.item in self.unknown else ELSEWHERE for line in self.lines}
        return tuple((line, usd(line.usd) if line.usd is not None else missing[line.item]) for line in self.lines)


@dataclass(frozen=True, kw_only=True)
class CompetitionCosts:
    """Of a competition that is played: what its last finished round cost, and what the next may cost."""

    competition: str
    name: str
    last: RoundCosts | None
    estimate: CostEstimate


@dataclass(frozen=True, kw_only=True)
class MeasuredRound:
    """What the queries brought, by item."""

    amounts: Mapping[str, MeasuredAmount]


def in_words(amount: float | None, unit: str) -> str:
    if amount is None:
        return UNKNOWN
    if unit == "bytes":
        return size(round(amount))
    return f"{amount:,.2f} {unit}" if unit.endswith("hours") else f"{amount:,.0f} {unit}"


def priced(measured: MeasuredRound, prices: Prices) -> tuple[CostLine, ...]:
    rates = {
        "judge": (prices.gpu_hour, HOUR_S, "an hour of a card"),
        "tokens_read": (prices.tokens_read_million, MILLION, "a million tokens read"),
        "tokens_written": (prices.tokens_written_million, MILLION, "a million tokens written"),
        "rendering": (prices.cpu_hour, 1, "a CPU hour"),
        "measuring": (prices.cpu_hour, 1, "a CPU hour"),
        "stored": (prices.gigabyte_month, GIGABYTE, "a gigabyte and month; one month of it"),
        "pods": (None, 1, ""),
        "served": (None, 1, ""),
    }
    return tuple(_line(item, measured.amounts[item], *rates[item], prices=prices) for item in NAMES)


def _line(item: str, amount: MeasuredAmount, rate: float | None, per: int, words: str, *, prices: Prices) -> CostLine:
    money, basis = amount.usd, amount.basis
    other = item == "judge" if prices.by_tokens else item in ("tokens_read", "tokens_written")
    if amount.amount == 0:
        money = money or 0.0
    elif other:
        money, basis = None, f"{basis} The judge is paid by {'tokens' if prices.by_tokens else 'hours of its cards'}."
    elif money is None and rate is not None and amount.amount is not None:
        money, basis = amount.amount / per * rate, f"{basis} At {rate:g} USD {words}."
    state = KNOWN if money is not None else ELSEWHERE if other else UNKNOWN
    return CostLine(
        item=item, name=NAMES[item], unit=UNITS[item], amount=amount.amount, usd=money, state=state, basis=basis
    )


def round_costs(round_: Round, measured: MeasuredRound, *, prices: Prices) -> RoundCosts:
    lines = priced(measured, prices)
    known, unknown = [line.usd for line in lines if line.usd is not None], unknown_of(lines)
    slug, number, over = round_.competition.slug, round_.number, round_.state == "finished"
    total = sum(known) if known else None
    return RoundCosts(
        competition=slug,
        round=number,
        final=over,
        lines=lines,
        known_usd=total,
        unknown=unknown,
        sentence=sentence(total, unknown, begin="This round cost" if over else "So far this round has cost"),
        url=f"{reverse('judge', args=[slug, number])}#costs",
    )


def unknown_of(lines: Sequence[CostLine]) -> tuple[str, ...]:
    return tuple(line.item for line in lines if line.state == UNKNOWN)


def sentence(total: float | None, unknown: Sequence[str], *, begin: str) -> str:
    names = ", ".join(NAMES[item].lower() for item in unknown)
    if total is None:
        return f"{begin} an unknown amount: no price, or no measurement, of {names}."
    more = f", and what is unknown on top: {names}" if unknown else ""
    return f"{begin} {usd(total)}{more}."


def estimate(slug: str, *, judge: str, rounds: Sequence[RoundCosts]) -> CostEstimate:
    """`rounds`: the last finished ones of the same configuration, the newest first."""
    numbers = tuple(each.round for each in rounds)
    money = [each.known_usd for each in rounds if each.known_usd is not None]
    unknown = tuple(item for item in NAMES if any(item in each.unknown for each in rounds))
    named = f"{judge}, rules as now: {count(len(numbers), 'round')} ({', '.join(map(str, numbers))})"
    words = sentence(median(money) if money else None, unknown, begin="The next round may cost")
    return CostEstimate(
        competition=slug,
        basis=numbers,
        judge=judge,
        lines=tuple(_estimated(item, rounds) for item in NAMES) if rounds else (),
        usd=median(money) if money else None,
        usd_least=min(money, default=None),
        usd_most=max(money, default=None),
        unknown=unknown,
        sentence=f"{words} Taken from the last rounds of the same configuration: {named}."
        if rounds
        else "No round of this configuration has finished here: there is nothing to estimate from.",
    )


def _estimated(item: str, rounds: Sequence[RoundCosts]) -> EstimateLine:
    lines: list[Any] = [line for each in rounds for line in each.lines if line.item == item]
    amounts = [line.amount for line in lines if line.amount is not None]
    money = [line.usd for line in lines if line.usd is not None]
    return EstimateLine(
        item=item,
        name=NAMES[item],
        unit=UNITS[item],
        rounds=len(amounts),
        amount=median(amounts) if amounts else None,
        least=min(amounts, default=None),
        most=max(amounts, default=None),
        usd=median(money) if money else None,
    )
