"""What is shown of a competition over all its rounds: its leaders, its prompts, any two miners side by side?"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from django.http import Http404, HttpRequest, HttpResponse
from django.urls import reverse

from audits import queries as auditing
from competition import queries
from competition.models import Round, Submission
from core import clock
from dashboard.doors.numbers import whole_number
from dashboard.facts import (
    appeals,
    audit_lists,
    comparing,
    duel_statistics,
    leading,
    page_queries,
    prompt_counts,
    prompt_pages,
    weights,
)
from dashboard.facts.audit_lists import OUTCOMES, PER_PAGE, AuditsPage
from dashboard.facts.comparing import ComparePage, Sides
from dashboard.facts.leading import LeadersPage
from dashboard.facts.matches import first_view
from dashboard.facts.prompt_pages import ORDERS, PromptPage, PromptsPage
from dashboard.pages import query, url_lookup
from dashboard.pages.answers import FactsPage, always
from dashboard.pages.csv_tables import Sheet
from judging import queries as judging

NO_PROMPT = "No round of this competition has shown a prompt of this name."


def leaders_facts(request: HttpRequest, slug: str) -> LeadersPage:
    competition = url_lookup.competition(slug)
    now = clock.now()
    register = weights.register(competition, queries.reigns_of(competition), now=now)
    return leading.page(
        competition,
        register,
        weight=weights.summary(competition, register, now=now),
        field=page_queries.leaders_field(register.reigns),
    )


def prompts_facts(request: HttpRequest, slug: str) -> PromptsPage:
    competition = url_lookup.competition(slug)
    round_ = _round_in_query(request, slug)
    rounds = [round_] if round_ else prompt_counts.newest(competition)
    return prompt_pages.page(
        competition,
        duel_statistics.prompts_of(rounds),
        prompt_counts.over(rounds),
        order=query.choice(request, "sort", tuple(ORDERS)),
        round_=round_,
    )


def _round_in_query(request: HttpRequest, slug: str) -> Round | None:
    number = query.number(request, "round")
    return None if number is None else url_lookup.round_(slug, number)


def prompts_more(request: HttpRequest, page: PromptsPage) -> Mapping[str, Any]:
    number = _sheet(request, sheets=page.sheets)
    links = query.sheet_links(request, number, sheets=page.sheets)
    return {"orders": ORDERS.items(), "number": number, "shown": page.sheet(number), **links}


def prompt_facts(request: HttpRequest, slug: str, stem: str) -> PromptPage | HttpResponse:
    competition = url_lookup.competition(slug)
    prompt = duel_statistics.prompt_shown(competition, stem)
    if prompt is None:
        return url_lookup.prompt(
            request, competition, stem, url=lambda full: reverse("prompt", args=[slug, full]), otherwise=NO_PROMPT
        )
    duels = duel_statistics.duels_on(prompt)
    hashes = {sha for duel in duels for sha in (duel.left_sha256, duel.right_sha256)}
    return prompt_pages.one(
        competition,
        prompt,
        prompt_counts.of(prompt),
        duels,
        renderings=judging.renderings_of(competition, hashes),
        view=first_view(competition.config),
    )


def audits_facts(request: HttpRequest, slug: str) -> AuditsPage:
    """`?outcome=` one of OUTCOMES, `?page=` from 1."""
    competition, outcome = url_lookup.competition(slug), query.choice(request, "outcome", OUTCOMES, default="")
    rows = auditing.in_force(competition)
    counts = auditing.outcomes(rows)
    total = counts.get(outcome, 0) if outcome else sum(counts.values())
    sheets = max(1, -(-total // PER_PAGE))
    sheet = _sheet(request, sheets=sheets)
    wanted = rows.filter(state=outcome) if outcome else rows
    shown = auditing.listed(wanted, competition, skip=(sheet - 1) * PER_PAGE, most=PER_PAGE)
    now = clock.now()
    return audit_lists.page(
        competition,
        shown,
        counts=counts,
        outcome=outcome,
        sheet=sheet,
        sheets=sheets,
        appeals=appeals.objections_to(shown, now=now),
        appeal_windows=appeals.windows(list({audit.round_id: audit.round for audit in shown}.values()), now=now),
    )


def audits_more(request: HttpRequest, page: AuditsPage) -> Mapping[str, Any]:
    return query.sheet_links(request, page.sheet, sheets=page.sheets)


def _sheet(request: HttpRequest, *, sheets: int) -> int:
    return min(sheets, max(1, whole_number(request.GET.get("page", "")) or 1))


def compare_facts(request: HttpRequest) -> ComparePage:
    """`?c=<slug>&round=<n>&a=&b=`; without a round: the last one that is over."""
    slug = str(request.GET.get("c") or getattr(queries.current_competition(), "slug", ""))
    round_ = _round_in_query(request, slug) or duel_statistics.last_decided(url_lookup.competition(slug))
    if round_ is None:
        raise Http404("No round of this competition is over yet.")
    entries = queries.submissions_of(round_)
    a, b = (_entry(entries, request.GET.get(name, "")) for name in ("a", "b"))
    if a is None or b is None:
        return comparing.page(round_, entries, None)
    assets = duel_statistics.files_of([a, b])
    sides = Sides(
        chosen=(a, b),
        prompts=queries.drawn_prompts(round_),
        assets=assets,
        renderings=judging.renderings_of(round_.competition, {asset.sha256 for asset in assets}),
        duels=duel_statistics.screen_duels([a, b]),
        between=duel_statistics.match_of(round_, a, b),
        view=first_view(round_.competition.config),
    )
    return comparing.page(round_, entries, sides)


def _entry(entries: list[Submission], key: str) -> Submission | None:
    """`leader`, a hotkey, or the beginning of one that no other entry has."""
    if not key:
        return None
    matching = [entry for entry in entries if entry.key == key]
    if not matching and len(key) >= url_lookup.SHORTEST:
        matching = [entry for entry in entries if entry.key.startswith(key)]
    if len(matching) != 1:
        raise Http404("No entry of this round, or more than one, has a hotkey that begins so.")
    return matching[0]


def compare_more(request: HttpRequest, page: ComparePage) -> Mapping[str, Any]:
    return {"all": query.choice(request, "show", ("all",), default="") == "all"}


audits_page = FactsPage(audits_facts, template="audits.html", more=audits_more, settled=audit_lists.settled)
audits_sheet = Sheet(audits_facts, table="audits")
compare_page = FactsPage(compare_facts, template="compare.html", more=compare_more)
compare_sheet = Sheet(compare_facts, table="prompts")
leaders_page = FactsPage(leaders_facts, template="leaders.html", settled=lambda page: page.weight.settled)
leaders_sheet = Sheet(leaders_facts, table="steps")
leaders_field_sheet = Sheet(leaders_facts, table="field")
prompts_page = FactsPage(prompts_facts, template="prompts.html", more=prompts_more, settled=always)
prompts_sheet = Sheet(prompts_facts, table="prompts")
prompt_page = FactsPage(prompt_facts, template="prompt.html", settled=always)
