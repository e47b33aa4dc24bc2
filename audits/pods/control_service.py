"""A service that is known to work: it answers each picture with that picture's SHA-256.

Run as a pod of ours (`audits.pods.control_pod`), by the same provider and in the same walls as a miner's.  One file,
standard library only, because a pod sees nothing else.  HOST (0.0.0.0) and PORT (10006) come from the environment.
"""

import hashlib
import io
import json
import os
import threading
import urllib.request
import zipfile
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

PICTURE_S = 30


class Service(BaseHTTPRequestHandler):
    state = "ready"
    stems: frozenset[str] = frozenset()
    archive = b""

    def do_GET(self) -> None:
        if self.path == "/results":
            self.answer(200 if self.state == "complete" else 409, type(self).archive)
        else:
            status = {"status": self.state, "progress": 0, "total": len(self.stems), "payload": None}
            self.answer(200, json.dumps(status).encode())

    def do_POST(self) -> None:
        prompts = json.loads(self.rfile.read(int(self.headers["Content-Length"])))["prompts"]
        stems = frozenset(prompt["stem"] for prompt in prompts)
        if stems != self.stems:
            type(self).stems, type(self).state = stems, "generating"
            threading.Thread(target=self.generate, args=(prompts,), daemon=True).start()
        self.answer(200, json.dumps({"accepted": len(prompts)}).encode())

    def generate(self, prompts: list[dict[str, str]]) -> None:
        """A picture that cannot be fetched is left out of the archive, where we miss it."""
        buffer = io.BytesIO()
        with zipfile.ZipFile(buffer, "w") as archive:
            for prompt in prompts:
                try:
                    archive.writestr(f"{prompt['stem']}.txt", sha256_at(prompt["image_url"]))
                except OSError as reason:
                    print(f"{prompt['stem']}: {reason}", flush=True)  # noqa: T201
        type(self).archive, type(self).state = buffer.getvalue(), "complete"

    def answer(self, status: int, body: bytes) -> None:
        self.send_response(status)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: object) -> None:
        pass


def sha256_at(url: str) -> str:
    with urllib.request.urlopen(url, timeout=PICTURE_S) as answer:  # noqa: S310
        return hashlib.sha256(answer.read()).hexdigest()


def main() -> None:
    address = os.environ.get("HOST", "0.0.0.0"), int(os.environ.get("PORT", "10006"))  # noqa: S104, inside a pod
    ThreadingHTTPServer(address, Service).serve_forever()


if __name__ == "__main__":
    main()
