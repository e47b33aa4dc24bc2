"""What if a miner's host misbehaves?  A proxy before the demo's hosting that does so for some miners."""

from __future__ import annotations

import threading
import urllib.error
import urllib.request
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

Manner = Callable[["Visit"], None]
Manners = Callable[[int, int], Manner]
TRICKLE_SECONDS = 1.0


class Host(ThreadingHTTPServer):
    """`manners`: how a miner answers, by its slug, request number m for its n-th file, in the order first asked for."""

    daemon_threads = True

    def __init__(self, *, port: int, behind: int, manners: Mapping[str, Manners]) -> None:
        super().__init__(("127.0.0.1", port), Visit)
        self.behind, self.manners = behind, manners
        self.lock, self.stop = threading.Lock(), threading.Event()
        self.files: dict[str, list[str]] = {slug: [] for slug in manners}
        self.asked: Counter[str] = Counter()
        self.misbehaved: Counter[str] = Counter()

    def manner(self, path: str) -> Manner:
        slug = path.split("/")[1]
        if slug not in self.manners:
            return good
        with self.lock:
            files = self.files[slug]
            if path not in files:
                files.append(path)
            self.asked[path] += 1
            chosen = self.manners[slug](files.index(path), self.asked[path])
            self.misbehaved[slug] += chosen is not good
            return chosen

    def handle_error(self, request: object, client_address: object) -> None:
        """A client that gives up on a host like this one is no error."""


class Visit(BaseHTTPRequestHandler):
    server: Host

    def do_GET(self) -> None:
        self.close_connection = True
        self.server.manner(self.path)(self)

    def file(self, path: str | None = None) -> tuple[int, bytes]:
        address = f"http://127.0.0.1:{self.server.behind}{path or self.path}"
        try:
            with urllib.request.urlopen(address, timeout=60) as answer:
                return answer.status, answer.read()
        except urllib.error.HTTPError as error:
            return error.code, b""
        except OSError:
            return 503, b""

    def say(self, status: int, data: bytes, *, length: int | None = None) -> None:
        self.send_response(status)
        self.send_header("Content-Length", str(len(data) if length is None else length))
        self.end_headers()
        self.wfile.write(data)

    def log_message(self, format: str, *args: object) -> None:
        """Quiet."""


def good(visit: Visit) -> None:
    visit.say(*visit.file())


def hangs(visit: Visit) -> None:
    visit.server.stop.wait(60)


def trickles(visit: Visit) -> None:
    _, data = visit.file()
    visit.say(200, b"", length=len(data))
    for place in range(60):
        visit.wfile.write(data[place : place + 1])
        if visit.server.stop.wait(TRICKLE_SECONDS):
            return


def promises_too_much(visit: Visit) -> None:
    status, data = visit.file()
    visit.say(status, data, length=len(data) + 1000)


def promises_too_little(visit: Visit) -> None:
    status, data = visit.file()
    visit.say(status, data, length=len(data) // 2)


def fails(visit: Visit) -> None:
    visit.say(500, b"")


def swaps(visit: Visit) -> None:
    """Another file under the same name, once the first was fetched."""
    others = [path for path in visit.server.files[visit.path.split("/")[1]] if path != visit.path]
    visit.say(*visit.file(others[0] if others else None))


def stumbling(file: int, request: int) -> Manner:
    """Each file fails once, each in another way, and is another one after it was delivered."""
    if request == 1:
        return (hangs, trickles, fails, promises_too_much)[file % 4]
    return good if request == 2 else swaps


def never_delivering(file: int, request: int) -> Manner:
    return (hangs, trickles, promises_too_much, promises_too_little)[file % 4]


@contextmanager
def hosting(*, port: int, behind: int, manners: Mapping[str, Manners]) -> Iterator[Host]:
    host = Host(port=port, behind=behind, manners=manners)
    thread = threading.Thread(target=host.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True)
    thread.start()
    try:
        yield host
    finally:
        host.stop.set()
        host.shutdown()
        host.server_close()
