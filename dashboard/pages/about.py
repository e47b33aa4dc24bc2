"""What is shown of the site itself: its state, its method, its data, its changes?"""

from __future__ import annotations

from functools import cache
from pathlib import Path

from django.conf import settings
from django.db.models import Count, Sum
from django.http import HttpRequest

from competition import queries
from competition.models import Competition
from core import clock
from dashboard.facts import about_pages, duel_statistics, page_queries
from dashboard.facts.about_pages import ChangelogPage, DataPage, Example, MethodPage
from dashboard.facts.figures import figures, rules_of
from dashboard.facts.matches import match_url, sentence
from dashboard.facts.people import entrant
from dashboard.models import Publication, RecordFile
from dashboard.operations import judge_health, system_health
from dashboard.operations.system_health import StatusPage
from dashboard.pages.answers import FactsPage
from judging import queries as judging
from judging.matches import tally_of

MOST_BUNDLES = 200
MOST_COMPETITIONS = 12  # each costs a few queries here


def status_facts(request: HttpRequest) -> StatusPage:
    clock.CLOCK.measure()  # what is shown of this machine's clock is true now
    return system_health.page(now=clock.now())


def method_facts(request: HttpRequest) -> MethodPage:
    current = queries.current_competition()
    repeats = {each.slug: duel_statistics.repeats(each) for each in queries.competitions()[:MOST_COMPETITIONS]}
    example = _example(current) if current else None
    return about_pages.method(
        current,
        repeats=repeats,
        health=judge_health.last_health(),
        example=example,
        exams=judging.shown_exams(),
    )


def _example(competition: Competition) -> Example | None:
    """The match behind the last decision."""
    rounds, reigns = queries.rounds_of(competition), queries.reigns_of(competition)
    for decided in (round_ for round_ in rounds if round_.state == "finished"):
        match, _ = page_queries.decision_in_pictures(decided, reigns)
        if match:
            numbers = figures(tally_of(match), rules=rules_of(decided), kind=match.kind)
            text = sentence(match, numbers, defender=entrant(match.defender), challenger=entrant(match.challenger))
            return Example(round=decided.number, sentence=text, tally=numbers, url=match_url(decided, match))
    return None


def data_facts(request: HttpRequest) -> DataPage:
    rows = Publication.objects.filter(state="published").select_related("round__competition", "checkpoint")
    newest = rows.order_by("-round__competition_id", "-round__number")[:MOST_BUNDLES]
    current_files = RecordFile.objects.filter(current=True).order_by().values("competition")
    records = {
        row["competition"]: {"files": row["files"], "bytes": row["bytes"]}
        for row in current_files.annotate(files=Count("pk"), bytes=Sum("bytes"))
    }
    return about_pages.data(queries.competitions(), list(newest), records=records)


def changelog_facts(request: HttpRequest) -> ChangelogPage:
    shown = queries.competitions()[:MOST_COMPETITIONS]
    return about_pages.changelog(
        {each.slug: duel_statistics.judges_of(each) for each in shown},
        {each.slug: duel_statistics.rulesets_of(each) for each in shown},
        text=_changes(),
    )


@cache
def _changes() -> str:
    path = Path(settings.BASE_DIR) / "CHANGELOG.md"
    return path.read_text() if path.is_file() else ""


status_page = FactsPage(status_facts, template="status.html")
method_page = FactsPage(method_facts, template="method.html")
data_page = FactsPage(data_facts, template="data.html")
changelog_page = FactsPage(changelog_facts, template="changelog.html")
