"""A GPU cloud's REST interface on loopback: what the stand-ins of all clouds share.

Each is written from its published description; no account was at hand, and the documents say so.  No pod runs here:
what one does is set by the test.
"""

from __future__ import annotations

import json
import threading
from collections.abc import Mapping
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, Self
from urllib.parse import parse_qsl, urlsplit

Answer = tuple[int, Any]


class CloudServer:
    """`ill`: statuses that the next requests are answered with instead; `broken`: those of a method and path, always;
    `seen`: method and path of each request.
    """

    def __init__(self) -> None:
        self.ill: list[int] = []
        self.broken: dict[tuple[str, str], int] = {}
        self.seen: list[tuple[str, str]] = []
        self.bodies: list[Any] = []
        self.server = ThreadingHTTPServer(("127.0.0.1", 0), _handler(self))
        self.url = f"http://127.0.0.1:{self.server.server_port}"

    def __enter__(self) -> Self:
        threading.Thread(target=self.server.serve_forever, args=(0.05,), daemon=True).start()
        return self

    def __exit__(self, *_: object) -> None:
        self.server.shutdown()
        self.server.server_close()

    def refusal(self, status: int, words: str) -> Any:
        """An error's body as this cloud writes it."""
        return {"error": words}

    def admits(self, authorization: str) -> bool:
        raise NotImplementedError

    def open(self, method: str, path: str, body: Any) -> Answer | None:
        """The answer where no key is needed."""
        return None

    def answer(self, method: str, path: list[str], body: Any, query: Mapping[str, str]) -> Answer:
        raise NotImplementedError

    def dispatch(self, method: str, target: str, *, raw: bytes, authorization: str) -> Answer:
        parts = urlsplit(target)
        self.seen.append((method, parts.path))
        body = json.loads(raw or b"null")
        self.bodies.append(body)
        if self.ill or (method, parts.path) in self.broken:
            status = self.ill.pop(0) if self.ill else self.broken[method, parts.path]
            return status, self.refusal(status, "ill")
        if (free := self.open(method, parts.path, body)) is not None:
            return free
        if not self.admits(authorization):
            return 401, self.refusal(401, "unauthorized")
        return self.answer(method, parts.path.strip("/").split("/"), body, dict(parse_qsl(parts.query)))


def _handler(cloud: CloudServer) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        def _any(self) -> None:
            raw = self.rfile.read(int(self.headers.get("Content-Length", 0)))
            status, answer = cloud.dispatch(
                self.command, self.path, raw=raw, authorization=self.headers.get("Authorization", "")
            )
            payload = answer if isinstance(answer, bytes) else b"" if answer is None else json.dumps(answer).encode()
            self.send_response(status)
            self.send_header("Content-Length", str(len(payload)))
            self.end_headers()
            self.wfile.write(payload)

        do_GET = do_POST = do_DELETE = _any

        def log_message(self, *_: object) -> None:
            pass

    return Handler
