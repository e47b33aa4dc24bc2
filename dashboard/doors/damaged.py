"""What does a visitor get where a stored file is damaged?  No byte of it: whose fault it is, and when to ask again."""

from __future__ import annotations

from collections.abc import Callable

from django.http import HttpRequest, HttpResponse

from competition.stored_files import damage
from core import clock
from core.store import StoreFault

AGAIN_S = 60


class DamagedFiles:
    """Middleware: whatever view opened the file, the damage is written down (so a worker mends it) and answered 503."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        return self.get_response(request)

    def process_exception(self, request: HttpRequest, exception: Exception) -> HttpResponse | None:
        if not isinstance(exception, StoreFault):
            return None
        damage.report(exception.sha256, problem=exception.problem, now=clock.now())
        sentence = f"infrastructure, {exception.code}: {exception}\n"
        headers = {"Cache-Control": "no-store", "Retry-After": str(AGAIN_S)}
        return HttpResponse(sentence, status=503, content_type="text/plain; charset=utf-8", headers=headers)
