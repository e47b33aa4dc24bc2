"""Which prompts decide, and which never tell two sides apart?"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from fractions import Fraction
from typing import Any

from django.urls import reverse

from competition.models import Competition, Prompt, Round
from dashboard.facts.borders import NAMED_BY_URL, row_of, shown_as
from dashboard.facts.matches import RESULTS, duel_url, match_url, picture, result
from dashboard.facts.people import Who, entrant
from dashboard.facts.prompts import PromptFacts, prompt_facts
from dashboard.facts.wording import PartLabel, count, labels, percent, were
from judging.models import Duel, Rendering

PER_PAGE = 60
ORDERS: Mapping[str, str] = {
    "decisive": "most often decisive",
    "discrimination": "most telling",
    "least": "never or seldom decisive",
    "name": "by name",
}
NOTHING: Mapping[str, int] = dict.fromkeys(
    ("judged", "won", "lost", "along", "against", "forfeited", "void", "rounds"), 0
)


@dataclass(frozen=True, kw_only=True)
@row_of(
    PromptFacts,
    but={
        NAMED_BY_URL: "id competition",
        "`prompt` is it": "stem",
        "`sha256` and `link` show the picture": "picture_url bytes",
    },
)
class PromptLine:
    """`discrimination`: decisive duels that went the way of their match, less those that went against it, of all that
    were judged.  +1: this prompt alone would have told who wins; 0: it tells nothing; null: never judged."""

    prompt: str
    sha256: str
    link: str
    judged: int
    won: int
    lost: int
    drawn: int
    forfeited: int
    void: int
    rounds: int
    decisive: Fraction | None
    discrimination: Fraction | None
    url: str

    @property
    def short(self) -> str:
        return self.prompt if len(self.prompt) <= 20 else f"{self.prompt[:8]}…"


@dataclass(frozen=True, kw_only=True)
class PromptsPage:
    competition: str
    competition_name: str
    only_round: int | None
    order: str
    sentence: str
    prompts: tuple[PromptLine, ...]
    never_decisive: int
    labels: tuple[PartLabel, ...]
    url: str

    def sheet(self, number: int) -> tuple[PromptLine, ...]:
        return self.prompts[(number - 1) * PER_PAGE : number * PER_PAGE]

    @property
    def round_query(self) -> str:
        """What follows `?sort=…` in a link to another order or sheet of the same round."""
        return "" if self.only_round is None else f"&round={self.only_round}"

    @property
    def csv_url(self) -> str:
        path = reverse("prompt-gallery-csv", args=[self.competition])
        return path if self.only_round is None else f"{path}?round={self.only_round}"

    @property
    def sheets(self) -> int:
        return max(1, -(-len(self.prompts) // PER_PAGE))


@dataclass(frozen=True, kw_only=True)
class Met:
    """One duel on the prompt."""

    round: int
    kind: str
    defender: Who
    challenger: Who
    result: str
    meaning: str
    score_micro: int | None
    defender_view: str
    challenger_view: str
    match_url: str
    url: str

    @property
    def mark(self) -> str:
        return RESULTS[self.result][0]


@dataclass(frozen=True, kw_only=True)
class PromptPage:
    competition: str
    prompt: PromptLine
    sentence: str
    duels: tuple[Met, ...]
    labels: tuple[PartLabel, ...]
    prompts_url: str
    url: str


def page(
    competition: Competition,
    prompts: Sequence[Prompt],
    counts: Mapping[int, Mapping[str, int]],
    *,
    order: str,
    round_: Round | None,
) -> PromptsPage:
    gallery = reverse("prompt-gallery", args=[competition.slug])
    rows = [prompt_row(competition, prompt, counts.get(prompt.pk, NOTHING), gallery=gallery) for prompt in prompts]
    never = sum(row.judged > 0 and row.decisive == 0 for row in rows)
    judged, decisive = sum(row.judged for row in rows), sum(row.won + row.lost for row in rows)
    if judged:
        share = percent(Fraction(decisive, judged), signed=False, digits=0)
        of = f"{decisive} of {count(judged, 'judged duel')} ({share}) on {count(len(rows), 'prompt')} {were(decisive)}"
        sentence = f"{of} decisive; {count(never, 'prompt')} never told two sides apart."
    else:
        sentence = f"{count(len(rows), 'prompt')} so far, and no duel on them is decided."
    return PromptsPage(
        competition=competition.slug,
        competition_name=competition.name,
        only_round=round_.number if round_ else None,
        order=order,
        sentence=sentence,
        prompts=tuple(sorted(rows, key=lambda row: _place(row, order))),
        never_decisive=never,
        labels=labels(competition),
        url=gallery + (f"?round={round_.number}" if round_ else ""),
    )


def _place(row: PromptLine, order: str) -> tuple[Any, ...]:
    share, telling = row.decisive, row.discrimination
    if order == "name":
        return (row.prompt,)
    if order == "least":
        return (share is None, share or 0, -row.judged, row.prompt)
    first = telling if order == "discrimination" else share
    return (first is None, -(first or 0), -row.judged, row.prompt)


def prompt_row(competition: Competition, prompt: Prompt, counts: Mapping[str, int], *, gallery: str) -> PromptLine:
    """`gallery`: the address of the competition's prompts, below which each has its own."""
    judged = counts["judged"]
    telling = counts["along"] - counts["against"]
    names = ("judged", "won", "lost", "forfeited", "void", "rounds")
    facts = prompt_facts(prompt, competition=competition)
    return shown_as(
        PromptLine,
        facts,
        prompt=facts.stem,
        url=f"{gallery}{facts.stem}/",
        **{name: counts[name] for name in names},
        drawn=judged - counts["won"] - counts["lost"],
        decisive=Fraction(counts["won"] + counts["lost"], judged) if judged else None,
        discrimination=Fraction(telling, judged) if judged else None,
    )


def one(
    competition: Competition,
    prompt: Prompt,
    counts: Mapping[str, int],
    duels: Sequence[Duel],
    *,
    renderings: Mapping[str, Rendering],
    view: str,
) -> PromptPage:
    gallery = reverse("prompt-gallery", args=[competition.slug])
    row = prompt_row(competition, prompt, counts, gallery=gallery)
    met = []
    for duel in duels:
        match, outcome = duel.match, result(duel.match, duel)
        url = match_url(match.round, match)
        met.append(
            Met(
                round=match.round.number,
                kind=match.kind,
                defender=entrant(match.defender),
                challenger=entrant(match.challenger),
                result=outcome,
                meaning=RESULTS[outcome][1],
                score_micro=duel.score_micro,
                defender_view=picture(renderings.get(duel.left_sha256), view),
                challenger_view=picture(renderings.get(duel.right_sha256), view),
                match_url=url,
                url=duel_url(url, prompt.stem),
            )
        )
    decisive = row.won + row.lost
    if row.decisive is None:
        sentence = "No duel on this prompt is decided yet."
    elif not decisive:
        sentence = f"{count(row.judged, 'duel')} judged on this prompt, and none told the two sides apart."
    else:
        share = percent(row.decisive, signed=False, digits=0)
        of = f"{decisive} of {count(row.judged, 'judged duel')}"
        sentence = f"{of} on this prompt {were(decisive)} decisive ({share})."
    return PromptPage(
        competition=competition.slug,
        prompt=row,
        sentence=sentence,
        duels=tuple(sorted(met, key=lambda row: row.result in ("unneeded", "judging"))),
        labels=labels(competition),
        prompts_url=gallery,
        url=row.url,
    )
