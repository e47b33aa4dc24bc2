"""Why does who leads lead?  One sentence, and a link for each step: margin, bar, ladder, audits, weight."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from django.urls import reverse

from audits.models import Audit
from competition.models import Reign, Round
from competition.rounds import met_on_the_ladder
from competition.rulesets import match_words
from dashboard.facts.bankroll_chart import bar_words
from dashboard.facts.figures import MatchFigures, figures, rules_of
from dashboard.facts.matches import match_url
from dashboard.facts.people import entrant
from dashboard.facts.weights import Payment
from dashboard.facts.wording import count, percent
from judging.matches import tally_of
from judging.models import Match


@dataclass(frozen=True, kw_only=True)
class TrailLink:
    """One step of the chain, and the page that proves it."""

    step: str
    words: str
    url: str


@dataclass(frozen=True, kw_only=True)
class Receipt:
    """`distance`: how many duels from another leader; `flip_distance` the same as a number (null: none could)."""

    sentence: str
    distance: str
    flip_distance: int | None
    chain: tuple[TrailLink, ...]


def decisive_match(matches: Sequence[Match], *, reign: Reign | None, round_: Round) -> Match | None:
    """The winner's weightiest match, or that of whoever came closest to a leader who defended."""
    decided = [match for match in matches if match.state == "decided" and match.won and match_words(match.kind).weight]
    if reign is None or reign.defence:
        for_the_lead = [match for match in decided if match_words(match.kind).goal]
        screens = [match for match in decided if match.kind == Match.Kind.SCREEN]
        return max(for_the_lead or screens, key=lambda match: (match.margin_micro or 0, -match.pk), default=None)
    return weightiest([m for m in decided if m.challenger.miner_id == reign.miner_id and (m.margin_micro or 0) > 0])


def weightiest(matches: Sequence[Match]) -> Match | None:
    """Of one entry's decided matches the one that says most, on whatever page.

    The match for the lead, else that of its rung on the final ladder (what a rejected audit took off the ladder decided
    nothing), else its last.
    """
    decided = [match for match in matches if match.state == "decided" and match_words(match.kind).weight]
    if not decided:
        return None
    met = met_on_the_ladder(decided[0].round, decided[0].challenger.miner.hotkey)
    on_the_ladder = [match for match in decided if match.defender.key == met]
    return min(on_the_ladder or decided, key=lambda match: (-match_words(match.kind).weight, -match.pk))


def receipt(
    round_: Round, match: Match | None, *, audits: Sequence[Audit] = (), payment: Payment | None = None
) -> Receipt | None:
    """Of a finished round.  `audits`: of the round; `payment`: what its decision pays."""
    if round_.state != "finished":
        return None
    if match is None:
        chain = _weight(round_, payment)
        return Receipt(sentence="No challenger won a duel.", distance="", flip_distance=None, chain=chain)
    numbers = figures(tally_of(match), rules=rules_of(round_), kind=match.kind)
    own = [audit for audit in audits if audit.submission_id == match.challenger_id]
    took = payment is not None and not payment.defence
    rejected = any(audit.state == "rejected" for audit in own)
    return Receipt(
        sentence=_sentence(match, numbers, took=took, rejected=rejected),
        distance="" if rejected else _distance(match, numbers, took=took),
        flip_distance=numbers.flip_distance,
        chain=_chain(round_, match, numbers, audits=own) + _weight(round_, payment),
    )


def _against(match: Match) -> str:
    return "the leader" if match.defender.key == "leader" else entrant(match.defender).name


def _sentence(match: Match, numbers: MatchFigures, *, took: bool, rejected: bool) -> str:
    name = entrant(match.challenger).name
    won, lost = numbers.won + numbers.forfeits_defender, numbers.lost + numbers.forfeits_challenger
    score = f"{count(won, 'duel')} won, {numbers.drawn} drawn, {lost} lost against {_against(match)}"
    if took:
        return f"{name} leads: {score}, {percent(numbers.margin)} where {_bar(match, numbers)} was needed."
    if rejected:
        return f"{name} had {percent(numbers.margin)} against {_against(match)}, and its audit rejected it."
    if _reached(match, numbers):
        return f"{name} reached the bar with {percent(numbers.margin)}, and did not get past the rest of the rules."
    short = "" if match_words(match.kind).endings else f"{count(numbers.gap, 'net duel')} "
    return f"{name} came closest: {score}, {percent(numbers.margin)}, {short}short of the bar."


def _reached(match: Match, numbers: MatchFigures) -> bool:
    return match_words(match.kind).reaches(match.stopped, by_margin=numbers.reaches)


def _bar(match: Match, numbers: MatchFigures) -> str:
    rules = rules_of(match.round) if match_words(match.kind).goal else None
    return bar_words(rules, default=numbers.win_margin)


def _distance(match: Match, numbers: MatchFigures, *, took: bool) -> str:
    needed = numbers.flip_distance
    if needed is None:
        return ""
    words = match_words(match.kind)
    duels = "One duel that ended" if needed == 1 else f"{needed} duels that ended"
    if took and words.goal:
        return f"{duels} otherwise would have left it short of {words.goal}."
    if took:
        return f"{duels} otherwise would have kept {_against(match)} ahead."
    if _reached(match, numbers):
        return ""
    return f"{duels} otherwise would have {words.aim}."


def _chain(round_: Round, match: Match, numbers: MatchFigures, *, audits: Sequence[Audit]) -> tuple[TrailLink, ...]:
    url = match_url(round_, match)
    reached = "reached" if _reached(match, numbers) else "not reached"
    at = [round_.competition.slug, round_.number]
    round_url = reverse("round", args=at)
    links = (
        TrailLink(step="margin", words=percent(numbers.margin), url=url),
        TrailLink(step="bar", words=f"{_bar(match, numbers)}, {reached}", url=f"{url}#strip-title"),
        TrailLink(step="ladder", words=match_words(match.kind).order, url=f"{round_url}#ladder-title"),
    )
    if not audits:
        return (*links, TrailLink(step="audits", words="none was due", url=f"{round_url}#audits-title"))
    states = {audit.state for audit in audits}
    verdict = "rejected" if "rejected" in states else "passed" if states == {"passed"} else "open"
    audit_url = reverse("audit", args=[*at, match.challenger.miner.hotkey])
    return (*links, TrailLink(step="audits", words=verdict, url=audit_url))


def _weight(round_: Round, payment: Payment | None) -> tuple[TrailLink, ...]:
    if payment is None:
        return ()
    return (TrailLink(step="weight", words=payment.words, url=reverse("leaders", args=[round_.competition.slug])),)
