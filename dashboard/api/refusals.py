"""Which refusals can an address answer with, and how does each look?"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

Schema = dict[str, Any]

SCHEMA: Schema = {
    "type": "object",
    "description": "Why a request was not carried out.",
    "required": ["error"],
    "additionalProperties": False,
    "properties": {
        "error": {
            "type": "object",
            "required": ["code", "class", "who_must_act", "sentence", "fix", "field", "retry_after_s"],
            "additionalProperties": False,
            "properties": {
                "code": {"type": "string", "description": "A stable word for the reason: programs may rely on it."},
                "class": {
                    "type": "string",
                    "enum": ["miner", "infrastructure", "judge"],
                    "description": "`miner`: you, the caller, must act. `infrastructure`: this is ours.",
                },
                "who_must_act": {"type": "string"},
                "sentence": {"type": "string", "description": "What is wrong, for a person."},
                "fix": {"type": "string", "description": "What to do instead."},
                "field": {"type": "string", "description": "The parameter or field that is meant; empty for none."},
                "retry_after_s": {
                    "type": ["integer", "null"],
                    "description": "Ask again after so many seconds; null where asking again changes nothing.",
                },
            },
        }
    },
}


@dataclass(frozen=True, kw_only=True)
class RefusalCase:
    """One status that an address may refuse with: what it means, and a refusal of the kind."""

    about: str
    code: str
    sentence: str
    fix: str
    field: str = ""
    retry_after_s: int | None = None
    failure_class: str = "miner"


YOU, OURS = "You, the caller, must act.", "This is ours: it is retried, then the operator must act."
CASES: Mapping[int, RefusalCase] = {
    400: RefusalCase(
        about="A parameter or the body cannot be used.",
        code="bad_value",
        sentence="limit is a whole number from 1 to 200.",
        fix="Write limit as a whole number from 1 to 200.",
        field="limit",
    ),
    401: RefusalCase(
        about="Not signed, or not in a way that holds. Always the same body.",
        code="not_authenticated",
        sentence="This request is not signed by a registered hotkey in a way that holds for it, and bears no valid "
        "token.",
        fix="Check all of these: …",
    ),
    403: RefusalCase(
        about="The key or token is good, and may not do this.",
        code="forbidden",
        sentence="This token may not do this.",
        fix="Ask with a key or a token that may do this.",
    ),
    404: RefusalCase(
        about="There is no such thing.",
        code="not_found",
        sentence="There is no such round in this competition.",
        fix="Look at the list one level up for what there is.",
    ),
    405: RefusalCase(
        about="The address does not answer to this method.",
        code="method_not_allowed",
        sentence='Method "PUT" not allowed.',
        fix="See /api/v1/docs/ for what this address answers to.",
    ),
    406: RefusalCase(
        about="None of the accepted formats is spoken here.",
        code="not_acceptable",
        sentence="Could not satisfy the request Accept header.",
        fix="Ask for application/json.",
    ),
    409: RefusalCase(
        about="It cannot be done as things stand.",
        code="window_closed",
        sentence="The window of round 6 closed at block 1099.",
        fix="Wait for the next round.",
    ),
    413: RefusalCase(
        about="The body is too large.",
        code="too_large",
        sentence="The body is larger than 16,384 bytes.",
        fix="Send less.",
    ),
    414: RefusalCase(
        about="The address is too long.",
        code="too_long",
        sentence="The address is too long.",
        fix="Ask for less.",
    ),
    415: RefusalCase(
        about="The body is not announced as JSON.",
        code="unsupported_media_type",
        sentence="Unsupported media type.",
        fix="Send application/json.",
    ),
    429: RefusalCase(
        about="Too many requests.",
        code="throttled",
        sentence="Too many requests: 600 in 60 seconds are answered.",
        fix="Ask again after the time in Retry-After, and less often.",
        retry_after_s=41,
    ),
    500: RefusalCase(
        about="A fault of ours, which is logged.",
        code="fault",
        sentence="Something went wrong here; it is logged.",
        fix="Ask again later; if it stays, tell the operator.",
        failure_class="infrastructure",
    ),
    503: RefusalCase(
        about="Ours, and for a while only.",
        code="unavailable",
        sentence="The database does not answer just now.",
        fix="Ask again after the time in Retry-After.",
        retry_after_s=5,
        failure_class="infrastructure",
    ),
}
ALWAYS = (400, 401, 404, 405, 406, 414, 429, 503)
RETRIED = [status for status, case in CASES.items() if case.retry_after_s is not None]


def of(method: str, *, private: bool, more: Iterable[int]) -> list[int]:
    """The statuses an operation may refuse with.  401 is among them everywhere: a signature is checked where it is
    given, needed or not."""
    bodies = (413, 415) if method == "POST" else (413,) if private else ()
    return sorted({*ALWAYS, *bodies, *more})


def example(status: int) -> Schema:
    """The body of such a refusal."""
    case = CASES[status]
    error = {
        "code": case.code,
        "class": case.failure_class,
        "who_must_act": YOU if case.failure_class == "miner" else OURS,
        "sentence": case.sentence,
        "fix": case.fix,
        "field": case.field,
        "retry_after_s": case.retry_after_s,
    }
    return {"error": error}
