"""What is shown at each address?"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from typing import Any

from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect, JsonResponse
from django.shortcuts import render
from django.urls import reverse
from django.utils.http import url_has_allowed_host_and_scheme
from django.views.decorators.http import require_safe

from competition import queries
from competition.models import Miner
from core import clock
from dashboard.facts import chart_data, home_pages, miner_pages, page_queries, rounds, weights
from dashboard.facts.audit_pages import AuditPage
from dashboard.facts.duel_pages import DuelPage
from dashboard.facts.entries import entry_facts
from dashboard.facts.judge_pages import JudgePage
from dashboard.facts.match_pages import SHOWN, MatchPage
from dashboard.facts.people import SS58
from dashboard.facts.rounds import RoundPage
from dashboard.facts.twins import twin
from dashboard.operations import judge_health
from dashboard.pages import posters, query, url_lookup
from dashboard.pages.answers import FactsPage, fresh
from dashboard.pages.csv_tables import Sheet
from dashboard.pages.query import BadChoice
from dashboard.pages.url_lookup import Elsewhere

LIVE_SECONDS = 2
THEME_SECONDS = 31_536_000
ORDERS = ("margin", "reveal")


def home_facts(request: HttpRequest, slug: str | None = None) -> home_pages.HomePage | HttpResponse:
    every = queries.competitions()
    if not every and not slug:
        return render(request, "nothing_yet.html")
    competition = url_lookup.competition(slug, among=every) if slug else every[0]
    now = clock.now()
    all_rounds, reigns = queries.rounds_of(competition), queries.reigns_of(competition)
    register = weights.register(competition, reigns, now=now)
    decided = next((round_ for round_ in all_rounds if round_.state == "finished"), None)
    match, duels = page_queries.decision_in_pictures(decided, reigns)
    receipt, crowning = page_queries.receipt_of(decided, match, register, now=now), None
    if match is None:  # nothing to show of a defence without a duel: what made the leader is shown
        won_in = next((reign.won_in_id for reign in reigns if not reign.defence), None)
        crowned = next((r for r in all_rounds if r.pk == won_in), None)
        match, duels = page_queries.decision_in_pictures(crowned, reigns)
        crowning = page_queries.receipt_of(crowned, match, register, now=now)
    named = queries.labels_of(hotkey for round_ in all_rounds for hotkey in SS58.findall(round_.headline))
    return home_pages.page(
        competition,
        rounds=all_rounds,
        reigns=reigns,
        register=register,
        weight=weights.summary(competition, register, now=now),
        tracker=page_queries.tracker(all_rounds[0], now=now) if all_rounds else None,
        others=every,
        deciding=match,
        receipt=receipt,
        crowning=crowning,
        improved=page_queries.improvement(register),
        clearest=duels,
        named=named,
    )


def home_more(request: HttpRequest, page: home_pages.HomePage) -> Mapping[str, Any]:
    return live(page, of="home") if page.tracker else {}


def round_facts(request: HttpRequest, slug: str, number: int) -> RoundPage:
    return page_queries.round_page(url_lookup.round_(slug, number), now=clock.now())


def round_more(request: HttpRequest, page: RoundPage) -> Mapping[str, Any]:
    order = query.choice(request, "order", ORDERS)
    at = [page.competition, page.round, posters.digest(page.competition_name, page.round, page.stage, page.headline)]
    poster = request.build_absolute_uri(reverse("poster", args=at))
    return {"order": order, "rows": in_order(page, order), "poster": poster, **live(page, of="round")}


def in_order(page: RoundPage, order: str) -> list[Any]:
    """By margin with what is still open last, or as the queue has it; decided ones with a goal lie apart."""
    rows = [row for row in page.matches if not row.goal or page.stage != "finished"]
    if order == "margin":
        rows.sort(key=lambda row: (row.tally is None, -float(row.tally.margin) if row.tally else 0))
    return rows


def live(page: Any, *, of: str) -> dict[str, Any]:
    """What the fragment needs: `seen` names what it shows, so that a poll for the same costs an empty answer."""
    if page.tracker is None or not page.tracker.live:
        return {"of": of}
    moving = [twin(page.tracker), twin(getattr(page, "matches", ()))]
    seen = hashlib.sha256(json.dumps(moving, default=str).encode()).hexdigest()[:16]
    return {"of": of, "seen": seen, "seconds": LIVE_SECONDS}


@require_safe
def live_fragment(request: HttpRequest, slug: str, number: int) -> HttpResponse:
    """The moving part of a page.  204: nothing moved.  A new stage changes all of the page: load it again."""
    round_ = url_lookup.round_(slug, number)
    of = "round" if request.GET.get("of") == "round" else "home"
    if request.GET.get("stage", round_.state) != round_.state:
        return fresh(HttpResponse(status=204, headers={"HX-Refresh": "true"}))
    if of == "round":
        page: Any = page_queries.round_page(round_, now=clock.now())
    else:
        page = home_pages.moving(round_, tracker=page_queries.tracker(round_, now=clock.now()))
    context = {"page": page, **(round_more(request, page) if of == "round" else live(page, of=of))}
    if "seen" in context and request.GET.get("seen") == context["seen"]:
        return fresh(HttpResponse(status=204))
    return fresh(render(request, "parts/live.html", context))


def judge_facts(request: HttpRequest, slug: str, number: int) -> JudgePage:
    return judge_health.page(url_lookup.round_(slug, number), now=clock.now())


def match_facts(
    request: HttpRequest, slug: str, number: int, defender: str, challenger: str
) -> MatchPage | HttpResponse:
    round_ = url_lookup.round_(slug, number)
    try:
        pair = _pair(request, [slug, number], defender, challenger, name="match")
    except Elsewhere as other:
        return other.response
    return page_queries.match_page(round_, defender=pair[0], challenger=pair[1])


def _pair(request: HttpRequest, at: list[Any], defender: str, challenger: str, *, name: str, tail: Any = ()) -> Any:
    """Both sides' full hotkeys."""
    if defender != "leader":
        other = url_lookup.miner(request, defender, url=lambda hk: reverse(name, args=[*at, hk, challenger, *tail]))
        defender = other.hotkey
    met = url_lookup.miner(request, challenger, url=lambda hk: reverse(name, args=[*at, defender, hk, *tail]))
    return defender, met.hotkey


def match_more(request: HttpRequest, page: MatchPage) -> Mapping[str, Any]:
    show = query.choice(request, "show", SHOWN)
    rows = {"decisive": page.decisive, "all": page.duels, "void": [d for d in page.duels if d.result == "void"]}
    return {"show": show, "shown": rows[show]}


def duel_facts(
    request: HttpRequest, slug: str, number: int, defender: str, challenger: str, stem: str
) -> DuelPage | HttpResponse:
    round_ = url_lookup.round_(slug, number)
    try:
        pair = _pair(request, [slug, number], defender, challenger, name="duel", tail=[stem])
    except Elsewhere as other:
        return other.response
    try:
        return page_queries.duel_page(round_, defender=pair[0], challenger=pair[1], stem=stem)
    except Http404 as none:
        at = [slug, number, defender, pair[1]]
        return url_lookup.prompt(
            request,
            round_.competition,
            stem,
            url=lambda full: reverse("duel", args=[*at, full]),
            otherwise=str(none),
        )


def duel_more(request: HttpRequest, page: DuelPage) -> Mapping[str, Any]:
    view, first = request.GET.get("view", ""), page.view_names[0] if page.view_names else ""
    return {"view": view if view in page.view_names else first}  # it goes along from duel to duel: not each has it


def _audited(request: HttpRequest, slug: str, number: int, hotkey: str) -> Miner:
    return url_lookup.miner(request, hotkey, url=lambda full: reverse("audit", args=[slug, number, full]))


def audit_facts(request: HttpRequest, slug: str, number: int, hotkey: str) -> AuditPage | HttpResponse:
    round_ = url_lookup.round_(slug, number)
    try:
        miner = _audited(request, slug, number, hotkey)
    except Elsewhere as other:
        return other.response
    return page_queries.audit_page(round_, miner=miner, now=clock.now())


def audit_more(request: HttpRequest, page: AuditPage) -> Mapping[str, Any]:
    round_ = url_lookup.round_(page.competition, page.round)
    plots = chart_data.plots_of_audit(round_, hotkey=page.miner.hotkey, match=page.match)
    return {"show_all": query.choice(request, "show", ("all",), default="") == "all", "plots": plots}


def audit_duel_facts(request: HttpRequest, slug: str, number: int, hotkey: str, stem: str) -> DuelPage | HttpResponse:
    round_ = url_lookup.round_(slug, number)
    try:
        miner = _audited(request, slug, number, hotkey)
    except Elsewhere as other:
        return other.response
    return page_queries.audit_duel_page(round_, miner=miner, stem=stem)


def title_facts(request: HttpRequest, slug: str, number: int, hotkey: str) -> MatchPage | HttpResponse:
    round_ = url_lookup.round_(slug, number)
    try:
        miner = url_lookup.miner(request, hotkey, url=lambda full: reverse("title", args=[slug, number, full]))
    except Elsewhere as other:
        return other.response
    return page_queries.title_page(round_, miner=miner)


def title_duel_facts(request: HttpRequest, slug: str, number: int, hotkey: str, stem: str) -> DuelPage | HttpResponse:
    round_ = url_lookup.round_(slug, number)
    try:
        miner = url_lookup.miner(
            request, hotkey, url=lambda full: reverse("title-duel", args=[slug, number, full, stem])
        )
    except Elsewhere as other:
        return other.response
    return page_queries.title_duel_page(round_, miner=miner, stem=stem)


def miner_facts(request: HttpRequest, hotkey: str) -> miner_pages.MinerPage | HttpResponse:
    try:
        miner = url_lookup.miner(request, hotkey, url=lambda full: reverse("miner", args=[full]))
    except Elsewhere as other:
        return other.response
    return miner_pages.page(page_queries.miner_rows(miner, now=clock.now()))


home = FactsPage(home_facts, template="home.html", more=home_more, settled=home_pages.still)
round_page = FactsPage(round_facts, template="round.html", more=round_more, settled=rounds.settled)
judge_page = FactsPage(judge_facts, template="judge.html")
match_page = FactsPage(match_facts, template="match.html", more=match_more, settled=lambda page: page.decided)
duel_page = FactsPage(duel_facts, template="duel.html", more=duel_more, settled=lambda page: page.result != "judging")
audit_page = FactsPage(audit_facts, template="audit.html", more=audit_more)
audit_duel_page = FactsPage(audit_duel_facts, template="duel.html", more=duel_more)
title_page = FactsPage(title_facts, template="match.html", more=match_more, settled=lambda page: page.decided)
title_duel_page = FactsPage(title_duel_facts, template="duel.html", more=duel_more)
miner_page = FactsPage(miner_facts, template="miner.html")
round_sheet = Sheet(round_facts, table="matches")
match_sheet = Sheet(match_facts, table="duels")


@require_safe
def current_round(request: HttpRequest, slug: str) -> HttpResponse:
    latest = queries.latest_round(slug)
    if latest is None:
        raise Http404("There is no round in this competition yet.")
    return HttpResponseRedirect(reverse("round", args=[slug, latest.number]))


@require_safe
def search(request: HttpRequest) -> HttpResponse:
    """By the beginning of a hotkey, of a commit or of a prompt's name, or by a demo's label."""
    query = request.GET.get("q", "").strip()[:100]
    miners, submissions, prompts = page_queries.search(query)
    if len(miners) == 1 and not submissions and not prompts:
        return HttpResponseRedirect(reverse("miner", args=[miners[0].hotkey]))
    entries = [entry_facts(entry, round_=entry.round) for entry in submissions]
    shown = [(p, reverse("prompt", args=[p.competition.slug, p.stem])) for p in prompts]
    context = {"query": query, "miners": miners, "entries": entries, "prompts": shown}
    return fresh(render(request, "search.html", context))


@require_safe
def theme(request: HttpRequest, name: str) -> HttpResponse:
    """Remember how dark this visitor wants the pages, without a script, and lead back."""
    target = request.GET.get("next", "")
    back = target if url_has_allowed_host_and_scheme(target, allowed_hosts=None) and target.startswith("/") else "/"
    response = HttpResponseRedirect(back, headers={"Cache-Control": "no-store"})
    if name == "auto":
        response.delete_cookie("theme", samesite="Lax")
    else:
        response.set_cookie(
            "theme", name, max_age=THEME_SECONDS, samesite="Lax", httponly=True, secure=request.is_secure()
        )
    return response


def bad_request(request: HttpRequest, exception: Exception) -> HttpResponse:
    reason = str(exception) if isinstance(exception, BadChoice) else "This request cannot be read."
    if request.path.endswith(".json"):
        return fresh(JsonResponse({"detail": reason}, status=400))
    return fresh(HttpResponse(f"{reason}\n", status=400, content_type="text/plain; charset=utf-8"))


def page_missing(request: HttpRequest, exception: Exception) -> HttpResponse:
    reason = str(exception.args[0]) if exception.args and isinstance(exception.args[0], str) else ""
    if request.path.endswith(".json"):
        body = json.dumps({"detail": reason or "There is nothing at this address."})
        return HttpResponse(body, status=404, content_type="application/json")
    context = {"reason": reason, "hint": url_lookup.hint(request.path)}
    return render(request, "404.html", context, status=404)
