"""How is a question put to an OpenAI-compatible server, and is what comes back an answer to it?

A label is one token; the server is asked for the likeliest tokens with their log-probabilities, and nothing is forced.
A server that gives none is asked for its words alone, and an answer is then one of the labels and nothing else.  What
is not certainly an answer is none.  Nothing that a server says is ever followed, and its texts are shown as one line.
"""

from __future__ import annotations

import base64
import json
import math
import time
from collections.abc import Mapping, Sequence
from typing import Any
from urllib.parse import urlsplit

from verify.bundles.answers import MILLION, SPACES, WHOLE
from verify.bundles.files import Row
from verify.bundles.web import HttpRefusal, Unreachable, WebSource
from verify.findings import printable
from verify.second_opinion.questions import CitedQuestion, NotAskable, labels_of

CAPTIONS = ("Reference:", "Model 1:", "Model 2:")
PATIENCE_S = 120.0
"""For one answer: a small machine needs a minute for three pictures."""
TRIES, PAUSE_S = 3, 2.0
BUSY = (408, 425, 429)
NO_KEY = (401, 403)
MALFORMED = (400, 422)
LONGEST_REASON, LONGEST_NAME = 300, 100
MOST_MASS = 1.001
WAYS: tuple[Row, ...] = (
    {"max_tokens": 1, "logprobs": True, "top_logprobs": 20},
    {"max_tokens": 1, "logprobs": True, "top_logprobs": 5},
    {"max_tokens": 8},
)
"""How the label is asked for, the best first; the next where a server refuses one."""


class UnreadableAnswer(Exception):
    """There is no answer to one question.  `code`: one word for the count of them."""

    def __init__(self, code: str, sentence: str) -> None:
        super().__init__(sentence)
        self.code = code


class ModelServer:
    """`described`: what the round's judge consists of."""

    def __init__(self, address: str, *, described: Row, key: str = "") -> None:
        self.address, self.key = base_of(address), key
        self.described = described
        self.model = ""
        self.way = 0

    @property
    def judges_model(self) -> str:
        return f"{self.described['model']}@{self.described['revision']}"

    def choose(self, named: str) -> str:
        """The model to ask: the named one, else the round's judge's where it is served.  Raises NotAskable."""
        try:
            served = served_models(self._send("/models"))
        except Unreachable as error:
            served = self._unlisted(error, named)
        if named:
            if served and named not in served:
                raise NotAskable(f"The server does not serve {shown(named)}: it serves {listed(served)}.")
            self.model = named
            return named
        own = [name for name in (self.judges_model, str(self.described["model"])) if name in served]
        if not own:
            raise NotAskable(
                f"The server does not serve the round's judge, {shown(self.judges_model)}: it serves {listed(served)}. "
                "Name one of its models with --model; the report then says how far two models agree."
            )
        self.model = own[0]
        return self.model

    def _unlisted(self, error: Unreachable, named: str) -> list[str]:
        """Of a server that lists no models: nothing, where a model is named.  Raises NotAskable."""
        if isinstance(error, HttpRefusal) and error.status in NO_KEY:
            raise NotAskable(
                f"The server wants a key (HTTP {error.status}{self._because(error)}): write it into a file and name "
                "that with --key-file."
            ) from error
        if not isinstance(error, HttpRefusal):
            raise NotAskable(
                f"No answer from {self.address}/v1/models: {self._plain(str(error))}. Is the server up, and is this "
                "its address?"
            ) from error
        if not named:
            raise NotAskable(
                f"The server lists no models (HTTP {error.status} for /v1/models): name one with --model."
            ) from error
        return []

    def answer(self, question: CitedQuestion, pictures: Sequence[bytes]) -> Row:
        """The shares of the labels in billionths, how they were had, the name that answered, and the prompt's tokens.

        Raises UnreadableAnswer where there is no answer after TRIES, NotAskable where no question will have one.
        """
        for left in reversed(range(TRIES)):
            try:
                payload = self._complete(question, pictures)
            except HttpRefusal as error:
                if error.status in NO_KEY or error.status == 404:
                    why = f"HTTP {error.status}{self._because(error)}"
                    raise NotAskable(f"The server refuses the model {shown(self.model)} or the key: {why}.") from error
                if error.status < 500 and error.status not in BUSY:
                    why = f"The server refused the question: HTTP {error.status}{self._because(error)}."
                    raise UnreadableAnswer("refused", why) from error
                failure = UnreadableAnswer("busy", f"The server answered HTTP {error.status}{self._because(error)}.")
            except Unreachable as error:
                failure = UnreadableAnswer("no_answer", f"No answer: {self._plain(str(error))}.")
            else:
                return self._read(payload, question)
            if not left:
                raise failure
            time.sleep(PAUSE_S * 2 ** (TRIES - 1 - left))
        raise AssertionError("unreachable")

    def _complete(self, question: CitedQuestion, pictures: Sequence[bytes]) -> Any:
        """By the first way that this server takes, which is the first one tried from then on.  Raises Unreachable."""
        by_schema = self.described["mode"] == "json"
        refusals = []
        for number, form in enumerate([self._schema(question)] if by_schema else WAYS[self.way :]):
            try:
                payload = self._send("/chat/completions", self._body(question, pictures, form))
            except HttpRefusal as error:
                if error.status not in MALFORMED:
                    raise
                refusals.append(error)
                continue
            self.way += number
            return payload
        raise refusals[0]

    def _body(self, question: CitedQuestion, pictures: Sequence[bytes], form: Mapping[str, Any]) -> Row:
        content: list[Row] = []
        for caption, picture in zip(CAPTIONS, pictures, strict=False):
            url = f"data:image/jpeg;base64,{base64.b64encode(picture).decode()}"
            content += [{"type": "text", "text": caption}, {"type": "image_url", "image_url": {"url": url}}]
        content.append({"type": "text", "text": question.text})
        messages = [{"role": "system", "content": self.described["system"]}, {"role": "user", "content": content}]
        template = {"chat_template_kwargs": self.described["chat"]} if self.described.get("chat") else {}
        return {"model": self.model, "messages": messages, "temperature": 0, "n": 1, **template, **form}

    def _schema(self, question: CitedQuestion) -> Row:
        """Of a judge that answers with JSON."""
        labels = {"type": "string", "enum": sorted(labels_of(self.described, question.kind))}
        schema = {
            "type": "object",
            "properties": {"answer": labels},
            "required": ["answer"],
            "additionalProperties": False,
        }
        named = {"name": "answer", "strict": True, "schema": schema}
        return {"max_tokens": 16, "response_format": {"type": "json_schema", "json_schema": named}}

    def _read(self, payload: Any, question: CitedQuestion) -> Row:
        """Raises UnreadableAnswer."""
        choices = payload.get("choices") if isinstance(payload, dict) else None
        if not isinstance(choices, list) or len(choices) != 1 or not isinstance(choices[0], dict):
            raise UnreadableAnswer("no_choice", "The server did not give exactly one answer.")
        message, labels = choices[0].get("message"), sorted(labels_of(self.described, question.kind))
        content = message.get("content") if isinstance(message, dict) else None
        shares = shares_of(choices[0], labels, least=int(self.described["bars"]["least_mass"]))
        measured_by = "log-probabilities"
        if shares is None:
            measured_by = "words"
            shares = dict.fromkeys(labels, 0) | {label_of(content, labels): WHOLE}
        usage = payload.get("usage")
        tokens = usage.get("prompt_tokens") if isinstance(usage, dict) else None
        return {
            "shares": shares,
            "measured_by": measured_by,
            "answered_as": shown(str(payload.get("model", ""))),
            "tokens": tokens if type(tokens) is int and 0 <= tokens < 10**9 else None,
        }

    def _send(self, path: str, body: Any = None) -> Any:
        headers = {"Authorization": f"Bearer {self.key}"} if self.key else {}
        return WebSource(patience_s=PATIENCE_S, headers=headers).json(f"{self.address}/v1{path}", body=body)

    def _because(self, error: HttpRefusal) -> str:
        reason = self._plain(reason_of(error.reason))
        return f": {reason}" if reason else ""

    def _plain(self, text: str) -> str:
        """One line of what a server wrote, without our key."""
        text = text.replace(self.key, "[key]") if self.key else text
        return printable(" ".join(text.split()))[:LONGEST_REASON].rstrip(".")


def base_of(address: str) -> str:
    """The address without the `/v1` that many write.  Raises NotAskable."""
    try:
        parts = urlsplit(address)
        good = parts.scheme in ("http", "https") and bool(parts.hostname) and (parts.port is None or parts.port > 0)
    except ValueError:
        good = False
    if not good:
        raise NotAskable(f"{shown(address)} is no address of a server: http://HOST:PORT or https://HOST.")
    if parts.username is not None or parts.password is not None or parts.query or parts.fragment:
        raise NotAskable("The address must hold neither a user nor a key: write the key into a file, --key-file.")
    return address.rstrip("/").removesuffix("/v1").rstrip("/")


def served_models(payload: Any) -> list[str]:
    rows = payload.get("data") if isinstance(payload, dict) else None
    names = [row.get("id") for row in rows if isinstance(row, dict)] if isinstance(rows, list) else []
    return [name for name in names if isinstance(name, str) and name]


def shares_of(choice: Mapping[str, Any], labels: Sequence[str], *, least: int) -> dict[str, int] | None:
    """In billionths; None where the server gave no log-probabilities.  `least`: of all labels together, in millionths.

    Raises UnreadableAnswer.
    """
    try:
        (first,) = choice["logprobs"]["content"]
        entries = [(entry["token"], entry["logprob"]) for entry in first["top_logprobs"]]
    except (AttributeError, KeyError, TypeError, ValueError):
        return None
    if not entries:
        return None
    given = dict.fromkeys(labels, 0.0)
    total = 0.0
    for token, logprob in entries:
        good = isinstance(logprob, int | float) and not isinstance(logprob, bool) and logprob <= 1e-6
        if not (isinstance(token, str) and good):
            raise UnreadableAnswer("bad_probabilities", "A log-probability of the answer is none.")
        probability = math.exp(max(-1e6, min(0.0, logprob)))
        total += probability
        if token.strip(SPACES) in given:
            given[token.strip(SPACES)] += probability
    if total > MOST_MASS:
        raise UnreadableAnswer("bad_probabilities", f"The probabilities add up to {total:.3f}.")
    mass = math.fsum(given.values())
    if mass * MILLION < least:
        why = f"The model was not answering the question: {mass:.2f} of its probability is on the labels."
        raise UnreadableAnswer("low_mass", why)
    return {label: round(min(1.0, share) * WHOLE) for label, share in given.items()}


def label_of(content: Any, labels: Sequence[str]) -> str:
    """The label that the words are, plain or as JSON.  Raises UnreadableAnswer."""
    text = content.strip() if isinstance(content, str) else ""
    try:
        document = json.loads(text)
        text = str(document["answer"]) if isinstance(document, dict) and list(document) == ["answer"] else text
    except (ValueError, RecursionError):
        pass
    text = text.strip(' "`.')
    if text not in labels:
        raise UnreadableAnswer("no_label", f"The answer is {shown(text)}, and none of {', '.join(labels)}.")
    return text


def reason_of(content: bytes) -> str:
    """The sentence of an error document, or the text."""
    text = content.decode("utf-8", "replace")
    try:
        document = json.loads(text)
    except (ValueError, RecursionError):
        return text
    why = (
        document.get("error") or document.get("message") or document.get("detail") if isinstance(document, dict) else ""
    )
    why = why.get("message") if isinstance(why, dict) else why
    return why if isinstance(why, str) else ""


def listed(names: Sequence[str]) -> str:
    more = f" and {len(names) - 5} more" if len(names) > 5 else ""
    return (", ".join(map(shown, names[:5])) + more) if names else "no model"


def shown(name: str) -> str:
    return printable(name)[:LONGEST_NAME]
