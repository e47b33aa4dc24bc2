"""What does a simulated judge see and say?  A table of pictures and their worth, and all the ways to be wrong.

Nothing here looks at a picture: what it is worth is read from a table by its hash, so the truth is known.
"""

from __future__ import annotations

import base64
import hashlib
import json
import math
import random
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

Payload = dict[str, Any]
DIGITS = "0123456789"
TOP = 20  # alternatives that are listed
OTHER_TOKENS = (" a", "\ufffd", "\ufffd", "The", *(f" word{n}" for n in range(TOP)))
"""What no label is, in the order of their likelihood; two of them are pieces of characters that look the same."""
REST = -25.0  # log-probability of the likeliest of them
CREATED = 1_780_000_000  # when all answers were made: a simulated server has no clock
MASKED = -9999.0  # as vLLM writes the logarithm of 0


@dataclass(frozen=True)
class Worth:
    """`quality`: any scale; `spoiled`, 0 to 1: from the sides; `painted`: pull of text painted on it, for a mind that
    obeys text; `silences`: whoever is shown it answers with other words than those that were asked for."""

    quality: float = 0.0
    spoiled: float = 0.0
    painted: float = 0.0
    silences: bool = False


@dataclass
class Mind:
    """`gain`: how surely a difference of one is seen; `bias`: liking for the second place; `noise`: of one answer;
    `tie`: weight of "nothing to choose"; `obeys`: painted text; `drift`: added to `bias` with each answer;
    `guess`: how far a picture that is not in the table may be from 0, one way or the other, by its hash."""

    table: Mapping[str, Worth] = field(default_factory=dict)
    gain: float = 4.0
    bias: float = 0.0
    noise: float = 0.0
    tie: float = 0.5
    obeys: float = 0.0
    drift: float = 0.0
    guess: float = 0.0
    seed: int = 0
    answered: int = 0

    def answer(self, body: Mapping[str, Any]) -> tuple[str, list[tuple[str, float]]]:
        """(words, log-probabilities of the labels); no labels where words were asked for."""
        self.answered += 1
        pictures, text = seen(body)
        labels = labels_of(body, text)
        if not labels:
            return json.dumps({"parts": [f"feature {word}" for word in DIGITS[1:7]]}), []
        worths = [self.table.get(name) or self._guessed(name) for name in pictures[1:]]
        luck = random.Random(f"{self.seed}{pictures}{text}").gauss(0, self.noise) if self.noise else 0.0
        logits = self._pair(worths, luck) if len(worths) == 2 else self._single(worths, labels, text, luck)
        return "", normal(dict(zip(labels, logits, strict=True)))

    def _guessed(self, name: str) -> Worth:
        share = int(hashlib.sha256(f"{self.seed}{name}".encode()).hexdigest()[:8], 16) / 2**32
        return Worth(self.guess * (2 * share - 1))

    def _pair(self, worths: Sequence[Worth], luck: float) -> list[float]:
        """Of "0", "1", "2" in this order."""
        first, second = (w.quality + self.obeys * w.painted for w in worths)
        lead = self.gain * (second - first) + self.bias + self.drift * self.answered + luck
        return [math.log(self.tie), -lead / 2, lead / 2]

    def _single(self, worths: Sequence[Worth], labels: Sequence[str], text: str, luck: float) -> list[float]:
        """One asset: the label nearest to what it is worth on the scale of the labels."""
        worth = worths[0] if worths else Worth()
        share = worth.spoiled if "spoiled" in text else 1 / (1 + math.exp(-worth.quality))
        at = (share + luck / 10) * (len(labels) - 1)
        return [-((i - at) ** 2) for i in range(len(labels))]

    def silenced(self, body: Mapping[str, Any]) -> bool:
        return any(self.table.get(name, Worth()).silences for name in seen(body)[0])


def normal(logits: Mapping[str, float]) -> list[tuple[str, float]]:
    top = max(logits.values())
    total = top + math.log(sum(math.exp(v - top) for v in logits.values()))
    return sorted(((k, v - total) for k, v in logits.items()), key=lambda pair: -pair[1])


def parts(body: Mapping[str, Any], *, sees: bool = True) -> Iterable[tuple[str, str]]:
    """(kind, content) of all that is in the messages, in order; a picture by its hash.

    Of a model that does not see, the words of the messages alone: its server gives it a picture's address as text, as
    llama.cpp's does."""
    for message in body.get("messages", []):
        content = message.get("content")
        for part in content if isinstance(content, list) else [{"type": "text", "text": str(content)}]:
            if part.get("type") == "image_url" and not sees:
                yield "text", str(part["image_url"]["url"])
            elif part.get("type") == "image_url":
                yield "picture", name_of(part["image_url"]["url"])
            else:
                yield "text", str(part.get("text"))


def name_of(url: str) -> str:
    """A picture inside the request by the hash of its bytes, any other by the last piece of its address."""
    if not url.startswith("data:"):
        return url.rsplit("/", 1)[-1]
    return hashlib.sha256(base64.b64decode(url.partition(",")[2])).hexdigest()


def seen(body: Mapping[str, Any]) -> tuple[list[str], str]:
    """The pictures and the last text."""
    told = list(parts(body))
    texts = [content for kind, content in told if kind == "text"]
    return [content for kind, content in told if kind == "picture"], texts[-1] if texts else ""


def labels_of(body: Mapping[str, Any], text: str) -> list[str]:
    """The answers that are meant, sorted; by schema, by choice, or by what the text asks for."""
    form = body.get("response_format") or {}
    properties = form.get("json_schema", {}).get("schema", {}).get("properties", {})
    if "parts" in properties:
        return []
    if "answer" in properties:
        return sorted(properties["answer"]["enum"])
    if choice := allowed(body):
        return sorted(choice)
    if "Answer 1, 2, 3 or 4" in text:
        return list(DIGITS[1:5])
    last = "6" if "0 to 6" in text else "4" if "0 to 4" in text else "2"
    return list(DIGITS[: int(last) + 1])


def allowed(body: Mapping[str, Any]) -> list[str]:
    """What a constraint leaves of the tokens; empty without one."""
    return list((body.get("structured_outputs") or {}).get("choice") or [])


def payload(body: Mapping[str, Any], words: str, top: Sequence[tuple[str, float]], *, number: int) -> Payload:
    """A chat completion as vLLM gives it: what it lists are the alternatives that a constraint has left."""
    content = words or (json.dumps({"answer": top[0][0]}) if body.get("response_format") else top[0][0])
    choice: Payload = {"index": 0, "finish_reason": "stop", "message": {"role": "assistant", "content": content}}
    if body.get("logprobs") and top:
        entries = [{"token": token, "logprob": logprob, "bytes": list(token.encode())} for token, logprob in top]
        entries += [
            {"token": token, "logprob": MASKED if allowed(body) else REST - n, "bytes": list(token.encode())}
            for n, token in enumerate(OTHER_TOKENS[: TOP - len(top)])
        ]
        choice["logprobs"] = {"content": [{**entries[0], "top_logprobs": entries}]}
    return {
        "id": f"chatcmpl-{number}",
        "object": "chat.completion",
        "created": CREATED,
        "model": body.get("model"),
        "choices": [choice],
    }


def of_label_ids(body: Mapping[str, Any], said: Payload) -> None:
    """Lists the labels that were asked for by id instead of the likeliest tokens; an id is a character's number."""
    wanted = {chr(number) for number in body["logprob_token_ids"]}
    entry = said["choices"][0]["logprobs"]["content"][0]
    listed = [row for row in entry["top_logprobs"] if row["token"] in wanted]
    missing = [{"token": text, "logprob": MASKED} for text in sorted(wanted - {row["token"] for row in listed})]
    entry["top_logprobs"] = [row | {"token": f"token_id:{ord(row['token'])}"} for row in [*listed, *missing]]


def _top(payload: Payload) -> list[dict[str, Any]]:
    logprobs = payload["choices"][0].get("logprobs")
    top: list[dict[str, Any]] = logprobs["content"][0]["top_logprobs"] if logprobs else []
    return top


def _labels(said: Payload) -> list[dict[str, Any]]:
    return [entry for entry in _top(said) if entry["token"] in DIGITS]


def _without_choices(said: Payload) -> None:
    said["choices"] = []


def _twice(said: Payload) -> None:
    said["choices"] = said["choices"] * 2


def _without_logprobs(said: Payload) -> None:
    said["choices"][0].pop("logprobs", None)


def _other_tokens(said: Payload) -> None:
    for i, entry in enumerate(_top(said)):
        entry["token"] = f"word{i}"


def _thin(said: Payload) -> None:
    """Label mass 0.3, which a constraint hides: it is applied first."""
    if any(entry["logprob"] == MASKED for entry in _top(said)):
        return
    for entry in _top(said):
        entry["logprob"] += math.log(0.3)


def _not_a_number(said: Payload) -> None:
    for entry in _top(said):
        entry["logprob"] = math.nan


def _infinite(said: Payload) -> None:
    for entry in _top(said)[:1]:
        entry["logprob"] = math.inf


def _swapped(said: Payload) -> None:
    for entry in _top(said):
        entry["token"] = {"1": "2", "2": "1"}.get(entry["token"], entry["token"])


def _wrong_model(said: Payload) -> None:
    said["model"] = "another/model@main"


def _small_ids(said: Payload) -> None:
    """Numbered anew after each second answer."""
    said["id"] = f"chatcmpl-{int(said['id'].rpartition('-')[2]) % 2}"


def _always_first(said: Payload) -> None:
    for entry in _labels(said):
        entry["logprob"] = -0.001 if entry["token"] == "1" else -9.0


def _always_tie(said: Payload) -> None:
    for entry in _labels(said):
        entry["logprob"] = -0.001 if entry["token"] == "0" else -9.0


def _prose(said: Payload) -> None:
    said["choices"][0]["message"]["content"] = "Model 2 looks better to me."


def _unclosed(said: Payload) -> None:
    """A JSON answer that ends in white space where its tokens are used up, as a schema allows."""
    message = said["choices"][0]["message"]
    if message["content"].endswith("}"):
        message["content"] = message["content"][:-1] + "\r" * 6


FAULTS: dict[str, Callable[[Payload], None]] = {
    "empty_choices": _without_choices,
    "duplicate_answers": _twice,
    "missing_logprobs": _without_logprobs,
    "label_not_in_top": _other_tokens,
    "low_mass": _thin,
    "nan": _not_a_number,
    "infinity": _infinite,
    "swapped_labels": _swapped,
    "wrong_model": _wrong_model,
    "small_ids": _small_ids,
    "always_first": _always_first,
    "always_tie": _always_tie,
    "prose": _prose,
    "unclosed": _unclosed,
}
# What goes wrong before there is an answer, or on its way.
CARRIER_FAULTS = ("timeout", "http_400", "http_429", "http_500", "reset", "truncated", "slow", "stale_answer")
