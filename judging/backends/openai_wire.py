"""What goes over the wire to an OpenAI-compatible server, and what may be made of what comes back?

One token, its log-probabilities, and the expected score over the allowed labels.  Whatever is not certainly an answer
to the question that was asked is `NoAnswer`.
"""

import json
import math
from collections.abc import Callable, Mapping
from typing import Any

from judging.answers import Reply
from judging.backends.base import NoAnswer
from judging.decisions.ballots import MICRO
from judging.deliberating import MOST_PARTS
from judging.questions.calls import Call
from judging.questions.pictures import Picture
from judging.questions.version import JudgeVersion

TOP = 20  # alternatives per token that are asked for: what vLLM gives at most by default
WORDS = 200  # tokens for the list of parts
SHORT = 16  # tokens for a label as JSON
SPACES = " \t\n▁Ġ"  # how tokenizers write the space before a label

LIST = {
    "type": "object",
    "properties": {"parts": {"type": "array", "items": {"type": "string"}, "minItems": MOST_PARTS,
                             "maxItems": MOST_PARTS}},
    "required": ["parts"], "additionalProperties": False,
}  # fmt: skip


def body(call: Call, *, version: JudgeVersion, address: Callable[[Picture], str]) -> dict[str, Any]:
    """The chat request.  `address` turns a picture into the URL that the server is to read."""
    content: list[dict[str, Any]] = []
    for caption, picture in call.pictures:
        content.append({"type": "text", "text": caption})
        content.append({"type": "image_url", "image_url": {"url": address(picture)}})
    content.append({"type": "text", "text": call.text})
    messages = [{"role": "system", "content": call.system}, {"role": "user", "content": content}]
    return {"model": version.served_as, "messages": messages, "temperature": 0, "n": 1} | _form(call, version)


def _form(call: Call, version: JudgeVersion) -> dict[str, Any]:
    """In what form the answer is to come."""
    if not call.labels:
        return {"max_tokens": WORDS, "response_format": _schema("parts", LIST)}
    if version.mode == "json":
        answer = {"type": "object", "properties": {"answer": {"type": "string", "enum": list(call.labels)}},
                  "required": ["answer"], "additionalProperties": False}  # fmt: skip
        return {"max_tokens": SHORT, "response_format": _schema("answer", answer)}
    form = {"max_tokens": 1, "logprobs": True, "top_logprobs": TOP}
    if version.constrain == "structured_outputs":
        form |= {"structured_outputs": {"choice": list(call.labels)}}
    elif version.constrain == "guided_choice":
        form |= {"guided_choice": list(call.labels)}
    return form


def _schema(name: str, schema: Mapping[str, Any]) -> dict[str, Any]:
    return {"type": "json_schema", "json_schema": {"name": name, "strict": True, "schema": schema}}


def reply(payload: Any, call: Call, *, version: JudgeVersion, latency_ms: int, attempt: int) -> Reply:
    """Raises NoAnswer with the code of what is wrong."""
    message, choice = _choice(payload, version)
    text = message.get("content")
    text = text if isinstance(text, str) else ""
    raw: dict[str, Any] = {"id": str(payload.get("id", "")), "model": payload["model"], "text": text}
    raw["usage"] = {k: v for k, v in (payload.get("usage") or {}).items() if type(v) is int}
    if not call.labels:
        return Reply({}, 1.0, text=text, raw=raw, latency_ms=latency_ms, attempt=attempt)
    if version.mode == "json":
        return Reply({_label(text, call): 1.0}, 1.0, text=text, raw=raw, latency_ms=latency_ms, attempt=attempt)
    top = _top(choice)
    raw["top_micro"] = [[token, round(logprob * MICRO)] for token, logprob in top if logprob > -1000]
    shares = _shares(top, call)
    return Reply(shares, math.fsum(shares.values()), raw=raw, latency_ms=latency_ms, attempt=attempt)


def _choice(payload: Any, version: JudgeVersion) -> tuple[Mapping[str, Any], Mapping[str, Any]]:
    if not isinstance(payload, dict):
        raise NoAnswer("bad_json", "The judge's server answered with something that is no JSON object.")
    if payload.get("model") != version.served_as:
        raise NoAnswer("wrong_model", f"The answer is {payload.get('model')!r}'s, not {version.served_as!r}'s.")
    choices = payload.get("choices")
    if not isinstance(choices, list) or len(choices) != 1 or not isinstance(choices[0], dict):
        raise NoAnswer("empty_choices", "The judge's server did not give exactly one answer.")
    message = choices[0].get("message")
    return (message if isinstance(message, dict) else {}), choices[0]


def _top(choice: Mapping[str, Any]) -> list[tuple[str, float]]:
    try:
        (first,) = choice["logprobs"]["content"]
        top = [(entry["token"], entry["logprob"]) for entry in first["top_logprobs"]]
    except (KeyError, TypeError, ValueError) as error:
        raise NoAnswer("no_logprobs", "The judge's server gave no log-probabilities of its one token.") from error
    for token, logprob in top:
        number = isinstance(logprob, int | float) and not isinstance(logprob, bool)
        if not (isinstance(token, str) and number and logprob <= 1e-6):  # NaN and +inf fail this, -inf is a plain 0
            raise NoAnswer("bad_logprobs", f"The judge's log-probability {logprob!r} is none.")
    if not top:
        raise NoAnswer("no_logprobs", "The judge's server gave an empty list of log-probabilities.")
    return top


def _shares(top: list[tuple[str, float]], call: Call) -> dict[str, float]:
    """The probability of each label, with and without a space before it.  A token listed twice is no distribution."""
    if len({token for token, _ in top}) != len(top):
        raise NoAnswer("bad_logprobs", "The judge's server listed a token twice.")
    shares = dict.fromkeys(call.labels, 0.0)
    for token, logprob in top:
        if (label := token.strip(SPACES)) in shares:
            shares[label] = min(1.0, shares[label] + math.exp(min(0.0, logprob)))
    return shares


def _label(text: str, call: Call) -> str:
    try:
        said = json.loads(text)
        label = said["answer"] if list(said) == ["answer"] else None
    except (ValueError, KeyError, TypeError) as error:
        raise NoAnswer("bad_json", "The judge's answer does not follow the schema.") from error
    if label not in call.labels:
        raise NoAnswer("bad_json", "The judge's answer is not one of those that were allowed.")
    return str(label)
