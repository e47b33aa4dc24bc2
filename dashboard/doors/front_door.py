"""What is refused before anything else looks at it?  What no page, form or program of ours ever sends.

A NUL or half a character can be kept in no column, a name of a thousand letters names no file, a charset that is none
cannot be read: each view would have to know.  Here they are refused once, with a sentence, and no traceback is logged.
Whose word on the visitor's address counts, and in which codings answers are taken, is settled here as well.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterable
from typing import Any

from django.conf import settings
from django.core.exceptions import BadRequest, RequestDataTooBig, SuspiciousOperation
from django.http import HttpRequest, HttpResponse, QueryDict
from django.http.multipartparser import MultiPartParserError
from django.http.request import UnreadablePostError

from dashboard.api import errors
from dashboard.api.errors import RequestRefused
from dashboard.doors import encodings, visitors

LONGEST_ADDRESS = 4000
LONGEST_PATH = 2000
LONGEST_NAME = 255  # bytes between two slashes: no file system has longer names
FORMS = ("application/x-www-form-urlencoded", "multipart/form-data")
CHARSETS = ("", "utf-8", "utf8", "us-ascii")
API = "/api/"
UNKEEPABLE = re.compile("[\0\ud800-\udfff]")


class FrontDoor:
    """Middleware: the first one that looks at a request."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        visitors.settle(request.META)
        request.META["HTTP_ACCEPT_ENCODING"] = encodings.accepted(request.META.get("HTTP_ACCEPT_ENCODING", ""))
        try:
            check(request)
        except RequestRefused as refused:
            return answer(request, refused)
        return self.get_response(request)


def check(request: HttpRequest) -> None:
    """Raises RequestRefused."""
    check_address(request)
    check_headers(request)
    try:
        check_fields(request.GET)
        if not request.path_info.startswith(API):  # the API reads its bodies itself: JSON, and never more than a little
            check_body(request)
    except RequestDataTooBig:
        raise errors.too_large(settings.DATA_UPLOAD_MAX_MEMORY_SIZE) from None
    except (SuspiciousOperation, BadRequest, MultiPartParserError, UnreadablePostError, ValueError, LookupError):
        raise unreadable("The request cannot be read.") from None


def check_address(request: HttpRequest) -> None:
    path = request.path_info.encode("utf-8", "surrogatepass")
    query = len(request.META.get("QUERY_STRING", ""))
    if len(path) > LONGEST_PATH or len(path) + query > LONGEST_ADDRESS:
        raise RequestRefused("The address is too long.", code="too_long", fix="Ask for less.", status_code=414)
    if max(map(len, path.split(b"/"))) > LONGEST_NAME:
        raise errors.missing("Nothing here has so long a name.")
    if UNKEEPABLE.search(request.path_info):
        raise errors.missing("Nothing here has NUL in its name.")


def check_headers(request: HttpRequest) -> None:
    """The cookies, the host, and what a body is said to be written in."""
    check_texts(text for pair in request.COOKIES.items() for text in pair)
    try:
        request.get_host()
    except SuspiciousOperation:
        raise unreadable("The Host header does not name this site.") from None
    if getattr(request, "unreadable_type", False):
        raise unreadable("The Content-Type header cannot be read.")
    charset = str((request.content_params or {}).get("charset", "")).lower()
    if charset not in CHARSETS:
        raise unreadable("The body's charset is not UTF-8.")


def check_body(request: HttpRequest) -> None:
    """The fields of a form.  Django's own errors pass: `check` knows them."""
    length = request.META.get("CONTENT_LENGTH") or "0"
    if re.fullmatch("[0-9]{1,15}", length) and int(length) > settings.DATA_UPLOAD_MAX_MEMORY_SIZE:
        raise errors.too_large(settings.DATA_UPLOAD_MAX_MEMORY_SIZE)
    if request.method == "POST" and request.content_type in FORMS:
        check_fields(request.POST)
        check_texts(file.name for _, files in request.FILES.lists() for file in files)


def check_fields(fields: QueryDict) -> None:
    """All names and values; the one that is refused is named, if it can be."""
    for name, values in fields.lists():
        shown = name[:40] if name.isascii() and name.isprintable() else ""
        check_texts((name, *values), field=shown)


def check_texts(texts: Iterable[Any], *, field: str = "") -> None:
    if any(UNKEEPABLE.search(str(text)) for text in texts):
        raise unreadable("The request holds NUL, or half a character.", field=field)


def unreadable(sentence: str, *, field: str = "") -> RequestRefused:
    fix = "Send UTF-8 text without NUL, in the form that the page or the documentation shows."
    return errors.bad(field, sentence, fix=fix, code="unreadable")


def answer(request: HttpRequest, refused: RequestRefused) -> HttpResponse:
    """JSON to programs, one line to people."""
    body = errors.body(refused)
    if request.path_info.startswith(API) or request.path_info.endswith(".json"):
        response = HttpResponse(json.dumps(body), status=refused.status_code, content_type="application/json")
    else:
        error = body["error"]
        line = f"{error['sentence']} {error['fix']} {error['who_must_act']} ({error['class']}: {error['code']})\n"
        response = HttpResponse(line, status=refused.status_code, content_type="text/plain; charset=utf-8")
    response.headers["Cache-Control"] = "private, no-store"
    return response
