"""How may a visitor run a miner's module?  In a frame of its own, after a click, with no page and no network in reach.

The frame's origin is opaque (`sandbox allow-scripts`, no more), and its policy lets it load three scripts of ours and
the one module.  Only modules whose text and scene were accepted are served as scripts at all; what is judged is the
baked copy.
"""

from __future__ import annotations

from django.http import FileResponse, Http404, HttpRequest, HttpResponse
from django.http.response import HttpResponseBase
from django.shortcuts import render
from django.urls import reverse
from django.views.decorators.clickjacking import xframe_options_exempt
from django.views.decorators.http import require_safe

from core import store
from dashboard.facts.queries import is_accepted_module

FOR_EVER = "public, max-age=31536000, immutable"


@require_safe
@xframe_options_exempt
def frame(request: HttpRequest, sha256: str) -> HttpResponse:
    """The frame's page; `frame-ancestors` stands in for X-Frame-Options, which knows no exceptions."""
    _accepted(sha256)
    response = render(request, "live_module.html", {"module": reverse("live-script", args=[sha256])})
    response.headers["Content-Security-Policy"] = policy(request.build_absolute_uri("/"), sha256=sha256)
    response.headers["Referrer-Policy"] = "no-referrer"
    return response


def policy(origin: str, *, sha256: str) -> str:
    """`'self'` means nothing to an opaque origin: places are written out."""
    module = origin.rstrip("/") + reverse("live-script", args=[sha256])
    ours = f"{origin}static/judging/ {origin}static/vendor/ {module}"
    return (
        f"default-src 'none'; script-src {ours}; worker-src blob:; style-src {origin}static/judging/; "
        "connect-src 'none'; img-src 'none'; form-action 'none'; base-uri 'none'; frame-ancestors 'self'; "
        "sandbox allow-scripts"
    )


@require_safe
def script(request: HttpRequest, sha256: str) -> HttpResponseBase:
    """The module as a script, for frames of an opaque origin alone: a page of ours that was tricked into naming it as a
    script of its own host would send no such origin, and gets nothing."""
    if request.headers.get("Origin") != "null":
        raise Http404("A module is a script in its frame only.")
    _accepted(sha256)
    response = FileResponse(store.default().open(sha256), content_type="text/javascript; charset=utf-8")
    response.headers["Access-Control-Allow-Origin"] = "*"  # an opaque origin is always another one
    response.headers["Content-Security-Policy"] = "default-src 'none'; sandbox"  # opened by itself it is only text
    response.headers["X-Content-Type-Options"] = "nosniff"
    response.headers["Cache-Control"] = FOR_EVER
    response.headers["Vary"] = "Origin"
    return response


def _accepted(sha256: str) -> None:
    if not is_accepted_module(sha256):
        raise Http404("No accepted module has this hash.")
