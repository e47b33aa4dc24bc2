"""What does a refused request hear?  Always the same body: whose turn it is, what is wrong, what to do instead."""

from __future__ import annotations

import logging
from http import HTTPStatus
from typing import Any

from django.core.exceptions import PermissionDenied, RequestDataTooBig, SuspiciousOperation
from django.db import OperationalError
from django.http import Http404
from psycopg.errors import QueryCanceled
from rest_framework import exceptions, status
from rest_framework.response import Response

from competition.chain.base import ChainFault
from dashboard.facts.wording import WHO_MUST_ACT

log = logging.getLogger(__name__)
BUSY_SECONDS = 5
DOCS = "/api/v1/docs/"
CALLER = "You, the caller, must act."


class RequestRefused(exceptions.APIException):
    """A request that is not carried out.  `sentence` says what is wrong, `fix` what to do instead, `field` where."""

    status_code = status.HTTP_400_BAD_REQUEST
    failure_class = "miner"

    def __init__(
        self,
        sentence: str,
        *,
        code: str,
        fix: str,
        field: str = "",
        status_code: int | None = None,
        retry_after_s: int | None = None,
        failure_class: str = "",
    ) -> None:
        super().__init__(sentence, code)
        self.code, self.sentence, self.fix, self.field = code, sentence, fix, field
        self.retry_after_s = retry_after_s
        self.status_code = status_code or self.status_code
        self.failure_class = failure_class or self.failure_class


def bad(field: str, sentence: str, *, fix: str, code: str = "bad_value") -> RequestRefused:
    """A parameter or a field of the body that cannot be used."""
    return RequestRefused(sentence, code=code, fix=fix, field=field)


def missing(sentence: str, *, fix: str = "Look at the list one level up for what there is.") -> RequestRefused:
    return RequestRefused(sentence, code="not_found", fix=fix, status_code=status.HTTP_404_NOT_FOUND)


def conflict(sentence: str, *, code: str, fix: str) -> RequestRefused:
    return RequestRefused(sentence, code=code, fix=fix, status_code=status.HTTP_409_CONFLICT)


def unavailable(sentence: str, *, code: str = "unavailable", retry_after_s: int = BUSY_SECONDS) -> RequestRefused:
    """It is ours: the same request may well be answered a little later."""
    return RequestRefused(
        sentence,
        code=code,
        fix="Ask again after the time in Retry-After.",
        status_code=status.HTTP_503_SERVICE_UNAVAILABLE,
        retry_after_s=retry_after_s,
        failure_class="infrastructure",
    )


def fault() -> RequestRefused:
    return RequestRefused(
        "Something went wrong here; it is logged.",
        code="fault",
        fix="Ask again later; if it stays, tell the operator.",
        status_code=status.HTTP_500_INTERNAL_SERVER_ERROR,
        failure_class="infrastructure",
    )


def body(refused: RequestRefused) -> dict[str, Any]:
    who = CALLER if refused.failure_class == "miner" else WHO_MUST_ACT[refused.failure_class]
    error = {
        "code": refused.code,
        "class": refused.failure_class,
        "who_must_act": who,
        "sentence": refused.sentence,
        "fix": refused.fix,
        "field": refused.field,
        "retry_after_s": refused.retry_after_s,
    }
    return {"error": error}


def answer(error: Exception, context: dict[str, Any]) -> Response:
    """DRF's exception handler.  What is no refusal of ours and no fault we know is logged, and answered with a 500."""
    refused = _refusal(error)
    if refused is None:
        log.exception("a request failed: %s", context.get("request"))
        refused = fault()
    headers = {}
    if refused.retry_after_s is not None:
        headers["Retry-After"] = str(refused.retry_after_s)
    if isinstance(error, exceptions.APIException) and getattr(error, "auth_header", None):
        headers["WWW-Authenticate"] = error.auth_header
    return Response(body(refused), status=refused.status_code, headers=headers)


def _refusal(error: Exception) -> RequestRefused | None:
    if isinstance(error, RequestRefused):
        return error
    if isinstance(error, Http404):
        return missing(str(error) or "There is nothing at this address.")
    if isinstance(error, ChainFault):
        log.warning("the chain did not answer a request: %s", error)
        return unavailable("The chain does not answer, so this cannot be decided now.", code="chain")
    if isinstance(error, OperationalError):
        if isinstance(error.__cause__, QueryCanceled):
            return unavailable("This question takes too long; narrow it with filters.", code="too_slow")
        log.warning("the database did not answer a request: %s", str(error).splitlines()[0])
        return unavailable("The database does not answer just now.", code="database")
    if isinstance(error, RequestDataTooBig):
        return too_large(0)
    if isinstance(error, SuspiciousOperation):
        return bad("", "The request cannot be read.", fix="Send it as the documentation shows.", code="unreadable")
    if isinstance(error, PermissionDenied):
        error = exceptions.PermissionDenied()
    return _of_framework(error) if isinstance(error, exceptions.APIException) else None


FIXES = {
    "authentication_failed": f"Sign the request as {DOCS} says.",
    "not_authenticated": f"Sign the request with a registered hotkey, or send a token, as {DOCS} says.",
    "permission_denied": "Ask with a key or a token that may do this.",
    "method_not_allowed": f"See {DOCS} for what this address answers to.",
    "not_acceptable": "Ask for application/json, or text/csv or application/vnd.apache.parquet for a table.",
    "unsupported_media_type": "Send application/json.",
    "parse_error": "Send one JSON object.",
    "throttled": "Ask again after the time in Retry-After, and less often.",
}


def _of_framework(error: exceptions.APIException) -> RequestRefused:
    code = str(getattr(error.detail, "code", "") or error.default_code)
    wait = getattr(error, "wait", None)
    return RequestRefused(
        str(error.detail) if isinstance(error.detail, str) else HTTPStatus(error.status_code).phrase,
        code=code,
        fix=FIXES.get(code, f"See {DOCS}."),
        status_code=error.status_code,
        retry_after_s=None if wait is None else max(1, int(wait + 0.999)),
    )


def too_large(most: int) -> RequestRefused:
    sentence = f"The body is larger than {most:,} bytes." if most else "The body is too large."
    return RequestRefused(
        sentence, code="too_large", fix="Send less.", status_code=status.HTTP_413_REQUEST_ENTITY_TOO_LARGE
    )
