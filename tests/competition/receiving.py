"""A receiver of webhooks on loopback: it keeps what it gets, and answers as it was told."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from email.message import Message

from tests.loopback import Quiet, serving


@dataclass
class Receiver:
    url: str
    answers: list[int] = field(default_factory=list)  # one a letter, then 204 for ever
    letters: list[tuple[Message, bytes]] = field(default_factory=list)


@contextmanager
def receiver(*answers: int) -> Iterator[Receiver]:
    kept = Receiver("", list(answers))

    class Handler(Quiet):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"]))
            kept.letters.append((self.headers, body))
            self.send_response(kept.answers.pop(0) if kept.answers else 204)
            self.send_header("Location", "http://127.0.0.1:9/elsewhere")
            self.end_headers()

    with serving(Handler) as address:
        kept.url = f"{address}/hook"
        yield kept
