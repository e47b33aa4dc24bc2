"""Who has put a round's questions to a model of their own, and how far did the answers agree?"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Annotated, Any

from django.urls import reverse

from competition.models import Round, Submission
from dashboard.facts.wording import count
from dashboard.models import Publication, Reissue, SecondOpinion

MILLION = 1_000_000
STANDS = {
    "stands": "the winner stands, whatever the rest gives",
    "changes": "another winner with these answers",
    "not covered": "too few answers to say whether the winner stands",
}


@dataclass(frozen=True, kw_only=True)
class IndependentAsker:
    """One report, signed by who asked.  Shares and intervals are of the numbers in the report."""

    hotkey: str
    registered: Annotated[bool, "On the competition's chain when it was posted.  Other keys cost nothing to make."]
    took_part: Annotated[bool, "This hotkey entered, or defended, in the round: it has an interest."]
    model: Annotated[str, "The model that was asked, as its server names it."]
    same_model: Annotated[bool, "It bears the name of the judge's own model."]
    same: Annotated[int, "Answers whose likeliest label is the judge's."]
    of: Annotated[int, "Answers that the model gave."]
    agreement: Annotated[float, "The share of these."]
    interval_95: Annotated[tuple[float, float], "Of all answers of the round; Wilson, each duel counted once."]
    duels: Annotated[int, "Duels that were drawn."]
    of_duels: Annotated[int, "Duels that a model judged."]
    same_verdicts: Annotated[int, "Drawn duels that end the same with these answers."]
    winner: Annotated[str, "`stands`, `changes` or `not covered`."]
    posted_at: datetime
    report_sha256: Annotated[str, "Of the whole report, of which the asker keeps the file."]

    @property
    def winner_words(self) -> str:
        return STANDS[self.winner]

    @property
    def interval_words(self) -> str:
        low, high = self.interval_95
        return "all of them" if low == high else f"{low:.1%} to {high:.1%}"


@dataclass(frozen=True, kw_only=True)
class IndependentAskers:
    """All reports about the newest edition of a round's bundle, those of registered keys first."""

    bundle: str
    askers: tuple[IndependentAsker, ...]
    registered: Annotated[int, "How many of these keys are registered."]
    lowest: Annotated[float | None, "The least agreement among the registered; null where there are none."]
    highest: float | None
    sentence: str
    url: Annotated[str, "The documents and signatures, in the API."]


def askers_of(round_: Round) -> IndependentAskers | None:
    """None while no bundle is published."""
    digest = newest_bundle(round_)
    if not digest:
        return None
    rows = SecondOpinion.objects.filter(bundle=digest).order_by("-registered", "pk")
    sides = Submission.objects.filter(round=round_).values_list("miner__hotkey", flat=True)
    askers = [asker(row.document, row, sides=set(sides)) for row in rows] if rows else []
    registered = [each.agreement for each in askers if each.registered]
    slug, number = round_.competition.slug, round_.number
    return IndependentAskers(
        bundle=digest,
        askers=tuple(askers),
        registered=len(registered),
        lowest=min(registered, default=None),
        highest=max(registered, default=None),
        sentence=sentence(askers),
        url=f"{reverse('api-opinions')}?competition={slug}&round={number}",
    )


def newest_bundle(round_: Round) -> str:
    later = Reissue.objects.filter(correction__round=round_, state="published").order_by("-edition")
    first = Publication.objects.filter(round=round_, state="published")
    hashes = (rows.values_list("bundle_hash", flat=True).first() for rows in (later, first))
    return next((each for each in hashes if each), "")


def asker(document: Mapping[str, Any], row: SecondOpinion, *, sides: set[str]) -> IndependentAsker:
    report = document["report"]
    answers, verdicts = report["answers"], report["verdicts"]
    low, high = answers["interval95_micro"]
    return IndependentAsker(
        hotkey=row.hotkey,
        registered=row.registered,
        took_part=row.hotkey in sides,
        model=report["model"],
        same_model=report["model"] in (report["judge_model"], report["judge_model"].rpartition("@")[0]),
        same=answers["same"],
        of=answers["of"],
        agreement=answers["same"] / answers["of"],
        interval_95=(low / MILLION, high / MILLION),
        duels=report["duels"]["drawn"],
        of_duels=report["duels"]["cited"],
        same_verdicts=verdicts["same"],
        winner=report["winner"]["result"],
        posted_at=row.posted_at,
        report_sha256=document["report_sha256"],
    )


def sentence(askers: Sequence[IndependentAsker]) -> str:
    known = [each.agreement for each in askers if each.registered]
    if not askers:
        return "Nobody has asked again yet."
    others = count(len(askers) - len(known), "asker")
    if not known:
        return f"{others} without a registered key: such keys cost nothing to make."
    low, high = min(known), max(known)
    between = f"{low:.1%}" if low == high else f"{low:.1%} to {high:.1%}"
    more = f" Beside them {others} without one." if len(askers) > len(known) else ""
    agreed = f"{between} of the answers are the judge's"
    return f"{count(len(known), 'independent asker')} with a registered key: {agreed}.{more}"
