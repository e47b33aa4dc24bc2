"""Which host certainly answers well?  One on this machine, for as long as it is asked: the control of an answer."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread

BODY = b"A file as any host sends it."


class _Answer(BaseHTTPRequestHandler):
    def do_GET(self) -> None:
        self.send_response(200)
        self.send_header("Content-Length", str(len(BODY)))
        self.end_headers()
        self.wfile.write(BODY)

    def log_message(self, format: str, *args: object) -> None:
        """Nobody reads it."""


@contextmanager
def serving() -> Iterator[int]:
    """The port of a host that answers everything with `BODY`, while the block runs."""
    with ThreadingHTTPServer(("127.0.0.1", 0), _Answer) as host:
        Thread(target=host.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True).start()
        try:
            yield host.server_port
        finally:
            host.shutdown()
