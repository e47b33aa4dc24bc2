"""A GPU rental on loopback: the part of RunPod's REST interface that pods use.

Written from its published description; no account was at hand, and the documents say so.  No pod runs here: what one
does is set by the test.
"""

from __future__ import annotations

import json
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

KEY = "rpa_notARealKey"


class Rental:
    def __init__(self) -> None:
        self.pods: dict[str, dict[str, Any]] = {}
        self.ill: list[int] = []
        self.rented = 0
        self.full = False
        self.server = ThreadingHTTPServer(("127.0.0.1", 0), _handler(self))
        self.url = f"http://127.0.0.1:{self.server.server_port}"

    def __enter__(self) -> Rental:
        threading.Thread(target=self.server.serve_forever, args=(0.05,), daemon=True).start()
        return self

    def __exit__(self, *_: object) -> None:
        self.server.shutdown()
        self.server.server_close()

    def answer(self, method: str, path: str, told: dict[str, Any]) -> tuple[int, Any]:
        match method, path.strip("/").split("/"):
            case "GET", ["pods"]:
                return 200, list(self.pods.values())
            case "POST", ["pods"]:
                if self.full:
                    return 500, {"error": "There are no longer any instances available"}
                self.rented += 1
                row = {"id": f"pod{self.rented}", "name": told["name"], "image": told["imageName"]}
                self.pods[row["id"]] = {**row, "desiredStatus": "RUNNING", "ports": told["ports"], "env": told["env"]}
                return 201, self.pods[row["id"]]
            case "GET", ["pods", ident] if ident in self.pods:
                return 200, self.pods[ident]
            case "DELETE", ["pods", ident] if ident in self.pods:
                del self.pods[ident]
                return 204, None
        return 404, {"error": "pod not found"}


def _handler(rental: Rental) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        def _any(self) -> None:
            body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
            if self.headers.get("Authorization") != f"Bearer {KEY}":
                status, told = 401, {"error": "unauthorized"}
            elif rental.ill:
                status, told = rental.ill.pop(0), {"error": "ill"}
            else:
                status, told = rental.answer(self.command, self.path, json.loads(body or b"{}"))
            said = b"" if told is None else json.dumps(told).encode()
            self.send_response(status)
            self.send_header("Content-Length", str(len(said)))
            self.end_headers()
            self.wfile.write(said)

        do_GET = do_POST = do_DELETE = _any

        def log_message(self, *_: object) -> None:
            pass

    return Handler
