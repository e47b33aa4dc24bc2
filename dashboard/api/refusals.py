"""Which refusals can an address answer with, and how does each look?"""

from __future__ import annotations

from collections.abc import Iterable
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
YOU, OURS = "You, the caller, must act.", "This is ours: it is retried, then the operator must act."
# status -> (what it means, code, whose turn, sentence, fix, field, retry after)
CASES: dict[int, tuple[str, str, str, str, str, str, int | None]] = {
    400: (
        "A parameter or the body cannot be used.",
        "bad_value",
        YOU,
        "limit is a whole number from 1 to 200.",
        "Write limit as a whole number from 1 to 200.",
        "limit",
        None,
    ),
    401: (
        "Not signed, or not in a way that holds. Always the same body.",
        "not_authenticated",
        YOU,
        "This request is not signed by a registered hotkey in a way that holds for it, and bears no valid token.",
        "Check all of these: …",
        "",
        None,
    ),
    403: (
        "The key or token is good, and may not do this.",
        "forbidden",
        YOU,
        "This token may not do this.",
        "Ask with a key or a token that may do this.",
        "",
        None,
    ),
    404: (
        "There is no such thing.",
        "not_found",
        YOU,
        "There is no such round in this competition.",
        "Look at the list one level up for what there is.",
        "",
        None,
    ),
    405: (
        "The address does not answer to this method.",
        "method_not_allowed",
        YOU,
        'Method "PUT" not allowed.',
        "See /api/v1/docs/ for what this address answers to.",
        "",
        None,
    ),
    406: (
        "None of the accepted formats is spoken here.",
        "not_acceptable",
        YOU,
        "Could not satisfy the request Accept header.",
        "Ask for application/json.",
        "",
        None,
    ),
    409: (
        "It cannot be done as things stand.",
        "window_closed",
        YOU,
        "The window of round 6 closed at block 1099.",
        "Wait for the next round.",
        "",
        None,
    ),
    413: ("The body is too large.", "too_large", YOU, "The body is larger than 16,384 bytes.", "Send less.", "", None),
    414: ("The address is too long.", "too_long", YOU, "The address is too long.", "Ask for less.", "", None),
    415: (
        "The body is not announced as JSON.",
        "unsupported_media_type",
        YOU,
        "Unsupported media type.",
        "Send application/json.",
        "",
        None,
    ),
    429: (
        "Too many requests.",
        "throttled",
        YOU,
        "Too many requests: 600 in 60 seconds are answered.",
        "Ask again after the time in Retry-After, and less often.",
        "",
        41,
    ),
    500: (
        "A fault of ours, which is logged.",
        "fault",
        OURS,
        "Something went wrong here; it is logged.",
        "Ask again later; if it stays, tell the operator.",
        "",
        None,
    ),
    503: (
        "Ours, and for a while only.",
        "unavailable",
        OURS,
        "The database does not answer just now.",
        "Ask again after the time in Retry-After.",
        "",
        5,
    ),
}
ALWAYS = (400, 401, 404, 405, 406, 414, 429, 503)


def of(method: str, *, has_path: bool, private: bool, more: Iterable[int]) -> list[int]:
    """The statuses an operation may refuse with.  401 is among them everywhere: a signature is checked where it is
    given, needed or not."""
    bodies = (413, 415) if method == "POST" else (413,) if private else ()
    return sorted({*ALWAYS, *bodies, *more})


def response(status: int) -> Schema:
    about, code, whose, sentence, fix, field, retry = CASES[status]
    told = {
        "code": code,
        "class": "infrastructure" if whose == OURS else "miner",
        "who_must_act": whose,
        "sentence": sentence,
        "fix": fix,
        "field": field,
        "retry_after_s": retry,
    }
    content = {"schema": {"$ref": "#/components/schemas/Error"}, "example": {"error": told}}
    answer: Schema = {"description": about, "content": {"application/json": content}}
    if retry is not None:
        answer["headers"] = {"Retry-After": {"schema": {"type": "string"}, "description": "Seconds."}}
    return answer
