"""The miner's service: pictures in by the batch, one archive of 3D files out.

GET  /health                           200 as soon as the port is open
GET  /status?replacements_remaining=n  {status, progress, total, payload}
POST /generate                         {prompts: [{stem, image_url}], seed} -> {accepted}
GET  /results                          the archive, the same bytes on each call while the batch is complete

Settings from the environment: HOST (0.0.0.0), PORT (10006).  An Authorization header is neither needed nor read.
"""

import io
import json
import os
import re
import threading
import time
import urllib.request
import zipfile
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

LARGEST_BODY = 4 << 20
LARGEST_PICTURE = 32 << 20
LARGEST_BATCH = 99  # the archive may have 100 entries, and _failed.json is one
PICTURE_TRIES = 3
STEM = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,199}")
DAY_ONE = (1980, 1, 1, 0, 0, 0)  # a time of day in the archive would change its bytes


class Busy(Exception):
    """Another batch is being generated, or the generator is still warming up."""


class Batch:
    """One batch at a time: what was asked, how far it is, and what came out."""

    def __init__(self) -> None:
        self.lock = threading.Lock()
        self.state, self.progress, self.prompts, self.seed, self.archive = "warming_up", 0, (), 0, b""
        self.payload: dict | None = None

    def warm_up(self) -> None:
        """Load everything before the first batch: the clock of a generation starts with it."""
        try:
            import generator  # noqa: F401
        except Exception as reason:  # say so and ask for another machine, rather than warm up for ever
            with self.lock:
                self.state, self.payload = "replace", {"reason": f"{type(reason).__name__}: {reason}"[:300]}
            return
        with self.lock:
            self.state = "ready"

    def status(self) -> dict:
        with self.lock:
            return {
                "status": self.state,
                "progress": self.progress,
                "total": len(self.prompts),
                "payload": self.payload,
            }

    def accept(self, prompts: tuple, *, seed: int) -> int:
        """Start on a batch and say how many prompts it has; the batch in hand, asked again, is not started again."""
        with self.lock:
            again = {stem for stem, _ in prompts} == {stem for stem, _ in self.prompts}
            if self.state in ("warming_up", "replace") or (self.state == "generating" and not again):
                raise Busy(self.state)
            if self.state != "generating" and not (again and seed == self.seed):
                self.state, self.progress, self.prompts, self.seed, self.archive = "generating", 0, prompts, seed, b""
                threading.Thread(target=self.generate, args=(prompts, seed), daemon=True).start()
            return len(self.prompts)

    def generate(self, prompts: tuple, seed: int) -> None:
        files, failed = {}, {}
        for stem, image_url in prompts:
            try:
                files[stem] = one(image_url, seed=seed)
            except Exception as reason:  # one bad picture must not cost the other thirty-one
                failed[stem] = f"{type(reason).__name__}: {reason}"[:300]
            with self.lock:
                self.progress += 1
        archive = packed(files, failed=failed)
        with self.lock:
            self.archive, self.state = archive, "complete"

    def results(self) -> bytes:
        with self.lock:
            if self.state != "complete":
                raise Busy(self.state)
            return self.archive


def one(image_url: str, *, seed: int) -> bytes:
    import generator

    return generator.generate(picture(image_url), seed=seed)


def ending() -> str:
    """Of the generator's files: glb, unless it says otherwise."""
    import generator

    return getattr(generator, "EXTENSION", "glb")


def picture(image_url: str) -> bytes:
    """Bytes of the picture; a failed download is tried again, it is not the generator's fault."""
    if not image_url.startswith(("http://", "https://", "data:image/")):
        raise ValueError("image_url must be http, https or data:image")
    for attempt in range(PICTURE_TRIES):
        try:
            with urllib.request.urlopen(image_url, timeout=30) as answer:
                data = answer.read(LARGEST_PICTURE + 1)
            break
        except OSError:
            if attempt == PICTURE_TRIES - 1:
                raise
            time.sleep(0.2 * 2**attempt)
    if len(data) > LARGEST_PICTURE:
        raise ValueError("picture too large")
    return data


def packed(files: dict, *, failed: dict) -> bytes:
    """The archive: <stem>.<ending> in the order of the stems, and _failed.json {stem.

    Reason} where something failed.
    """
    entries = {f"{stem}.{ending()}": data for stem, data in files.items()}
    if failed:
        entries["_failed.json"] = json.dumps(failed, sort_keys=True).encode()
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_STORED) as archive:
        for name in sorted(entries):
            archive.writestr(zipfile.ZipInfo(name, date_time=DAY_ONE), entries[name])
    return out.getvalue()


def batch_from(body: bytes) -> tuple:
    """((stem, image_url), ...) and the seed; ValueError says what is wrong with the request."""
    asked = json.loads(body)
    if not isinstance(asked, dict) or not isinstance(asked.get("prompts"), list):
        raise ValueError("expected {prompts: [{stem, image_url}], seed}")
    prompts = tuple((str(prompt["stem"]), str(prompt["image_url"])) for prompt in asked["prompts"])
    stems = [stem for stem, _ in prompts]
    if not 1 <= len(prompts) <= LARGEST_BATCH or len(set(stems)) != len(stems):
        raise ValueError(f"a batch has 1 to {LARGEST_BATCH} prompts, each stem once")
    if not all(STEM.fullmatch(stem) for stem in stems):
        raise ValueError("a stem is a file name without its ending")
    return prompts, int(asked.get("seed") or 0)


class Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    timeout = 60
    batch: Batch

    def do_GET(self) -> None:
        path = self.path.partition("?")[0]
        if path == "/health":
            self.answer(200, {"status": "ok"})
        elif path == "/status":
            self.answer(200, self.batch.status())
        elif path == "/results":
            self.results()
        else:
            self.answer(404, {"detail": "not found"})

    def do_POST(self) -> None:
        length = int(self.headers.get("Content-Length") or 0)
        if not 0 < length <= LARGEST_BODY:
            self.close_connection = True  # the body is not read
            return self.answer(413 if length else 400, {"detail": "no body, or too long a body"})
        body = self.rfile.read(length)
        if self.path.partition("?")[0] != "/generate":
            return self.answer(404, {"detail": "not found"})
        try:
            prompts, seed = batch_from(body)
            self.answer(200, {"accepted": self.batch.accept(prompts, seed=seed)})
        except Busy as busy:
            self.answer(409, {"detail": "busy with another batch", "current_status": str(busy)})
        except (ValueError, KeyError, TypeError) as wrong:
            self.answer(400, {"detail": f"{type(wrong).__name__}: {wrong}"})

    def answer(self, code: int, document: dict) -> None:
        data = json.dumps(document).encode()
        self.send_response(code)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(data)))
        self.end_headers()
        self.wfile.write(data)

    def results(self) -> None:
        """In chunks and without a length: proxies between platform and pod cut long answers they have to buffer."""
        try:
            archive = self.batch.results()
        except Busy as busy:
            self.answer(409, {"detail": "no complete batch", "current_status": str(busy)})
            return
        self.send_response(200)
        self.send_header("Content-Type", "application/zip")
        self.send_header("Transfer-Encoding", "chunked")
        self.end_headers()
        for start in range(0, len(archive), 65536):
            chunk = archive[start : start + 65536]
            self.wfile.write(b"%x\r\n%b\r\n" % (len(chunk), chunk))
        self.wfile.write(b"0\r\n\r\n")

    def log_message(self, format: str, *args: object) -> None:
        """Quiet: /status is asked every few seconds."""


def server(host: str, port: int) -> ThreadingHTTPServer:
    handler = type("BoundHandler", (Handler,), {"batch": Batch()})
    threading.Thread(target=handler.batch.warm_up, daemon=True).start()
    return ThreadingHTTPServer((host, port), handler)


if __name__ == "__main__":
    server(os.environ.get("HOST") or "0.0.0.0", int(os.environ.get("PORT") or 10006)).serve_forever()
