"""How does somebody elsewhere hear of a decision, an audit or a stage?  By feed, badge, embedded round and picture."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from django.conf import settings
from django.http import Http404, HttpRequest, HttpResponse, JsonResponse
from django.shortcuts import render
from django.urls import reverse
from django.utils.feedgenerator import Atom1Feed
from django.utils.html import escape
from django.views.decorators.clickjacking import xframe_options_exempt
from django.views.decorators.http import require_safe

from audits import queries as auditing
from competition import chain, queries
from competition.models import Competition, Round
from core import clock
from dashboard.facts import page_queries, weights
from dashboard.facts.audits import AuditFacts, audit_facts
from dashboard.facts.people import SS58, plain, who
from dashboard.facts.round_facts import round_facts
from dashboard.facts.rounds import pending_headline
from dashboard.facts.twins import twin
from dashboard.facts.wording import STAGES
from dashboard.pages import posters, url_lookup
from dashboard.pages.answers import fresh

MOST_ENTRIES = 50
BADGE_SECONDS = 300
FRAMED = settings.CONTENT_SECURITY_POLICY.replace("frame-ancestors 'none'", "frame-ancestors *")


@dataclass(frozen=True, kw_only=True)
class FeedEntry:
    """`tag` never changes: a reader that has seen it does not see it again."""

    tag: str
    kind: str
    title: str
    text: str
    url: str
    at: datetime


def entries(competition: Competition) -> list[FeedEntry]:
    """Newest first: a stage of the last rounds, each decision, each audit that is settled."""
    rounds = queries.rounds_of(competition)[:MOST_ENTRIES]
    audits = auditing.in_force(competition).filter(round__in=rounds, state__in=("passed", "rejected"))
    settled = auditing.listed(audits, competition, most=MOST_ENTRIES, order=("-since",))
    named = queries.labels_of(hotkey for round_ in rounds for hotkey in SS58.findall(round_.headline))
    names = {miner.hotkey: who(miner).name for miner in named}
    collected = [_of_round(round_, names=names) for round_ in rounds]
    collected += [_of_audit(audit_facts(audit, round_=audit.round)) for audit in settled]
    return sorted(collected, key=lambda entry: entry.at, reverse=True)[:MOST_ENTRIES]


def _of_round(round_: Round, *, names: dict[str, str]) -> FeedEntry:
    facts = round_facts(round_)
    decided = facts.stage == "finished"
    headline = plain(facts.headline, names=names) or pending_headline(round_, challengers=0)
    stage = STAGES.get(facts.stage, (facts.stage, ""))[0]
    return FeedEntry(
        tag=f"{facts.id}/{facts.stage}",
        kind="decision" if decided else "stage",
        title=f"Round {facts.round}: {headline.partition('. ')[0] if decided else stage}",
        text=headline,
        url=facts.url,
        at=facts.since,
    )


def _of_audit(facts: AuditFacts) -> FeedEntry:
    return FeedEntry(
        tag=f"{facts.competition}/{facts.round}/audit/{facts.kind}/{facts.miner.hotkey}/{facts.state}",
        kind="audit",
        title=f"Round {facts.round}: {facts.kind} audit of {facts.miner.name} {facts.state}",
        text=plain(facts.reason),
        url=facts.url,
        at=facts.since,
    )


@require_safe
def atom(request: HttpRequest, slug: str) -> HttpResponse:
    competition = url_lookup.competition(slug)
    home = request.build_absolute_uri(reverse("competition", args=[slug]))
    description = f"Decisions, audits and stages of {competition.name}"
    feed = Atom1Feed(
        title=competition.name,
        link=home,
        description=description,
        feed_url=request.build_absolute_uri(),
        subtitle=_written(_summary(_weight(competition, now=clock.now()))),
    )
    for entry in entries(competition):
        feed.add_item(
            title=_written(entry.title),
            link=request.build_absolute_uri(entry.url),
            description=escape(_written(entry.text)),  # Atom1Feed says that it is HTML
            unique_id=_tag(request, entry),
            updateddate=entry.at,
            pubdate=entry.at,
            categories=[entry.kind],
        )
    return fresh(HttpResponse(feed.writeString("utf-8"), content_type="application/atom+xml; charset=utf-8"))


def _tag(request: HttpRequest, entry: FeedEntry) -> str:
    return f"tag:{request.get_host().partition(':')[0]},2025:{entry.tag}"


def _written(text: str) -> str:
    """Without the control characters that XML has no way to write."""
    return "".join(letter for letter in text if letter.isprintable() or letter in "\n\t")


@require_safe
def json_feed(request: HttpRequest, slug: str) -> HttpResponse:
    competition, home = url_lookup.competition(slug), reverse("competition", args=[slug])
    weight = _weight(competition, now=clock.now())
    items = [
        {
            "id": _tag(request, entry),
            "url": request.build_absolute_uri(entry.url),
            "title": entry.title,
            "content_text": entry.text,
            "date_published": entry.at.isoformat(),
            "tags": [entry.kind],
        }
        for entry in entries(competition)
    ]
    body = {
        "version": "https://jsonfeed.org/version/1.1",
        "title": competition.name,
        "description": _summary(weight),
        "_gauntlet": {"about": request.build_absolute_uri(home), "weight": twin(weight)},
        "home_page_url": request.build_absolute_uri(home),
        "feed_url": request.build_absolute_uri(),
        "items": items,
    }
    return fresh(JsonResponse(body, content_type="application/feed+json"))


def _weight(competition: Competition, *, now: datetime) -> weights.WeightInForce:
    return weights.weight_in_force(competition, queries.reigns_of(competition, decided_in=False), now=now)


def _paid(weight: weights.WeightInForce) -> str:
    """Who is paid at the current block, with which weight."""
    if weight.block is None:
        return "the chain is silent"
    if weight.leader is None or weight.weight is None:
        return "nobody yet"
    return f"{weight.leader.short} · {weights.shown(weight.weight)}"


def _summary(weight: weights.WeightInForce) -> str:
    """What a feed says of the weight: the one in force, and what comes later with its block."""
    later = "".join(f"; later {row.leader.short} {row.words}" for row in weight.later)
    return f"Weight in force: {_paid(weight)}{later}"


@require_safe
def badge(request: HttpRequest, slug: str) -> HttpResponse:
    """A small SVG for a README: who leads, with which weight."""
    competition = url_lookup.competition(slug)
    now = clock.now()
    weight = _weight(competition, now=now)
    text = _paid(weight)
    name = "leader, simulated" if chain.is_simulated(competition.chain) else "leader"
    sizes = {"left": 7 * len(name) + 16, "right": 7 * len(text) + 16}
    context = {"name": name, "text": text, "competition": competition, "width": sum(sizes.values()), **sizes}
    ends = [row.expected_at for row in weight.later if row.expected_at]
    left = min((int((end - now).total_seconds()) for end in ends), default=BADGE_SECONDS)
    response = render(request, "badge.svg", context, content_type="image/svg+xml")
    response.headers["Cache-Control"] = f"public, max-age={max(0, min(BADGE_SECONDS, left))}"
    response.headers["Cross-Origin-Resource-Policy"] = "cross-origin"
    return response


@require_safe
@xframe_options_exempt
def embed(request: HttpRequest, slug: str, number: int) -> HttpResponse:
    """A round in a frame of somebody else's page: no script, no cookie, links that leave the frame."""
    page = page_queries.round_page(url_lookup.round_(slug, number), now=clock.now())
    response = fresh(render(request, "embed.html", {"page": page}))
    response.headers["Content-Security-Policy"] = FRAMED
    return response


@require_safe
def poster(request: HttpRequest, slug: str, number: int, digest: str) -> HttpResponse:
    """The picture that a link to the round is shown with; its address changes with what it says."""
    round_ = url_lookup.round_(slug, number)
    if digest != posters.of_round(round_):
        raise Http404("The round has another picture now.")
    response = HttpResponse(posters.drawn(round_), content_type="image/jpeg")
    response.headers["Cache-Control"] = "public, max-age=31536000, immutable"
    response.headers["Content-Encoding"] = "identity"
    return response


@require_safe
def robots(request: HttpRequest) -> HttpResponse:
    lines = ["User-agent: *", "Disallow: /admin/", "Disallow: /search/", "Disallow: /compare/"]
    lines.append(f"Sitemap: {request.build_absolute_uri(reverse('sitemap'))}")
    return HttpResponse("\n".join(lines) + "\n", content_type="text/plain; charset=utf-8")


@require_safe
def sitemap(request: HttpRequest) -> HttpResponse:
    """The site's own pages, each competition with its lists, and each of its last rounds."""
    places = [reverse(name) for name in ("home", "status", "method", "data", "changelog")]
    for competition in queries.competitions():
        slug = competition.slug
        places += [reverse(name, args=[slug]) for name in ("competition", "leaders", "prompt-gallery")]
        places += [reverse("round", args=[slug, round_.number]) for round_ in queries.rounds_of(competition)]
    urls = [request.build_absolute_uri(url) for url in places]
    return fresh(render(request, "sitemap.xml", {"urls": urls}, content_type="application/xml"))
