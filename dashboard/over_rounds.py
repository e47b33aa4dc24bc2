"""What is shown of a competition over all its rounds: its leaders, its prompts, any two miners side by side?"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from django.http import Http404, HttpRequest

from competition import queries
from competition.models import Round
from dashboard import counting, finding
from dashboard.answers import Page
from dashboard.presenting import leading, prompt_pages
from dashboard.presenting.leading import LeadersPage
from dashboard.presenting.matches import first_view
from dashboard.presenting.prompt_pages import ORDERS, PromptPage, PromptsPage
from dashboard.sheets import Sheet
from judging import queries as judging


def leaders_facts(request: HttpRequest, slug: str) -> LeadersPage:
    competition = finding.competition(slug)
    return leading.page(competition, queries.reigns_of(competition))


def prompts_facts(request: HttpRequest, slug: str) -> PromptsPage:
    competition = finding.competition(slug)
    round_ = _round_asked(request, slug)
    order = request.GET.get("sort", "")
    return prompt_pages.page(
        competition,
        counting.prompts_of(competition, round_=round_),
        counting.prompt_counts(competition, round_=round_),
        order=order if order in ORDERS else next(iter(ORDERS)),
        round_=round_,
    )


def _round_asked(request: HttpRequest, slug: str) -> Round | None:
    asked = request.GET.get("round", "")
    return finding.round_(slug, int(asked)) if asked.isdecimal() and len(asked) < 9 else None


def prompts_more(request: HttpRequest, page: PromptsPage) -> Mapping[str, Any]:
    asked = request.GET.get("page", "1")
    number = min(page.sheets, max(1, int(asked) if asked.isdecimal() and len(asked) < 9 else 1))
    return {"orders": ORDERS.items(), "number": number, "shown": page.sheet(number)}


def prompt_facts(request: HttpRequest, slug: str, stem: str) -> PromptPage:
    competition = finding.competition(slug)
    prompt = counting.prompt_shown(competition, stem)
    if prompt is None:
        raise Http404("No round of this competition has shown a prompt of this name.")
    duels = counting.duels_on(prompt)
    hashes = {sha for duel in duels for sha in (duel.left_sha256, duel.right_sha256)}
    return prompt_pages.one(
        competition,
        prompt,
        counting.prompt_counts(competition).get(prompt.pk, prompt_pages.NOTHING),
        duels,
        renderings=judging.renderings_of(competition, hashes),
        view=first_view(competition.config),
    )


leaders_page = Page(leaders_facts, template="leaders.html")
leaders_sheet = Sheet(leaders_facts, rows=lambda page: page.steps)
prompts_page = Page(prompts_facts, template="prompts.html", more=prompts_more)
prompts_sheet = Sheet(prompts_facts, rows=lambda page: page.prompts)
prompt_page = Page(prompt_facts, template="prompt.html")
