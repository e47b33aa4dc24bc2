"""Who has put a round's questions to a model of their own, and how far did the answers agree?"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime
from statistics import median
from typing import Annotated

from django.urls import reverse

from competition.models import Round, Submission
from dashboard.facts.wording import count
from dashboard.models import Publication, Reissue, SecondOpinion
from judging.backends import is_model
from verify.bundles.panel import NAME as PANEL

MILLION = 1_000_000
MOST_SHOWN = 20  # reports on a page; all of them are in the API
PLAIN = ("pk", "hotkey", "registered", "document__report__answers__same", "document__report__answers__of")
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
    """The reports about the newest edition of a round's bundle: those of registered keys that took no part in the round
    come first, and they alone count in `independent`, `median`, `lowest` and `highest`."""

    bundle: str
    posted: Annotated[int, "How many reports there are, shown or not."]
    askers: Annotated[tuple[IndependentAsker, ...], "The first 20 of them."]
    independent: Annotated[int, "Registered keys that did not take part in the round."]
    median: Annotated[float | None, "Of their agreement; null where there are none."]
    lowest: float | None
    highest: float | None
    sentence: str
    url: Annotated[str, "The documents and signatures, in the API."]


def askers_of(round_: Round) -> IndependentAskers | None:
    """None while no bundle is published, and where no single model judged: nobody can ask again what none was asked."""
    judge = round_.competition.judge
    digest = newest_bundle(round_) if is_model(judge) and not judge.startswith(PANEL) else ""
    if not digest:
        return None
    rows = list(SecondOpinion.objects.filter(bundle=digest).order_by("pk").values_list(*PLAIN))
    sides = set(Submission.objects.filter(round=round_).values_list("miner__hotkey", flat=True)) if rows else set()
    rows.sort(key=lambda row: (not row[2], row[1] in sides))
    documents = SecondOpinion.objects.in_bulk([row[0] for row in rows[:MOST_SHOWN]])
    independent = [same / of for _, hotkey, registered, same, of in rows if registered and hotkey not in sides]
    slug, number = round_.competition.slug, round_.number
    return IndependentAskers(
        bundle=digest,
        posted=len(rows),
        askers=tuple(asker(documents[row[0]], sides=sides) for row in rows[:MOST_SHOWN]),
        independent=len(independent),
        median=median(independent) if independent else None,
        lowest=min(independent, default=None),
        highest=max(independent, default=None),
        sentence=sentence(independent, others=len(rows) - len(independent)),
        url=f"{reverse('api-opinions')}?competition={slug}&round={number}",
    )


def newest_bundle(round_: Round) -> str:
    later = Reissue.objects.filter(correction__round=round_, state="published").order_by("-edition")
    first = Publication.objects.filter(round=round_, state="published")
    hashes = (rows.values_list("bundle_hash", flat=True).first() for rows in (later, first))
    return next((each for each in hashes if each), "")


def asker(row: SecondOpinion, *, sides: Collection[str]) -> IndependentAsker:
    report = row.document["report"]
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
        report_sha256=row.document["report_sha256"],
    )


def sentence(independent: Sequence[float], *, others: int) -> str:
    """`others`: by keys that cost nothing, or that have an interest: they are shown, and counted apart."""
    if not independent and not others:
        return "Nobody has asked again yet."
    apart = f"{count(others, 'report')} of others: a key that is not registered costs nothing to make, "
    apart += "and who took part in the round has an interest."
    if not independent:
        return f"Nobody with a registered key that took no part in the round has asked again. Posted: {apart}"
    low, high = min(independent), max(independent)
    between = f", from {low:.1%} to {high:.1%}" if low != high else ""
    agreed = f"for half of them at least {median(independent):.1%} of the answers are the judge's{between}"
    if len(independent) == 1:
        agreed = f"{low:.1%} of the answers are the judge's"
    askers = f"{count(len(independent), 'independent asker')} (a registered key that took no part in the round)"
    return f"{askers}: {agreed}." + (f" And {apart}" if others else "")
