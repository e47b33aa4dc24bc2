"""What is sent to an OpenAI-compatible server, and what does its answer mean?

The model answers with one token; the score is the expected value over the allowed labels, from the token's
log-probabilities.  Labels are never forced on the server: under a constraint it reports the probabilities after
masking, and the labels' share is then 1 whatever the model meant.  Whatever is not certainly an answer to the question
is `NoAnswer`.
"""

import contextlib
import json
import math
import re
from collections import defaultdict
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from judging.backends.base import NoAnswer
from judging.decisions.ballots import MICRO
from judging.panel.answer_store import Reply
from judging.panel.questions.calls import Call
from judging.panel.questions.pictures import Picture
from judging.panel.questions.version import JudgeVersion
from judging.panel.vlm_panel import MOST_PARTS

TOP = 20  # alternatives per token that are asked for: what vLLM gives at most by default
WORDS = 200  # tokens for the list of parts
SHORT = 16  # tokens for a label as JSON
SPACES = " \t\n▁Ġ"  # how tokenizers write the space before a label
MOST_MASS = 1.001  # of all alternatives together: probabilities above it are no distribution
LEAST_LOGPROB = -1000.0  # below it a server writes "never": a token that it masked
LONGEST_REASON = 300  # characters of a refusal that are kept
TOP_LOGPROBS, LABEL_IDS = "top_logprobs", "logprob_token_ids"

UNCLOSED = re.compile(r'(\A\s*\{\s*"answer"\s*:\s*"[^"\\]*")\s*\Z')
"""An answer that is whole but for its last brace: a schema lets a model write white space until its tokens are gone."""

LIST = {
    "type": "object",
    "properties": {
        "parts": {"type": "array", "items": {"type": "string"}, "minItems": MOST_PARTS, "maxItems": MOST_PARTS}
    },
    "required": ["parts"],
    "additionalProperties": False,
}


@dataclass(frozen=True)
class LabelMeasure:
    """How the probability of each label is had before anything is masked.

    `top_logprobs`: the twenty likeliest tokens; `logprob_token_ids`: the labels' own tokens, whose ids (with and
    without a space before the label) are in `ids`.
    """

    name: str = TOP_LOGPROBS
    ids: Mapping[str, int] = field(default_factory=dict)

    def form(self, labels: Sequence[str]) -> dict[str, Any]:
        """The fields of a request for one token."""
        if self.name == TOP_LOGPROBS:
            return {"max_tokens": 1, "logprobs": True, "top_logprobs": TOP}
        return {
            "max_tokens": 1,
            "logprobs": True,
            "logprob_token_ids": [number for text, number in self.ids.items() if text.strip() in labels],
            "return_tokens_as_token_ids": True,
        }

    def texts(self) -> dict[str, str]:
        """What a token is called in an answer -> its text, where answers name tokens by id."""
        return {f"token_id:{number}": text for text, number in self.ids.items()}


TOP_ALTERNATIVES = LabelMeasure()


def body(
    call: Call, *, version: JudgeVersion, address: Callable[[Picture], str], measure: LabelMeasure = TOP_ALTERNATIVES
) -> dict[str, Any]:
    """The chat request.  `address` turns a picture into the URL that the server is to read."""
    content: list[dict[str, Any]] = []
    for caption, picture in call.pictures:
        content.append({"type": "text", "text": caption})
        content.append({"type": "image_url", "image_url": {"url": address(picture)}})
    content.append({"type": "text", "text": call.text})
    messages = [{"role": "system", "content": call.system}, {"role": "user", "content": content}]
    if not call.labels:
        form = {"max_tokens": WORDS, "response_format": _schema("parts", LIST)}
    elif version.mode == "json":
        answer = {
            "type": "object",
            "properties": {"answer": {"type": "string", "enum": list(call.labels)}},
            "required": ["answer"],
            "additionalProperties": False,
        }
        form = {"max_tokens": SHORT, "response_format": _schema("answer", answer)}
    else:
        form = measure.form(call.labels)
    template = {"chat_template_kwargs": dict(version.chat)} if version.chat else {}
    return {"model": version.served_as, "messages": messages, "temperature": 0, "n": 1} | template | form


def _schema(name: str, schema: Mapping[str, Any]) -> dict[str, Any]:
    return {"type": "json_schema", "json_schema": {"name": name, "strict": True, "schema": schema}}


def reply(
    payload: Any,
    call: Call,
    *,
    version: JudgeVersion,
    latency_ms: int,
    attempt: int,
    measure: LabelMeasure = TOP_ALTERNATIVES,
    also_named: Sequence[str] = (),
) -> Reply:
    """Raises NoAnswer with the code of what is wrong.

    `also_named`: other names under which the server serves the very same weights.
    """
    message, choice = _choice(payload, version, also_named)
    text = message.get("content")
    text = text if isinstance(text, str) else ""
    raw: dict[str, Any] = {"id": str(payload.get("id", "")), "model": version.served_as, "text": text}
    if payload["model"] != version.served_as:
        raw["answered_as"] = payload["model"]
    raw["usage"] = {k: v for k, v in (payload.get("usage") or {}).items() if type(v) is int}
    if not call.labels:
        return Reply({}, 1.0, text=text, raw=raw, latency_ms=latency_ms, attempt=attempt)
    if version.mode == "json":
        try:
            document = json.loads(UNCLOSED.sub(r"\1}", text))
            label = document["answer"] if list(document) == ["answer"] else None
        except (ValueError, KeyError, TypeError) as error:
            raise NoAnswer("bad_json", "The judge's answer does not follow the schema.") from error
        if label not in call.labels:
            raise NoAnswer("bad_json", "The judge's answer is not one of those that were allowed.")
        return Reply({str(label): 1.0}, 1.0, text=text, raw=raw, latency_ms=latency_ms, attempt=attempt)
    top = _alternatives(choice, measure, call.labels)
    raw |= {"measured_by": measure.name, "top_micro": [[t, round(p * MICRO)] for t, p in top if p > LEAST_LOGPROB]}
    # the probability of a label: of all tokens together that are this label, but for spaces before or after it
    by_label: dict[str, list[float]] = defaultdict(list)
    for token, logprob in top:
        by_label[token.strip(SPACES)].append(math.exp(min(0.0, logprob)))
    shares = {label: min(1.0, math.fsum(by_label[label])) for label in call.labels}
    return Reply(shares, math.fsum(shares.values()), raw=raw, latency_ms=latency_ms, attempt=attempt)


def _choice(
    payload: Any, version: JudgeVersion, also_named: Sequence[str]
) -> tuple[Mapping[str, Any], Mapping[str, Any]]:
    if not isinstance(payload, dict):
        raise NoAnswer("bad_json", "The judge's server answered with something that is no JSON object.")
    if payload.get("model") not in (version.served_as, *also_named):
        raise NoAnswer(
            "wrong_model",
            f"The answer is {payload.get('model')!r}'s, not {version.served_as!r}'s. vLLM answers with the first "
            "name that it serves: the operator must name the judge's first in --served-model-name.",
        )
    choices = payload.get("choices")
    if not isinstance(choices, list) or len(choices) != 1 or not isinstance(choices[0], dict):
        raise NoAnswer("empty_choices", "The judge's server did not give exactly one answer.")
    message = choices[0].get("message")
    return (message if isinstance(message, dict) else {}), choices[0]


def _alternatives(choice: Mapping[str, Any], measure: LabelMeasure, labels: Sequence[str]) -> list[tuple[str, float]]:
    """(text, log-probability) of each alternative to the one token; several tokens may be shown as one text.

    Tokens are told apart by id where the server gives one, else by their place in the list.  Raises NoAnswer.
    """
    try:
        (first,) = choice["logprobs"]["content"]
        rows = [(entry["token"], entry["logprob"], entry.get("id")) for entry in first["top_logprobs"]]
    except (AttributeError, KeyError, TypeError, ValueError) as error:
        raise NoAnswer("no_logprobs", "The judge's server gave no log-probabilities of its one token.") from error
    if not rows:
        raise NoAnswer("no_logprobs", "The judge's server gave an empty list of log-probabilities.")
    texts = measure.texts()
    by_token: dict[tuple[str, int], tuple[str, float]] = {}
    for place, (token, logprob, number) in enumerate(rows):
        is_number = isinstance(logprob, int | float) and not isinstance(logprob, bool)
        if not (isinstance(token, str) and is_number and logprob <= 1e-6):  # NaN and +inf are none; -inf is a plain 0
            raise NoAnswer("bad_logprobs", f"The judge's log-probability {str(logprob)[:40]} is none.")
        own = ("id", number) if type(number) is int else ("place", place)
        if by_token.setdefault(own, (token, logprob)) != (token, logprob):
            raise NoAnswer("bad_logprobs", f"The judge's server gave two log-probabilities of the token {number}.")
    named = {token for token, _ in by_token.values()}
    if any(name not in named for name, text in texts.items() if text.strip() in labels):
        raise NoAnswer("no_logprobs", "The judge's server did not list the labels that were asked for by id.")
    total = math.fsum(math.exp(min(0.0, logprob)) for _, logprob in by_token.values())
    if total > MOST_MASS:
        raise NoAnswer("bad_logprobs", f"The judge's probabilities add up to {total:.3f}, which is no distribution.")
    return [(texts.get(token, token), logprob) for token, logprob in by_token.values()]


SECRETS = (
    (re.compile(r"data:[\w/+.-]*;base64,[\w+/=]*"), "[picture]"),
    (re.compile(r"(?i)\b(bearer|basic|token|key|secret|password)\b(\"?\s*[:=]?\s*\"?)[\w.~+/=-]{6,}"), r"\1\2[hidden]"),
    (re.compile(r"\b(sk|hf|pk|rk|ghp)[-_][\w-]{6,}"), "[hidden]"),
    (re.compile(r"(?<=://)[^\s/@]+@"), "[hidden]@"),
    (re.compile(r"(https?://[^\s?\"']+)\?[^\s\"']+"), r"\1?[hidden]"),
    (re.compile(r"[\w+/=-]{120,}"), "[left out]"),
)


def reason(content: bytes, *, secrets: Sequence[str] = ()) -> str:
    """What a server said with a refusal: one line, bounded, without pictures and what may be a secret.

    `secrets`: texts that must not be in it, such as our own key.
    """
    text = content[: 64 * LONGEST_REASON].decode("utf-8", "replace")
    with contextlib.suppress(ValueError, RecursionError):
        text = _message(json.loads(content)) or text
    for secret in filter(None, secrets):
        text = text.replace(secret, "[hidden]")
    for pattern, instead in SECRETS:
        text = pattern.sub(instead, text)
    text = " ".join("".join(c if c.isprintable() else " " for c in text).split())
    return text if len(text) <= LONGEST_REASON else f"{text[: LONGEST_REASON - 1]}…"


def _message(document: Any) -> str:
    """The sentence of an error document, as OpenAI, vLLM, SGLang, llama.cpp and FastAPI write it; "" without one."""
    if not isinstance(document, dict):
        return ""
    why = document.get("error") or document.get("message") or document.get("detail")
    if isinstance(why, dict):
        why = why.get("message")
    if isinstance(why, list):  # FastAPI: what is wrong with which field; never the input itself
        why = "; ".join(str(row.get("msg")) for row in why if isinstance(row, dict) and row.get("msg"))
    return why if isinstance(why, str) else ""
