"""What is answered at the addresses of the work list?  Anybody may look; who signs in with two factors may decide."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import render
from django.urls import reverse
from django.views.decorators.csrf import csrf_protect
from django.views.decorators.http import require_http_methods, require_safe

from audits.decisions import people
from audits.models import Appeal, Audit, Correction, Ruling
from audits.reviews import corrections, rulings, waiting_cases
from audits.reviews.rulings import Case, RulingRefused, Signer
from competition.attempts import is_nth
from competition.models import Round
from competition.notices.models import Delivery
from core import clock
from dashboard.doors.numbers import whole_number
from dashboard.facts import page_queries, review_pages
from dashboard.pages import url_lookup
from dashboard.pages.answers import FactsPage, fresh
from dashboard.reviewing.signing_in import signer_of, unkept
from judging import rejudging
from judging.decisions import affected

MOST_DECIDED, MOST_LETTERS = 30, 200
CHOSEN = ("match", "prompt", "since", "until", "answer")


def work_facts(request: HttpRequest) -> review_pages.WorkList:
    return review_pages.work_list(waiting_cases.everything(), waiting_cases.decided(most=MOST_DECIDED), now=clock.now())


work_json = FactsPage(work_facts, template="").json


@require_safe
def work_list(request: HttpRequest) -> HttpResponse:
    signer = signer_of(request)
    context: dict[str, Any] = {"page": work_facts(request), "signer": signer, "twin": reverse("reviews-json")}
    if signer and people.stranger(signer.person, case="correction") is None:
        context["correctable"] = [
            (str(row), reverse("correct", args=[row.competition.slug, row.number])) for row in corrections.correctable()
        ]
    response = render(request, "reviewing/work_list.html", context)
    return unkept(response) if signer else fresh(response)


@csrf_protect
@require_http_methods(["GET", "HEAD", "POST"])
def case(request: HttpRequest, slug: str, number: int, kind: str, name: str) -> HttpResponse:
    """One case: all its evidence, what was proposed, and for who may decide what would be written."""
    subject, signer = find(url_lookup.round_(slug, number), kind=kind, name=name), signer_of(request)
    answer: dict[str, Any] = {}
    if request.method == "POST":
        if signer is None:
            return HttpResponseRedirect(f"{reverse('sign-in')}?next={request.path}")
        answer = _act(subject, request.POST, signer=signer)
        if not answer:
            return HttpResponseRedirect(request.path)
    response = render(
        request, "reviewing/case.html", _shown(subject, signer) | answer, status=409 if answer.get("refused") else 200
    )
    return unkept(response) if signer else fresh(response)


def find(round_: Round, *, kind: str, name: str) -> Case:
    """By its name in addresses.  Raises Http404."""
    parts = name.split("-")
    rows: Any = None
    if kind == "correction" and (number := whole_number(name)) is not None:
        rows = Correction.objects.filter(round=round_, number=number)
    elif kind in ("audit", "appeal") and len(parts) == (3 if kind == "audit" else 4):
        entry = {"role": "leader"} if parts[0] == "leader" else {"role": "challenger", "miner__hotkey": parts[0]}
        named = {f"submission__{field}": value for field, value in entry.items()}
        rows = Audit.objects.filter(is_nth(whole_number(parts[2]) or 0), round=round_, kind=parts[1], **named)
        if kind == "appeal":
            rows = Appeal.objects.filter(audit__in=rows, appellant__hotkey=parts[3])
    subject: Case | None = rows.first() if rows is not None else None
    if subject is None:
        raise Http404("There is no such case in this round.")
    return subject


def _shown(subject: Case, signer: Signer | None) -> dict[str, Any]:
    row = waiting_cases.of_case(subject)
    page = review_pages.case_page(row, waiting_cases.rulings_on(subject))
    audit = subject.audit if isinstance(subject, Appeal) else subject if isinstance(subject, Audit) else None
    context: dict[str, Any] = {"page": page, "signer": signer, "evidence": None, "proposal": row.proposal}
    if audit is not None:
        context["evidence"] = page_queries.audit_page(audit.round, miner=audit.submission.miner, now=clock.now())
    if signer and page.open:
        context |= {"may_not": people.stranger(signer.person, case=page.kind), **_neighbours(subject)}
        context |= _to_confirm(row.proposal, signer) if row.proposal else {"choices": review_pages.choices(page)}
    return context


def _neighbours(subject: Case) -> dict[str, str]:
    """The case before and after in the queue, for the keyboard."""
    urls = [review_pages.url_of(row.case) for row in waiting_cases.everything()]
    here = review_pages.url_of(subject)
    place = urls.index(here) if here in urls else -1
    return {
        "before": urls[place - 1] if place > 0 else "",
        "after": urls[place + 1] if 0 <= place < len(urls) - 1 else "",
        "position": f"{place + 1} of {len(urls)}",
    }


def _to_confirm(proposal: Ruling, signer: Signer) -> dict[str, Any]:
    """Exactly what a second signature would write, or why this person cannot give it."""
    if proposal.first_id == signer.user.pk:
        return {"own": True}
    try:
        would = rulings.preview(
            lambda: rulings.confirm(Ruling.objects.get(pk=proposal.pk), signer=signer, now=clock.now()),
            competition_pk=proposal.competition_pk(),
        )
        return {"would": would}
    except RulingRefused as error:
        return {"cannot": error.sentence}


def _act(subject: Case, posted: Mapping[str, str], *, signer: Signer) -> dict[str, Any]:
    """Do what the form asks.  Empty when it is written; else what the page must show."""
    outcome, _, code = posted.get("decision", "").partition(":")
    proposal = {"outcome": outcome, "code": code, "sentence": posted.get("sentence", "")}
    now, action = clock.now(), posted.get("action")
    try:
        if action == "show":
            row: Any = type(subject).objects.get(pk=subject.pk)
            would = rulings.preview(
                lambda: rulings.propose(row, signer=signer, now=now, **proposal),
                competition_pk=subject.competition_pk(),
            )
            return {"posted": proposal, "decision": posted.get("decision", ""), "would_propose": would}
        if action == "write":
            rulings.propose(subject, signer=signer, now=now, shown=posted.get("shown", ""), **proposal)
        elif action in ("confirm", "decline"):
            _second(subject, posted, signer=signer, now=now)
        else:
            raise RulingRefused("Nothing was asked for: use one of the buttons.")
    except RulingRefused as error:
        return {"refused": error, "posted": proposal, "decision": posted.get("decision", "")}
    return {}


def _second(subject: Case, posted: Mapping[str, str], *, signer: Signer, now: Any) -> None:
    number = whole_number(posted.get("ruling", "")) or 0
    row = Ruling.objects.filter(
        round=rulings.round_of(subject), number=number, **{rulings.kind_of(subject): subject}
    ).first()
    if row is None:
        raise RulingRefused("This proposal is not there any more. Look again.")
    if posted.get("action") == "confirm":
        rulings.confirm(row, signer=signer, now=now, shown=posted.get("shown", ""))
    else:
        rulings.decline(row, signer=signer, sentence=posted.get("sentence", ""), now=now)


@csrf_protect
@require_http_methods(["GET", "HEAD", "POST"])
def correct(request: HttpRequest, slug: str, number: int) -> HttpResponse:
    """Open a correction of a decided round: a reason that is ours, and the whole set that goes with it."""
    round_, signer = url_lookup.round_(slug, number), signer_of(request)
    if signer is None:
        return HttpResponseRedirect(f"{reverse('sign-in')}?next={request.path}")
    refused: object = people.stranger(signer.person, case="correction") or ""
    posted = request.POST
    if request.method == "POST" and not refused:
        scope, _, code = posted.get("reason", "").partition(":")
        chosen = {name: posted.get(name, "").strip() for name in ("what", *CHOSEN)}
        try:
            made = corrections.stage(
                round_,
                scope=scope,
                code=code,
                sentence=posted.get("sentence", ""),
                choice=chosen,
                opened_by=signer.person.name,
                now=clock.now(),
            )
            return HttpResponseRedirect(review_pages.url_of(made))
        except corrections.NotNow as error:
            refused = error
    context = {
        "page": {"competition": slug, "round": number},
        "signer": signer,
        "refused": refused,
        "posted": posted,
        "scopes": review_pages.reasons(),
        "whats": affected.WHAT.items(),
        "matches": [" ".join(rejudging.place_of(duel).match) for duel in rejudging.first_duels(round_)],
        "prompts": rejudging.stems(round_),
        "round_url": reverse("round", args=[slug, number]),
    }
    return unkept(render(request, "reviewing/correct.html", context, status=409 if refused else 200))


@require_safe
def letters(request: HttpRequest) -> HttpResponse:
    """The delivery log.  Addresses are private, so it is for staff; even they see hosts only."""
    signer = signer_of(request)
    if signer is None:
        return HttpResponseRedirect(f"{reverse('sign-in')}?next={request.path}")
    rows = Delivery.objects.select_related("subscription", "event__competition").prefetch_related("tried")
    return unkept(
        render(request, "reviewing/letters.html", {"rows": review_pages.letters(rows[:MOST_LETTERS]), "signer": signer})
    )
